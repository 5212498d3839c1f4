"""What the tests of networks that learn share: a small classifier and images for it."""

import numpy as np
from swiftcnn import nn, optim


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def small(dtype="float32", **compiled):
    """A classifier of 8x8 images that has everything that is random in it."""
    net = nn.Sequential(
        nn.LazyConv2d(4, 3, bias=False),
        nn.LazyBatchNorm2d(),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.LazyLinear(3),
    )
    return net.to(dtype).compile(**{"optimizer": optim.Adam(1e-2), "metrics": ["accuracy"], **compiled})


def images(count=48):
    """Images of three classes: where the bright row is."""
    y = np.arange(count) % 3
    x = 0.3 * normal(count, 1, 8, 8).astype(np.float32)
    x[np.arange(count), 0, 2 * y + 1] += 1
    return x, y
