"""swiftcnn: convolutional neural networks on the CPU, fast and small.

>>> import numpy as np
>>> from swiftcnn.layers import Convolution
>>> layer = Convolution(W=np.ones((1, 1, 3, 3)), b=np.zeros(1), stride=1, pad=1)
>>> layer.forward(np.ones((1, 1, 4, 4)))[0, 0].tolist()
[[4.0, 6.0, 6.0, 4.0], [6.0, 9.0, 9.0, 6.0], [6.0, 9.0, 9.0, 6.0], [4.0, 6.0, 6.0, 4.0]]

`swiftcnn.nn` holds networks that are trained and run by the engine, `swiftcnn.models` well-known ones, `swiftcnn.layers`
the article's layers, one by one; this module the errors, and what concerns the whole process: threads, instruction
set, scratch memory. The environment variables ``SWIFTCNN_NUM_THREADS``, ``SWIFTCNN_ISA`` (avx512, avx2 or baseline) and
``SWIFTCNN_LIBRARY`` (the native library's path) are read when the package is imported or first used.
"""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Optional, Union

from . import _c_api, _memory, layers
from ._random import manual_seed
from ._torch import from_torch
from ._windows import as_integer
from .errors import (
    CallOrderError,
    DTypeError,
    EnvironmentFailure,
    FileAccessError,
    InvalidArgumentError,
    ModelFormatError,
    NativeMemoryError,
    ShapeError,
    SwiftCNNError,
    UnsupportedError,
)

if TYPE_CHECKING:
    from . import callbacks, datasets, models, nn, optim, plot, vision

__version__ = "0.1.0"

__all__ = [
    "CallOrderError",
    "DTypeError",
    "EnvironmentFailure",
    "FileAccessError",
    "InvalidArgumentError",
    "ModelFormatError",
    "NativeMemoryError",
    "ShapeError",
    "SwiftCNNError",
    "UnsupportedError",
    "__version__",
    "callbacks",
    "datasets",
    "from_torch",
    "get_num_threads",
    "isa",
    "layers",
    "load",
    "manual_seed",
    "models",
    "nn",
    "optim",
    "plot",
    "release_memory",
    "set_num_threads",
    "show_config",
    "threads",
    "vision",
]


_LATER = ("callbacks", "datasets", "models", "nn", "optim", "plot", "vision")


def __getattr__(name: str) -> Any:
    """Imports a part of the package when it is first used."""
    if name in _LATER:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def load(model: Union[str, os.PathLike[str], bytes], dtype: Optional[Any] = None) -> nn.OnnxModule:
    """The network of an ONNX file: to be run, looked at, trained on and saved again.

    model : the file's path, or the bytes of one. Arrays that it has in other files are looked for in its own folder.
    dtype : float32 or float64, what it computes in. Default: float64 if the first floating-point input is, else float32.

    Large weights are read when they are needed first: until then the file stays open. It may be replaced by another file, or
    removed, but not written over, which is a `FileAccessError` then; load its bytes to have all of it at once.

    Raises `FileAccessError` for a file that cannot be read, `ModelFormatError` for one that is no whole and valid model,
    `UnsupportedError`, which names all of them, for operators that this version does not have.

    >>> import tempfile
    >>> net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(2)).build((1, 8, 8))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     net.save(folder + "/net.onnx")
    ...     again = load(folder + "/net.onnx")
    >>> again.predict([[[[0.5] * 8] * 8]]).shape
    (1, 2)

    Source: ONNX, onnx.ai/onnx/repo-docs/IR.html.
    """
    from .nn import OnnxModule

    return OnnxModule(model, dtype)


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
