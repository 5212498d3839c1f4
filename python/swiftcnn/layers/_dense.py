"""The fully connected layer, and the activations between layers: Affine, Relu, Sigmoid."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _c_api
from .._arrays import Array, as_array, as_bias, as_dout, as_input, check_rank, empty, promote
from ..errors import ShapeError


class Affine:
    """A fully connected layer: ``x[N][D], W[D][M], b[M] -> out[N][M]``, ``out = x . W + b``.

    x may have any number of axes; all but the first are one, D. `backward` gives x's own shape back.

    Parameters
    ----------
    W : the weights. The layer keeps the caller's own object and reads it anew at every call.
    b : the biases, kept likewise: M numbers, one number, or anything that broadcasts to (N, M).

    Attributes
    ----------
    W, b : as given.
    x : ``x[N][D]``, a view of what was given to `forward` where its layout allows. It is read again by `backward`, as
        in the book: do not change it in between.
    original_x_shape : the shape that x was given in.
    dW, db : the gradients ``dW[D][M]`` and ``db[M]``, new arrays from each `backward`.

    All of x, original_x_shape, dW and db are None before they are known.

    >>> layer = Affine([[1.0, 2.0], [3.0, 4.0]], [10.0, 20.0])
    >>> layer.forward([[1.0, 1.0]]).tolist()
    [[14.0, 26.0]]
    >>> layer.backward([[1.0, 0.0]]).tolist()
    [[1.0, 3.0]]
    >>> layer.dW.tolist(), layer.db.tolist()
    ([[1.0, 0.0], [1.0, 0.0]], [1.0, 0.0])

    Source: the article names it; book, section 5.6; ONNX Gemm.
    """

    def __init__(self, W: Any, b: Any) -> None:
        self.W = W
        self.b = b

        self.x: Any = None
        self.original_x_shape: Any = None
        self.dW: Any = None
        self.db: Any = None

        self._out_shape: Any = None

    def forward(self, x: Any) -> Array:
        """``x[N][...] -> out[N][M]``. Raises `ShapeError` if the shapes of x, W and b do not fit."""
        where = "Affine.forward"
        given = as_array(x, "x")
        if given.ndim == 0:
            raise ShapeError(f"{where}: x must have an axis N, got one number")
        flat = given.reshape(given.shape[0], math.prod(given.shape[1:]))
        rows, weight = promote(as_input(flat, "x"), as_input(self.W, "W"))
        check_rank(weight.shape, "(D, M)", "W", where)
        if rows.shape[1] != weight.shape[0]:
            raise ShapeError(
                f"{where}: x must have {weight.shape[0]} elements in each row for W of shape {weight.shape}, "
                f"got {rows.shape[1]} in shape {given.shape}"
            )
        shape = (rows.shape[0], weight.shape[1])
        bias, extra = as_bias(self.b, shape[0], shape[1], rows.dtype, where)
        rows, weight, bias, extra = promote(rows, weight, bias, extra)
        out = empty(shape, rows.dtype, where)
        _c_api.call("swiftcnn_affine_forward", rows, weight, bias, out)
        if extra is not None:
            out += extra
        self.x, self.original_x_shape, self._out_shape = flat, given.shape, shape
        return out

    def backward(self, dout: Any) -> Array:
        """``dout[N][M] -> dx``, of the shape that x was given in; sets `dW` and `db`.

        Raises `ShapeError` for another shape of dout, `CallOrderError` before any `forward`.
        """
        where = "Affine.backward"
        grad = as_dout(dout, self._out_shape, where)
        rows, weight, grad = promote(as_input(self.x, "x"), as_input(self.W, "W"), grad)
        if weight.shape != (rows.shape[1], grad.shape[1]):
            raise ShapeError(f"{where}: W must have shape {(rows.shape[1], grad.shape[1])}, got {weight.shape}")
        dx = empty(rows.shape, grad.dtype, where)
        dW = empty(weight.shape, grad.dtype, where)
        db = empty(weight.shape[1:], grad.dtype, where)
        _c_api.call("swiftcnn_affine_backward", rows, weight, grad, dx, dW, db)
        self.dW, self.db = dW, db
        result: Array = dx.reshape(self.original_x_shape)
        return result


class Relu:
    """The rectifier: ``out = max(x, 0)``, for x of any shape. A NaN stays NaN.

    `backward` leaves `dout` alone and returns a new array; the book's writes into dout.

    Attributes
    ----------
    mask : bool, of x's shape, True where x <= 0; None before `forward`.

    >>> layer = Relu()
    >>> layer.forward([[1.0, -2.0, 0.0]]).tolist()
    [[1.0, 0.0, 0.0]]
    >>> layer.mask.tolist()
    [[False, True, True]]
    >>> layer.backward([[5.0, 6.0, 7.0]]).tolist()
    [[5.0, 0.0, 0.0]]

    Source: the article names it; book, section 5.5.1; ONNX Relu.
    """

    def __init__(self) -> None:
        self.mask: Any = None

    def forward(self, x: Any) -> Array:
        """``out``, of x's shape."""
        array = as_input(x, "x")
        out = empty(array.shape, array.dtype, "Relu.forward")
        mask = empty(array.shape, np.bool_, "Relu.forward")
        _c_api.call("swiftcnn_relu_forward", array, out, mask)
        self.mask = mask
        return out

    def backward(self, dout: Any) -> Array:
        """``dx``: dout where `mask` is False, else 0.

        Raises `ShapeError` for another shape of dout, `CallOrderError` before any `forward`.
        """
        grad = as_dout(dout, None if self.mask is None else self.mask.shape, "Relu.backward")
        dx = empty(grad.shape, grad.dtype, "Relu.backward")
        _c_api.call("swiftcnn_relu_backward", self.mask, grad, dx)
        return dx


class Sigmoid:
    """The logistic function: ``out = 1 / (1 + exp(-x))``, for x of any shape.

    Attributes
    ----------
    out : what `forward` returned, which `backward` reads again; None before.

    >>> layer = Sigmoid()
    >>> layer.forward([0.0]).tolist()
    [0.5]
    >>> layer.backward([4.0]).tolist()
    [1.0]

    Source: book, section 5.5.2; ONNX Sigmoid.
    """

    def __init__(self) -> None:
        self.out: Any = None

    def forward(self, x: Any) -> Array:
        """``out``, of x's shape."""
        array = as_input(x, "x")
        out = empty(array.shape, array.dtype, "Sigmoid.forward")
        _c_api.call("swiftcnn_sigmoid_forward", array, out)
        self.out = out
        return out

    def backward(self, dout: Any) -> Array:
        """``dx = dout * out * (1 - out)``.

        Raises `ShapeError` for another shape of dout, `CallOrderError` before any `forward`.
        """
        grad = as_dout(dout, None if self.out is None else self.out.shape, "Sigmoid.backward")
        out, grad = promote(as_input(self.out, "out"), grad)
        dx = empty(grad.shape, grad.dtype, "Sigmoid.backward")
        _c_api.call("swiftcnn_sigmoid_backward", out, grad, dx)
        return dx
