"""Memory for results. A training step makes the same large arrays again and again; from the system each would come page by
page, cleared, and rarely at an address that suits vectors. Here the memory of an array that nobody refers to any more is
kept for the next one.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from threading import Lock
from typing import Any

import numpy as np
import numpy.typing as npt

SMALLEST = 1 << 16  # bytes; smaller arrays are NumPy's own
LIMIT = 1 << 27  # bytes kept at the most
ALIGNMENT = 64  # bytes: a cache line, and the longest vector

_Memory = npt.NDArray[np.uint8]
_idle: dict[int, list[_Memory]] = {}
_idle_bytes = 0
_lock = Lock()


class _Block:
    """What an array's base is: when the last array and view of it is gone, the memory is idle."""

    __slots__ = ("__array_interface__", "_memory")

    def __init__(self, memory: _Memory, shape: Sequence[int], dtype: np.dtype[Any]) -> None:
        address = memory.__array_interface__["data"][0]
        self._memory = memory
        self.__array_interface__ = {
            "version": 3,
            "shape": tuple(shape),
            "typestr": dtype.str,
            "data": (address + -address % ALIGNMENT, False),
        }

    def __del__(self) -> None:
        _give_back(self._memory)


def empty(shape: Sequence[int], dtype: Any) -> npt.NDArray[Any]:
    """A writable C-ordered array of undefined values, like ``np.empty``.

    >>> empty((100, 30, 24, 24), np.float32).ctypes.data % ALIGNMENT
    0
    """
    kind = np.dtype(dtype)
    size = math.prod(shape) * kind.itemsize
    if size < SMALLEST:
        return np.empty(shape, kind)
    return np.asarray(_Block(_take(_rounded(size)), shape, kind))


def release() -> None:
    """Gives what is idle back to the system.

    >>> release()
    """
    global _idle_bytes
    with _lock:
        _idle.clear()
        _idle_bytes = 0


def _rounded(size: int) -> int:
    """At most an eighth more than size, so that arrays of nearly one size share memory."""
    step = 1 << max(12, size.bit_length() - 4)
    return -(-size // step) * step


def _take(size: int) -> _Memory:
    global _idle_bytes
    with _lock:
        kept = _idle.get(size)
        if kept:
            _idle_bytes -= size
            return kept.pop()
    return np.empty(size + ALIGNMENT, np.uint8)


def _give_back(memory: _Memory) -> None:
    """Never waits: it may run in the middle of `_take`, when the garbage collector does."""
    global _idle_bytes
    if not _lock.acquire(blocking=False):
        return
    try:
        size = memory.size - ALIGNMENT
        if _idle_bytes + size <= LIMIT:
            _idle.setdefault(size, []).append(memory)
            _idle_bytes += size
        elif size <= LIMIT:
            # Other sizes are wanted now than those that were kept.
            _idle.clear()
            _idle[size] = [memory]
            _idle_bytes = size
    finally:
        _lock.release()
