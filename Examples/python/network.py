"""The article's network: Conv-ReLU-Pool-Conv-ReLU-Pool-Affine-ReLU-Affine, as a network of swiftcnn and, with the same
numbers, layer by layer as the article computes it; and images deformed, for a network to learn more from few.
"""

from __future__ import annotations

import numpy as np
from swiftcnn import nn

HIDDEN = 128


def make_network(shape, classes):
    """x[N][C][H][W] -> scores[N][classes], for images of `shape` (C, H, W), at least 4 by 4."""
    _, height, width = shape
    if height < 4 or width < 4:
        raise ValueError(f"images must be at least 4x4 pixels for two poolings, got {width}x{height}")
    # Few pixels leave time for more filters, and only small ones fit.
    first, second, kernel = (32, 64, 3) if min(height, width) < 20 else (16, 32, 5)
    network = nn.Sequential(
        *(nn.LazyConv2d(first, kernel, padding=kernel // 2), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(first, second, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), nn.LazyLinear(HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, classes)),
    )
    for name, parameter in network.named_parameters():
        if name.endswith("weight"):
            nn.init.kaiming_normal_(parameter, nonlinearity="relu")  # He's initialisation
        else:
            nn.init.zeros_(parameter)
    return network.build(shape)


class LayerByLayer:
    """The same network from `layers`, a module with the article's Convolution, Pooling, Affine, Relu and SoftmaxWithLoss;
    it begins with the numbers that `network` has now, in the given type.
    """

    def __init__(self, network, layers, dtype):
        arrays = [array.astype(dtype) for array in network.state_dict().values()]
        W1, b1, W2, b2, W3, b3, W4, b4 = arrays
        self.trained = [
            layers.Convolution(W1, b1, stride=1, pad=W1.shape[2] // 2),
            layers.Convolution(W2, b2, stride=1, pad=1),
            layers.Affine(np.ascontiguousarray(W3.T), b3),  # the article's are [in][out]
            layers.Affine(np.ascontiguousarray(W4.T), b4),
        ]
        conv1, conv2, affine1, affine2 = self.trained
        self.layers = [
            *(conv1, layers.Relu(), layers.Pooling(2, 2, stride=2)),
            *(conv2, layers.Relu(), layers.Pooling(2, 2, stride=2)),
            *(affine1, layers.Relu(), affine2),
        ]
        self.loss = layers.SoftmaxWithLoss()

    def step(self, x, t):
        """Forward and backward; every layer has its gradients then. Returns the mean loss."""
        for layer in self.layers:
            x = layer.forward(x)
        loss = self.loss.forward(x, t)
        dout = self.loss.backward()
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        return float(loss)


def deform(x, generator, turn=0.2, stretch=0.15, shift=0.7):
    """Every image x[N][C][H][W] turned, stretched and shifted a little, each in its own way: more to learn from.

    turn in radians, stretch of each axis as a logarithm, shift in pixels; each drawn evenly from -limit to limit.
    """
    N, C, H, W = x.shape
    padded = np.pad(x, ((0, 0), (0, 0), (1, 2), (1, 2))).reshape(N, C, -1)

    def draw(limit):
        return generator.uniform(-limit, limit, (N, 1, 1)).astype(np.float32)

    angle = draw(turn)
    rows = np.arange(H, dtype=np.float32)[:, np.newaxis] - (H - 1) / 2
    columns = np.arange(W, dtype=np.float32) - (W - 1) / 2
    # Where each pixel comes from, in the padded image; what lies outside is read from its margin of zeros.
    y = (np.cos(angle) * rows - np.sin(angle) * columns) * np.exp(draw(stretch)) + draw(shift) + (H + 1) / 2
    x = (np.sin(angle) * rows + np.cos(angle) * columns) * np.exp(draw(stretch)) + draw(shift) + (W + 1) / 2
    y, x = y.clip(0, H + 0.999), x.clip(0, W + 0.999)
    top, left = y.astype(np.int64), x.astype(np.int64)
    y, x = (y - top)[:, np.newaxis], (x - left)[:, np.newaxis]
    corner = (top * (W + 3) + left).reshape(N, 1, -1)

    def pixels(offset):
        return np.take_along_axis(padded, corner + offset, 2).reshape(N, C, H, W)

    upper = pixels(0) * (1 - x) + pixels(1) * x
    lower = pixels(W + 3) * (1 - x) + pixels(W + 4) * x
    return (upper * (1 - y) + lower * y).astype(np.float32)
