"""SqueezeNet: few 1x1 filters, then many of two sizes side by side."""

from __future__ import annotations

from .. import nn


class Fire(nn.Module):
    """``x[N][C][H][W] -> y[N][2 * expand][H][W]``."""

    def __init__(self, channels: int, squeeze: int, expand: int) -> None:
        self.squeeze = nn.Conv2d(channels, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: nn.Value) -> nn.Value:
        relu = nn.functional.relu
        x = relu(self.squeeze(x))
        return nn.functional.cat([relu(self.expand1x1(x)), relu(self.expand3x3(x))])


class SqueezeNet(nn.Module):
    """``x[N][C][H][W] -> y[N][num_classes]``, version 1.1, for 224x224 images.

    >>> from swiftcnn import models
    >>> models.SqueezeNet().summary((3, 224, 224)).parameters
    1235496

    Source: Iandola et al. 2016, "SqueezeNet"; torchvision.models.squeezenet1_1.
    """

    def __init__(self, num_classes: int = 1000, in_channels: int = 3, dropout: float = 0.5) -> None:
        def pool() -> nn.Module:
            return nn.MaxPool2d(3, 2, ceil_mode=True)

        self.features = nn.Sequential(
            nn.Conv2d(in_channels, 64, 3, 2),
            nn.ReLU(),
            pool(),
            Fire(64, 16, 64),
            Fire(128, 16, 64),
            pool(),
            Fire(128, 32, 128),
            Fire(256, 32, 128),
            pool(),
            Fire(256, 48, 192),
            Fire(384, 48, 192),
            Fire(384, 64, 256),
            Fire(512, 64, 256),
        )
        last = nn.Conv2d(512, num_classes, 1)
        self.classifier = nn.Sequential(nn.Dropout(dropout), last, nn.ReLU(), nn.AdaptiveAvgPool2d(1))

    def forward(self, x: nn.Value) -> nn.Value:
        return nn.functional.flatten(self.classifier(self.features(x)))
