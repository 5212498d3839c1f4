"""VGG: 3x3 convolutions in stages, each half the size of the one before."""

from __future__ import annotations

from collections.abc import Sequence

from .. import nn


class VGG(nn.Module):
    """`stages` says how many convolutions each stage has; their filters double from `width` up to eight times it."""

    def __init__(
        self, stages: Sequence[int], in_channels: int, num_classes: int, batch_norm: bool, width: int, hidden: int
    ) -> None:
        layers: list[nn.Module] = []
        channels = in_channels
        for stage, count in enumerate(stages):
            filters = width * min(8, 2**stage)
            for _ in range(count):
                layers.append(nn.Conv2d(channels, filters, 3, padding=1))
                layers += [nn.BatchNorm2d(filters)] if batch_norm else []
                layers.append(nn.ReLU())
                channels = filters
            layers.append(nn.MaxPool2d(2))
        self.features = nn.Sequential(*layers)
        self.classifier = nn.Sequential(
            nn.LazyLinear(hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, hidden),
            nn.ReLU(),
            nn.Dropout(),
            nn.Linear(hidden, num_classes),
        )

    def forward(self, x: nn.Value) -> nn.Value:
        y: nn.Value = self.classifier(nn.functional.flatten(self.features(x)))
        return y


def vgg11(
    num_classes: int = 1000, in_channels: int = 3, *, batch_norm: bool = False, width: int = 64, hidden: int = 4096
) -> VGG:
    """``x[N][C][H][W] -> y[N][num_classes]``: eight convolutions, three affine layers. For 224x224 images; the least is
    32x32, where hidden=512 is plenty.

    >>> from swiftcnn import models
    >>> models.vgg11(10, width=8, hidden=64).summary((3, 32, 32)).rows[-1].shape
    (1, 10)

    Source: Simonyan and Zisserman 2014, "Very Deep Convolutional Networks"; torchvision.models.vgg11.
    """
    return VGG((1, 1, 2, 2, 2), in_channels, num_classes, batch_norm, width, hidden)


def vgg16(
    num_classes: int = 1000, in_channels: int = 3, *, batch_norm: bool = False, width: int = 64, hidden: int = 4096
) -> VGG:
    """`vgg11` with thirteen convolutions.

    >>> from swiftcnn import models
    >>> models.vgg16(10, width=8, hidden=64).summary((3, 32, 32)).rows[-1].shape
    (1, 10)

    Source: Simonyan and Zisserman 2014; torchvision.models.vgg16.
    """
    return VGG((2, 2, 3, 3, 3), in_channels, num_classes, batch_norm, width, hidden)
