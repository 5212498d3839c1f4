"""The article's network, and Adam to train it: Conv-ReLU-Pool-Conv-ReLU-Pool-Affine-ReLU-Affine-Softmax.

The network takes its layers from any module that has the article's names, so the same lines run on swiftcnn and on the
NumPy oracle. All parameters are views of one flat array, and so are the gradients: an optimizer needs no loop.
"""

from __future__ import annotations

import math

import numpy as np

FILTERS = {"small": (32, 64), "large": (16, 32)}  # small images leave time for more
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
        kernel = 3 if min(height, width) < 20 else 5
        first, second = FILTERS["small" if min(height, width) < 20 else "large"]
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
    """Adam on one flat array, in place and without a temporary array in a step.

    It also keeps the running mean of the parameters, which reads better than the last step's: `use_average`.
    """

    def __init__(self, parameters, beta1=0.9, beta2=0.999, average=0.99, epsilon=1e-7):
        self.parameters = parameters
        self.beta1, self.beta2, self.average, self.epsilon = beta1, beta2, average, epsilon
        self.m, self.v, self.scratch = (np.zeros_like(parameters) for _ in range(3))
        self.mean = parameters.copy()
        self.steps = 0

    def update(self, gradients, rate):
        self.steps += 1
        _approach(self.m, gradients, 1 - self.beta1, self.scratch)
        np.multiply(gradients, gradients, out=gradients)
        _approach(self.v, gradients, 1 - self.beta2, self.scratch)
        np.sqrt(self.v, out=self.scratch)
        self.scratch += self.epsilon
        np.divide(self.m, self.scratch, out=self.scratch)
        self.scratch *= rate * math.sqrt(1 - self.beta2**self.steps) / (1 - self.beta1**self.steps)
        self.parameters -= self.scratch
        _approach(self.mean, self.parameters, 1 - min(self.average, self.steps / (self.steps + 10)), self.scratch)

    def use_average(self):
        self.parameters[...] = self.mean


def cosine_rate(step, steps, highest):
    """A rate that rises over the first tenth of the steps and falls to 0 along a cosine."""
    rise = max(1, steps // 10)
    if step < rise:
        return highest * (step + 1) / rise
    return highest * 0.5 * (1 + math.cos(math.pi * (step - rise) / max(1, steps - rise)))


def _approach(target, source, share, scratch):
    """target += share * (source - target)"""
    np.subtract(source, target, out=scratch)
    scratch *= share
    target += scratch


def _views(flat, arrays):
    """Views of a flat array in the shapes of the arrays, one after another."""
    ends = np.cumsum([array.size for array in arrays])
    return [flat[end - array.size : end].reshape(array.shape) for end, array in zip(ends, arrays)]
