"""Predictions of arrays of a shape that came before: all that is the same in every call is looked up once, since what Python
does for a call takes longer than a small network."""

from __future__ import annotations

import ctypes
import struct
from functools import partial
from typing import Callable, Optional

import numpy as np

from .. import _memory
from .._arrays import Array, Shape, empty
from .._c_api import _STATUS, _address_of_whole, _fail, _functions, _nowhere
from .._c_network import Network
from ._parameter import Held

_FUNCTION = "swiftcnn_network_predict"
_tensor_bytes = struct.Struct("PPii").pack  # Tensor's members
#: The same function, which takes tensors as bytes, and numbers as ctypes has them already: structures cost more than a small
#: network, and conversions to declared types half a microsecond.
_predict = ctypes.CFUNCTYPE(_STATUS)(ctypes.cast(_functions[_FUNCTION], ctypes.c_void_p).value or 0)
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
            _fail(_FUNCTION, status)
        return result

    return predict
