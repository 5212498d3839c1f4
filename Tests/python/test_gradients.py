"""Every layer's gradients in float64 against numerical ones.

The loss is sum(out * r) for a fixed random r, so dout is r. On small shapes every element of every parameter is
moved by itself; on larger ones everything is moved at once along random directions. Central differences with h =
1e-5 are off by about h**2 times the third derivative, plus u/h of the loss's size: about 1e-10 either way.
"""

from __future__ import annotations

import numpy as np
import pytest
from swiftcnn import layers

STEP, LIMIT = 1e-5, 1e-6


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def spread(*shape, seed=0):
    """Values no two of which are closer than 0.01, nor any to 0: a step never changes which is largest, or a sign."""
    count = int(np.prod(shape))
    return ((np.random.default_rng(seed).permutation(count) - count // 2) * 0.01 + 0.005).reshape(shape)


class Case:
    """A layer, the arrays that its output depends on, and where their gradients are found."""

    def __init__(self, layer, x, names=(), train=None):
        self.layer, self.x, self.names, self.train = layer, x, names, train
        self.r = normal(*self.out().shape, seed=7)
        self.out()
        self.gradients = [layer.backward(self.r.copy())] + [getattr(layer, "d" + name) for name in names]
        self.arrays = [x] + [getattr(layer, name) for name in names]

    def out(self):
        return self.layer.forward(self.x) if self.train is None else self.layer.forward(self.x, self.train)

    def loss(self):
        return float((self.out() * self.r).sum())


def convolution(shape, filters, kernel, groups=1, **options):
    W = normal(filters, shape[1] // groups, *kernel, seed=1)
    return Case(layers.Convolution(W, normal(filters, seed=2), groups=groups, **options), normal(*shape), ("W", "b"))


def batch_normalization(*shape):
    return Case(
        layers.BatchNormalization(normal(shape[1], seed=1), normal(shape[1], seed=2)), normal(*shape), ("gamma", "beta")
    )


CASES = {
    "convolution": lambda: convolution((2, 3, 5, 4), 4, (3, 2)),
    "convolution, pad, stride": lambda: convolution((2, 2, 6, 5), 3, (3, 3), stride=2, pad=1),
    "convolution, gaps": lambda: convolution((1, 2, 7, 7), 2, (2, 2), stride=3),
    "convolution, general": lambda: convolution(
        (2, 4, 6, 5), 6, (2, 3), groups=2, stride=(2, 1), pad=(1, 0, 2, 3), dilation=(2, 1)
    ),
    "depthwise": lambda: convolution((2, 3, 5, 5), 3, (3, 3), groups=3, pad=1),
    "one by one": lambda: convolution((2, 5, 3, 3), 4, (1, 1)),
    "max pooling": lambda: Case(layers.Pooling(2, 2, stride=2), spread(2, 3, 5, 6)),
    "max pooling, overlapping": lambda: Case(layers.Pooling(3, 3), spread(1, 2, 6, 5)),
    "max pooling, general": lambda: Case(
        layers.Pooling(2, 3, (2, 1), (1, 0, 2, 2), dilation=(2, 1), ceil_mode=True), spread(2, 2, 6, 5)
    ),
    "average pooling": lambda: Case(layers.AveragePooling(2, 2, stride=2), normal(2, 3, 5, 6)),
    "average pooling, general": lambda: Case(
        layers.AveragePooling(2, 3, (2, 1), (1, 0, 1, 2), dilation=(2, 1), ceil_mode=True, count_include_pad=True),
        normal(2, 2, 6, 5),
    ),
    "affine": lambda: Case(layers.Affine(normal(6, 5, seed=1), normal(5, seed=2)), normal(4, 6), ("W", "b")),
    "affine on images": lambda: Case(layers.Affine(normal(12, 3), normal(3, seed=2)), normal(2, 3, 2, 2), ("W", "b")),
    "relu": lambda: Case(layers.Relu(), spread(4, 9)),
    "sigmoid": lambda: Case(layers.Sigmoid(), 3 * normal(4, 9)),
    "batch normalization": lambda: batch_normalization(7, 4),
    "batch normalization of images": lambda: batch_normalization(3, 4, 3, 2),
    "batch normalization, book": lambda: Case(
        layers.BatchNormalization(normal(12, seed=1), normal(12, seed=2), book=True),
        normal(5, 3, 2, 2),
        ("gamma", "beta"),
    ),
}
LARGE = {
    "convolution": lambda: convolution((3, 17, 13, 11), 33, (3, 3), pad=1),
    "strided convolution": lambda: convolution((2, 16, 14, 15), 32, (5, 3), stride=2, pad=2),
    "first convolution": lambda: convolution((2, 3, 83, 61), 18, (7, 7), stride=2, pad=3),
    "grouped convolution": lambda: convolution((2, 24, 9, 9), 36, (3, 3), groups=4, stride=(1, 2), pad=1, dilation=2),
    "affine": lambda: Case(layers.Affine(normal(200, 65), normal(65, seed=2)), normal(37, 200, seed=1), ("W", "b")),
    "average pooling": lambda: Case(layers.AveragePooling(3, 3, 2, 1), normal(4, 17, 23, 21)),
    "max pooling": lambda: Case(layers.Pooling(3, 3, 2, 1), spread(4, 5, 13, 11)),
    "batch normalization": lambda: batch_normalization(8, 17, 9, 7),
}


@pytest.mark.parametrize("name", CASES)
def test_every_element(name):
    case = CASES[name]()
    for gradient, array in zip(case.gradients, case.arrays):
        assert gradient.shape == array.shape and gradient.dtype == np.float64
        numeric = np.empty_like(array)
        for at in np.ndindex(array.shape):
            kept = array[at]
            array[at] = kept + STEP
            above = case.loss()
            array[at] = kept - STEP
            numeric[at] = (above - case.loss()) / (2 * STEP)
            array[at] = kept
        assert np.abs(gradient - numeric).max() <= LIMIT * max(1.0, np.abs(numeric).max())


@pytest.mark.parametrize("name", LARGE)
def test_along_directions(name):
    case = LARGE[name]()
    starts = [array.copy() for array in case.arrays]
    for seed in range(5):
        for moved, (gradient, array, start) in enumerate(zip(case.gradients, case.arrays, starts)):
            step = STEP / 10 * np.sign(normal(*array.shape, seed=100 * seed + moved))
            array[...] = start + step
            above = case.loss()
            array[...] = start - step
            numeric, expected = (above - case.loss()) / 2, float((gradient * step).sum())
            array[...] = start
            assert abs(expected - numeric) <= LIMIT * np.sqrt((gradient**2).sum()) * STEP / 10 * np.sqrt(1 + step.size)


@pytest.mark.parametrize("kind", ["classes", "one-hot", "soft"])
def test_softmax_with_loss(kind):
    x, classes = 2 * normal(5, 7), np.array([0, 6, 3, 3, 1])
    t = {"classes": classes, "one-hot": np.eye(7)[classes], "soft": np.random.default_rng(1).dirichlet(np.ones(7), 5)}[kind]
    layer = layers.SoftmaxWithLoss()
    layer.forward(x, t)
    gradient = layer.backward(2.5)
    for at in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[at] += STEP
        below[at] -= STEP
        numeric = 2.5 * (layer.forward(above, t) - layer.forward(below, t)) / (2 * STEP)
        assert abs(gradient[at] - numeric) <= LIMIT


def test_dropout():
    x, r, outs = normal(6, 5), normal(6, 5, seed=1), []
    layer = layers.Dropout(0.3)
    for shift in (STEP, -STEP, 0):
        np.random.seed(4)  # the same mask each time
        outs.append((layer.forward(x + shift) * r).sum())
    assert abs(layer.backward(r).sum() - (outs[0] - outs[1]) / (2 * STEP)) <= LIMIT * np.abs(r).sum()


def test_a_wrong_gradient_is_seen():
    case = CASES["convolution, pad, stride"]()
    case.gradients[0] = case.gradients[0] * (1 + 1e-4)
    CASES["broken"] = lambda: case
    try:
        with pytest.raises(AssertionError):
            test_every_element("broken")
    finally:
        del CASES["broken"]
