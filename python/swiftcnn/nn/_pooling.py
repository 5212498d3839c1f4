"""Pooling layers."""

from __future__ import annotations

from typing import Any, Optional

from ._convolution import Size, as_sizes
from ._graph import Value
from ._module import Module


class _Pooling(Module):
    """What pooling layers have; subclasses say the operator and how many axes of pixels."""

    _axes = 2
    _operator = ""

    def __init__(self, kernel_size: Size, stride: Optional[Size], padding: Size, ceil_mode: bool, **others: Any) -> None:
        kernel = as_sizes(kernel_size, "kernel_size", self._axes, 1)
        pads = as_sizes(padding, "padding", self._axes, 0)
        self.attributes = {
            "kernel_shape": kernel,
            "strides": kernel if stride is None else as_sizes(stride, "stride", self._axes, 1),
            "pads": pads + pads,
            "ceil_mode": int(bool(ceil_mode)),
            **others,
        }

    def forward(self, x: Value) -> Value:
        return x.add(self._operator, **self.attributes)

    def extra_repr(self) -> str:
        given = self.attributes
        return f"kernel_size={given['kernel_shape']}, stride={given['strides']}, padding={given['pads'][: self._axes]}"


class _MaxPool(_Pooling):
    _operator = "MaxPool"

    def __init__(
        self,
        kernel_size: Size,
        stride: Optional[Size] = None,
        padding: Size = 0,
        dilation: Size = 1,
        *,
        ceil_mode: bool = False,
    ) -> None:
        steps = as_sizes(dilation, "dilation", self._axes, 1)
        super().__init__(kernel_size, stride, padding, ceil_mode, dilations=steps)


class MaxPool2d(_MaxPool):
    """The largest element of each window: ``x[N][C][H][W] -> y[N][C][OH][OW]``.

    kernel_size, stride, padding, dilation : integers or pairs. Default stride: kernel_size; padding 0, any size, and
        never the largest; dilation 1.
    ceil_mode : True lets a last window hang over the edge. Default False. Keyword only.

    >>> import numpy as np
    >>> MaxPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4)).tolist()
    [[[[5.0, 7.0], [13.0, 15.0]]]]

    Source: torch.nn.MaxPool2d; ONNX MaxPool.
    """


class MaxPool1d(_MaxPool):
    """The largest element of each window: ``x[N][C][W] -> y[N][C][OW]``. Arguments as for `MaxPool2d`.

    >>> MaxPool1d(2)([[[1.0, 3.0, 2.0, 0.0]]]).tolist()
    [[[3.0, 2.0]]]

    Source: torch.nn.MaxPool1d; ONNX MaxPool.
    """

    _axes = 1


class AvgPool2d(_Pooling):
    """The mean of each window: ``x[N][C][H][W] -> y[N][C][OH][OW]``.

    kernel_size, stride, padding : integers or pairs. Default stride: kernel_size; padding 0.
    ceil_mode : True lets a last window hang over the edge. Default False.
    count_include_pad : whether padding counts in the mean. Default True.

    >>> import numpy as np
    >>> AvgPool2d(2)(np.arange(16.0).reshape(1, 1, 4, 4)).tolist()
    [[[[2.5, 4.5], [10.5, 12.5]]]]

    Source: torch.nn.AvgPool2d; ONNX AveragePool.
    """

    _operator = "AveragePool"

    def __init__(
        self,
        kernel_size: Size,
        stride: Optional[Size] = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad=int(bool(count_include_pad)))


class AvgPool1d(AvgPool2d):
    """The mean of each window: ``x[N][C][W] -> y[N][C][OW]``. Arguments as for `AvgPool2d`.

    >>> AvgPool1d(2)([[[1.0, 3.0, 2.0, 0.0]]]).tolist()
    [[[2.0, 1.0]]]

    Source: torch.nn.AvgPool1d; ONNX AveragePool.
    """

    _axes = 1


class AdaptiveAvgPool2d(Module):
    """Means of windows that are chosen so that ``y[N][C][OH][OW]`` has `output_size`.

    output_size : an integer, or (OH, OW); None keeps that extent. 1, the mean of each channel, is what networks end with.

    >>> import numpy as np
    >>> AdaptiveAvgPool2d(1)(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[[[1.5]], [[5.5]]]]

    Source: torch.nn.AdaptiveAvgPool2d; ONNX GlobalAveragePool.
    """

    _operators = ("GlobalAveragePool", "AdaptiveAveragePool")

    def __init__(self, output_size: Any) -> None:
        pair = output_size if isinstance(output_size, (tuple, list)) else (output_size, output_size)
        self.output_size = [None if n is None else as_sizes(n, "output_size", 1, 1)[0] for n in pair]

    def forward(self, x: Value) -> Value:
        if self.output_size == [1, 1]:
            return x.add(self._operators[0])
        size = [given or extent for given, extent in zip(self.output_size, x.shape[2:])]
        return x.add(self._operators[1], output_size=size)

    def extra_repr(self) -> str:
        return f"output_size={self.output_size}"


class AdaptiveMaxPool2d(AdaptiveAvgPool2d):
    """The largest elements of windows that are chosen so that ``y[N][C][OH][OW]`` has `output_size`.

    >>> import numpy as np
    >>> AdaptiveMaxPool2d(1)(np.arange(8.0).reshape(1, 2, 2, 2)).tolist()
    [[[[3.0]], [[7.0]]]]

    Source: torch.nn.AdaptiveMaxPool2d; ONNX GlobalMaxPool.
    """

    _operators = ("GlobalMaxPool", "AdaptiveMaxPool")
