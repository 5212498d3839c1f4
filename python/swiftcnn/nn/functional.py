"""Functions of values, for a module's `forward`: what has no parameters. They are called when the network is written.

>>> import numpy as np
>>> from swiftcnn import nn
>>> class Ends(nn.Module):
...     def forward(self, x):
...         return cat([relu(x), x.add("Identity")])
>>> Ends()([[-1.0, 2.0]]).tolist()
[[0.0, 2.0, -1.0, 2.0]]
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional

from ..errors import InvalidArgumentError
from ._graph import Value

__all__ = [
    "adaptive_avg_pool2d",
    "avg_pool2d",
    "cat",
    "dropout",
    "flatten",
    "matmul",
    "max_pool2d",
    "relu",
    "reshape",
    "sigmoid",
    "softmax",
    "tanh",
]


def relu(x: Value, inplace: bool = False) -> Value:
    """``max(x, 0)``."""
    return x.add("Relu")


def sigmoid(x: Value) -> Value:
    """``1 / (1 + exp(-x))``."""
    return x.add("Sigmoid")


def tanh(x: Value) -> Value:
    """``tanh(x)``."""
    return x.add("Tanh")


def softmax(x: Value, dim: int = 1) -> Value:
    """``exp(x) / sum(exp(x))`` along `dim`."""
    return x.add("Softmax", axis=dim)


def dropout(x: Value, p: float = 0.5) -> Value:
    """What `swiftcnn.nn.Dropout` does."""
    from ._linear import Dropout

    return Dropout(p).forward(x)


def cat(values: Sequence[Value], dim: int = 1) -> Value:
    """Values one behind another along `dim`. Default 1, the channels."""
    if not values:
        raise InvalidArgumentError("cat: values must hold at least one, got none")
    return values[0].add("Concat", *values[1:], axis=dim)


def flatten(x: Value, start_dim: int = 1) -> Value:
    """All axes from `start_dim` on become one."""
    from ._linear import Flatten

    return Flatten(start_dim).forward(x)


def reshape(x: Value, *shape: int) -> Value:
    """The same elements as [N][shape...]; one extent may be -1, whatever is left."""
    return x.add("Reshape", shape=[0, *shape])


def matmul(a: Value, b: Value) -> Value:
    """The product of the matrices in the last two axes; the others broadcast."""
    return a.add("MatMul", b)


def max_pool2d(x: Value, kernel_size: Any, stride: Optional[Any] = None, padding: Any = 0) -> Value:
    """What `swiftcnn.nn.MaxPool2d` does."""
    from ._pooling import MaxPool2d

    return MaxPool2d(kernel_size, stride, padding).forward(x)


def avg_pool2d(x: Value, kernel_size: Any, stride: Optional[Any] = None, padding: Any = 0) -> Value:
    """What `swiftcnn.nn.AvgPool2d` does."""
    from ._pooling import AvgPool2d

    return AvgPool2d(kernel_size, stride, padding).forward(x)


def adaptive_avg_pool2d(x: Value, output_size: Any) -> Value:
    """What `swiftcnn.nn.AdaptiveAvgPool2d` does."""
    from ._pooling import AdaptiveAvgPool2d

    return AdaptiveAvgPool2d(output_size).forward(x)
