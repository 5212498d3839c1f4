"""MobileNetV2: wide depthwise convolutions between narrow ends, with a way around."""

from __future__ import annotations

from .. import nn

# Expansion, channels, blocks and stride of each stage.
_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))


def _convolution(channels: int, filters: int, size: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    made = nn.Conv2d(channels, filters, size, stride, size // 2, groups=groups, bias=False)
    return nn.Sequential(made, nn.BatchNorm2d(filters), nn.ReLU6())


class InvertedResidual(nn.Module):
    """``x[N][C][H][W] -> y[N][filters][H/stride][W/stride]``."""

    def __init__(self, channels: int, filters: int, stride: int, expansion: int) -> None:
        wide = channels * expansion
        layers: list[nn.Module] = [_convolution(channels, wide, 1)] if expansion != 1 else []
        layers += [_convolution(wide, wide, 3, stride, wide), nn.Conv2d(wide, filters, 1, bias=False), nn.BatchNorm2d(filters)]
        self.conv = nn.Sequential(*layers)
        self._is_residual = stride == 1 and channels == filters

    def forward(self, x: nn.Value) -> nn.Value:
        y: nn.Value = self.conv(x)
        return x + y if self._is_residual else y


class MobileNetV2(nn.Module):
    """``x[N][C][H][W] -> y[N][num_classes]``, for 224x224 images.

    >>> from swiftcnn import models
    >>> models.MobileNetV2().summary((3, 224, 224)).parameters
    3504872

    Source: Sandler et al. 2018, "MobileNetV2"; torchvision.models.mobilenet_v2.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.2) -> None:
        layers: list[nn.Module] = [_convolution(in_channels, 32, 3, 2)]
        channels = 32
        for expansion, filters, count, stride in _STAGES:
            for i in range(count):
                layers.append(InvertedResidual(channels, filters, stride if i == 0 else 1, expansion))
                channels = filters
        layers.append(_convolution(channels, 1280, 1))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(nn.Dropout(dropout), nn.Linear(1280, num_classes))

    def forward(self, x: nn.Value) -> nn.Value:
        x = nn.functional.adaptive_avg_pool2d(self.features(x), 1)
        y: nn.Value = self.classifier(nn.functional.flatten(x))
        return y
