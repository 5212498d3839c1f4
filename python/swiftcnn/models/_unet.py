"""A small U-Net: down to small images of many channels, and up again with what was seen on the way down."""

from __future__ import annotations

from .. import nn


def _pair(channels: int, filters: int) -> nn.Sequential:
    layers: list[nn.Module] = []
    for before in (channels, filters):
        layers += [nn.Conv2d(before, filters, 3, padding=1, bias=False), nn.BatchNorm2d(filters), nn.ReLU()]
    return nn.Sequential(*layers)


class UNet(nn.Module):
    """``x[N][C][H][W] -> y[N][num_classes][H][W]``, scores for each pixel; H and W are multiples of ``2**depth``.

    in_channels : C. num_classes : default 2. width : channels at full size, doubled at each halving. Default 16.
    depth : how often the size is halved. Default 3.

    >>> import numpy as np
    >>> from swiftcnn import models
    >>> models.UNet(1, width=4)(np.zeros((1, 1, 16, 24), np.float32)).shape
    (1, 2, 16, 24)

    Source: Ronneberger et al. 2015, "U-Net" (with padding and batch normalization).
    """

    def __init__(self, in_channels: int, num_classes: int = 2, width: int = 16, depth: int = 3) -> None:
        sizes = [width << i for i in range(depth + 1)]
        self.down = nn.ModuleList([_pair(a, b) for a, b in zip([in_channels, *sizes], sizes)])
        self.up = nn.ModuleList([nn.ConvTranspose2d(2 * size, size, 2, 2) for size in sizes[:-1]])
        self.join = nn.ModuleList([_pair(2 * size, size) for size in sizes[:-1]])
        self.head = nn.Conv2d(width, num_classes, 1)

    def forward(self, x: nn.Value) -> nn.Value:
        seen = [self.down[0](x)]
        for pair in self.down[1:]:
            seen.append(pair(nn.functional.max_pool2d(seen[-1], 2)))
        y = seen.pop()
        for up, join, before in zip(reversed(list(self.up)), reversed(list(self.join)), reversed(seen)):
            y = join(nn.functional.cat([before, up(y)]))
        scores: nn.Value = self.head(y)
        return scores
