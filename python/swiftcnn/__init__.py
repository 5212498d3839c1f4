"""swiftcnn: convolutional neural networks on the CPU, fast and small.

>>> import numpy as np
>>> from swiftcnn.layers import Convolution
>>> layer = Convolution(W=np.ones((1, 1, 3, 3)), b=np.zeros(1), stride=1, pad=1)
>>> layer.forward(np.ones((1, 1, 4, 4)))[0, 0].tolist()
[[4.0, 6.0, 6.0, 4.0], [6.0, 9.0, 9.0, 6.0], [6.0, 9.0, 9.0, 6.0], [4.0, 6.0, 6.0, 4.0]]

`swiftcnn.layers` holds the layers; this module the errors, and what concerns the whole process: threads, instruction
set, scratch memory. The environment variables ``SWIFTCNN_NUM_THREADS``, ``SWIFTCNN_ISA`` (avx512, avx2 or baseline) and
``SWIFTCNN_LIBRARY`` (the native library's path) are read when the package is imported or first used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from . import _c_api, _memory, layers
from ._windows import as_integer
from .errors import (
    CallOrderError,
    DTypeError,
    EnvironmentFailure,
    InvalidArgumentError,
    NativeMemoryError,
    ShapeError,
    SwiftCNNError,
    UnsupportedError,
)

__version__ = "0.1.0"

__all__ = [
    "CallOrderError",
    "DTypeError",
    "EnvironmentFailure",
    "InvalidArgumentError",
    "NativeMemoryError",
    "ShapeError",
    "SwiftCNNError",
    "UnsupportedError",
    "__version__",
    "get_num_threads",
    "isa",
    "layers",
    "release_memory",
    "set_num_threads",
    "show_config",
    "threads",
]


def get_num_threads() -> int:
    """The number of threads that a call may use, the caller's own included.

    By default the processors that this process may really use (affinity and container limits), or
    ``SWIFTCNN_NUM_THREADS``.

    >>> get_num_threads() >= 1
    True
    """
    return _c_api.threads()


def set_num_threads(n: int) -> None:
    """Sets the number of threads, 1 to 1024, for the whole process; 0 goes back to the default.

    Results have the same bits for any number of threads. Raises `InvalidArgumentError` or `DTypeError`.

    >>> set_num_threads(2)
    >>> get_num_threads()
    2
    >>> set_num_threads(0)
    """
    _c_api.call("swiftcnn_set_threads", as_integer(n, "n", 0, 1024))


@contextmanager
def threads(n: int) -> Iterator[None]:
    """Uses `n` threads inside a ``with`` block, and what was set before after it. Holds for the whole process.

    >>> with threads(1):
    ...     get_num_threads()
    1
    """
    before = get_num_threads()
    set_num_threads(n)
    try:
        yield
    finally:
        set_num_threads(before)


def isa() -> str:
    """The instruction set in use: ``'avx512'``, ``'avx2'`` or ``'baseline'``. ``SWIFTCNN_ISA`` forces one.

    >>> isa() in ("avx512", "avx2", "baseline")
    True
    """
    return _c_api.isa()


def release_memory() -> None:
    """Gives the memory that is kept between calls, of scratch space and of results no longer used, back to the system.

    >>> release_memory()
    """
    _memory.release()
    _c_api.call("swiftcnn_release_memory")


def show_config() -> None:
    """Prints the version, the instruction set, the number of threads and where the native library is.

    >>> show_config()  # doctest: +ELLIPSIS
    swiftcnn ...
    """
    print(f"swiftcnn         {__version__}, library {_c_api.version()}")
    print(f"instruction set  {isa()}")
    print(f"threads          {get_num_threads()}")
    print(f"library          {_c_api.LIBRARY_PATH}")
