"""Fully connected layers, and those that only rearrange or pass on."""

from __future__ import annotations

import math
from typing import Any, Optional

from .._windows import as_integer
from ..errors import InvalidArgumentError, ShapeError
from ._graph import Value
from ._module import Module
from ._parameter import Parameter, uniform


class Linear(Module):
    """A fully connected layer: ``x[N][in] -> y[N][out] = x . weight^T + bias``. With more axes, of the last one.

    in_features, out_features : the numbers of inputs and outputs. bias : whether to add a bias. Default True.

    Parameters: ``weight[out][in]`` and ``bias[out]``, at first uniform within 1/sqrt(in).

    >>> layer = Linear(2, 1)
    >>> layer.weight.data, layer.bias.data = [[1.0, 2.0]], [3.0]
    >>> layer([[10.0, 20.0]]).tolist()
    [[53.0]]

    Source: torch.nn.Linear; ONNX Gemm.
    """

    def __init__(self, in_features: Optional[int], out_features: int, bias: bool = True) -> None:
        self.in_features = None if in_features is None else as_integer(in_features, "in_features", 1)
        self.out_features = as_integer(out_features, "out_features", 1)
        self.weight = Parameter(None)
        self.bias = Parameter((self.out_features,)) if bias else None
        if self.in_features is not None:
            self._resolve(self.in_features)

    def _resolve(self, features: int) -> None:
        shape = (self.out_features, features)
        if self.weight.shape not in (None, shape):
            raise ShapeError(f"weight must have shape {shape} for {features} inputs, got {self.weight.shape}")
        self.in_features, self.weight.shape = features, shape
        bound = 1 / math.sqrt(features)
        self.weight.begin_by_default(uniform(bound))
        if self.bias is not None:
            self.bias.begin_by_default(uniform(bound))

    def forward(self, x: Value) -> Value:
        if x.ndim < 2:
            raise ShapeError(f"{x.graph.where(self)}: x must be [N][in], got shape {x.shape}")
        if self.in_features is None:
            self._resolve(x.shape[-1])
        if x.shape[-1] != self.in_features:
            raise ShapeError(f"{x.graph.where(self)}: x must have {self.in_features} features, got shape {x.shape}")
        axes = x.shape[1:-1]
        rows = x.add("Reshape", shape=[-1, x.shape[-1]]) if axes else x
        y = rows.add("Gemm", self.weight, self.bias, transB=1)
        return y.add("Reshape", shape=[-1, *axes, self.out_features]) if axes else y

    def extra_repr(self) -> str:
        return f"{self.in_features}, {self.out_features}" + ("" if self.bias is not None else ", bias=False")


class LazyLinear(Linear):
    """`Linear` whose in_features follow from the first input.

    >>> import numpy as np
    >>> layer = LazyLinear(3)
    >>> layer(np.ones((1, 7))).shape, layer.weight.shape
    ((1, 3), (3, 7))

    Source: torch.nn.LazyLinear.
    """

    def __init__(self, out_features: int, bias: bool = True) -> None:
        super().__init__(None, out_features, bias)


class Flatten(Module):
    """All axes from `start_dim` on become one: ``x[N][...] -> y[N][M]``.

    start_dim : default 1. end_dim : default -1, the last.

    >>> import numpy as np
    >>> Flatten()(np.ones((2, 3, 4, 5))).shape
    (2, 60)

    Source: torch.nn.Flatten; ONNX Flatten, Reshape.
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim = as_integer(start_dim, "start_dim", 1)
        self.end_dim = as_integer(end_dim, "end_dim", -8)

    def forward(self, x: Value) -> Value:
        end = self.end_dim % x.ndim
        if end < self.start_dim:
            raise InvalidArgumentError(f"end_dim must be {self.start_dim} or more for shape {x.shape}, got {self.end_dim}")
        if (self.start_dim, end) == (1, x.ndim - 1):
            return x.add("Flatten", axis=1)
        middle = -1 if end == x.ndim - 1 else math.prod(x.shape[self.start_dim : end + 1])
        return x.add("Reshape", shape=[*[0] * self.start_dim, middle, *x.shape[end + 1 :]])


class Identity(Module):
    """``y = x``; takes any arguments.

    >>> Identity()([[1.0, 2.0]]).tolist()
    [[1.0, 2.0]]

    Source: torch.nn.Identity.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None: ...

    def forward(self, x: Value) -> Value:
        return x.add("Identity")


class Dropout(Module):
    """In training each element becomes 0 with probability `p`, and the others are divided by ``1 - p``; else ``y = x``.

    p : 0 or more, less than 1. Default 0.5. inplace : for PyTorch's sake; where results lie is the engine's business.

    What is dropped follows from the network's seed and the number of the step.

    >>> Dropout(0.3)([[1.0, 2.0]]).tolist()
    [[1.0, 2.0]]

    Source: torch.nn.Dropout; ONNX Dropout.
    """

    def __init__(self, p: float = 0.5, inplace: bool = False) -> None:
        if not 0 <= p < 1:
            raise InvalidArgumentError(f"p must be 0 or more and less than 1, got {p}")
        self.p = float(p)

    def forward(self, x: Value) -> Value:
        return x.add("Dropout", ratio=self.p)

    def extra_repr(self) -> str:
        return f"p={self.p}"
