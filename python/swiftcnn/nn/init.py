"""How parameters begin, under PyTorch's names: each function sets one parameter, drawn by the engine's generator.

A parameter whose size is still unknown (of a lazy layer) gets its numbers when the network is built.

>>> from swiftcnn import nn
>>> layer = nn.Linear(3, 2)
>>> nn.init.zeros_(layer.bias).data.tolist()
[0.0, 0.0]
>>> weight = nn.init.orthogonal_(layer.weight).data
>>> abs(weight @ weight.T).round(3).tolist()
[[1.0, 0.0], [0.0, 1.0]]

The numbers of inputs and outputs that the variances follow from are those of ``weight[out][in][...]``.
"""

from __future__ import annotations

import math

from ..errors import InvalidArgumentError
from ._parameter import Initializer, Parameter, constant, draw

__all__ = [
    "calculate_gain",
    "constant_",
    "kaiming_normal_",
    "kaiming_uniform_",
    "normal_",
    "ones_",
    "orthogonal_",
    "uniform_",
    "xavier_normal_",
    "xavier_uniform_",
    "zeros_",
]


def _set(tensor: Parameter, initializer: Initializer) -> Parameter:
    tensor.initializer = initializer
    if tensor.shape is not None:
        tensor.data = draw(tensor.shape, initializer, "float64", tensor._seeds.draw())
    return tensor


def fan_out_normal(fan_out: int) -> Initializer:
    """Normal numbers of variance ``2 / fan_out``: He's for the backward pass, as ResNet has it."""
    return Initializer("Normal", {"mean": 0.0, "deviation": math.sqrt(2 / fan_out)})


def calculate_gain(nonlinearity: str, param: float = 0.0) -> float:
    """By what an activation shrinks a standard deviation, the other way round.

    >>> round(calculate_gain("relu"), 4), calculate_gain("linear")
    (1.4142, 1.0)
    """
    if nonlinearity == "leaky_relu":
        return math.sqrt(2 / (1 + param**2))
    gains = {"linear": 1.0, "conv1d": 1.0, "conv2d": 1.0, "sigmoid": 1.0, "tanh": 5 / 3, "relu": math.sqrt(2), "selu": 0.75}
    if nonlinearity not in gains:
        raise InvalidArgumentError(f"nonlinearity must be leaky_relu, {', '.join(gains)}, got {nonlinearity!r}")
    return gains[nonlinearity]


def constant_(tensor: Parameter, val: float) -> Parameter:
    """All of them `val`."""
    return _set(tensor, constant(val))


def zeros_(tensor: Parameter) -> Parameter:
    """All of them 0."""
    return _set(tensor, constant(0))


def ones_(tensor: Parameter) -> Parameter:
    """All of them 1."""
    return _set(tensor, constant(1))


def uniform_(tensor: Parameter, a: float = 0.0, b: float = 1.0) -> Parameter:
    """Between a and b."""
    return _set(tensor, Initializer("Uniform", {"low": a, "high": b}))


def normal_(tensor: Parameter, mean: float = 0.0, std: float = 1.0) -> Parameter:
    """Normal numbers."""
    return _set(tensor, Initializer("Normal", {"mean": mean, "deviation": std}))


def xavier_uniform_(tensor: Parameter, gain: float = 1.0) -> Parameter:
    """Uniform, of variance ``gain^2 * 2 / (in + out)`` (Glorot and Bengio 2010)."""
    return _set(tensor, Initializer("XavierUniform", {"gain": gain}))


def xavier_normal_(tensor: Parameter, gain: float = 1.0) -> Parameter:
    """Normal, of variance ``gain^2 * 2 / (in + out)`` (Glorot and Bengio 2010)."""
    return _set(tensor, Initializer("XavierNormal", {"gain": gain}))


def kaiming_uniform_(tensor: Parameter, a: float = 0.0, nonlinearity: str = "leaky_relu") -> Parameter:
    """Uniform, of variance ``gain^2 / in`` (He et al. 2015). a : the slope of leaky_relu. Default 0, which is relu."""
    return _set(tensor, Initializer("LeCunUniform", {"gain": calculate_gain(nonlinearity, a)}))


def kaiming_normal_(tensor: Parameter, a: float = 0.0, nonlinearity: str = "leaky_relu") -> Parameter:
    """Normal, of variance ``gain^2 / in`` (He et al. 2015). a : the slope of leaky_relu. Default 0, which is relu."""
    return _set(tensor, Initializer("LeCunNormal", {"gain": calculate_gain(nonlinearity, a)}))


def orthogonal_(tensor: Parameter, gain: float = 1.0) -> Parameter:
    """Rows or columns, whichever are fewer, orthogonal and of length `gain` (Saxe et al. 2014)."""
    return _set(tensor, Initializer("Orthogonal", {"gain": gain}))
