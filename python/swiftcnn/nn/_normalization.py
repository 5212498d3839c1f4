"""Normalizations: of each channel over a batch, of groups of channels, of rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Optional, Union

import numpy as np

from .._windows import as_integer, as_integers
from ..errors import InvalidArgumentError, ShapeError
from ._graph import Value
from ._module import Module
from ._parameter import Buffer, Parameter, constant


class _BatchNorm(Module):
    _ranks: tuple[int, ...] = (4,)
    _axes = "[N][C][H][W]"

    def __init__(self, num_features: Optional[int], eps: float = 1e-5, momentum: float = 0.1, affine: bool = True) -> None:
        if not 0 <= momentum <= 1:
            raise InvalidArgumentError(f"momentum must be 0 to 1, got {momentum}")
        shape = None if num_features is None else (as_integer(num_features, "num_features", 1),)
        self.num_features, self.eps, self.momentum, self.affine = num_features, float(eps), float(momentum), bool(affine)
        if affine:
            self.weight = Parameter(shape, constant(1))
            self.bias = Parameter(shape)
        self.running_mean = Buffer(shape)
        self.running_var = Buffer(shape, 1)

    def forward(self, x: Value) -> Value:
        if x.ndim not in self._ranks:
            raise ShapeError(f"{x.graph.where(self)}: x must be {self._axes}, got shape {x.shape}")
        channels = x.shape[1]
        if self.num_features is None:
            self.num_features = channels
            for _, held in self.named_held():
                held.shape = held.shape or (channels,)
        if self.num_features != channels:
            raise ShapeError(f"{x.graph.where(self)}: x must have {self.num_features} channels, got shape {x.shape}")
        scale, bias = (self.weight, self.bias) if self.affine else (np.ones(channels), np.zeros(channels))
        # ONNX's momentum is the share that is kept.
        share = 1 - self.momentum
        inputs = (scale, bias, self.running_mean, self.running_var)
        return x.add("BatchNormalization", *inputs, epsilon=self.eps, momentum=share, unbiased=1)

    def extra_repr(self) -> str:
        return f"{self.num_features}, eps={self.eps}, momentum={self.momentum}" + ("" if self.affine else ", affine=False")


class BatchNorm2d(_BatchNorm):
    """Normalizes each channel of ``x[N][C][H][W]``: ``y = (x - mean) / sqrt(var + eps) * weight + bias``. In training mean
    and variance are the batch's; in inference those that were learned.

    num_features : C. eps : default 1e-5. momentum : the share of the running statistics that each batch replaces. Default
    0.1. affine : whether there are `weight` and `bias`. Default True.

    Parameters: ``weight[C]``, at first 1, and ``bias[C]``, 0. Buffers: ``running_mean[C]``, ``running_var[C]``; the latter
    follows the unbiased variance, over one less than the batch's elements, as PyTorch's does (the batch itself is normalized
    by the biased one).

    >>> import numpy as np
    >>> BatchNorm2d(3)(np.zeros((1, 3, 2, 2))).shape
    (1, 3, 2, 2)

    Source: torch.nn.BatchNorm2d; ONNX BatchNormalization.
    """


class BatchNorm1d(_BatchNorm):
    """Normalizes each channel of ``x[N][C]`` or ``x[N][C][W]``. Arguments as for `BatchNorm2d`.

    >>> BatchNorm1d(2)([[0.0, 0.0]]).tolist()
    [[0.0, 0.0]]

    Source: torch.nn.BatchNorm1d; ONNX BatchNormalization.
    """

    _ranks, _axes = (2, 3), "[N][C] or [N][C][W]"


class LazyBatchNorm2d(BatchNorm2d):
    """`BatchNorm2d` whose num_features follow from the first input.

    >>> import numpy as np
    >>> layer = LazyBatchNorm2d()
    >>> layer(np.zeros((1, 3, 2, 2))).shape, layer.weight.shape
    ((1, 3, 2, 2), (3,))

    Source: torch.nn.LazyBatchNorm2d.
    """

    def __init__(self, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True) -> None:
        super().__init__(None, eps, momentum, affine)


class LazyBatchNorm1d(BatchNorm1d):
    """`BatchNorm1d` whose num_features follow from the first input.

    >>> LazyBatchNorm1d()([[0.0, 0.0]]).tolist()
    [[0.0, 0.0]]

    Source: torch.nn.LazyBatchNorm1d.
    """

    def __init__(self, eps: float = 1e-5, momentum: float = 0.1, affine: bool = True) -> None:
        super().__init__(None, eps, momentum, affine)


class GroupNorm(Module):
    """Normalizes each group of channels of each image of ``x[N][C][...]``, alike in training and inference.

    num_groups : divides num_channels. num_channels : C. eps : default 1e-5. affine : whether there are ``weight[C]`` and
    ``bias[C]``. Default True.

    >>> GroupNorm(1, 2)([[[1.0], [1.0]]]).tolist()
    [[[0.0], [0.0]]]

    Source: torch.nn.GroupNorm; ONNX GroupNormalization.
    """

    def __init__(self, num_groups: int, num_channels: int, eps: float = 1e-5, affine: bool = True) -> None:
        self.num_groups, self.num_channels = (
            as_integer(num_groups, "num_groups", 1),
            as_integer(num_channels, "num_channels", 1),
        )
        if self.num_channels % self.num_groups:
            raise InvalidArgumentError(f"num_channels must be a multiple of num_groups = {num_groups}, got {num_channels}")
        self.eps, self.affine = float(eps), bool(affine)
        if affine:
            self.weight, self.bias = Parameter((num_channels,), constant(1)), Parameter((num_channels,))

    def _add(self, x: Value, operator: str, **attributes: Any) -> Value:
        ones, zeros = np.ones(self.num_channels), np.zeros(self.num_channels)
        scale, bias = (self.weight, self.bias) if self.affine else (ones, zeros)
        return x.add(operator, scale, bias, epsilon=self.eps, **attributes)

    def forward(self, x: Value) -> Value:
        return self._add(x, "GroupNormalization", num_groups=self.num_groups)

    def extra_repr(self) -> str:
        return f"{self.num_groups}, {self.num_channels}, eps={self.eps}" + ("" if self.affine else ", affine=False")


class InstanceNorm2d(GroupNorm):
    """Normalizes each channel of each image of ``x[N][C][H][W]``, alike in training and inference.

    num_features : C. eps : default 1e-5. affine : whether there are ``weight[C]`` and ``bias[C]``. Default False.

    >>> InstanceNorm2d(1)([[[[1.0, 1.0]]]]).tolist()
    [[[[0.0, 0.0]]]]

    Source: torch.nn.InstanceNorm2d; ONNX InstanceNormalization.
    """

    def __init__(self, num_features: int, eps: float = 1e-5, *, affine: bool = False) -> None:
        super().__init__(num_features, num_features, eps, affine)

    def forward(self, x: Value) -> Value:
        return self._add(x, "InstanceNormalization")


class LayerNorm(Module):
    """Normalizes over the last axes, which have the shape `normalized_shape`.

    eps : default 1e-5. elementwise_affine : whether there are `weight` and `bias`, of that shape. Default True.
    bias : False leaves `bias` away. Default True.

    >>> LayerNorm(2)([[1.0, 1.0]]).tolist()
    [[0.0, 0.0]]

    Source: torch.nn.LayerNorm; ONNX LayerNormalization.
    """

    def __init__(
        self,
        normalized_shape: Union[int, Sequence[int]],
        eps: float = 1e-5,
        elementwise_affine: bool = True,
        bias: bool = True,
    ) -> None:
        self.normalized_shape = as_integers(normalized_shape, "normalized_shape", 1, tuple(range(1, 8)))
        self.eps = float(eps)
        self.weight = Parameter(self.normalized_shape, constant(1)) if elementwise_affine else None
        self.bias = Parameter(self.normalized_shape) if elementwise_affine and bias else None

    def forward(self, x: Value) -> Value:
        axes = len(self.normalized_shape)
        if x.shape[1:][-axes:] != self.normalized_shape:
            raise ShapeError(f"{x.graph.where(self)}: x must end in {self.normalized_shape}, got shape {x.shape}")
        scale: Any = self.weight if self.weight is not None else np.ones(self.normalized_shape)
        return x.add("LayerNormalization", scale, self.bias, axis=-axes, epsilon=self.eps)

    def extra_repr(self) -> str:
        return f"{self.normalized_shape}, eps={self.eps}"
