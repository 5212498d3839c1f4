"""The engine against the oracle, on shapes, types and memory layouts that hypothesis draws.

Extents of 1, primes, strides that do not divide or are larger than the window, filters as large as the image, one
image, one channel. Integer-valued cases must agree exactly (convolutions are told so: by Winograd's algorithm not even sums of
small integers are exact); for the others support.py explains the bound: a small factor times the sum of the absolute
values of the terms, which is what the oracle returns for absolute inputs.
"""

from __future__ import annotations

import numpy as np
import oracle
import support
from hypothesis import given
from hypothesis import strategies as st
from oracle import direct
from support import assert_within, computed, doubles, makers
from swiftcnn import layers

SIZES = st.sampled_from([1, 1, 2, 3, 4, 5, 7, 11, 17])


@st.composite
def places(draw, square: bool):
    """(height, width, Geometry) of a window that fits; `square` has one stride and one pad, as the article."""
    two = st.tuples(st.integers(1, 5), st.integers(1, 5))
    kernel = draw(two)
    if square:
        stride, pad, dilation = (draw(st.integers(1, 7)),) * 2, (draw(st.integers(0, 3)),) * 4, (1, 1)
    else:
        stride, dilation = draw(two), draw(st.tuples(st.integers(1, 3), st.integers(1, 3)))
        pad = draw(st.tuples(*[st.integers(0, 3)] * 4))
    least = [max(1, dilation[i] * (kernel[i] - 1) + 1 - pad[i] - pad[i + 2]) for i in (0, 1)]
    spare = st.sampled_from([0, 0, 1, 2, 3, 6, 9])
    return least[0] + draw(spare), least[1] + draw(spare), direct.Geometry(kernel, stride, pad, dilation)


def done() -> None:
    support.tally["cases"] += 1


@given(st.integers(1, 3), SIZES, places(True), makers())
def test_im2col_and_col2im(n, c, place, make):
    h, w, (kernel, stride, pads, *_) = place
    x = make(n, c, h, w)
    arguments = (*kernel, stride[0], pads[0])
    col = layers.im2col(x, *arguments)
    assert col.dtype == computed(x) and col.flags.writeable
    assert_within(col, oracle.im2col(*doubles(x), *arguments), 0, "im2col")
    col = make(*col.shape)
    ours = layers.col2im(col, x.shape, *arguments)
    assert ours.dtype == computed(col)
    expected, terms = (oracle.col2im(a, x.shape, *arguments) for a in doubles(col, np.abs(col.astype(float))))
    assert_within(ours, expected, terms, "col2im", make.whole)
    done()


@given(st.integers(1, 3), SIZES, SIZES, places(True), makers())
def test_convolution(n, c, filters, place, make):
    h, w, (kernel, stride, pads, *_) = place
    x, W, b = make(n, c, h, w), make(filters, c, *kernel), make(filters)
    layer = layers.Convolution(W, b, stride[0], pads[0], exact=make.whole)
    judge = oracle.Convolution(*doubles(W, b), stride[0], pads[0])
    bound = oracle.Convolution(*map(np.abs, doubles(W, b)), stride[0], pads[0])
    (x64,) = doubles(x)
    out, expected = layer.forward(x), judge.forward(x64)
    assert out.dtype == computed(x, W, b)
    assert_within(out, expected, bound.forward(np.abs(x64)), "out", make.whole)
    assert_within(layer.col, judge.col, 0, "col")
    assert_within(np.array(layer.col_W, float), judge.col_W, 0, "col_W")
    dout = make(*out.shape)
    (dout64,) = doubles(dout)
    dx, expected, terms = layer.backward(dout), judge.backward(dout64), bound.backward(np.abs(dout64))
    assert dx.dtype == computed(x, W, b, dout)
    assert_within(dx, expected, terms, "dx", make.whole)
    assert_within(layer.dW, judge.dW, bound.dW, "dW", make.whole)
    assert_within(layer.db, judge.db, bound.db, "db", make.whole)
    done()


@given(st.integers(1, 3), SIZES, places(True), makers())
def test_pooling(n, c, place, make):
    _, _, (kernel, stride, *_) = place
    h, w = (max(size, k) for size, k in zip(place[:2], kernel))
    x = make(n, c, h, w)
    layer, judge, bound = (made(*kernel, stride[0]) for made in (layers.Pooling, oracle.Pooling, oracle.Pooling))
    out = layer.forward(x)
    assert out.dtype == computed(x)
    assert_within(out, judge.forward(*doubles(x)), 0, "out")
    assert layer.arg_max.dtype == np.int64
    np.testing.assert_array_equal(layer.arg_max, judge.arg_max)
    dout = make(*out.shape)
    (dout64,) = doubles(dout)
    bound.x, bound.arg_max = judge.x, judge.arg_max
    assert_within(layer.backward(dout), judge.backward(dout64), bound.backward(np.abs(dout64)), "dx", make.whole)
    done()


@given(st.integers(1, 3), st.sampled_from([1, 2, 3, 5]), SIZES, SIZES, places(False), makers())
def test_general_convolution(n, groups, c, filters, place, make):
    h, w, geometry = place
    c, filters = max(1, c // groups), max(1, filters // groups) * groups
    x, W, b = make(n, c * groups, h, w), make(filters, c, *geometry.kernel), make(filters)
    options = {"dilation": geometry.dilation, "groups": groups, "exact": make.whole}
    layer = layers.Convolution(W, b, geometry.stride, geometry.pads, **options)
    x64, W64, b64 = doubles(x, W, b)
    out = layer.forward(x)
    terms = direct.convolution(abs(x64), abs(W64), abs(b64), geometry, groups)
    assert_within(out, direct.convolution(x64, W64, b64, geometry, groups), terms, "out", make.whole)
    dout = make(*out.shape)
    (dout64,) = doubles(dout)
    ours = (layer.backward(dout), layer.dW, layer.db)
    expected = direct.convolution_backward(x64, W64, dout64, geometry, groups)
    terms = direct.convolution_backward(abs(x64), abs(W64), abs(dout64), geometry, groups)
    for name, *three in zip(("dx", "dW", "db"), ours, expected, terms):
        assert_within(*three, name, make.whole)
    done()


@given(st.integers(1, 3), SIZES, places(False), st.booleans(), makers())
def test_general_max_pooling(n, c, place, ceil_mode, make):
    h, w, geometry = place
    geometry = geometry._replace(ceil_mode=ceil_mode)
    x = make(n, c, h, w)
    if np.dtype(x.dtype).kind == "f" and make.whole and x.flags.writeable:
        x[x == 4], x[x == -4] = np.nan, -np.inf
    layer = layers.Pooling(*geometry.kernel, geometry.stride, geometry.pads, dilation=geometry.dilation, ceil_mode=ceil_mode)
    best, winners = direct.max_pooling(*doubles(x), geometry)
    assert_within(layer.forward(x), best, 0, "out")
    np.testing.assert_array_equal(layer.arg_max, winners.transpose(0, 2, 3, 1).ravel())
    dout = make(*best.shape)
    (dout64,) = doubles(dout)
    expected, terms = (direct.max_pooling_backward(x.shape, winners, d, geometry) for d in (dout64, abs(dout64)))
    assert_within(layer.backward(dout), expected, terms, "dx", make.whole)
    done()


@given(st.integers(1, 3), SIZES, places(False), st.booleans(), st.booleans(), makers())
def test_general_average_pooling(n, c, place, ceil_mode, include, make):
    h, w, geometry = place
    geometry = geometry._replace(ceil_mode=ceil_mode)
    options = {"dilation": geometry.dilation, "ceil_mode": ceil_mode, "count_include_pad": include}
    x = make(n, c, h, w)
    layer = layers.AveragePooling(*geometry.kernel, geometry.stride, geometry.pads, **options)
    (x64,) = doubles(x)
    expected, terms = (direct.average_pooling(a, geometry, include) for a in (x64, abs(x64)))
    assert_within(layer.forward(x), expected, terms, "out")
    dout = make(*expected.shape)
    (dout64,) = doubles(dout)
    expected, terms = (direct.average_pooling_backward(x.shape, d, geometry, include) for d in (dout64, abs(dout64)))
    assert_within(layer.backward(dout), expected, terms, "dx")
    done()


@given(SIZES, SIZES, SIZES, st.sampled_from([(), (1,), (3,), (2, 3)]), makers())
def test_affine(n, d, m, more, make):
    x = make(n, d, *more)
    W, b = make(int(np.prod(x.shape[1:])), m), make(m)
    layer, judge = layers.Affine(W, b), oracle.Affine(*doubles(W, b))
    bound = oracle.Affine(*map(np.abs, doubles(W, b)))
    (x64,) = doubles(x)
    out = layer.forward(x)
    assert out.dtype == computed(x, W, b)
    assert_within(out, judge.forward(x64), bound.forward(abs(x64)), "out", make.whole)
    dout = make(*out.shape)
    (dout64,) = doubles(dout)
    dx, expected, terms = layer.backward(dout), judge.backward(dout64), bound.backward(abs(dout64))
    assert_within(dx, expected, terms, "dx", make.whole)
    assert_within(layer.dW, judge.dW, bound.dW, "dW", make.whole)
    assert_within(layer.db, judge.db, bound.db, "db", make.whole)
    done()


SHAPES = st.lists(SIZES, min_size=1, max_size=4).filter(lambda shape: np.prod(shape) <= 2000)


@given(SHAPES, makers())
def test_relu_and_sigmoid(shape, make):
    x, dout = make(*shape), make(*shape)
    x64, dout64 = doubles(x, dout)
    layer, judge = layers.Relu(), oracle.Relu()
    out = layer.forward(x)
    assert out.dtype == computed(x)
    assert_within(out, judge.forward(x64), 0, "relu out")
    np.testing.assert_array_equal(layer.mask, judge.mask)
    assert_within(layer.backward(dout), judge.backward(dout64.copy()), 0, "relu dx")
    layer, judge = layers.Sigmoid(), oracle.Sigmoid()
    out, expected = layer.forward(x), judge.forward(x64)
    assert_within(out, expected, expected, "sigmoid out")
    # 1 - out is computed from a rounded out: off by u, not by u*(1 - out).
    assert_within(layer.backward(dout), judge.backward(dout64), abs(dout64) * expected, "sigmoid dx", dtype=out.dtype)
    done()


@given(SIZES, SIZES, st.sampled_from(["classes", "one-hot", "soft"]), st.floats(-3, 3), makers())
def test_softmax_with_loss(n, k, kind, upstream, make):
    x = make(n, k)
    (x64,) = doubles(x)
    if k == 1 and kind == "classes":
        kind = "one-hot"  # as many classes as scores: the book takes them for one-hot rows, and so do we
    classes = make.rng.integers(0, k, n)
    rows = make.rng.dirichlet(np.ones(k), n) if kind == "soft" else np.eye(k)[classes]
    given_t = {"classes": classes, "one-hot": rows.astype(int), "soft": rows}[kind]
    judge = oracle.SoftmaxWithLoss()
    judge.forward(x64, rows)
    logs = x64 - x64.max(axis=1, keepdims=True)
    logs -= np.log(np.exp(logs).sum(axis=1, keepdims=True))
    expected = -(rows * logs).sum() / n
    scale = 1 + np.ptp(x64) + np.log(k)  # the logarithm's error, which exp then makes relative

    layer = layers.SoftmaxWithLoss()
    loss = layer.forward(x, given_t)
    assert abs(loss - expected) <= support.TOLERANCE[layer.y.dtype] * scale
    assert loss == layer.loss and layer.t is given_t
    assert_within(layer.y, judge.y, judge.y * scale, "y")
    dx = layer.backward(upstream)
    assert_within(dx, upstream * judge.backward(), abs(upstream) * (judge.y * scale + rows) / n, "dx")
    done()


@given(SIZES, SIZES, st.sampled_from([(), (1, 1), (2, 3), (5, 7)]), st.floats(0, 1), makers())
def test_batch_normalization(n, c, area, momentum, make):
    x, gamma, beta = make(n, c, *area), make(c), make(c)
    layer = layers.BatchNormalization(gamma, beta, momentum)
    judge = oracle.BatchNormalization(*doubles(gamma, beta), momentum)

    def rows(array):
        return np.moveaxis(np.asarray(array, float), 1, -1).reshape(-1, c)

    x64 = rows(x)
    out, expected = layer.forward(x), judge.forward(x64)
    # x - mean cancels, and the rounding of the mean is divided by the deviation: the largest |x| over the deviation is
    # how much of the relative precision is lost; the variance loses its square at most.
    largest = np.abs(x64).max(axis=0)
    lost = 1 + (largest / judge.std) ** 2
    reach = abs(judge.gamma) * (1 + largest / judge.std) * lost
    assert_within(rows_of(out, rows), expected, reach + abs(judge.beta), "out", factor=4)
    for name, terms in (("running_mean", largest), ("running_var", largest**2)):
        assert_within(getattr(layer, name), getattr(judge, name), terms, name, factor=4)

    low = out.dtype  # the statistics are kept in it
    dout = make(*x.shape)
    d64 = rows(dout)
    dx, expected = layer.backward(dout), judge.backward(d64)
    total, along = np.abs(d64).sum(axis=0), np.abs(d64).sum(axis=0) * (largest / judge.std)
    terms = abs(judge.gamma) / judge.std * (abs(d64) + (total + along * (1 + largest / judge.std)) / len(x64)) * lost
    assert_within(rows_of(dx, rows), expected, terms, "dx", factor=4, dtype=low)
    assert_within(layer.dgamma, judge.dgamma, along * lost, "dgamma", factor=4, dtype=low)
    assert_within(layer.dbeta, judge.dbeta, total, "dbeta", make.whole)

    out = layer.forward(x, train_flg=False)
    judge.running_mean, judge.running_var = doubles(layer.running_mean, layer.running_var)
    deviation = np.sqrt(judge.running_var + judge.epsilon)
    terms = abs(judge.gamma) * (abs(x64) + abs(judge.running_mean)) / deviation + abs(judge.beta)
    assert_within(rows_of(out, rows), judge.forward(x64, train_flg=False), terms, "out in use", factor=4)
    done()


def rows_of(array: np.ndarray, rows) -> np.ndarray:
    """An output as rows of channels, in its own type."""
    return rows(array).astype(array.dtype)
