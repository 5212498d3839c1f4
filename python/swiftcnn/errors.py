"""The exceptions of swiftcnn.

Every one is a `SwiftCNNError`, and also the built-in exception that a NumPy user would expect in its place, so that
both ``except swiftcnn.ShapeError`` and ``except ValueError`` read naturally. Messages name the argument, what was
wanted and what came. They come in the three families of the C interface: the caller broke the contract, swiftcnn does
not do that, the environment failed.
"""

from __future__ import annotations

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
]


class SwiftCNNError(Exception):
    """The base of all errors that swiftcnn raises itself.

    >>> from swiftcnn.layers import im2col
    >>> try:
    ...     im2col([[1.0, 2.0], [3.0, 4.0]], 2, 2)
    ... except SwiftCNNError as error:
    ...     print(error)
    im2col: input_data must have 4 axes (N, C, H, W), got shape (2, 2)
    """


# The caller broke the contract.


class InvalidArgumentError(SwiftCNNError, ValueError):
    """An argument has the right type and a value that cannot be: a stride of 0, a negative pad, a class that does not
    exist.

    >>> from swiftcnn.layers import im2col
    >>> im2col([[[[1.0, 2.0]]]], 1, 1, stride=0)
    Traceback (most recent call last):
    ...
    swiftcnn.errors.InvalidArgumentError: stride must be at least 1, got 0
    """


class ShapeError(SwiftCNNError, ValueError):
    """The shape of an array does not fit the other arguments, or the call before.

    >>> issubclass(ShapeError, ValueError)
    True
    """


class DTypeError(SwiftCNNError, TypeError):
    """An argument has a type that cannot be used: complex numbers or text in an array, a stride that is not an integer.

    >>> from swiftcnn.layers import im2col
    >>> im2col([[[[1.0, 2.0]]]], 1, 1, stride=1.0)
    Traceback (most recent call last):
    ...
    swiftcnn.errors.DTypeError: stride must be an integer, got 1.0 (float)
    """


class ModelFormatError(SwiftCNNError, ValueError):
    """A file is not a whole and valid model: it is cut off, or something else altogether.

    >>> import swiftcnn
    >>> swiftcnn.load(b"no model")
    Traceback (most recent call last):
    ...
    swiftcnn.errors.ModelFormatError: model: a field has the wire type 6
    """


class CallOrderError(SwiftCNNError, RuntimeError):
    """A method needs another one to have been called before: `backward` needs a `forward`.

    >>> from swiftcnn.layers import Relu
    >>> Relu().backward([1.0])
    Traceback (most recent call last):
    ...
    swiftcnn.errors.CallOrderError: Relu.backward needs a forward before it
    """


# swiftcnn does not do that.


class UnsupportedError(SwiftCNNError, NotImplementedError):
    """A combination that is meaningful, and that swiftcnn does not compute."""


# The environment failed.


class NativeMemoryError(SwiftCNNError, MemoryError):
    """There is not enough memory for a result, or for the scratch space of a computation."""


class EnvironmentFailure(SwiftCNNError, RuntimeError):
    """The native library is missing or is another version, or an environment variable of swiftcnn holds nonsense."""


class FileAccessError(SwiftCNNError, OSError):
    """A file cannot be opened, read or written.

    >>> import swiftcnn
    >>> swiftcnn.load("nowhere/model.onnx")
    Traceback (most recent call last):
    ...
    swiftcnn.errors.FileAccessError: nowhere/model.onnx: cannot be read: No such file or directory
    """
