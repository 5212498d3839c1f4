"""Where our layers differ from the book's, and that book=True gives the book's numbers."""

from __future__ import annotations

import numpy as np
import oracle
import pytest
from swiftcnn import layers as L


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def test_relu_leaves_dout_alone():
    layer, dout = L.Relu(), np.ones(4)
    layer.forward(np.array([-1.0, 2, 0, 3]))
    assert layer.backward(dout).tolist() == [0, 1, 0, 1] and dout.tolist() == [1] * 4
    assert layer.mask.dtype == bool and layer.mask.tolist() == [True, False, True, False]


def test_the_books_loss():
    x, t = normal(5, 4) * 3, np.array([0, 3, 2, 1, 1])
    for target in (t, np.eye(4)[t]):
        ours, judge = L.SoftmaxWithLoss(book=True), oracle.SoftmaxWithLoss()
        assert abs(ours.forward(x, target) - judge.forward(x, target)) < 1e-12
        np.testing.assert_allclose(ours.backward(5.0), judge.backward(5.0), atol=1e-13)


def test_the_exact_loss_is_finite():
    layer = L.SoftmaxWithLoss()
    assert layer.forward([[0.0, 1000.0]], [0]) == 1000.0
    np.testing.assert_allclose(layer.backward(2), [[-2.0, 2.0]])


def test_the_books_normalization():
    x, gamma, beta = normal(4, 3, 2, 2), normal(12), normal(12, seed=1)
    ours, judge = L.BatchNormalization(gamma, beta, book=True), oracle.BatchNormalization(gamma, beta)
    for train in (True, True, False):
        np.testing.assert_allclose(ours.forward(x, train), judge.forward(x, train), atol=1e-12)
    dout = normal(*x.shape, seed=2)
    np.testing.assert_allclose(ours.backward(dout), judge.backward(dout), atol=1e-11)
    for name in ("dgamma", "dbeta", "running_mean", "running_var"):
        np.testing.assert_allclose(getattr(ours, name), getattr(judge, name), atol=1e-12)


def test_given_running_statistics_are_used_and_not_written():
    mean, var = np.array([1.0, 2.0]), np.array([4.0, 9.0])
    layer = L.BatchNormalization(np.ones(2), np.zeros(2), running_mean=mean, running_var=var)
    np.testing.assert_allclose(layer.forward([[3.0, 5.0]], train_flg=False), [[1.0, 1.0]], rtol=1e-6)
    layer.forward(normal(5, 2))
    assert mean.tolist() == [1, 2] and var.tolist() == [4, 9] and not np.array_equal(layer.running_mean, mean)


def test_the_books_dropout():
    x = normal(40, 30)
    ours, judge = L.Dropout(0.3, book=True), oracle.Dropout(0.3)
    outs = []
    for layer in (ours, judge):
        np.random.seed(3)
        outs.append(layer.forward(x))
    assert np.array_equal(*outs) and np.array_equal(ours.mask, judge.mask)
    assert np.array_equal(ours.backward(x), judge.backward(x))
    np.testing.assert_allclose(ours.forward(x, train_flg=False), judge.forward(x, train_flg=False), rtol=1e-15)


@pytest.mark.parametrize("ratio", [0.0, 0.1, 0.5, 0.9])
def test_dropout_keeps_its_share_and_the_mean(ratio):
    layer, n = L.Dropout(ratio), 200_000
    np.random.seed(1)
    out = layer.forward(np.ones(n))
    kept = np.count_nonzero(out)
    assert abs(kept - n * (1 - ratio)) <= 5 * np.sqrt(n * ratio * (1 - ratio))
    np.testing.assert_allclose(out[out != 0], 1 / (1 - ratio))
    assert np.array_equal(out != 0, layer.mask)
    assert np.array_equal(layer.backward(np.ones(n)), out)
    # Neighbours are independent.
    pairs = np.count_nonzero(layer.mask[1:] & layer.mask[:-1])
    assert abs(pairs - n * (1 - ratio) ** 2) <= 8 * np.sqrt(n * ratio) + 1
    assert np.array_equal(layer.forward(np.arange(5.0), train_flg=False), np.arange(5.0))


def test_dropout_repeats_with_the_seed():
    masks = []
    for seed in (1, 1, 2):
        np.random.seed(seed)
        layer = L.Dropout()
        layer.forward(np.ones(100))
        first = layer.mask
        layer.forward(np.ones(100))
        assert not np.array_equal(first, layer.mask)
        masks.append(first)
    assert np.array_equal(masks[0], masks[1]) and not np.array_equal(masks[0], masks[2])


def test_denormal_numbers_are_the_callers_business():
    L.Relu().forward(np.ones(3))
    assert np.array([5e-324])[0] * 1.0 == 5e-324
