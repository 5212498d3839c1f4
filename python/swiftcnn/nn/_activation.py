"""Activations: one operator of one input each."""

from __future__ import annotations

from typing import Any

from ..errors import InvalidArgumentError
from ._graph import Value
from ._module import Module
from ._parameter import Parameter, constant


class Activation(Module):
    """The base of activations: ``y = f(x)``, any shape. Subclasses say ONNX's operator.

    inplace : for PyTorch's sake; where results lie is the engine's business.
    """

    operator = ""

    def __init__(self, inplace: bool = False) -> None:
        self.attributes: dict[str, Any] = {}

    def forward(self, x: Value) -> Value:
        return x.add(self.operator, **self.attributes)

    def extra_repr(self) -> str:
        return ", ".join(f"{name}={value!r}" for name, value in self.attributes.items())


class ReLU(Activation):
    """``y = max(x, 0)``.

    >>> ReLU()([[-1.0, 2.0]]).tolist()
    [[0.0, 2.0]]

    Source: torch.nn.ReLU; ONNX Relu.
    """

    operator = "Relu"


class Sigmoid(Activation):
    """``y = 1 / (1 + exp(-x))``.

    >>> Sigmoid()([[0.0]]).tolist()
    [[0.5]]

    Source: torch.nn.Sigmoid; ONNX Sigmoid.
    """

    operator = "Sigmoid"


class Tanh(Activation):
    """``y = tanh(x)``.

    >>> Tanh()([[0.0]]).tolist()
    [[0.0]]

    Source: torch.nn.Tanh; ONNX Tanh.
    """

    operator = "Tanh"


class Softmax(Activation):
    """``y = exp(x) / sum(exp(x))`` along `dim`. Networks that are trained with cross-entropy do not end in it.

    dim : default 1, the classes of ``x[N][K]`` and ``x[N][K][...]``.

    >>> Softmax(1)([[0.0, 0.0]]).tolist()
    [[0.5, 0.5]]

    Source: torch.nn.Softmax; ONNX Softmax.
    """

    operator = "Softmax"

    def __init__(self, dim: int = 1) -> None:
        if dim == 0:
            raise InvalidArgumentError("dim must be an axis other than 0, which is that of the images, got 0")
        self.attributes = {"axis": dim}


class LogSoftmax(Softmax):
    """The logarithm of `Softmax`.

    >>> LogSoftmax(1)([[0.0, 0.0]]).round(4).tolist()
    [[-0.6930999755859375, -0.6930999755859375]]

    Source: torch.nn.LogSoftmax; ONNX LogSoftmax.
    """

    operator = "LogSoftmax"


class LeakyReLU(Activation):
    """``y = x`` where x is 0 or more, else ``negative_slope * x``. Default slope 0.01.

    >>> LeakyReLU(0.5)([[-1.0, 2.0]]).tolist()
    [[-0.5, 2.0]]

    Source: torch.nn.LeakyReLU; ONNX LeakyRelu.
    """

    operator = "LeakyRelu"

    def __init__(self, negative_slope: float = 0.01, inplace: bool = False) -> None:
        self.attributes = {"alpha": float(negative_slope)}


class PReLU(Module):
    """`LeakyReLU` whose slope is learned: one for all, or one for each channel.

    num_parameters : 1 (default), or the number of channels of ``x[N][C]`` or ``x[N][C][...]``.
    init : the slope to begin with. Default 0.25.

    >>> PReLU()([[-1.0, 2.0]]).tolist()
    [[-0.25, 2.0]]

    Source: torch.nn.PReLU; ONNX PRelu.
    """

    def __init__(self, num_parameters: int = 1, init: float = 0.25) -> None:
        self.weight = Parameter((num_parameters,), constant(init))

    def forward(self, x: Value) -> Value:
        slope = x.graph.of(self.weight)
        if x.ndim > 2 and self.weight.shape != (1,):
            slope = slope.add("Reshape", shape=[-1, *(1 for _ in x.shape[2:])])
        return x.add("PRelu", slope)


class ELU(Activation):
    """``y = x`` where x is above 0, else ``alpha * (exp(x) - 1)``. Default alpha 1.

    >>> ELU()([[0.0, 2.0]]).tolist()
    [[0.0, 2.0]]

    Source: torch.nn.ELU; ONNX Elu.
    """

    operator = "Elu"

    def __init__(self, alpha: float = 1.0, inplace: bool = False) -> None:
        self.attributes = {"alpha": float(alpha)}


class CELU(ELU):
    """``y = max(0, x) + min(0, alpha * (exp(x / alpha) - 1))``. Default alpha 1.

    >>> CELU(2.0)([[0.0, 2.0]]).tolist()
    [[0.0, 2.0]]

    Source: torch.nn.CELU; ONNX Celu.
    """

    operator = "Celu"


class SELU(Activation):
    """`ELU` with the alpha, and times the scale, that keep means at 0 and variances at 1.

    >>> SELU()([[0.0]]).tolist()
    [[0.0]]

    Source: torch.nn.SELU; ONNX Selu.
    """

    operator = "Selu"

    def __init__(self, inplace: bool = False) -> None:
        # PyTorch's numbers; ONNX's are these in float32.
        self.attributes = {"alpha": 1.6732632423543772848, "gamma": 1.0507009873554804934}


class Hardsigmoid(Activation):
    """``y = min(max(x / 6 + 1 / 2, 0), 1)``.

    >>> Hardsigmoid()([[-3.0, 0.0, 3.0]]).tolist()
    [[0.0, 0.5, 1.0]]

    Source: torch.nn.Hardsigmoid; ONNX HardSigmoid.
    """

    operator = "HardSigmoid"

    def __init__(self, inplace: bool = False) -> None:
        self.attributes = {"alpha": 1 / 6, "beta": 0.5}


class Hardswish(Activation):
    """``y = x * min(max(x / 6 + 1 / 2, 0), 1)``.

    >>> Hardswish()([[0.0, 3.0]]).tolist()
    [[0.0, 3.0]]

    Source: torch.nn.Hardswish; ONNX HardSwish.
    """

    operator = "HardSwish"


class SiLU(Activation):
    """``y = x * sigmoid(x)``, also called Swish.

    >>> SiLU()([[0.0]]).tolist()
    [[0.0]]

    Source: torch.nn.SiLU; ONNX Swish.
    """

    operator = "Swish"


class Mish(Activation):
    """``y = x * tanh(log(1 + exp(x)))``.

    >>> Mish()([[0.0]]).tolist()
    [[0.0]]

    Source: torch.nn.Mish; ONNX Mish.
    """

    operator = "Mish"


class GELU(Activation):
    """``y = x * P(X <= x)`` for a normal X.

    approximate : ``"none"`` (default), or ``"tanh"``, which is within 5e-4 of it.

    >>> GELU()([[0.0]]).tolist()
    [[0.0]]

    Source: torch.nn.GELU; ONNX Gelu.
    """

    operator = "Gelu"

    def __init__(self, approximate: str = "none") -> None:
        if approximate not in ("none", "tanh"):
            raise InvalidArgumentError(f"approximate must be 'none' or 'tanh', got {approximate!r}")
        self.attributes = {"approximate": approximate}


class Softplus(Activation):
    """``y = log(1 + exp(x))``.

    >>> Softplus()([[0.0]]).round(4).tolist()
    [[0.6930999755859375]]

    Source: torch.nn.Softplus; ONNX Softplus.
    """

    operator = "Softplus"

    def __init__(self) -> None:
        super().__init__()


class ReLU6(Activation):
    """``y = min(max(x, 0), 6)``.

    >>> ReLU6()([[-1.0, 2.0, 7.0]]).tolist()
    [[0.0, 2.0, 6.0]]

    Source: torch.nn.ReLU6; ONNX Clip.
    """

    operator = "Clip"

    def __init__(self, inplace: bool = False) -> None:
        self.attributes = {"min": 0.0, "max": 6.0}
