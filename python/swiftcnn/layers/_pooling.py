"""Max and average pooling."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from .. import _c_api
from .._arrays import Array, Shape, as_dout, as_input, check_rank, empty
from .._windows import Pads, Pair, as_integer, as_steps, check_fit


@lru_cache(maxsize=256)
def _plan(
    image: Shape, kernel: Pair, strides: Pair, pads: Pads, dilations: Pair, ceil_mode: bool, count_pad: bool, where: str
) -> tuple[_c_api.Pooling, Shape]:
    """The library's parameters for pooling images of this shape, and the shape of its output; or what does not fit.

    Kept, because a network asks for the same again and again.
    """
    check_rank(image, "(N, C, H, W)", "x", where)
    check_fit((image[2], image[3]), kernel, pads, dilations, "pool_h, pool_w", where)
    parameters = _c_api.Pooling(kernel, strides, pads, dilations, ceil_mode, count_pad)
    return parameters, _c_api.call_shape("swiftcnn_pooling_shape", parameters, image)


class _Window:
    """What max and average pooling share: the sliding window, and what one `forward` leaves for `backward`."""

    count_include_pad = False

    def __init__(self, pool_h: int, pool_w: int, stride: Any, pad: Any, dilation: Any, ceil_mode: bool) -> None:
        self.pool_h = pool_h
        self.pool_w = pool_w
        self.stride = stride
        self.pad = pad
        self.dilation = dilation
        self.ceil_mode = ceil_mode

        self.x: Any = None

        # Of the last forward: its parameters, and the shapes of both sides.
        self._parameters: Any = None
        self._x_shape: Any = None
        self._out_shape: Any = None

    def _prepare(self, x: Any, where: str) -> tuple[Array, _c_api.Pooling, Shape]:
        """x as the library takes it, the parameters, and the shape of the output."""
        image = as_input(x, "x")
        kernel = (as_integer(self.pool_h, "pool_h", 1), as_integer(self.pool_w, "pool_w", 1))
        steps = as_steps(self.stride, self.pad, self.dilation)
        return image, *_plan(image.shape, kernel, *steps, bool(self.ceil_mode), bool(self.count_include_pad), where)

    def _keep(self, x: Any, image: Array, parameters: _c_api.Pooling, out: Array) -> None:
        self.x = x
        self._parameters, self._x_shape, self._out_shape = parameters, image.shape, out.shape


class Pooling(_Window):
    """A max pooling layer: ``x[N][C][H][W] -> out[N][C][OH][OW]``, the largest element of each window.

    ``OH = (H + 2*pad - pool_h)//stride + 1``. Among equals the first in row-major order wins, and takes the whole
    gradient. A NaN wins over every number.

    Parameters
    ----------
    pool_h, pool_w : the size of the window.
    stride : an integer, or (vertical, horizontal). Default 1, as in the article (2 in later printings of the book).
    pad : an integer, (vertical, horizontal), or (top, left, bottom, right). Default 0. The padding is minus infinity,
        so it never wins. In the article it is 0, and most padded shapes raise.
    dilation : the distance of a window's cells in the image; an integer or a pair. Default 1. Keyword only.
    ceil_mode : whether a last window that starts inside the image but ends outside counts. Default False. Keyword only.

    Attributes
    ----------
    pool_h, pool_w, stride, pad, dilation, ceil_mode : as given; read at every `forward`.
    x : the array that was given to `forward`; None before.
    arg_max : int64, ``arg_max[N*OH*OW*C]``: where in its window, as ``y*pool_w + x``, each maximum was (-1 where a
        window lies wholly in the padding). Made anew each time it is read; None before.

    >>> layer = Pooling(2, 2, stride=2)
    >>> layer.forward([[[[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 9.0]]]]).tolist()
    [[[[4.0, 9.0]]]]
    >>> layer.arg_max.tolist()
    [3, 3]
    >>> layer.backward([[[[5.0, 6.0]]]]).tolist()
    [[[[0.0, 0.0, 0.0, 0.0], [0.0, 5.0, 0.0, 6.0]]]]

    Source: the article; book, section 7.4.4; ONNX MaxPool.
    """

    def __init__(
        self, pool_h: int, pool_w: int, stride: Any = 1, pad: Any = 0, *, dilation: Any = 1, ceil_mode: bool = False
    ) -> None:
        super().__init__(pool_h, pool_w, stride, pad, dilation, ceil_mode)
        self._winners: Any = None

    def forward(self, x: Any) -> Array:
        """``x[N][C][H][W] -> out[N][C][OH][OW]``.

        Raises `ShapeError` if x has not 4 axes or the window does not fit, `InvalidArgumentError` for a size, stride or
        pad out of range, `DTypeError` if one is not an integer.
        """
        image, parameters, shape = self._prepare(x, "Pooling.forward")
        out = empty(shape, image.dtype, "Pooling.forward")
        winners = empty(shape, np.int32, "Pooling.forward")
        _c_api.call("swiftcnn_max_pooling_forward", parameters, image, out, winners)
        self._keep(x, image, parameters, out)
        self._winners = winners
        return out

    def backward(self, dout: Any) -> Array:
        """``dout[N][C][OH][OW] -> dx[N][C][H][W]``.

        Raises `ShapeError` for another shape of dout, `CallOrderError` before any `forward`.
        """
        grad = as_dout(dout, self._out_shape, "Pooling.backward")
        dx = empty(self._x_shape, grad.dtype, "Pooling.backward")
        _c_api.call("swiftcnn_max_pooling_backward", self._parameters, self._winners, grad, dx)
        return dx

    @property
    def arg_max(self) -> Any:
        """The place of each maximum in its window, in the order n, oh, ow, c; None before `forward`."""
        if self._winners is None:
            return None
        return self._winners.transpose(0, 2, 3, 1).reshape(-1).astype(np.int64)


class AveragePooling(_Window):
    """An average pooling layer: ``x[N][C][H][W] -> out[N][C][OH][OW]``, the mean of each window.

    Parameters and attributes are those of `Pooling`, without `arg_max`, and:

    count_include_pad : whether the zeros of the padding count in the mean. Default False. Keyword only.

    >>> layer = AveragePooling(2, 2, stride=2)
    >>> layer.forward([[[[1.0, 2.0, 0.0, 0.0], [3.0, 4.0, 0.0, 8.0]]]]).tolist()
    [[[[2.5, 2.0]]]]
    >>> layer.backward([[[[4.0, 8.0]]]]).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]

    Source: ONNX AveragePool; the article and the book have none.
    """

    def __init__(
        self,
        pool_h: int,
        pool_w: int,
        stride: Any = 1,
        pad: Any = 0,
        *,
        dilation: Any = 1,
        ceil_mode: bool = False,
        count_include_pad: bool = False,
    ) -> None:
        super().__init__(pool_h, pool_w, stride, pad, dilation, ceil_mode)
        self.count_include_pad = count_include_pad

    def forward(self, x: Any) -> Array:
        """``x[N][C][H][W] -> out[N][C][OH][OW]``. Raises what `Pooling.forward` does."""
        image, parameters, shape = self._prepare(x, "AveragePooling.forward")
        out = empty(shape, image.dtype, "AveragePooling.forward")
        _c_api.call("swiftcnn_average_pooling_forward", parameters, image, out)
        self._keep(x, image, parameters, out)
        return out

    def backward(self, dout: Any) -> Array:
        """``dout[N][C][OH][OW] -> dx[N][C][H][W]``. Raises what `Pooling.backward` does."""
        grad = as_dout(dout, self._out_shape, "AveragePooling.backward")
        dx = empty(self._x_shape, grad.dtype, "AveragePooling.backward")
        _c_api.call("swiftcnn_average_pooling_backward", self._parameters, grad, dx)
        return dx
