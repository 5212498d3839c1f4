"""The last layer of a classifier: softmax, and the cross-entropy with the true classes."""

from __future__ import annotations

from typing import Any

import numpy as np

from .. import _c_api
from .._arrays import Array, as_array, as_input, empty, promote
from ..errors import CallOrderError, DTypeError, InvalidArgumentError, ShapeError


class SoftmaxWithLoss:
    """Softmax and cross-entropy: ``x[N][K], t -> loss``, the mean over N of ``-log(softmax(x)[n][t[n]])``.

    `t` is recognised as in the book: if it has as many elements as x, it is a distribution in each row (one-hot),
    ``t[N][K]``; else it is class indices, ``t[N]``. x may also be one row, ``x[K]``.

    The loss is exact and finite for any finite x, where the book adds 1e-7 inside the logarithm. `backward` multiplies
    by `dout`, which the book ignores.

    Parameters
    ----------
    book : True gives the book's numbers: 1e-7 inside the logarithm; only the largest element of each row of a one-hot t
        counts in the loss; dout is ignored. Default False. Keyword only.

    Attributes
    ----------
    loss : what `forward` returned, a float.
    y : softmax(x), of x's shape.
    t : what was given to `forward`.

    All are None before `forward`.

    >>> layer = SoftmaxWithLoss()
    >>> round(layer.forward([[0.0, 0.0]], [1]), 6)
    0.693147
    >>> layer.y.tolist()
    [[0.5, 0.5]]
    >>> layer.backward().tolist()
    [[0.5, -0.5]]

    Source: the article names it; book, section 5.6.3; ONNX SoftmaxCrossEntropyLoss.
    """

    def __init__(self, *, book: bool = False) -> None:
        self.book = book

        self.loss: Any = None
        self.y: Any = None
        self.t: Any = None

        # Of the last forward: y as rows, t as the library takes it.
        self._rows: Any = None
        self._target: Any = None

    def forward(self, x: Any, t: Any) -> float:
        """The loss.

        Raises `ShapeError` if x has not 1 or 2 axes or t does not fit it, `DTypeError` if classes are not integers,
        `InvalidArgumentError` for a class that does not exist.
        """
        scores = as_input(x, "x")
        if scores.ndim not in (1, 2) or scores.size == 0:
            raise ShapeError(f"SoftmaxWithLoss.forward: x must have axes (N, K) or (K,), none empty, got {scores.shape}")
        rows = scores.reshape(-1, scores.shape[-1])
        target = _target(t, rows.shape)
        if target.ndim == 2:
            rows, target = promote(rows, target)
        y = empty(rows.shape, rows.dtype, "SoftmaxWithLoss.forward")
        loss = _c_api.call_loss(rows, target, y)
        if self.book:
            classes = target.argmax(axis=1) if target.ndim == 2 else target
            loss = float(-np.sum(np.log(y[np.arange(len(y)), classes] + 1e-7)) / len(y))
        self.loss, self.y, self.t = loss, y.reshape(scores.shape), t
        self._rows, self._target = y, target
        return loss

    def backward(self, dout: Any = 1) -> Array:
        """``dx``, of x's shape: the gradient of ``dout * loss``; dout is one number, 1 by default.

        Raises `ShapeError` if dout is not one number, `CallOrderError` before any `forward`.
        """
        if self._rows is None:
            raise CallOrderError("SoftmaxWithLoss.backward needs a forward before it")
        scale = as_input(dout, "dout")
        if scale.size != 1:
            raise ShapeError(f"SoftmaxWithLoss.backward: dout must be one number, got shape {scale.shape}")
        if self.book and self._target.ndim == 2:
            dx = np.asarray((self._rows - self._target) / len(self._rows))
        else:
            dx = empty(self._rows.shape, self._rows.dtype, "SoftmaxWithLoss.backward")
            factor = 1.0 if self.book else float(scale.reshape(()))
            _c_api.call("swiftcnn_softmax_cross_entropy_backward", self._rows, self._target, factor, dx)
        result: Array = dx.reshape(self.y.shape)
        return result


def _target(t: Any, shape: tuple[int, ...]) -> Array:
    """`t` for scores of `shape`: a float array ``t[N][K]``, or int32 or int64 ``t[N]`` of classes that exist."""
    where = "SoftmaxWithLoss.forward"
    target = as_array(t, "t")
    if target.size == shape[0] * shape[1]:
        return as_input(target, "t").reshape(shape)
    if target.size != shape[0]:
        raise ShapeError(f"{where}: t must have shape ({shape[0]},) or {shape} for x of shape {shape}, got {target.shape}")
    if target.dtype.kind not in "iu":
        raise DTypeError(f"{where}: t must hold class indices, integers, in shape {target.shape}, got {target.dtype}")
    least, most = target.min(), target.max()
    if least < 0 or most >= shape[1]:
        wrong = least if least < 0 else most
        raise InvalidArgumentError(f"{where}: t must hold classes from 0 to {shape[1] - 1}, got {wrong}")
    kind = np.int32 if target.dtype == np.int32 else np.int64
    return np.require(target.reshape(-1), kind, ["C", "A", "E"])
