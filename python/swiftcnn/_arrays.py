"""The edge between whatever holds numbers and what the native library takes: C-ordered float32 or float64 arrays.

An array that already is one goes through without a copy. float32 stays float32; every other real type is computed in
float64, as in the article. Arrays of one call that differ are promoted as NumPy promotes them: to float64.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from . import _memory
from .errors import CallOrderError, DTypeError, NativeMemoryError, ShapeError

Array = npt.NDArray[Any]
Shape = tuple[int, ...]

_FLOAT32 = np.dtype(np.float32)
_FLOAT64 = np.dtype(np.float64)
_COMPUTED = frozenset([_FLOAT32, _FLOAT64])

# ---- In --------------------------------------------------------------------------------------------------------------


def as_array(value: Any, name: str) -> Array:
    """`value` as an ndarray of real numbers, its type and layout untouched: a view wherever there is memory to view.

    Takes the buffer protocol, ``__array_interface__``, ``__array__``, ``__dlpack__``, numbers, and nested sequences of
    them.

    >>> as_array([[1, 2], [3, 4]], "x").tolist()
    [[1, 2], [3, 4]]
    """
    array = value if isinstance(value, np.ndarray) else _imported(value, name)
    kind = array.dtype.kind
    if kind in "fiub":
        return array
    if kind == "O" and all(hasattr(element, "__float__") for element in array.flat):
        try:
            return array.astype(_FLOAT64)
        except (TypeError, ValueError, OverflowError) as error:
            raise DTypeError(f"{name} must hold real numbers: {error}") from error
    what = type(value).__name__ if kind == "O" and array.ndim == 0 else f"an array of {array.dtype}"
    raise DTypeError(f"{name} must hold real numbers, got {what}")


def _imported(value: Any, name: str) -> Array:
    if hasattr(value, "__dlpack__") and not hasattr(value, "__array_interface__"):
        try:
            return np.from_dlpack(value)
        except Exception:  # what NumPy's reader of DLPack refuses may still have an __array__, and a better message
            pass
    try:
        return np.asarray(value)
    except ValueError as error:  # a ragged list
        raise ShapeError(f"{name} cannot be read as an array: {error}") from error
    except Exception as error:  # whatever the object's own conversion raises
        raise DTypeError(f"{name} cannot be read as an array: {error}") from error


def as_input(value: Any, name: str) -> Array:
    """`value` as a C-ordered, aligned array of native float32 or float64; without a copy where it is one already.

    >>> as_input(np.ones((2, 3), np.float16), "x").dtype
    dtype('float64')
    >>> as_input([["a"]], "x")
    Traceback (most recent call last):
    ...
    swiftcnn.errors.DTypeError: x must hold real numbers, got an array of <U1
    """
    if type(value) is np.ndarray and value.dtype in _COMPUTED:
        flags = value.flags
        if flags.c_contiguous and flags.aligned:
            return value
    array = as_array(value, name)
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    return np.require(array, _FLOAT32 if single else _FLOAT64, ["C", "A", "E"])


def promote(*arrays: Array | None) -> Any:
    """The arrays in their common type, as a list; None stays None.

    >>> [a.dtype.name for a in promote(np.zeros(1, np.float32), np.zeros(1))]
    ['float64', 'float64']
    """
    first = None
    for array in arrays:
        if array is None:
            continue
        if first is None:
            first = array.dtype
        elif array.dtype != first:
            return [None if array is None else array.astype(_FLOAT64, copy=False) for array in arrays]
    return arrays


def snapshot(array: Array, original: Any) -> Array:
    """`array` as it is now, whatever becomes of `original`: a copy, unless converting `original` has made one."""
    if array is original:
        private = False
    elif isinstance(original, np.ndarray):
        private = not np.may_share_memory(array, original)
    else:
        private = isinstance(original, (list, tuple))
    return array if private else array.copy()


def as_vector(value: Any, size: int, name: str, where: str, dtype: Any = None) -> Array:
    """`value`, one number or `size` of them, as an array of shape (size,); of `dtype` if that is given.

    >>> as_vector(2, 3, "gamma", "BatchNormalization").tolist()
    [2.0, 2.0, 2.0]
    """
    array = as_input(value, name)
    if dtype is not None and array.dtype != dtype:
        array = array.astype(dtype)
    if array.shape == (size,):
        return array
    if array.size == 1:
        return np.full(size, array.reshape(()), array.dtype)
    if array.size == size and max(array.shape) == size:
        return array.reshape(size)
    raise ShapeError(f"{where}: {name} must hold {size} numbers, or one, got shape {array.shape}")


def as_bias(b: Any, rows: int, columns: int, dtype: Any, where: str) -> tuple[Array | None, Array | None]:
    """What `b` adds to ``out[rows][columns]``: a vector for all rows, or a matrix (rows, 1 or columns); the other is
    None.

    A Python number takes the type of `out`, as in NumPy. The number 0 is (None, None): nothing to add.

    >>> as_bias([1.0, 2.0], 4, 2, np.float64, "Affine")
    (array([1., 2.]), None)
    """
    if type(b) in (int, float):
        return (None if b == 0 else np.full(columns, b, dtype)), None
    array = as_input(b, "b")
    if array.shape == (columns,):
        return array, None
    if array.ndim > 1 and all(extent == 1 for extent in array.shape[:-2]):
        array = array.reshape(array.shape[-1:] if array.shape[-2] == 1 else array.shape[-2:])
    if array.shape in ((), (1,), (columns,)):
        return np.ascontiguousarray(np.broadcast_to(array, (columns,))), None
    if array.shape in ((rows, 1), (rows, columns)):
        return None, array
    raise ShapeError(f"{where}: b must broadcast to ({columns},) or to ({rows}, {columns}), got shape {array.shape}")


# ---- Out -------------------------------------------------------------------------------------------------------------


def empty(shape: Sequence[int], dtype: Any, where: str) -> Array:
    """A fresh array for a result."""
    try:
        return _memory.empty(shape, dtype)
    except (MemoryError, ValueError) as error:
        raise NativeMemoryError(f"{where}: no memory for a result of shape {tuple(shape)}: {error}") from error


# ---- Checks ----------------------------------------------------------------------------------------------------------


def check_rank(shape: Shape, axes: str, name: str, where: str) -> None:
    """Raises unless `shape` has the axes that the text `axes` lists, such as ``(N, C, H, W)``."""
    rank = axes.count(",") + 1
    if len(shape) != rank:
        raise ShapeError(f"{where}: {name} must have {rank} axes {axes}, got shape {shape}")


def as_dout(dout: Any, shape: Shape | None, where: str) -> Array:
    """The gradient that comes back into a layer whose output had `shape`; None if there was no output yet."""
    if shape is None:
        raise CallOrderError(f"{where} needs a forward before it")
    array = as_input(dout, "dout")
    if array.shape != shape:
        raise ShapeError(f"{where}: dout must have the shape of the output {shape}, got {array.shape}")
    return array
