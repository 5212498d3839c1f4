"""The networks of the book "Deep Learning from Scratch", and the one that began it all."""

from __future__ import annotations

from .. import nn


def SimpleConvNet(num_classes: int = 10, filters: int = 30, hidden: int = 100) -> nn.Sequential:
    """``x[N][C][H][W] -> y[N][num_classes]``: convolution 5x5, ReLU, pooling, affine, ReLU, affine. For 28x28 images.

    >>> from swiftcnn import models
    >>> models.SimpleConvNet().summary((1, 28, 28)).parameters
    433890

    Source: book, section 7.5.
    """
    return nn.Sequential(
        nn.LazyConv2d(filters, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.LazyLinear(hidden),
        nn.ReLU(),
        nn.Linear(hidden, num_classes),
    )


def DeepConvNet(num_classes: int = 10) -> nn.Sequential:
    """``x[N][C][H][W] -> y[N][num_classes]``: three pairs of 3x3 convolutions of 16, 32 and 64 filters, each with pooling,
    then 50 affine units, with dropout. For 28x28 images. The initial weights are He's.

    >>> from swiftcnn import models
    >>> models.DeepConvNet().summary((1, 28, 28)).parameters
    123552

    Source: book, section 8.1.1.
    """
    layers: list[nn.Module] = []
    for filters, pads in ((16, (1, 1)), (32, (1, 2)), (64, (1, 1))):
        for pad in pads:
            convolution = nn.LazyConv2d(filters, 3, padding=pad)
            nn.init.kaiming_normal_(convolution.weight, nonlinearity="relu")
            layers += [convolution, nn.ReLU()]
        layers.append(nn.MaxPool2d(2))
    hidden, last = nn.LazyLinear(50), nn.Linear(50, num_classes)
    nn.init.kaiming_normal_(hidden.weight, nonlinearity="relu")
    nn.init.kaiming_normal_(last.weight, nonlinearity="relu")
    layers += [nn.Flatten(), hidden, nn.ReLU(), nn.Dropout(0.5), last, nn.Dropout(0.5)]
    return nn.Sequential(*layers)


def LeNet5(num_classes: int = 10) -> nn.Sequential:
    """``x[N][C][H][W] -> y[N][num_classes]``, for 28x28 images (padded to 32x32, as in the paper); with max pooling and
    ReLU, as it is built today.

    >>> from swiftcnn import models
    >>> models.LeNet5().summary((1, 28, 28)).parameters
    61706

    Source: LeCun et al. 1998, "Gradient-Based Learning Applied to Document Recognition".
    """
    return nn.Sequential(
        nn.LazyConv2d(6, 5, padding=2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.LazyLinear(120),
        nn.ReLU(),
        nn.Linear(120, 84),
        nn.ReLU(),
        nn.Linear(84, num_classes),
    )
