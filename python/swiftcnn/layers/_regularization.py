"""Layers that behave differently in training and in use: BatchNormalization and Dropout."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .. import _c_api
from .._arrays import Array, as_dout, as_input, as_vector, empty, promote
from ..errors import DTypeError, InvalidArgumentError, ShapeError


class BatchNormalization:
    """Batch normalization: ``x[N][C] or x[N][C][...] -> out`` of the same shape.

    ``out = gamma * (x - mean) / sqrt(variance + epsilon) + beta``, with one mean and variance for each of the C
    channels: in training those of the batch, in use the running ones. The book's normalizes every element of an image
    by itself, as if it were a channel; on x[N][D] the two are the same.

    Parameters
    ----------
    gamma, beta : C numbers, or one. The layer keeps the caller's own objects and reads them anew at every call.
    momentum : ``running = momentum * running + (1 - momentum) * batch``. Default 0.9.
    running_mean, running_var : C numbers to begin with; zeros, as in the book, by default.
    epsilon : added to the variance. Default 1e-6, as in the book (ONNX's is 1e-5). Keyword only.
    book : True normalizes per element: ``x[N][C][H][W]`` as ``x[N][C*H*W]``. Default False. Keyword only.

    Attributes
    ----------
    gamma, beta, momentum, epsilon, book : as given.
    running_mean, running_var : new arrays from each `forward` in training, of the type of the computation.
    input_shape : the shape of x; None before `forward`.
    dgamma, dbeta : the gradients, ``dgamma[C]`` and ``dbeta[C]``, new arrays from each `backward`; None before.

    >>> layer = BatchNormalization([1.0], [0.0], epsilon=0.0)
    >>> layer.forward([[1.0], [3.0]]).tolist()
    [[-1.0], [1.0]]
    >>> [round(float(r), 3) for r in (layer.running_mean[0], layer.running_var[0])]
    [0.2, 0.1]
    >>> layer.backward([[1.0], [1.0]]).tolist()
    [[0.0], [0.0]]

    Source: book, section 6.3; ONNX BatchNormalization.
    """

    def __init__(
        self,
        gamma: Any,
        beta: Any,
        momentum: float = 0.9,
        running_mean: Any = None,
        running_var: Any = None,
        *,
        epsilon: float = 1e-6,
        book: bool = False,
    ) -> None:
        self.gamma = gamma
        self.beta = beta
        self.momentum = momentum
        self.running_mean = running_mean
        self.running_var = running_var
        self.epsilon = epsilon
        self.book = book

        self.input_shape: Any = None
        self.dgamma: Any = None
        self.dbeta: Any = None

        # Of the last forward in training: x as the library took it, and its statistics.
        self._x: Any = None
        self._mean: Any = None
        self._inverse_deviation: Any = None
        self._train_shape: Any = None

    def forward(self, x: Any, train_flg: bool = True) -> Array:
        """``out``, of x's shape. In training (`train_flg` True, the default) also updates the running statistics.

        Raises `ShapeError` if x has fewer than 2 axes or a parameter has not C numbers. `backward` reads x again: do
        not change it in between.
        """
        where = "BatchNormalization.forward"
        image = as_input(x, "x")
        shape = image.shape
        if image.ndim < 2:
            raise ShapeError(f"{where}: x must have axes (N, C) or (N, C, ...), got shape {shape}")
        if self.book:
            image = image.reshape(shape[0], math.prod(shape[1:]))
        channels = image.shape[1]
        gamma = as_vector(self.gamma, channels, "gamma", where)
        beta = as_vector(self.beta, channels, "beta", where)
        image, gamma, beta = promote(image, gamma, beta)
        running_mean = self._running(self.running_mean, channels, "running_mean", image.dtype)
        running_var = self._running(self.running_var, channels, "running_var", image.dtype)
        parameters = _c_api.BatchNormalization(
            as_number(self.epsilon, "epsilon", 0.0, math.inf), as_number(self.momentum, "momentum", 0.0, 1.0)
        )
        out = empty(image.shape, image.dtype, where)
        if train_flg:
            mean, inverse = empty((channels,), image.dtype, where), empty((channels,), image.dtype, where)
            _c_api.call(
                "swiftcnn_batch_normalization_train",
                parameters,
                *(image, gamma, beta, running_mean, running_var),
                *(out, mean, inverse),
            )
            self._x, self._mean, self._inverse_deviation, self._train_shape = image, mean, inverse, shape
        else:
            _c_api.call("swiftcnn_batch_normalization_infer", parameters, image, gamma, beta, running_mean, running_var, out)
        self.running_mean, self.running_var, self.input_shape = running_mean, running_var, shape
        return out.reshape(shape)

    def backward(self, dout: Any) -> Array:
        """``dx``, of x's shape, through the statistics of the last batch in training; sets `dgamma` and `dbeta`.

        Raises `ShapeError` for another shape of dout, `CallOrderError` before any `forward` in training.
        """
        where = "BatchNormalization.backward"
        grad = as_dout(dout, self._train_shape, where).reshape(np.shape(self._x))
        gamma = as_vector(self.gamma, self._x.shape[1], "gamma", where)
        kept = (self._x, self._mean, self._inverse_deviation)
        image, mean, inverse, gamma, grad = promote(*kept, gamma, grad)
        dx = empty(image.shape, grad.dtype, where)
        dgamma, dbeta = empty(gamma.shape, grad.dtype, where), empty(gamma.shape, grad.dtype, where)
        _c_api.call("swiftcnn_batch_normalization_backward", *(image, gamma, mean, inverse, grad), *(dx, dgamma, dbeta))
        self.dgamma, self.dbeta = dgamma, dbeta
        result: Array = dx.reshape(self._train_shape)
        return result

    @staticmethod
    def _running(value: Any, channels: int, name: str, dtype: Any) -> Array:
        """A copy of a running statistic, which the library may update."""
        if value is None:
            return np.zeros(channels, dtype)
        return np.array(as_vector(value, channels, name, "BatchNormalization.forward", dtype))


class Dropout:
    """Dropout: in training each element of x, of any shape, is zeroed with probability `dropout_ratio`.

    What is left is divided by ``1 - dropout_ratio``, and outside training x passes as it is (inverted dropout). The
    book's leaves what is left as it is, and multiplies by ``1 - dropout_ratio`` outside training.

    The mask comes from the native generator, seeded from NumPy's global one: `numpy.random.seed` makes it repeatable,
    on any machine and any number of threads.

    Parameters
    ----------
    dropout_ratio : from 0 up to, not including, 1. Default 0.5.
    book : True gives the book's numbers: its scaling, and ``mask = np.random.rand(*x.shape) > dropout_ratio``; the
        ratio may then be 1. Default False. Keyword only.

    Attributes
    ----------
    dropout_ratio, book : as given.
    mask : bool, of x's shape, True where x was kept; None before a `forward` in training.

    >>> layer = Dropout(0.5)
    >>> out = layer.forward([1.0, 2.0, 3.0, 4.0])
    >>> bool((out == layer.mask * [2.0, 4.0, 6.0, 8.0]).all())
    True
    >>> layer.forward([1.0, 2.0], train_flg=False).tolist()
    [1.0, 2.0]

    Source: book, section 6.4.3; ONNX Dropout.
    """

    def __init__(self, dropout_ratio: float = 0.5, *, book: bool = False) -> None:
        self.dropout_ratio = dropout_ratio
        self.book = book
        self.mask: Any = None
        self._ratio = 0.0  # of the last forward in training

    def forward(self, x: Any, train_flg: bool = True) -> Array:
        """``out``, of x's shape, new memory in either mode. Raises `InvalidArgumentError` for a ratio out of range."""
        array = as_input(x, "x")
        ratio = as_number(self.dropout_ratio, "dropout_ratio", 0.0, 1.0)
        if ratio == 1.0 and not self.book:
            raise InvalidArgumentError("dropout_ratio must be less than 1, got 1.0")
        if not train_flg:
            return np.asarray(array * array.dtype.type(1.0 - ratio)) if self.book else np.array(array)
        if self.book:
            mask = np.asarray(np.random.rand(*array.shape) > ratio)
            out = np.asarray(array * mask)
        else:
            mask = empty(array.shape, np.bool_, "Dropout.forward")
            out = empty(array.shape, array.dtype, "Dropout.forward")
            seed = int(np.random.randint(0, 2**63 - 1, dtype=np.int64))
            _c_api.call("swiftcnn_dropout_forward", ratio, seed, array, out, mask)
        self.mask, self._ratio = mask, ratio
        return out

    def backward(self, dout: Any) -> Array:
        """``dx``: dout where `mask` is True, scaled as in `forward`, else 0.

        Raises `ShapeError` for another shape of dout, `CallOrderError` before any `forward` in training.
        """
        grad = as_dout(dout, None if self.mask is None else self.mask.shape, "Dropout.backward")
        if self.book:
            return np.asarray(grad * self.mask)
        dx = empty(grad.shape, grad.dtype, "Dropout.backward")
        _c_api.call("swiftcnn_dropout_backward", self._ratio, self.mask, grad, dx)
        return dx


def as_number(value: Any, name: str, least: float, most: float) -> float:
    """`value` as a float from `least` to `most`; NaN is neither."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise DTypeError(f"{name} must be a number, got {value!r} ({type(value).__name__})") from None
    if not least <= number <= most:
        raise InvalidArgumentError(f"{name} must be from {least:g} to {most:g}, got {number:g}")
    return number
