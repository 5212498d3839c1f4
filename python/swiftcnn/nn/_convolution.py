"""Convolution layers, forward and transposed."""

from __future__ import annotations

import math
from typing import Any, Optional, Union

from .._arrays import Shape
from .._windows import as_integer, as_integers
from ..errors import InvalidArgumentError, ShapeError
from ._graph import Value
from ._module import Module
from ._parameter import Parameter, uniform

Size = Union[int, tuple[int, ...]]


def as_sizes(value: Any, name: str, axes: int, least: int) -> list[int]:
    """One integer for all of `axes`, or one for each."""
    numbers = as_integers(value, name, least, (axes,))
    return [*numbers] * (axes if len(numbers) == 1 else 1)


class _Convolution(Module):
    """What all convolutions have; subclasses say how many axes of pixels."""

    _axes = 2
    _transposed = False

    def __init__(
        self,
        in_channels: Optional[int],
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Union[Size, str] = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None:
        self.in_channels = None if in_channels is None else as_integer(in_channels, "in_channels", 1)
        self.out_channels = as_integer(out_channels, "out_channels", 1)
        self.kernel_size = tuple(as_sizes(kernel_size, "kernel_size", self._axes, 1))
        self.stride = tuple(as_sizes(stride, "stride", self._axes, 1))
        self.dilation = tuple(as_sizes(dilation, "dilation", self._axes, 1))
        self.groups = as_integer(groups, "groups", 1)
        if isinstance(padding, str):
            if padding not in ("same", "valid") or self._transposed:
                raise InvalidArgumentError(f"padding must be integers, 'same' or 'valid', got {padding!r}")
            self.padding: Union[str, tuple[int, ...]] = padding
        else:
            self.padding = tuple(as_sizes(padding, "padding", self._axes, 0))
        if self.out_channels % self.groups:
            raise InvalidArgumentError(f"out_channels must be a multiple of groups = {self.groups}, got {self.out_channels}")
        self.weight = Parameter(None)
        self.bias = Parameter((self.out_channels,)) if bias else None
        if self.in_channels is not None:
            self._resolve(self.in_channels)

    def _resolve(self, channels: int) -> None:
        """Shape and initial numbers of the parameters, now that the channels of the input are known."""
        if channels % self.groups:
            raise InvalidArgumentError(f"in_channels must be a multiple of groups = {self.groups}, got {channels}")
        self.in_channels = channels
        rows, columns = (channels, self.out_channels) if self._transposed else (self.out_channels, channels)
        shape: Shape = (rows, columns // self.groups, *self.kernel_size)
        if self.weight.shape not in (None, shape):
            raise ShapeError(f"weight must have shape {shape} for {channels} channels, got {self.weight.shape}")
        self.weight.shape = shape
        # PyTorch's default: kaiming_uniform with a = sqrt(5), which is this bound.
        bound = 1 / math.sqrt(math.prod(shape[1:]))
        self.weight.begin_by_default(uniform(bound))
        if self.bias is not None:
            self.bias.begin_by_default(uniform(bound))

    def _attributes(self) -> dict[str, Any]:
        given: dict[str, Any] = {"strides": [*self.stride], "dilations": [*self.dilation], "group": self.groups}
        if self.padding == "same":
            given["auto_pad"] = "SAME_UPPER"
        elif self.padding != "valid":
            given["pads"] = [*self.padding, *self.padding]
        return given

    def forward(self, x: Value) -> Value:
        if x.ndim != self._axes + 2:
            axes = "[N][C][H][W]" if self._axes == 2 else "[N][C][W]"
            raise ShapeError(f"{x.graph.where(self)}: x must be {axes}, got shape {x.shape}")
        if self.in_channels is None:
            self._resolve(x.shape[1])
        operator = "ConvTranspose" if self._transposed else "Conv"
        return x.add(operator, self.weight, self.bias, **self._attributes())

    def extra_repr(self) -> str:
        text = f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        for name, usual in (("padding", (0,) * self._axes), ("dilation", (1,) * self._axes), ("groups", 1)):
            if getattr(self, name) != usual:
                text += f", {name}={getattr(self, name)!r}"
        return text + ("" if self.bias is not None else ", bias=False")


class Conv2d(_Convolution):
    """A convolution: ``x[N][C][H][W] -> y[N][K][OH][OW]`` with ``OH = (H + 2*padding - dilation*(KH - 1) - 1)//stride +
    1``.

    in_channels, out_channels : C and K.
    kernel_size, stride, padding, dilation : integers or pairs (vertical, horizontal). Default stride 1, padding 0,
        dilation 1. ``padding="same"`` keeps ``OH = ceil(H / stride)`` (any stride, where PyTorch takes 1 only), more of
        it below and to the right; ``"valid"`` is 0.
    groups : splits channels into this many groups that do not see each other. Default 1.
    bias : whether to add a bias. Default True.

    Parameters: ``weight[K][C/groups][KH][KW]`` and ``bias[K]``, at first uniform within 1/sqrt(C/groups*KH*KW).

    Raises `InvalidArgumentError` and `DTypeError`; when built, `ShapeError`.

    >>> import numpy as np
    >>> Conv2d(3, 8, 3, stride=2, padding=1)(np.ones((1, 3, 32, 32))).shape
    (1, 8, 16, 16)

    Source: torch.nn.Conv2d; ONNX Conv.
    """


class Conv1d(_Convolution):
    """A convolution over one axis: ``x[N][C][W] -> y[N][K][OW]``. Arguments as for `Conv2d`.

    >>> import numpy as np
    >>> Conv1d(2, 4, 5, padding="same")(np.ones((1, 2, 10))).shape
    (1, 4, 10)

    Source: torch.nn.Conv1d; ONNX Conv.
    """

    _axes = 1


class LazyConv2d(Conv2d):
    """`Conv2d` whose in_channels follow from the first input.

    >>> import numpy as np
    >>> layer = LazyConv2d(8, 3)
    >>> layer(np.ones((1, 5, 4, 4))).shape, layer.weight.shape
    ((1, 8, 2, 2), (8, 5, 3, 3))

    Source: torch.nn.LazyConv2d.
    """

    def __init__(self, out_channels: int, kernel_size: Size, *arguments: Any, **named: Any) -> None:
        super().__init__(None, out_channels, kernel_size, *arguments, **named)


class LazyConv1d(Conv1d):
    """`Conv1d` whose in_channels follow from the first input.

    >>> import numpy as np
    >>> LazyConv1d(8, 3)(np.ones((1, 5, 4))).shape
    (1, 8, 2)

    Source: torch.nn.LazyConv1d.
    """

    def __init__(self, out_channels: int, kernel_size: Size, *arguments: Any, **named: Any) -> None:
        super().__init__(None, out_channels, kernel_size, *arguments, **named)


class ConvTranspose2d(_Convolution):
    """The step back through a `Conv2d`, as a layer that makes images larger: ``x[N][C][H][W] -> y[N][K][OH][OW]`` with
    ``OH = (H - 1)*stride - 2*padding + dilation*(KH - 1) + output_padding + 1``.

    in_channels, out_channels : C and K. kernel_size, stride, padding, output_padding, dilation : integers or pairs.
    Default stride 1, padding and output_padding 0, dilation 1. groups : default 1. bias : default True.

    Parameters: ``weight[C][K/groups][KH][KW]`` and ``bias[K]``, at first uniform within 1/sqrt(K/groups*KH*KW).

    >>> import numpy as np
    >>> ConvTranspose2d(8, 4, 2, stride=2)(np.ones((1, 8, 5, 5))).shape
    (1, 4, 10, 10)

    Source: torch.nn.ConvTranspose2d; ONNX ConvTranspose.
    """

    _transposed = True

    def __init__(
        self,
        in_channels: Optional[int],
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
    ) -> None:
        self.output_padding = as_sizes(output_padding, "output_padding", 2, 0)
        super().__init__(in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias)

    def _attributes(self) -> dict[str, Any]:
        return {**super()._attributes(), "output_padding": self.output_padding}


class LazyConvTranspose2d(ConvTranspose2d):
    """`ConvTranspose2d` whose in_channels follow from the first input.

    >>> import numpy as np
    >>> LazyConvTranspose2d(4, 2, stride=2)(np.ones((1, 8, 5, 5))).shape
    (1, 4, 10, 10)

    Source: torch.nn.LazyConvTranspose2d.
    """

    def __init__(self, out_channels: int, kernel_size: Size, *arguments: Any, **named: Any) -> None:
        super().__init__(None, out_channels, kernel_size, *arguments, **named)
