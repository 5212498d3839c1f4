"""Predictions and training steps of arrays of a shape that came before: all that is the same in every call is looked up once,
since what Python does for a call takes longer than a small network; and longer still behind a step, which has left nothing of
Python in the caches."""

from __future__ import annotations

import ctypes
import struct
import threading
from functools import partial
from typing import Callable, Optional

import numpy as np

from .. import _memory
from .._arrays import Array, Shape, empty
from .._c_api import _STATUS, Tensor, _address_of_whole, _fail, _functions, _nowhere
from .._c_network import Network
from ._parameter import Held

_PREDICT, _TRAIN_STEP = "swiftcnn_network_predict", "swiftcnn_network_train_step"
_tensor_bytes = struct.Struct("PPii").pack  # Tensor's members


def _undeclared(name: str) -> Callable[..., int]:
    """The function, which takes tensors as bytes, and numbers as ctypes has them already: structures cost more than a small
    network, and conversions to declared types half a microsecond."""
    return ctypes.CFUNCTYPE(_STATUS)(ctypes.cast(_functions[name], ctypes.c_void_p).value or 0)


_predict, _train_step = _undeclared(_PREDICT), _undeclared(_TRAIN_STEP)
_ONE = ctypes.c_size_t(1)


def prediction(network: Network, x: Shape, y: Array, claimed: list[int]) -> Callable[[Array, int], Optional[Array]]:
    """``predict(array, batch_size)`` for arrays of shape x, one batch each, whose outputs are like y. It gives None where that
    takes more than a call: for other arrays and batches, and where another network has had what this one has `claimed`."""
    shape, dtype, images = y.shape, network.dtype, x[0]
    new: Callable[[Shape, np.dtype], Array] = np.empty if y.nbytes < _memory.SMALLEST else partial(empty, where="predict")
    tensors = _nowhere(x, dtype), _nowhere(shape, dtype)
    x_shape, y_shape = (ctypes.addressof(tensor.shape.contents) if tensor.rank else 0 for tensor in tensors)
    x_rank, y_rank, kind = len(x), len(shape), tensors[0].type
    # A function's own names are found faster than others.
    call, handle, one, bytes_of, address = _predict, network._handle, _ONE, _tensor_bytes, _address_of_whole

    def predict(array: Array, batch_size: int, _pointed_to: object = tensors) -> Optional[Array]:
        if array.dtype is not dtype or batch_size < images or claimed[0] != Held.moves:
            return None
        flags = array.flags
        if not (flags.c_contiguous and flags.aligned):
            return None
        if network._is_lent:
            network.settle()
        result = new(shape, dtype)
        given = bytes_of(address(array), x_shape, x_rank, kind)
        status = call(handle, given, one, bytes_of(address(result), y_shape, y_rank, kind), one)
        if status:
            _fail(_PREDICT, status)
        return result

    return predict


def training_step(
    network: Network, x: Shape, y: Array, claimed: list[int], lock: threading.RLock
) -> Callable[[Array, Array], Optional[float]]:
    """``step(array, target)`` for arrays of shape x and targets like y: the loss. It gives None, and has done nothing, for
    others and where another network has had what this one has `claimed`."""
    dtype, wanted, wanted_shape = network.dtype, y.dtype, y.shape
    pattern, pattern_y = _nowhere(x, dtype), _nowhere(wanted_shape, wanted)
    x_shape, x_rank, kind = ctypes.addressof(pattern.shape.contents) if x else 0, len(x), pattern.type
    aim = Tensor.from_buffer_copy(pattern_y)  # which goes by value
    call, handle, one, bytes_of, address = _train_step, network._handle, _ONE, _tensor_bytes, _address_of_whole
    loss = ctypes.c_double()
    to_loss = ctypes.byref(loss)

    def step(array: Array, target: Array, _pointed_to: object = (pattern, pattern_y)) -> Optional[float]:
        if array.dtype is not dtype or target.dtype is not wanted or target.shape != wanted_shape:
            return None
        flags, more = array.flags, target.flags
        if not (flags.c_contiguous and flags.aligned and more.c_contiguous and more.aligned) or claimed[0] != Held.moves:
            return None
        given = bytes_of(address(array), x_shape, x_rank, kind)
        with lock:
            aim.data = address(target)
            status = call(handle, given, one, aim, to_loss)
            value = loss.value
        if status:
            _fail(_TRAIN_STEP, status)
        return value

    return step
