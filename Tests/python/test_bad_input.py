"""Bad input through Python: each kind raises a SwiftCNNError that is the right built-in error too, whose message
names the argument and says what came; nothing is changed by the failed call, and the next correct one works.
"""

from __future__ import annotations

import re

import numpy as np
import pytest
import swiftcnn
from swiftcnn import layers as L

HUGE = 2**62
x = np.arange(2 * 3 * 6 * 5, dtype=float).reshape(2, 3, 6, 5)
W, b = np.ones((4, 3, 3, 2)), np.zeros(4)
scores, flat = np.ones((4, 3)), np.ones((4, 6))


def conv(image=x, W=W, b=b, *more, **options):
    return L.Convolution(W, b, *more, **options).forward(image)


def pool(image=x, *window, kind=L.Pooling, **options):
    return kind(*(window or (2, 2)), **options).forward(image)


def average(*arguments, **options):
    return pool(*arguments, kind=L.AveragePooling, **options)


def normal(image=x, gamma=np.ones(3), beta=np.zeros(3), *more, train=True, **options):  # noqa: B008
    return L.BatchNormalization(gamma, beta, *more, **options).forward(image, train)


def back(layer, forward, dout):
    layer.forward(*forward)
    return layer.backward(dout)


def loss(x, t):
    return L.SoftmaxWithLoss().forward(x, t)


# name: (call, built-in kind, what the message must contain)
CASES = {
    # ---- im2col and col2im
    "im2col of 3 axes": (lambda: L.im2col(x[0], 2, 2), ValueError, r"input_data.*\(3, 6, 5\)"),
    "im2col of 5 axes": (lambda: L.im2col(x[None], 2, 2), ValueError, r"input_data.*\(1, 2, 3, 6, 5\)"),
    "im2col of a number": (lambda: L.im2col(3.0, 2, 2), ValueError, r"input_data.*\(\)"),
    "im2col of None": (lambda: L.im2col(None, 2, 2), TypeError, "input_data.*None"),
    "im2col of text": (lambda: L.im2col("cat", 2, 2), TypeError, "input_data.*(str|U3)"),
    "im2col of complex": (lambda: L.im2col(x + 1j, 2, 2), TypeError, "input_data.*complex128"),
    "im2col of objects": (lambda: L.im2col(np.full((1, 1, 2, 2), {}), 1, 1), TypeError, "input_data.*object"),
    "im2col of a ragged list": (lambda: L.im2col([[[[1.0, 2.0], [3.0]]]], 1, 1), ValueError, "input_data"),
    "im2col of dates": (lambda: L.im2col(np.zeros((1, 1, 2, 2), "M8[s]"), 1, 1), TypeError, "input_data.*datetime64"),
    "filter_h 0": (lambda: L.im2col(x, 0, 2), ValueError, "filter_h.*0"),
    "filter_w -1": (lambda: L.im2col(x, 2, -1), ValueError, "filter_w.*-1"),
    "filter_h 2.0": (lambda: L.im2col(x, 2.0, 2), TypeError, r"filter_h.*2\.0"),
    "filter_w None": (lambda: L.im2col(x, 2, None), TypeError, "filter_w.*None"),
    "filter_h too large": (lambda: L.im2col(x, 7, 2), ValueError, "filter_h.*7"),
    "filter_w too large": (lambda: L.im2col(x, 2, 6), ValueError, "filter_w.*6"),
    "filter_h huge": (lambda: L.im2col(x, HUGE, 2), ValueError, "filter_h.*4611686018427387904"),
    "im2col stride 0": (lambda: L.im2col(x, 2, 2, 0), ValueError, "stride.*0"),
    "im2col stride -1": (lambda: L.im2col(x, 2, 2, -1), ValueError, "stride.*-1"),
    "im2col stride 1.0": (lambda: L.im2col(x, 2, 2, 1.0), TypeError, r"stride.*1\.0"),
    "im2col stride text": (lambda: L.im2col(x, 2, 2, "2"), TypeError, "stride.*'2'"),
    "im2col pad -1": (lambda: L.im2col(x, 2, 2, 1, -1), ValueError, "pad.*-1"),
    "im2col pad 1.5": (lambda: L.im2col(x, 2, 2, 1, 1.5), TypeError, r"pad.*1\.5"),
    "im2col pad of three": (lambda: L.im2col(x, 2, 2, 1, (1, 1, 1)), ValueError, r"pad.*\(1, 1, 1\)"),
    "im2col pad huge": (lambda: L.im2col(x, 2, 2, 1, HUGE), ValueError, "pad.*4611686018427387904"),
    "im2col pad beyond int64": (lambda: L.im2col(x, 2, 2, 1, 10**30), ValueError, "pad.*1000000000"),
    "col2im of the wrong size": (lambda: L.col2im(np.ones((7, 12)), x.shape, 2, 2), ValueError, r"col.*\(7, 12\)"),
    "col2im of the right size, wrong shape": (
        lambda: L.col2im(np.ones((12, 40)), x.shape, 2, 2),
        ValueError,
        r"col.*\(40, 12\).*\(12, 40\)",
    ),
    "col2im of one axis": (lambda: L.col2im(np.ones(480), x.shape, 2, 2), ValueError, r"col.*\(480,\)"),
    "col2im to 3 axes": (lambda: L.col2im(np.ones((4, 4)), (3, 6, 5), 2, 2), ValueError, r"input_shape.*\(3, 6, 5\)"),
    "col2im to a negative shape": (
        lambda: L.col2im(np.ones((4, 4)), (1, -1, 3, 3), 2, 2),
        ValueError,
        "input_shape.*-1",
    ),
    "col2im to floats": (lambda: L.col2im(np.ones((4, 4)), (1.0, 1, 3, 3), 2, 2), TypeError, r"input_shape.*1\.0"),
    "col2im to None": (lambda: L.col2im(np.ones((4, 4)), None, 2, 2), TypeError, "input_shape.*None"),
    "col2im to a number": (lambda: L.col2im(np.ones((4, 4)), 3, 2, 2), (TypeError, ValueError), "input_shape.*3"),
    "col2im of complex": (lambda: L.col2im(np.ones((40, 12), complex), x.shape, 2, 2), TypeError, "col.*complex128"),
    "col2im to an overflowing shape": (
        lambda: L.col2im(np.ones((4, 4)), (HUGE, 4, 3, 3), 2, 2),
        ValueError,
        "input_shape.*46116",
    ),
    # ---- Convolution
    "conv x of 3 axes": (lambda: conv(x[0]), ValueError, r"\bx\b.*\(3, 6, 5\)"),
    "conv x None": (lambda: conv(None), TypeError, r"\bx\b.*None"),
    "conv x complex": (lambda: conv(x + 0j), TypeError, r"\bx\b.*complex128"),
    "conv x text": (lambda: conv(np.full((1, 3, 6, 5), "a")), TypeError, r"\bx\b.*U1"),
    "conv x a dict": (lambda: conv({}), TypeError, r"\bx\b.*dict"),
    "conv W of 2 axes": (lambda: conv(W=np.ones((4, 3))), ValueError, r"\bW\b.*\(4, 3\)"),
    "conv W None": (lambda: conv(W=None), TypeError, r"\bW\b.*None"),
    "conv W complex": (lambda: conv(W=W * 1j), TypeError, r"\bW\b.*complex128"),
    "conv channels differ": (lambda: conv(x[:, :2]), ValueError, r"\bx\b.*3 channels.*\(2, 2, 6, 5\)"),
    "conv b too long": (lambda: conv(b=np.zeros(5)), ValueError, r"\bb\b.*\(5,\)"),
    "conv b of (FN, 1)": (lambda: conv(b=np.zeros((4, 1))), ValueError, r"\bb\b.*\(4, 1\)"),
    "conv b None": (lambda: conv(b=None), TypeError, r"\bb\b.*None"),
    "conv b complex": (lambda: conv(b=b + 1j), TypeError, r"\bb\b.*complex128"),
    "conv b text": (lambda: conv(b="zero"), TypeError, r"\bb\b.*(str|U4)"),
    "conv filter too tall": (lambda: conv(W=np.ones((4, 3, 7, 2))), ValueError, r"\bW\b.*7.*6"),
    "conv filter too wide": (lambda: conv(W=np.ones((4, 3, 2, 6))), ValueError, r"\bW\b.*6.*5"),
    "conv filter of no cells": (lambda: conv(W=np.ones((4, 3, 0, 2))), ValueError, r"(\bW\b|weight|kernel).*0"),
    "conv dilated filter too tall": (lambda: conv(dilation=3), ValueError, r"\bW\b.*7.*6"),
    "conv stride 0": (lambda: conv(stride=0), ValueError, "stride.*0"),
    "conv stride -2": (lambda: conv(stride=-2), ValueError, "stride.*-2"),
    "conv stride (1, 0)": (lambda: conv(stride=(1, 0)), ValueError, "stride.*0"),
    "conv stride of three": (lambda: conv(stride=(1, 1, 1)), ValueError, r"stride.*\(1, 1, 1\)"),
    "conv stride 1.0": (lambda: conv(stride=1.0), TypeError, r"stride.*1\.0"),
    "conv stride None": (lambda: conv(stride=None), TypeError, "stride.*None"),
    "conv stride huge": (lambda: conv(stride=HUGE), ValueError, "stride.*46116"),
    "conv pad -1": (lambda: conv(pad=-1), ValueError, "pad.*-1"),
    "conv pad (0, 0, -3, 0)": (lambda: conv(pad=(0, 0, -3, 0)), ValueError, "pad.*-3"),
    "conv pad of five": (lambda: conv(pad=(1,) * 5), ValueError, r"pad.*\(1, 1, 1, 1, 1\)"),
    "conv pad of none": (lambda: conv(pad=()), ValueError, r"pad.*\(\)"),
    "conv pad 'same'": (lambda: conv(pad="same"), TypeError, "pad.*'same'"),
    "conv pad huge": (lambda: conv(pad=HUGE), ValueError, "pad.*46116"),
    "conv pad beyond int64": (lambda: conv(pad=2**63), ValueError, "pad.*9223372036854775808"),
    "conv dilation 0": (lambda: conv(dilation=0), ValueError, "dilation.*0"),
    "conv dilation 1.5": (lambda: conv(dilation=1.5), TypeError, r"dilation.*1\.5"),
    "conv dilation huge": (lambda: conv(dilation=HUGE), ValueError, "dilation.*46116"),
    "conv groups 0": (lambda: conv(groups=0), ValueError, "groups.*0"),
    "conv groups -1": (lambda: conv(groups=-1), ValueError, "groups.*-1"),
    "conv groups 1.0": (lambda: conv(groups=1.0), TypeError, r"groups.*1\.0"),
    "conv groups that do not divide x": (lambda: conv(groups=2), ValueError, r"\bx\b.*2 groups.*\(2, 3, 6, 5\)"),
    "conv groups that do not divide W": (
        lambda: conv(W=np.ones((4, 1, 2, 2)), groups=3),
        ValueError,
        r"\bW\b.*groups = 3.*\(4, 1, 2, 2\)",
    ),
    "conv backward first": (lambda: L.Convolution(W, b).backward(x), RuntimeError, r"Convolution\.backward.*forward"),
    "conv dout of the right size, wrong shape": (
        lambda: back(L.Convolution(W, b), (x,), np.ones((2, 4, 2, 8))),
        ValueError,
        r"dout.*\(2, 4, 4, 4\).*\(2, 4, 2, 8\)",
    ),
    "conv dout of 2 axes": (lambda: back(L.Convolution(W, b), (x,), np.ones((32, 4))), ValueError, r"dout.*\(32, 4\)"),
    "conv dout a number": (lambda: back(L.Convolution(W, b), (x,), 1.0), ValueError, r"dout.*\(\)"),
    "conv dout None": (lambda: back(L.Convolution(W, b), (x,), None), TypeError, "dout.*None"),
    "conv dout complex": (
        lambda: back(L.Convolution(W, b), (x,), np.ones((2, 4, 4, 4)) * 1j),
        TypeError,
        "dout.*complex",
    ),
    # ---- Pooling
    "pool x of 2 axes": (lambda: pool(x[0, 0]), ValueError, r"\bx\b.*\(6, 5\)"),
    "pool x None": (lambda: pool(None), TypeError, r"\bx\b.*None"),
    "pool x complex": (lambda: pool(x * 1j), TypeError, r"\bx\b.*complex128"),
    "pool_h 0": (lambda: pool(x, 0, 2), ValueError, "pool_h.*0"),
    "pool_w -2": (lambda: pool(x, 2, -2), ValueError, "pool_w.*-2"),
    "pool_h 2.0": (lambda: pool(x, 2.0, 2), TypeError, r"pool_h.*2\.0"),
    "pool_h too large": (lambda: pool(x, 7, 1), ValueError, "pool_h.*7.*6"),
    "pool_w too large": (lambda: pool(x, 1, 6), ValueError, "pool_w.*6.*5"),
    "pool_w huge": (lambda: pool(x, 1, HUGE), ValueError, "pool_w.*46116"),
    "pool stride 0": (lambda: pool(stride=0), ValueError, "stride.*0"),
    "pool stride 0.5": (lambda: pool(stride=0.5), TypeError, r"stride.*0\.5"),
    "pool pad -1": (lambda: pool(pad=-1), ValueError, "pad.*-1"),
    "pool pad huge": (lambda: pool(pad=HUGE), ValueError, "pad.*46116"),
    "pool dilation 0": (lambda: pool(dilation=0), ValueError, "dilation.*0"),
    "pool dilated too far": (lambda: pool(dilation=6), ValueError, "pool_h.*7.*6"),
    "pool backward first": (lambda: L.Pooling(2, 2).backward(x), RuntimeError, r"Pooling\.backward.*forward"),
    "pool dout of the right size, wrong shape": (
        lambda: back(L.Pooling(2, 2, 2), (x,), np.ones((2, 3, 2, 3))),
        ValueError,
        r"dout.*\(2, 3, 3, 2\).*\(2, 3, 2, 3\)",
    ),
    "pool dout None": (lambda: back(L.Pooling(2, 2), (x,), None), TypeError, "dout.*None"),
    "average x of 3 axes": (lambda: average(x[0]), ValueError, r"\bx\b.*\(3, 6, 5\)"),
    "average pool_h too large": (lambda: average(x, 9, 1), ValueError, "pool_h.*9.*6"),
    "average stride -1": (lambda: average(stride=-1), ValueError, "stride.*-1"),
    "average backward first": (lambda: L.AveragePooling(2, 2).backward(x), RuntimeError, "AveragePooling.*forward"),
    "average dout": (
        lambda: back(L.AveragePooling(2, 2), (x,), x),
        ValueError,
        r"dout.*\(2, 3, 5, 4\).*\(2, 3, 6, 5\)",
    ),
    # ---- Affine
    "affine x of the wrong width": (lambda: L.Affine(np.ones((5, 2)), 0).forward(flat), ValueError, r"\bx\b.*5.*6"),
    "affine x a number": (lambda: L.Affine(np.ones((5, 2)), 0).forward(1.0), ValueError, r"\bx\b.*number"),
    "affine x None": (lambda: L.Affine(np.ones((5, 2)), 0).forward(None), TypeError, r"\bx\b.*None"),
    "affine W of 1 axis": (lambda: L.Affine(np.ones(6), 0).forward(flat), ValueError, r"\bW\b.*\(6,\)"),
    "affine W text": (lambda: L.Affine([["a"]], 0).forward(flat), TypeError, r"\bW\b.*U1"),
    "affine b too long": (lambda: L.Affine(np.ones((6, 2)), np.ones(3)).forward(flat), ValueError, r"\bb\b.*\(3,\)"),
    "affine backward first": (lambda: L.Affine(np.ones((6, 2)), 0).backward(flat), RuntimeError, "Affine.*forward"),
    "affine dout": (
        lambda: back(L.Affine(np.ones((6, 2)), 0), (flat,), np.ones((2, 4))),
        ValueError,
        r"dout.*\(2, 4\)",
    ),
    # ---- Activations
    "relu x complex": (lambda: L.Relu().forward(x * 1j), TypeError, r"\bx\b.*complex128"),
    "relu x None": (lambda: L.Relu().forward(None), TypeError, r"\bx\b.*None"),
    "relu backward first": (lambda: L.Relu().backward(x), RuntimeError, "Relu.*forward"),
    "relu dout": (lambda: back(L.Relu(), (x,), x[0]), ValueError, r"dout.*\(2, 3, 6, 5\).*\(3, 6, 5\)"),
    "sigmoid x text": (lambda: L.Sigmoid().forward("x"), TypeError, r"\bx\b.*(str|U1)"),
    "sigmoid backward first": (lambda: L.Sigmoid().backward(x), RuntimeError, "Sigmoid.*forward"),
    "sigmoid dout": (lambda: back(L.Sigmoid(), (x,), x.T), ValueError, r"dout.*\(5, 6, 3, 2\)"),
    # ---- SoftmaxWithLoss
    "loss x of 3 axes": (lambda: loss(x[0], [1]), ValueError, r"\bx\b.*\(3, 6, 5\)"),
    "loss x empty": (lambda: loss(np.ones((0, 3)), []), ValueError, r"\bx\b.*\(0, 3\)"),
    "loss x complex": (lambda: loss(scores * 1j, [0] * 4), TypeError, r"\bx\b.*complex128"),
    "loss class too large": (lambda: loss(scores, [0, 1, 2, 3]), ValueError, r"\bt\b.*0 to 2.*3"),
    "loss class negative": (lambda: loss(scores, [0, -1, 2, 1]), ValueError, r"\bt\b.*0 to 2.*-1"),
    "loss class huge": (lambda: loss(scores, [0, HUGE, 2, 1]), ValueError, r"\bt\b.*0 to 2.*46116"),
    "loss class beyond int64": (
        lambda: loss(scores, np.array([0, 2**64 - 1, 2, 1], "u8")),
        ValueError,
        r"\bt\b.*0 to 2.*18446",
    ),
    "loss classes too few": (lambda: loss(scores, [0, 1]), ValueError, r"\bt\b.*\(4,\).*\(2,\)"),
    "loss classes fractional": (lambda: loss(scores, [0.0, 1.0, 2.5, 1.0]), TypeError, r"\bt\b.*integer.*float64"),
    "loss one-hot too wide": (lambda: loss(scores, np.ones((4, 4))), ValueError, r"\bt\b.*\(4, 3\).*\(4, 4\)"),
    "loss t None": (lambda: loss(scores, None), TypeError, r"\bt\b.*None"),
    "loss t text": (lambda: loss(scores, ["cat"] * 4), TypeError, r"\bt\b.*U3"),
    "loss backward first": (lambda: L.SoftmaxWithLoss().backward(), RuntimeError, "SoftmaxWithLoss.*forward"),
    "loss dout an array": (
        lambda: back(L.SoftmaxWithLoss(), (scores, [0] * 4), np.ones(3)),
        ValueError,
        r"dout.*\(3,\)",
    ),
    "loss dout text": (lambda: back(L.SoftmaxWithLoss(), (scores, [0] * 4), "1"), TypeError, "dout.*(str|U1)"),
    # ---- BatchNormalization
    "normalize one axis": (lambda: normal(np.ones(3)), ValueError, r"\bx\b.*\(3,\)"),
    "normalize None": (lambda: normal(None), TypeError, r"\bx\b.*None"),
    "gamma too long": (lambda: normal(gamma=np.ones(4)), ValueError, r"gamma.*3.*\(4,\)"),
    "gamma complex": (lambda: normal(gamma=np.ones(3) * 1j), TypeError, "gamma.*complex128"),
    "beta too short": (lambda: normal(beta=np.ones(2)), ValueError, r"beta.*3.*\(2,\)"),
    "beta None": (lambda: normal(beta=None), TypeError, "beta.*None"),
    "running_mean too long": (lambda: normal(running_mean=np.ones(5)), ValueError, r"running_mean.*3.*\(5,\)"),
    "running_var of 2 axes": (lambda: normal(running_var=np.ones((3, 3))), ValueError, r"running_var.*\(3, 3\)"),
    "running_var text": (lambda: normal(running_var="one", train=False), TypeError, "running_var.*(str|U3)"),
    "momentum 1.5": (lambda: normal(momentum=1.5), ValueError, r"momentum.*1\.5"),
    "momentum nan": (lambda: normal(momentum=float("nan")), ValueError, "momentum.*nan"),
    "momentum text": (lambda: normal(momentum="fast"), TypeError, "momentum.*fast"),
    "normalize no images": (lambda: normal(x[:0]), ValueError, r"\bx\b.*0.*3"),
    "normalize backward first": (
        lambda: L.BatchNormalization(np.ones(3), np.zeros(3)).backward(x),
        RuntimeError,
        "BatchNormalization.*forward",
    ),
    "normalize dout": (
        lambda: back(L.BatchNormalization(np.ones(3), np.zeros(3)), (x,), x[0]),
        ValueError,
        r"dout.*\(2, 3, 6, 5\).*\(3, 6, 5\)",
    ),
    # ---- Dropout
    "ratio 1": (lambda: L.Dropout(1).forward(x), ValueError, "dropout_ratio.*1"),
    "ratio -1": (lambda: L.Dropout(-1).forward(x), ValueError, "dropout_ratio.*-1"),
    "ratio 1.5": (lambda: L.Dropout(1.5).forward(x), ValueError, r"dropout_ratio.*1\.5"),
    "ratio nan": (lambda: L.Dropout(float("nan")).forward(x), ValueError, "dropout_ratio.*nan"),
    "ratio infinite": (lambda: L.Dropout(float("inf")).forward(x), ValueError, "dropout_ratio.*inf"),
    "ratio None": (lambda: L.Dropout(None).forward(x), TypeError, "dropout_ratio.*None"),
    "ratio text": (lambda: L.Dropout("half").forward(x), TypeError, "dropout_ratio.*half"),
    "ratio an array": (lambda: L.Dropout(np.ones(2)).forward(x), TypeError, "dropout_ratio.*array"),
    "dropout x complex": (lambda: L.Dropout().forward(x * 1j), TypeError, r"\bx\b.*complex128"),
    "dropout backward first": (lambda: L.Dropout().backward(x), RuntimeError, "Dropout.*forward"),
    "dropout dout": (lambda: back(L.Dropout(), (x,), x[0]), ValueError, r"dout.*\(2, 3, 6, 5\).*\(3, 6, 5\)"),
    # ---- Threads
    "threads -1": (lambda: swiftcnn.set_num_threads(-1), ValueError, r"\bn\b.*-1"),
    "threads 1025": (lambda: swiftcnn.set_num_threads(1025), ValueError, r"\bn\b.*1025"),
    "threads 2.0": (lambda: swiftcnn.set_num_threads(2.0), TypeError, r"\bn\b.*2\.0"),
    "threads None": (lambda: swiftcnn.set_num_threads(None), TypeError, r"\bn\b.*None"),
    # ---- Results that no machine can hold
    "a result of 2^61 elements": (lambda: conv(pad=2**29), (ValueError, MemoryError), "pad|out|memory|y"),
    "a matrix of 2^61 elements": (
        lambda: L.im2col(x, 2, 2, 1, 2**29),
        (ValueError, MemoryError),
        r"col|memory",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_bad_input(name):
    call, kind, pattern = CASES[name]
    before, threads = x.copy(), swiftcnn.get_num_threads()
    with pytest.raises(swiftcnn.SwiftCNNError) as caught:
        call()
    assert isinstance(caught.value, kind), f"a {type(caught.value).__name__} is no {kind}"
    assert re.search(pattern, str(caught.value), re.DOTALL), f"{pattern!r} is not in: {caught.value}"
    assert np.array_equal(x, before) and swiftcnn.get_num_threads() == threads
    assert conv()[0, 0, 0, 0] == x[0, :, :3, :2].sum()


def test_there_are_a_hundred():
    assert len(CASES) >= 100


def test_errors_are_the_builtin_ones_too():
    for ours, builtin in (
        (swiftcnn.ShapeError, ValueError),
        (swiftcnn.InvalidArgumentError, ValueError),
        (swiftcnn.DTypeError, TypeError),
        (swiftcnn.UnsupportedError, NotImplementedError),
    ):
        assert issubclass(ours, builtin) and issubclass(ours, swiftcnn.SwiftCNNError)


def test_a_failed_call_leaves_the_layer_as_it_was():
    layer = L.Convolution(W, b)
    out = layer.forward(x)
    dx = layer.backward(out)
    dW = layer.dW
    for bad in (x[0], x[:, :1], None):
        with pytest.raises(swiftcnn.SwiftCNNError):
            layer.forward(bad)
    with pytest.raises(swiftcnn.SwiftCNNError):
        layer.backward(out[0])
    assert layer.x is x and layer.dW is dW
    assert np.array_equal(layer.backward(out), dx)
