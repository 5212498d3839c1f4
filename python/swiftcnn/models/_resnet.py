"""ResNet: blocks with a way around them."""

from __future__ import annotations

from collections.abc import Sequence

from .. import nn


def _convolution(channels: int, filters: int, size: int, stride: int = 1) -> nn.Conv2d:
    """Without a bias, which the normalization behind it would take away; of He's initial weights."""
    made = nn.Conv2d(channels, filters, size, stride, padding=size // 2, bias=False)
    made.weight.initializer = nn.init.fan_out_normal(filters * size * size)
    return made


class BasicBlock(nn.Module):
    """Two 3x3 convolutions, and the way around."""

    expansion = 1

    def __init__(self, channels: int, width: int, stride: int) -> None:
        self.conv1, self.bn1 = _convolution(channels, width, 3, stride), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _convolution(width, width, 3), nn.BatchNorm2d(width)
        self._around(channels, width, stride)

    def _around(self, channels: int, filters: int, stride: int) -> None:
        if stride != 1 or channels != filters:
            self.downsample = nn.Sequential(_convolution(channels, filters, 1, stride), nn.BatchNorm2d(filters))

    def body(self, x: nn.Value) -> nn.Value:
        relu = nn.functional.relu
        y: nn.Value = self.bn2(self.conv2(relu(self.bn1(self.conv1(x)))))
        return y

    def forward(self, x: nn.Value) -> nn.Value:
        around = self.downsample(x) if hasattr(self, "downsample") else x
        return nn.functional.relu(self.body(x) + around)


class Bottleneck(BasicBlock):
    """1x1, 3x3 and 1x1 convolutions, and the way around."""

    expansion = 4

    def __init__(self, channels: int, width: int, stride: int) -> None:
        self.conv1, self.bn1 = _convolution(channels, width, 1), nn.BatchNorm2d(width)
        self.conv2, self.bn2 = _convolution(width, width, 3, stride), nn.BatchNorm2d(width)
        self.conv3, self.bn3 = _convolution(width, 4 * width, 1), nn.BatchNorm2d(4 * width)
        self._around(channels, 4 * width, stride)

    def body(self, x: nn.Value) -> nn.Value:
        y: nn.Value = self.bn3(self.conv3(nn.functional.relu(super().body(x))))
        return y


class ResNet(nn.Module):
    """Blocks in stages; each stage but the first halves the size and doubles the channels."""

    def __init__(
        self, block: type[BasicBlock], stages: Sequence[int], width: int, in_channels: int, num_classes: int, small: bool
    ) -> None:
        if small:  # images of about 32x32
            self.conv1 = _convolution(in_channels, width, 3)
        else:
            self.conv1 = _convolution(in_channels, width, 7, 2)
            self.maxpool = nn.MaxPool2d(3, 2, 1)
        self.bn1 = nn.BatchNorm2d(width)
        channels = width
        for i, count in enumerate(stages):
            blocks: list[nn.Module] = []
            for j in range(count):
                blocks.append(block(channels, width << i, 2 if i and not j else 1))
                channels = (width << i) * block.expansion
            setattr(self, f"layer{i + 1}", nn.Sequential(*blocks))
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(channels, num_classes)
        self._stages = len(stages)

    def forward(self, x: nn.Value) -> nn.Value:
        x = nn.functional.relu(self.bn1(self.conv1(x)))
        if hasattr(self, "maxpool"):
            x = self.maxpool(x)
        for i in range(self._stages):
            x = getattr(self, f"layer{i + 1}")(x)
        y: nn.Value = self.fc(nn.functional.flatten(self.avgpool(x)))
        return y


def resnet18(num_classes: int = 1000, in_channels: int = 3) -> ResNet:
    """``x[N][C][H][W] -> y[N][num_classes]``, for 224x224 images.

    >>> from swiftcnn import models
    >>> sum(parameter.size() for parameter in models.resnet18().parameters())
    11689512

    Source: He et al. 2015, "Deep Residual Learning for Image Recognition"; torchvision.models.resnet18.
    """
    return ResNet(BasicBlock, (2, 2, 2, 2), 64, in_channels, num_classes, small=False)


def resnet20(num_classes: int = 10, in_channels: int = 3) -> ResNet:
    """``x[N][C][H][W] -> y[N][num_classes]``, for images of about 32x32: three stages of 16, 32 and 64 channels.

    >>> from swiftcnn import models
    >>> models.resnet20().summary((3, 32, 32)).parameters
    272474

    Source: He et al. 2015, section 4.2 (with 1x1 convolutions where the way around changes its shape).
    """
    return ResNet(BasicBlock, (3, 3, 3), 16, in_channels, num_classes, small=True)


def resnet50(num_classes: int = 1000, in_channels: int = 3) -> ResNet:
    """``x[N][C][H][W] -> y[N][num_classes]``, for 224x224 images.

    >>> from swiftcnn import models
    >>> sum(parameter.size() for parameter in models.resnet50().parameters())
    25557032

    Source: He et al. 2015; torchvision.models.resnet50 (strides at the 3x3 convolutions).
    """
    return ResNet(Bottleneck, (3, 4, 6, 3), 64, in_channels, num_classes, small=False)
