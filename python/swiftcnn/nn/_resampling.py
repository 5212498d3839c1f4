"""Layers that make images larger or smaller without parameters."""

from __future__ import annotations

from typing import Any

import numpy as np

from .._windows import as_integer
from ..errors import InvalidArgumentError
from ._graph import Value
from ._module import Module


class Upsample(Module):
    """Images `scale_factor` times as large: ``x[N][C][H][W] -> y[N][C][scale*H][scale*W]``.

    scale_factor : a number above 0, or one for each axis. mode : ``"nearest"`` (default) or ``"bilinear"``, between the
    centres of pixels.

    >>> Upsample(2)([[[[1.0, 2.0]]]]).tolist()
    [[[[1.0, 1.0, 2.0, 2.0], [1.0, 1.0, 2.0, 2.0]]]]

    Source: torch.nn.Upsample (align_corners=False); ONNX Resize.
    """

    def __init__(self, scale_factor: Any, mode: str = "nearest") -> None:
        pair = scale_factor if isinstance(scale_factor, (tuple, list)) else (scale_factor, scale_factor)
        self.scale_factor = [float(scale) for scale in pair]
        if len(self.scale_factor) != 2 or min(self.scale_factor) <= 0:
            raise InvalidArgumentError(f"scale_factor must be a number above 0 or two of them, got {scale_factor!r}")
        if mode not in ("nearest", "bilinear"):
            raise InvalidArgumentError(f"mode must be 'nearest' or 'bilinear', got {mode!r}")
        self.mode = mode

    def forward(self, x: Value) -> Value:
        scales = np.array([1.0, 1.0, *self.scale_factor])
        if self.mode == "bilinear":
            return x.add("Resize", None, scales, mode="linear", coordinate_transformation_mode="half_pixel")
        how: dict[str, Any] = {"coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
        return x.add("Resize", None, scales, mode="nearest", **how)

    def extra_repr(self) -> str:
        return f"scale_factor={self.scale_factor}, mode={self.mode!r}"


class PixelShuffle(Module):
    """Channels become pixels: ``x[N][C*r*r][H][W] -> y[N][C][H*r][W*r]``, where r is `upscale_factor`.

    >>> PixelShuffle(2)([[[[1.0]], [[2.0]], [[3.0]], [[4.0]]]]).tolist()
    [[[[1.0, 2.0], [3.0, 4.0]]]]

    Source: torch.nn.PixelShuffle; ONNX DepthToSpace.
    """

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = as_integer(upscale_factor, "upscale_factor", 1)

    def forward(self, x: Value) -> Value:
        return x.add("DepthToSpace", blocksize=self.upscale_factor, mode="CRD")
