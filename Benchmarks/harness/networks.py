"""The networks that are trained, defined once: `forward` calls a peer's `ops`, whatever their values are.

An `ops` has conv, affine, batch_norm (with the parameters' names), relu, add, pool, global_average and dropout.
"""

from __future__ import annotations

from typing import Any

import numpy as np

IMAGE = {"simple": (1, 28, 28), "deep": (1, 28, 28), "resnet20": (3, 32, 32)}

# The networks that are a chain: conv has filters, kernel, stride, pad; pool has kernel and stride; affine has units.
CHAINS: dict[str, list[tuple[Any, ...]]] = {
    "simple": [("conv", 30, 5, 1, 0), ("relu",), ("pool", 2, 2), ("affine", 100), ("relu",), ("affine", 10)],
    "deep": [
        *(("conv", 16, 3, 1, 1), ("relu",), ("conv", 16, 3, 1, 1), ("relu",), ("pool", 2, 2)),
        *(("conv", 32, 3, 1, 1), ("relu",), ("conv", 32, 3, 1, 2), ("relu",), ("pool", 2, 2)),
        *(("conv", 64, 3, 1, 1), ("relu",), ("conv", 64, 3, 1, 1), ("relu",), ("pool", 2, 2)),
        *(("affine", 50), ("relu",), ("dropout", 0.5), ("affine", 10), ("dropout", 0.5)),
    ],
}


def named(model: str) -> list[tuple[Any, ...]]:
    """The chain, with the name of its parameters as the second thing in conv and affine."""
    layers, count = [], 0
    for operator, *arguments in CHAINS[model]:
        if operator in ("conv", "affine"):
            count += 1
            arguments = [f"{operator}{count}", *arguments]
        layers.append((operator, *arguments))
    return layers


def forward(model: str, ops: Any, x: Any, dropout: bool = True) -> Any:
    """The scores of `model`, ten for an image."""
    if model == "resnet20":
        return _resnet20(ops, x)
    for operator, *arguments in named(model):
        if operator in ("conv", "affine"):
            name, *rest = arguments
            x = getattr(ops, operator)(name, x, *rest)
        elif operator != "dropout" or dropout:
            x = getattr(ops, operator)(x, *arguments)
    return x


def _resnet20(ops: Any, x: Any) -> Any:
    def convolution(name: str, x: Any, filters: int, kernel: int, stride: int) -> Any:
        return ops.batch_norm(name, ops.conv(name, x, filters, kernel, stride, kernel // 2, bias=False))

    x = ops.relu(convolution("first", x, 16, 3, 1))
    for stage, filters in enumerate((16, 32, 64)):
        for block in range(3):
            stride, name = 2 if stage and not block else 1, f"stage{stage}.{block}"
            y = ops.relu(convolution(f"{name}.a", x, filters, 3, stride))
            y = convolution(f"{name}.b", y, filters, 3, 1)
            x = ops.relu(ops.add(convolution(f"{name}.around", x, filters, 1, stride) if stride == 2 else x, y))
    return ops.affine("last", ops.global_average(x), 10)


class _Count:
    """An `ops` whose values are shapes: it sums operations and notes the parameters."""

    def __init__(self) -> None:
        self.flops = 0.0
        self.shapes: dict[str, tuple[int, ...]] = {}

    def conv(self, name: str, x: Any, filters: int, kernel: int, stride: int, pad: int, bias: bool = True) -> Any:
        out = (x[1] + 2 * pad - kernel) // stride + 1
        self.shapes[f"{name}.w"] = (filters, x[0], kernel, kernel)
        if bias:
            self.shapes[f"{name}.b"] = (filters,)
        self.flops += 2.0 * filters * out * out * x[0] * kernel * kernel
        return (filters, out, out)

    def affine(self, name: str, x: Any, units: int) -> Any:
        """w[in][out], as in the book."""
        size = int(np.prod(x))
        self.shapes |= {f"{name}.w": (size, units), f"{name}.b": (units,)}
        self.flops += 2.0 * size * units
        return (units,)

    def batch_norm(self, name: str, x: Any) -> Any:
        self.shapes |= {f"{name}.gamma": x[:1], f"{name}.beta": x[:1]}
        return x

    def relu(self, x: Any) -> Any:
        return x

    def add(self, a: Any, b: Any) -> Any:
        return a

    def dropout(self, x: Any, p: float) -> Any:
        return x

    def pool(self, x: Any, kernel: int, stride: int) -> Any:
        return (x[0], *((side - kernel) // stride + 1 for side in x[1:]))

    def global_average(self, x: Any) -> Any:
        return x[:1]


def _count(model: str) -> _Count:
    count = _Count()
    forward(model, count, IMAGE[model])
    return count


def parameter_shapes(model: str) -> dict[str, tuple[int, ...]]:
    return _count(model).shapes


def flops(model: str) -> float:
    """Of an image, forward."""
    return _count(model).flops
