"""The article's network, and Adam to train it: Conv-ReLU-Pool-Conv-ReLU-Pool-Affine-ReLU-Affine-Softmax.

The network takes its layers from any module that has the article's names, so the same lines run on swiftcnn and on the
NumPy oracle. All parameters are views of one flat array, and so are the gradients: an optimizer needs no loop.
"""

from __future__ import annotations

import math

import numpy as np

HIDDEN = 128


class Network:
    """x[N][C][H][W] -> scores[N][classes]; sizes follow from the images.

    layers  a module with Convolution, Pooling, Affine, Relu and SoftmaxWithLoss: swiftcnn.layers, or the oracle
    shape   (C, H, W) of an image, at least 4 by 4
    """

    def __init__(self, layers, shape, classes, seed=0, dtype=np.float32):
        channels, height, width = shape
        if height < 4 or width < 4:
            raise ValueError(f"images must be at least 4x4 pixels for two poolings, got {width}x{height}")
        # Few pixels leave time for more filters, and only small ones fit.
        first, second, kernel = (32, 64, 3) if min(height, width) < 20 else (16, 32, 5)
        features = second * (height // 4) * (width // 4)
        shapes = [
            ((first, channels, kernel, kernel), channels * kernel * kernel),
            ((second, first, 3, 3), first * 9),
            ((features, HIDDEN), features),
            ((HIDDEN, classes), HIDDEN),
        ]
        # He's initialisation: weights of variance 2 / fan in, biases 0.
        generator = np.random.default_rng(seed)
        weights = [generator.normal(0, math.sqrt(2 / fan_in), shape) for shape, fan_in in shapes]
        biases = [np.zeros(shape[0] if len(shape) == 4 else shape[1]) for shape, _ in shapes]
        arrays = [array for pair in zip(weights, biases) for array in pair]

        self.parameters = np.concatenate([array.ravel() for array in arrays]).astype(dtype)
        self.gradients = np.zeros_like(self.parameters)
        (W1, b1, W2, b2, W3, b3, W4, b4) = _views(self.parameters, arrays)
        self._gradient_views = _views(self.gradients, arrays)
        self._trained = [
            layers.Convolution(W1, b1, stride=1, pad=kernel // 2),
            layers.Convolution(W2, b2, stride=1, pad=1),
            layers.Affine(W3, b3),
            layers.Affine(W4, b4),
        ]
        conv1, conv2, affine1, affine2 = self._trained
        self.layers = [
            *(conv1, layers.Relu(), layers.Pooling(2, 2, stride=2)),
            *(conv2, layers.Relu(), layers.Pooling(2, 2, stride=2)),
            *(affine1, layers.Relu(), affine2),
        ]
        self.loss = layers.SoftmaxWithLoss()

    @property
    def filters(self):
        """The first layer's weights [FN][C][FH][FW]."""
        return self._trained[0].W

    def forward(self, x):
        for layer in self.layers:
            x = layer.forward(x)
        return x

    def step(self, x, t):
        """Forward and backward; fills `gradients`. Returns the mean loss and the scores [N][classes]."""
        scores = self.forward(x)
        loss = self.loss.forward(scores, t)
        dout = self.loss.backward()
        for layer in reversed(self.layers):
            dout = layer.backward(dout)
        found = [array for layer in self._trained for array in (layer.dW, layer.db)]
        for view, array in zip(self._gradient_views, found):
            view[...] = array
        return float(loss), scores

    def predict(self, x, batch=500):
        """The class of each image: [N], and how sure the network is of it: [N], 0 to 1."""
        classes, certainties = [], []
        for start in range(0, len(x), batch):
            scores = self.forward(x[start : start + batch])
            powers = np.exp(scores - scores.max(axis=1, keepdims=True))
            classes.append(scores.argmax(axis=1))
            certainties.append(powers.max(axis=1) / powers.sum(axis=1))
        return np.concatenate(classes), np.concatenate(certainties)


class Adam:
    """Adam with decoupled weight decay (AdamW) on one flat array, in place, without a temporary array in a step."""

    def __init__(self, parameters, beta1=0.9, beta2=0.999, epsilon=1e-7, decay=0.1):
        self.parameters = parameters
        self.beta1, self.beta2, self.epsilon, self.decay = beta1, beta2, epsilon, decay
        self.m, self.v, self.scratch = (np.zeros_like(parameters) for _ in range(3))
        self.steps = 0

    def update(self, gradients, rate):
        self.steps += 1
        scratch = self.scratch
        self.m *= self.beta1
        self.m += np.multiply(gradients, 1 - self.beta1, out=scratch)
        self.v *= self.beta2
        np.multiply(gradients, gradients, out=scratch)
        scratch *= 1 - self.beta2
        self.v += scratch
        np.sqrt(self.v, out=scratch)
        scratch += self.epsilon
        np.divide(self.m, scratch, out=scratch)
        # Both moments start from 0; the rate makes up for it.
        scratch *= rate * math.sqrt(1 - self.beta2**self.steps) / (1 - self.beta1**self.steps)
        self.parameters *= 1 - rate * self.decay
        self.parameters -= scratch


def cosine_rate(step, steps, highest):
    """A rate that rises over the first tenth of the steps and falls to 0 along a cosine."""
    rise = max(1, steps // 10)
    if step < rise:
        return highest * (step + 1) / rise
    return highest * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


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


def _views(flat, arrays):
    """Views of a flat array in the shapes of the arrays, one after another."""
    ends = np.cumsum([array.size for array in arrays])
    return [flat[end - array.size : end].reshape(array.shape) for end, array in zip(ends, arrays)]
