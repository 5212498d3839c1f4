"""im2col, its adjoint col2im, and the convolution layer.

The article computes a convolution as one product of im2col's matrix with the filters. `Convolution` gives the same
numbers and never makes that matrix; its `col` is computed when somebody reads it.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

from .. import _c_api
from .._arrays import Array, Shape, as_array, as_bias, as_dout, as_input, check_rank, empty, promote, snapshot
from .._windows import Pads, Pair, as_integer, as_integers, as_steps, check_fit
from ..errors import ShapeError


def _window(shape: Any, kernel: Any, stride: Any, pad: Any, dilation: Any, where: str) -> tuple[_c_api.Window, Any]:
    """The window of im2col over images of `shape`, and the shape of the matrix."""
    size = (as_integer(kernel[0], "filter_h", 1), as_integer(kernel[1], "filter_w", 1))
    strides, pads, dilations = as_steps(stride, pad, dilation)
    window = _c_api.Window(size, strides, pads, dilations)
    check_fit(shape[2:], size, pads, dilations, "filter_h, filter_w", where)
    return window, _c_api.call_shape("swiftcnn_im2col_shape", window, shape, rank=2)


def im2col(input_data: Any, filter_h: int, filter_w: int, stride: Any = 1, pad: Any = 0, *, dilation: Any = 1) -> Array:
    """Every place of a sliding window as one row of a matrix.

    ``input_data[N][C][H][W] -> col[N*OH*OW][C*filter_h*filter_w]``, with ``OH = (H + 2*pad - filter_h)//stride + 1``.
    Row ``(n*OH + oh)*OW + ow`` holds the window there, in the order c, y, x. Outside the image there are zeros. Rows
    and columns that no window reaches are left out.

    `stride` and `dilation` are integers or pairs (vertical, horizontal), `pad` is an integer, a pair, or (top, left,
    bottom, right). float32 stays float32 (in the article it becomes float64).

    Raises `ShapeError` if input_data has not 4 axes or the window does not fit, `InvalidArgumentError` for a size,
    stride or pad out of range, `DTypeError` if one is not an integer.

    >>> im2col([[[[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]]]], 2, 2).tolist()
    [[1.0, 2.0, 4.0, 5.0], [2.0, 3.0, 5.0, 6.0]]

    Source: the article; book, section 7.4.2.
    """
    x = as_input(input_data, "input_data")
    check_rank(x.shape, "(N, C, H, W)", "input_data", "im2col")
    window, shape = _window(x.shape, (filter_h, filter_w), stride, pad, dilation, "im2col")
    col = empty(shape, x.dtype, "im2col")
    _c_api.call("swiftcnn_im2col", window, x, col)
    return col


def col2im(
    col: Any, input_shape: Any, filter_h: int, filter_w: int, stride: Any = 1, pad: Any = 0, *, dilation: Any = 1
) -> Array:
    """The adjoint of `im2col`: adds every element of `col` to the place it would have been read from.

    ``col[N*OH*OW][C*filter_h*filter_w] -> (N, C, H, W)``, which is `input_shape`. Where windows overlap, elements are
    summed; it is the step back through `im2col`, not its inverse. `col` may also have the 6 axes (N, OH, OW, C,
    filter_h, filter_w). Other arguments as for `im2col`.

    Raises what `im2col` does, and `ShapeError` if `col` has another shape (the article takes any of the right size).

    >>> col2im([[1.0, 1.0, 1.0, 1.0], [1.0, 1.0, 1.0, 1.0]], (1, 1, 2, 3), 2, 2).tolist()
    [[[[1.0, 2.0, 1.0], [1.0, 2.0, 1.0]]]]

    Source: the article; book, section 7.4.2.
    """
    matrix = as_input(col, "col")
    shape = as_integers(input_shape, "input_shape", 0, (4,))
    if len(shape) != 4:
        raise ShapeError(f"col2im: input_shape must be (N, C, H, W), got {input_shape!r}")
    window, wanted = _window(shape, (filter_h, filter_w), stride, pad, dilation, "col2im")
    if matrix.ndim == 6 and matrix.shape[0] == shape[0] and matrix.shape[3:] == (shape[1], filter_h, filter_w):
        matrix = matrix.reshape(matrix.shape[0] * matrix.shape[1] * matrix.shape[2], wanted[1])
    if matrix.shape != wanted:
        raise ShapeError(f"col2im: col must have shape {wanted} for these arguments, got {as_array(col, 'col').shape}")
    x = empty(shape, matrix.dtype, "col2im")
    _c_api.call("swiftcnn_col2im", window, matrix, x)
    return x


@lru_cache(maxsize=256)
def _plan(
    image: Shape, weight: Shape, strides: Pair, pads: Pads, dilations: Pair, groups: int, exact: bool
) -> tuple[_c_api.Convolution, Shape]:
    """The library's parameters for a convolution of these shapes, and the shape of its output; or what does not fit.

    Kept, because a network asks for the same again and again.
    """
    where = "Convolution.forward"
    check_rank(image, "(N, C, H, W)", "x", where)
    check_rank(weight, "(FN, C, FH, FW)", "W", where)
    count, channels = weight[:2]
    if image[1] != channels * groups:
        wanted = f"{channels}" if groups == 1 else f"{channels} * {groups} groups = {channels * groups}"
        raise ShapeError(f"{where}: x must have {wanted} channels for W of shape {weight}, got {image}")
    if count % groups:
        raise ShapeError(f"{where}: W must have a multiple of groups = {groups} filters, got shape {weight}")
    check_fit((image[2], image[3]), (weight[2], weight[3]), pads, dilations, "W", where)
    parameters = _c_api.Convolution(strides, pads, dilations, groups, exact)
    return parameters, _c_api.call_shape("swiftcnn_convolution_shape", parameters, image, weight)


class Convolution:
    """A convolution layer: ``x[N][C][H][W], W[FN][C][FH][FW], b[FN] -> out[N][FN][OH][OW]``.

    ``OH = (H + 2*pad - FH)//stride + 1``; rows and columns that no window reaches are ignored and get a gradient of 0.

    Parameters
    ----------
    W : the filters. The layer keeps the caller's own object and reads it anew at every `forward`.
    b : the biases, kept likewise: FN numbers, one number, or anything that broadcasts to the output's rows (N*OH*OW,
        FN).
    stride : an integer, or (vertical, horizontal). Default 1.
    pad : zeros around the image: an integer, (vertical, horizontal), or (top, left, bottom, right). Default 0.
    dilation : the distance of a filter's cells in the image; an integer or a pair. Default 1. Keyword only.
    groups : splits channels and filters into this many groups that do not see each other; W is then
        ``W[FN][C/groups][FH][FW]``. Default 1. Keyword only.
    exact : True takes only algorithms whose sums are those of the definition; else 3 x 3 filters of stride 1 or 2 may go by
        Winograd's, which is faster and errs by up to 1e-5 of the largest output in float32. Default False. Keyword only.

    Attributes
    ----------
    W, b, stride, pad, dilation, groups, exact : as given; read at every `forward`.
    x : the array that was given to `forward`.
    col : ``col[N*OH*OW][C*FH*FW]``, `im2col` of x as it was in `forward`. Computed anew each time it is read.
    col_W : ``col_W[C*FH*FW][FN]``, a view of W's memory where W is in C order. So `backward` sees what has changed in W
        since `forward`, as in the article.
    dW, db : the gradients ``dW[FN][C][FH][FW]`` and ``db[FN]``, new arrays from each `backward`.

    All of x, col, col_W, dW and db are None before they are known.

    >>> import numpy as np
    >>> layer = Convolution(np.ones((1, 1, 2, 2)), 0)
    >>> layer.forward(np.arange(9.0).reshape(1, 1, 3, 3)).tolist()
    [[[[8.0, 12.0], [20.0, 24.0]]]]
    >>> layer.backward(np.ones((1, 1, 2, 2))).tolist()
    [[[[1.0, 2.0, 1.0], [2.0, 4.0, 2.0], [1.0, 2.0, 1.0]]]]
    >>> layer.dW.tolist(), layer.db.tolist()
    ([[[[8.0, 12.0], [20.0, 24.0]]]], [4.0])

    Source: the article; book, section 7.4.3; ONNX Conv.
    """

    def __init__(
        self,
        W: Any,
        b: Any,
        stride: Any = 1,
        pad: Any = 0,
        *,
        dilation: Any = 1,
        groups: int = 1,
        exact: bool = False,
    ) -> None:
        self.W = W
        self.b = b
        self.stride = stride
        self.pad = pad
        self.dilation = dilation
        self.groups = groups
        self.exact = exact

        self.x: Any = None
        self.col_W: Any = None
        self.dW: Any = None
        self.db: Any = None

        # Of the last forward: its parameters, x as it was, W as a view where possible, and the shape of the output.
        self._parameters: Any = None
        self._snapshot: Any = None
        self._weight: Any = None
        self._out_shape: Any = None

    def forward(self, x: Any) -> Array:
        """``x[N][C][H][W] -> out[N][FN][OH][OW]``.

        Raises `ShapeError` if an array has not 4 axes, channels do not match or the filter does not fit into the image,
        and what `im2col` raises for stride, pad and dilation.
        """
        where = "Convolution.forward"
        filters = as_array(self.W, "W")
        image, weight = promote(as_input(x, "x"), as_input(filters, "W"))
        steps = as_steps(self.stride, self.pad, self.dilation)
        parameters, shape = _plan(image.shape, weight.shape, *steps, as_integer(self.groups, "groups", 1), bool(self.exact))
        count = shape[1]

        rows = shape[0] * shape[2] * shape[3]
        bias, extra = as_bias(self.b, rows, count, image.dtype, where)
        image, weight, bias, extra = promote(image, weight, bias, extra)
        out = empty(shape, image.dtype, where)
        _c_api.call("swiftcnn_convolution_forward", parameters, image, weight, bias, out)
        if extra is not None:
            out += extra.reshape(shape[0], shape[2], shape[3], -1).transpose(0, 3, 1, 2)

        by_filter = filters.reshape(count, math.prod(filters.shape[1:]))
        self.x = x
        self.col_W = by_filter.T
        self._parameters, self._out_shape = parameters, shape
        self._snapshot = snapshot(image, x)
        self._weight = by_filter.reshape(filters.shape)
        return out

    def backward(self, dout: Any) -> Array:
        """``dout[N][FN][OH][OW] -> dx[N][C][H][W]``; sets `dW` and `db`.

        Raises `ShapeError` for another shape of dout, `CallOrderError` before any `forward`.
        """
        where = "Convolution.backward"
        grad = as_dout(dout, self._out_shape, where)
        image, weight, grad = promote(self._snapshot, as_input(self._weight, "W"), grad)
        dx = empty(image.shape, grad.dtype, where)
        dW = empty(weight.shape, grad.dtype, where)
        db = empty(weight.shape[:1], grad.dtype, where)
        _c_api.call("swiftcnn_convolution_backward", self._parameters, image, weight, grad, dx, dW, db)
        self.dW, self.db = dW, db
        return dx

    @property
    def col(self) -> Any:
        """`im2col` of x as it was in the last `forward`; None before."""
        if self._snapshot is None:
            return None
        kept, kernel = self._parameters, self._weight.shape[2:]
        strides, pads, dilations = tuple(kept.strides), tuple(kept.pads), tuple(kept.dilations)
        return im2col(self._snapshot, kernel[0], kernel[1], strides, pads, dilation=dilations)
