"""The door to the native library; it and `_c_network`, the functions of networks, are all that knows C.

It finds the library, checks that it speaks the version of the interface written down here, and declares every function
of ``Include/swiftcnn.h`` in one table, `FUNCTIONS`. `call` passes NumPy arrays as ``swiftcnn_tensor`` and raises what a
status means. `ctypes.CDLL` releases the GIL during a call, and nothing here changes after import, so any number of
threads may call.
"""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from ctypes import POINTER, c_char, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_uint64, c_void_p
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from . import errors

ABI_VERSION = 1

# ---- Structures: the header's, member for member ---------------------------------------------------------------------


class Tensor(ctypes.Structure):
    """``swiftcnn_tensor``: an array lent to the library for one call."""

    _fields_ = [("data", c_void_p), ("shape", POINTER(c_int64)), ("rank", c_int32), ("type", c_int)]
    #: What owns the memory behind `shape`.
    owner: Any


class _Sized(ctypes.Structure):
    """A structure that begins with its own size; the constructor fills that in and takes the other members in order."""

    _fields_ = [("struct_size", c_size_t)]

    def __init__(self, *members: object) -> None:
        super().__init__(ctypes.sizeof(self), *members)


class Step(ctypes.Structure):
    """What a step of inference takes."""

    _fields_ = [
        ("name", c_char * 64),
        ("operators", c_char * 64),
        ("seconds", c_double),
        ("multiply_adds", c_int64),
        ("bytes", c_int64),
    ]


_KERNEL = [("kernel", c_int64 * 2)]
_STEPS = [("strides", c_int64 * 2), ("pads", c_int64 * 4), ("dilations", c_int64 * 2)]


class Window(_Sized):
    """``swiftcnn_window``."""

    _fields_ = [*_KERNEL, *_STEPS]


class Convolution(_Sized):
    """``swiftcnn_convolution``."""

    _fields_ = [*_STEPS, ("groups", c_int64), ("exact", c_int64)]


class Pooling(_Sized):
    """``swiftcnn_pooling``."""

    _fields_ = [*_KERNEL, *_STEPS, ("ceil_mode", c_int32), ("count_include_pad", c_int32)]


class BatchNormalization(_Sized):
    """``swiftcnn_batch_normalization``."""

    _fields_ = [("epsilon", c_double), ("momentum", c_double)]


class Attribute(ctypes.Structure):
    """``swiftcnn_attribute``."""

    _fields_ = [
        ("name", c_char_p),
        ("type", c_int),
        ("integer", c_int64),
        ("number", c_double),
        ("text", c_char_p),
        ("integers", POINTER(c_int64)),
        ("numbers", POINTER(c_double)),
        ("count", c_size_t),
    ]


#: ``swiftcnn_progress``: (context, batches done, batches, mean loss) -> not 0 to stop.
Progress = ctypes.CFUNCTYPE(c_int32, c_void_p, c_int64, c_int64, c_double)


class Epoch(_Sized):
    """``swiftcnn_epoch``."""

    _fields_ = [
        ("batch_size", c_int64),
        ("shuffle", c_int32),
        ("drop_last", c_int32),
        ("progress", Progress),
        ("context", c_void_p),
        ("accuracy", POINTER(c_double)),
        ("first_batch", c_int64),
    ]


# ---- Functions: the header's, in its order ---------------------------------------------------------------------------

_T = Tensor
_OPTIONAL = POINTER(Tensor)
_SHAPE = POINTER(c_int64)
_WINDOW = POINTER(Window)
_CONVOLUTION = POINTER(Convolution)
_POOLING = POINTER(Pooling)
_NORMALIZATION = POINTER(BatchNormalization)
_STATUS = c_int
_NETWORK = c_void_p
_VALUE = c_int32
_VALUES = POINTER(_VALUE)
_TENSORS = [POINTER(Tensor), c_size_t]
_NAMED = [c_char_p, POINTER(Attribute), c_size_t]
_EXTENTS = [POINTER(c_int64), POINTER(c_int32)]
_ARRAYS = c_int
_DOUBLE = POINTER(c_double)

#: name -> (types of the arguments, type of the result)
FUNCTIONS: dict[str, tuple[list[Any], Any]] = {
    "swiftcnn_version": ([], c_char_p),
    "swiftcnn_abi_version": ([], c_int32),
    "swiftcnn_last_error": ([], c_char_p),
    "swiftcnn_isa": ([POINTER(c_char_p)], _STATUS),
    "swiftcnn_threads": ([POINTER(c_int32)], _STATUS),
    "swiftcnn_set_threads": ([c_int32], _STATUS),
    "swiftcnn_release_memory": ([], _STATUS),
    "swiftcnn_im2col_shape": ([_WINDOW, _SHAPE, _SHAPE], _STATUS),
    "swiftcnn_im2col": ([_WINDOW, _T, _T], _STATUS),
    "swiftcnn_col2im": ([_WINDOW, _T, _T], _STATUS),
    "swiftcnn_convolution_shape": ([_CONVOLUTION, _SHAPE, _SHAPE, _SHAPE], _STATUS),
    "swiftcnn_convolution_forward": ([_CONVOLUTION, _T, _T, _OPTIONAL, _T], _STATUS),
    "swiftcnn_convolution_backward": ([_CONVOLUTION, _T, _T, _T, _OPTIONAL, _OPTIONAL, _OPTIONAL], _STATUS),
    "swiftcnn_pooling_shape": ([_POOLING, _SHAPE, _SHAPE], _STATUS),
    "swiftcnn_max_pooling_forward": ([_POOLING, _T, _T, _OPTIONAL], _STATUS),
    "swiftcnn_max_pooling_backward": ([_POOLING, _T, _T, _T], _STATUS),
    "swiftcnn_average_pooling_forward": ([_POOLING, _T, _T], _STATUS),
    "swiftcnn_average_pooling_backward": ([_POOLING, _T, _T], _STATUS),
    "swiftcnn_affine_forward": ([_T, _T, _OPTIONAL, _T], _STATUS),
    "swiftcnn_affine_backward": ([_T, _T, _T, _OPTIONAL, _OPTIONAL, _OPTIONAL], _STATUS),
    "swiftcnn_relu_forward": ([_T, _T, _OPTIONAL], _STATUS),
    "swiftcnn_relu_backward": ([_T, _T, _T], _STATUS),
    "swiftcnn_sigmoid_forward": ([_T, _T], _STATUS),
    "swiftcnn_sigmoid_backward": ([_T, _T, _T], _STATUS),
    "swiftcnn_tanh_forward": ([_T, _T], _STATUS),
    "swiftcnn_tanh_backward": ([_T, _T, _T], _STATUS),
    "swiftcnn_softmax_forward": ([_T, _T], _STATUS),
    "swiftcnn_softmax_backward": ([_T, _T, _T], _STATUS),
    "swiftcnn_softmax_cross_entropy_forward": ([_T, _T, _T, POINTER(c_double)], _STATUS),
    "swiftcnn_softmax_cross_entropy_backward": ([_T, _T, c_double, _T], _STATUS),
    "swiftcnn_batch_normalization_train": (
        [_NORMALIZATION, _T, _T, _T, _OPTIONAL, _OPTIONAL, _T, _T, _T],
        _STATUS,
    ),
    "swiftcnn_batch_normalization_infer": ([_NORMALIZATION, _T, _T, _T, _T, _T, _T], _STATUS),
    "swiftcnn_batch_normalization_backward": ([_T, _T, _T, _T, _T, _OPTIONAL, _OPTIONAL, _OPTIONAL], _STATUS),
    "swiftcnn_dropout_forward": ([c_double, c_uint64, _T, _T, _T], _STATUS),
    "swiftcnn_dropout_backward": ([c_double, _T, _T, _T], _STATUS),
    "swiftcnn_network_create": ([c_int, c_uint64, POINTER(_NETWORK)], _STATUS),
    "swiftcnn_network_free": ([_NETWORK], None),
    "swiftcnn_network_set_seed": ([_NETWORK, c_uint64], _STATUS),
    "swiftcnn_network_input": ([_NETWORK, c_char_p, c_int32, _SHAPE, c_int32, _VALUES], _STATUS),
    "swiftcnn_network_parameter": ([_NETWORK, c_char_p, _SHAPE, c_int32, *_NAMED, _VALUES], _STATUS),
    "swiftcnn_network_constant": ([_NETWORK, c_char_p, _T, _VALUES], _STATUS),
    "swiftcnn_network_add": ([_NETWORK, c_char_p, *_NAMED, _VALUES, c_size_t, _VALUES, c_size_t], _STATUS),
    "swiftcnn_network_set_outputs": ([_NETWORK, _VALUES, c_size_t], _STATUS),
    "swiftcnn_network_shape": ([_NETWORK, _VALUE, *_EXTENTS], _STATUS),
    "swiftcnn_network_load": ([c_char_p, c_int, POINTER(_NETWORK)], _STATUS),
    "swiftcnn_network_load_bytes": ([c_char_p, c_size_t, c_int, POINTER(_NETWORK)], _STATUS),
    "swiftcnn_network_save": ([_NETWORK, c_char_p], _STATUS),
    "swiftcnn_network_save_bytes": ([_NETWORK, c_void_p, POINTER(c_size_t)], _STATUS),
    "swiftcnn_network_type": ([_NETWORK, POINTER(c_int)], _STATUS),
    "swiftcnn_network_port_counts": ([_NETWORK, POINTER(c_size_t), POINTER(c_size_t)], _STATUS),
    "swiftcnn_network_port": ([_NETWORK, c_int32, c_size_t, POINTER(c_char_p), POINTER(c_int32), *_EXTENTS], _STATUS),
    "swiftcnn_network_output_shape": ([_NETWORK, *_TENSORS, c_size_t, *_EXTENTS], _STATUS),
    "swiftcnn_network_output_type": ([_NETWORK, *_TENSORS, c_size_t, POINTER(c_int32)], _STATUS),
    "swiftcnn_network_memory": ([_NETWORK, *_TENSORS, c_int32, POINTER(c_int64)], _STATUS),
    "swiftcnn_network_profile": ([_NETWORK, *_TENSORS, c_int32, POINTER(Step), POINTER(c_size_t), _DOUBLE], _STATUS),
    "swiftcnn_network_predict": ([_NETWORK, *_TENSORS, *_TENSORS], _STATUS),
    "swiftcnn_network_set_loss": ([_NETWORK, *_NAMED], _STATUS),
    "swiftcnn_network_set_optimizer": ([_NETWORK, *_NAMED], _STATUS),
    "swiftcnn_network_add_schedule": ([_NETWORK, *_NAMED], _STATUS),
    "swiftcnn_network_set_recompute": ([_NETWORK, c_int32], _STATUS),
    "swiftcnn_network_add_augmentation": ([_NETWORK, *_NAMED], _STATUS),
    "swiftcnn_network_clear_augmentations": ([_NETWORK], _STATUS),
    "swiftcnn_network_treat": ([_NETWORK, c_size_t, c_int32, c_double, c_double], _STATUS),
    "swiftcnn_network_train_step": ([_NETWORK, *_TENSORS, _T, _DOUBLE], _STATUS),
    "swiftcnn_network_gradients": ([_NETWORK, *_TENSORS, _T, _DOUBLE], _STATUS),
    "swiftcnn_network_update": ([_NETWORK], _STATUS),
    "swiftcnn_network_train_epoch": ([_NETWORK, *_TENSORS, _T, POINTER(Epoch), _DOUBLE], _STATUS),
    "swiftcnn_network_evaluate": ([_NETWORK, *_TENSORS, _T, c_int64, _DOUBLE, _DOUBLE], _STATUS),
    "swiftcnn_network_report": ([_NETWORK, c_double], _STATUS),
    "swiftcnn_network_rate": ([_NETWORK, _DOUBLE], _STATUS),
    "swiftcnn_network_set_base_rate": ([_NETWORK, c_double], _STATUS),
    "swiftcnn_network_use_averages": ([_NETWORK, c_int32], _STATUS),
    "swiftcnn_network_array_count": ([_NETWORK, _ARRAYS, POINTER(c_size_t)], _STATUS),
    "swiftcnn_network_array_shape": ([_NETWORK, _ARRAYS, c_size_t, POINTER(c_char_p), _SHAPE, POINTER(c_int32)], _STATUS),
    "swiftcnn_network_array": ([_NETWORK, _ARRAYS, c_size_t, POINTER(c_char_p), _OPTIONAL], _STATUS),
    "swiftcnn_network_flat_array": ([_NETWORK, _ARRAYS, _OPTIONAL], _STATUS),
    "swiftcnn_network_return_arrays": ([_NETWORK], _STATUS),
    "swiftcnn_network_progress": ([_NETWORK, _SHAPE], _STATUS),
    "swiftcnn_network_set_progress": ([_NETWORK, _SHAPE], _STATUS),
}

# ---- Finding the library ---------------------------------------------------------------------------------------------


def _candidates() -> list[Path]:
    chosen = os.environ.get("SWIFTCNN_LIBRARY")
    if chosen:
        return [Path(chosen)]
    name = {"darwin": "libswiftcnn.dylib", "win32": "swiftcnn.dll"}.get(sys.platform, "libswiftcnn.so")
    return [Path(__file__).resolve().parent / "lib" / name]


def _load() -> tuple[Path, dict[str, Any]]:
    """The library's path, and its functions by name."""
    failures = []
    for path in _candidates():
        try:
            library = ctypes.CDLL(str(path))
        except OSError as error:
            failures.append(f"  {path}: {error if path.exists() else 'no such file'}")
            continue
        try:
            functions = {name: getattr(library, name) for name in FUNCTIONS}
        except AttributeError as error:
            failures.append(f"  {path}: not a library of this version of swiftcnn ({error})")
            continue
        for name, (argtypes, restype) in FUNCTIONS.items():
            functions[name].argtypes, functions[name].restype = argtypes, restype
        version = functions["swiftcnn_abi_version"]()
        if version == ABI_VERSION:
            return path, functions
        failures.append(f"  {path}: has version {version} of the interface, this package needs {ABI_VERSION}")
    raise errors.EnvironmentFailure(
        "cannot load swiftcnn's native library. Tried:\n"
        + "\n".join(failures)
        + "\nBuild it, or set SWIFTCNN_LIBRARY to where it is."
    )


LIBRARY_PATH, _functions = _load()

# ---- Calling ---------------------------------------------------------------------------------------------------------

_ERRORS: dict[int, type[errors.SwiftCNNError]] = {
    1: errors.InvalidArgumentError,
    2: errors.ShapeError,
    3: errors.DTypeError,
    4: errors.ModelFormatError,
    16: errors.UnsupportedError,
    32: errors.NativeMemoryError,
    33: errors.EnvironmentFailure,
    34: errors.FileAccessError,
}
_NUMBERS = {"f4": 1, "f8": 2, "i4": 3, "i8": 4, "u1": 5, "i1": 6, "i2": 7, "u2": 8, "u4": 9, "u8": 10, "bool": 11}
_DTYPES = {i: np.dtype(name) for name, i in _NUMBERS.items()}
# Bools go as the bytes that they are, which masks of functions are and networks take for bools too.
_TYPES = {dtype: 5 if i == 11 else i for i, dtype in _DTYPES.items()}


@lru_cache(maxsize=1024)
def _nowhere(shape: tuple[int, ...], dtype: np.dtype[Any]) -> Tensor:
    """A tensor of this shape and type without data. Kept, because a network lends the same shapes again and again."""
    kind = _TYPES.get(dtype)
    if kind is None:
        raise errors.DTypeError(f"cannot pass an array of {dtype} to the library")
    return Tensor(None, (c_int64 * len(shape))(*shape), len(shape), kind)


def _lend(argument: object) -> object:
    """An array as the library sees it, anything else as it is. Nothing here keeps the array alive: whoever calls must."""
    if not isinstance(argument, np.ndarray):
        return argument
    pattern = _nowhere(argument.shape, argument.dtype)
    tensor = Tensor.from_buffer_copy(pattern)
    tensor.owner = pattern
    tensor.data = _address(argument)
    return tensor


def _address(array: npt.NDArray[Any]) -> int:
    if not array.flags.c_contiguous:
        raise errors.DTypeError(f"cannot pass an array with strides {array.strides} to the library")
    return _address_of_whole(array)


def _reads_objects() -> bool:
    """Whether arrays have their address where NumPy's ABI says, behind what all objects begin with (PyArrayObject_fields)."""
    if sys.implementation.name != "cpython":
        return False
    arrays: list[npt.NDArray[Any]] = [np.zeros(3), np.zeros((4, 2), np.float32)[1:]]
    return all(_address_in(array) == array.ctypes.data for array in arrays)


_pointer_at, _HEAD = c_void_p.from_address, object.__basicsize__


def _address_in(array: npt.NDArray[Any]) -> int:
    return _pointer_at(id(array) + _HEAD).value or 0


def _address_told(array: npt.NDArray[Any]) -> int:
    return int(array.ctypes.data)  # ten times slower, as long as a small network takes


#: The address of an array that is known to lie in one piece.
_address_of_whole: Callable[[npt.NDArray[Any]], int] = _address_in if _reads_objects() else _address_told


def _fail(name: str, status: int) -> None:
    message = _functions["swiftcnn_last_error"]().decode("utf-8", "replace")
    raise _ERRORS.get(status, errors.SwiftCNNError)(message or f"{name} failed with status {status}")


def call(name: str, *arguments: object) -> None:
    """Calls the function `name`; arrays go as tensors, None as NULL. Raises the exception that its status means."""
    status = _functions[name](*map(_lend, arguments))
    if status:
        _fail(name, status)


def call_shape(name: str, parameters: ctypes.Structure, *shapes: Sequence[int], rank: int = 4) -> tuple[int, ...]:
    """The shape that one of the ``_shape`` functions computes from `shapes`, each of 4 extents."""
    result = (c_int64 * rank)()
    call(name, parameters, *[(c_int64 * 4)(*shape) for shape in shapes], result)
    return tuple(result)


def call_loss(x: object, target: object, probabilities: object) -> float:
    """``swiftcnn_softmax_cross_entropy_forward``; returns the loss."""
    loss = c_double()
    call("swiftcnn_softmax_cross_entropy_forward", x, target, probabilities, ctypes.byref(loss))
    return loss.value


def version() -> str:
    """The native library's version."""
    return str(_functions["swiftcnn_version"]().decode())


def isa() -> str:
    """The instruction set in use."""
    name = c_char_p()
    call("swiftcnn_isa", ctypes.byref(name))
    return (name.value or b"").decode()


def threads() -> int:
    """The number of threads that a call may use."""
    count = c_int32()
    call("swiftcnn_threads", ctypes.byref(count))
    return count.value
