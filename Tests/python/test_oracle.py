"""Who watches the oracle: bit for bit against the article's restored code where that is at hand, and against
direct.py."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import oracle
import pytest
from oracle import direct

ARTICLE = Path(__file__).parents[2].parent / "shared" / "oracle" / "article_layers.py"

# (N, C, H, W), FN, (FH, FW), stride, pad
SHAPES = [
    ((n, c, h, w), 3, kernel, stride, pad)
    for n, c in [(1, 1), (1, 3), (2, 1), (3, 4)]
    for h, w in [(5, 5), (7, 6), (8, 11)]
    for kernel in [(1, 1), (2, 2), (3, 2), (5, 5)]
    for stride in (1, 2, 3, 6)
    for pad in (0, 1, 2)
] + [((2, 3, 28, 28), 30, (5, 5), 1, 0), ((1, 16, 9, 9), 17, (9, 9), 1, 0), ((4, 2, 13, 13), 8, (3, 3), 2, 1)]
DTYPES = ["f8", "f4", "i4", "u1", ">f8", "f2"]


@pytest.fixture(scope="module")
def article():
    if not ARTICLE.is_file():
        pytest.skip("the article's restored code is not beside this repository")
    spec = importlib.util.spec_from_file_location("article_layers", ARTICLE)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def values(shape, dtype="f8", seed=0):
    return (np.random.default_rng(seed).standard_normal(shape) * 5).astype(dtype)


def assert_same(ours, theirs):
    """Same bits, type and memory order."""
    assert ours.dtype == theirs.dtype and ours.shape == theirs.shape
    assert ours.strides == theirs.strides
    assert ours.tobytes() == theirs.tobytes()


def test_functions_are_the_articles(article):
    for i, (shape, _, kernel, stride, pad) in enumerate(SHAPES):
        x = values(shape, DTYPES[i % len(DTYPES)], i)
        col = oracle.im2col(x, *kernel, stride, pad)
        assert_same(col, article.im2col(x, *kernel, stride, pad))
        col = values(col.shape, seed=i + 1)
        assert_same(oracle.col2im(col, shape, *kernel, stride, pad), article.col2im(col, shape, *kernel, stride, pad))


def test_convolution_is_the_articles(article):
    for i, (shape, filters, kernel, stride, pad) in enumerate(SHAPES):
        dtype = DTYPES[i % len(DTYPES)]
        x, W, b = values(shape, dtype, i), values((filters, shape[1], *kernel), seed=i), values(filters, seed=i)
        W = np.asfortranarray(W) if i % 3 == 0 else W
        layers = [made(W, b, stride, pad) for made in (oracle.Convolution, article.Convolution)]
        ours, theirs = (layer.forward(x) for layer in layers)
        assert_same(ours, theirs)
        dout = values(ours.shape, "f4" if i % 2 else "f8", i)
        assert_same(*(layer.backward(dout) for layer in layers))
        for name in ("col", "col_W", "dW", "db"):
            assert_same(*(getattr(layer, name) for layer in layers))
        assert layers[0].x is x


def test_pooling_is_the_articles(article):
    padded = 0
    for i, (shape, _, kernel, stride, pad) in enumerate(SHAPES):
        x = np.rint(values(shape, seed=i)) if i % 2 else values(shape, DTYPES[i % len(DTYPES)], i)
        layers = [made(*kernel, stride, pad) for made in (oracle.Pooling, article.Pooling)]
        try:
            theirs = layers[1].forward(x)
        except ValueError:  # the article's padded pooling fails for most shapes, and so must the oracle's
            with pytest.raises(ValueError):
                layers[0].forward(x)
            continue
        padded += pad > 0
        assert_same(layers[0].forward(x), theirs)
        assert_same(layers[0].arg_max, layers[1].arg_max)
        dout = values(theirs.shape, seed=i)
        assert_same(*(layer.backward(dout) for layer in layers))
    assert padded, "no padded shape went through: nothing of that was compared"


def test_against_the_definition():
    for i, (shape, filters, kernel, stride, pad) in enumerate(SHAPES):
        geometry = direct.Geometry(kernel, (stride, stride), (pad,) * 4)
        x, W, b = values(shape, seed=i), values((filters, shape[1], *kernel), seed=i + 1), values(filters, seed=i + 2)
        layer = oracle.Convolution(W, b, stride, pad)
        out = layer.forward(x)
        np.testing.assert_allclose(out, direct.convolution(x, W, b, geometry), rtol=0, atol=1e-10)
        dout = values(out.shape, seed=i + 3)
        dx, dW, db = direct.convolution_backward(x, W, dout, geometry)
        np.testing.assert_allclose(layer.backward(dout), dx, rtol=0, atol=1e-10)
        np.testing.assert_allclose(layer.dW, dW, rtol=0, atol=1e-9)
        np.testing.assert_allclose(layer.db, db, rtol=0, atol=1e-10)
        if pad == 0:
            pool = oracle.Pooling(*kernel, stride)
            best, winners = direct.max_pooling(x, geometry)
            np.testing.assert_array_equal(pool.forward(x), best)
            np.testing.assert_array_equal(pool.arg_max, winners.transpose(0, 2, 3, 1).ravel())
            dout = values(best.shape, seed=i)
            dx = direct.max_pooling_backward(shape, winners, dout, geometry)
            np.testing.assert_allclose(pool.backward(dout), dx, rtol=0, atol=1e-12)


@pytest.mark.parametrize("groups", [1, 2, 4])
def test_general_convolution_by_hand(groups):
    """direct.py itself, against four nested loops."""
    geometry = direct.Geometry((2, 3), (2, 1), (1, 0, 2, 3), (2, 1))
    x, W, b = values((2, 4, 5, 4)), values((8, 4 // groups, 2, 3), seed=1), values(8, seed=2)
    out = direct.convolution(x, W, b, geometry, groups)
    padded = np.pad(x, ((0, 0), (0, 0), (1, 2), (0, 3)))
    for n, k, oh, ow in np.ndindex(out.shape):
        first = k // (8 // groups) * (4 // groups)
        patch = padded[n, first : first + 4 // groups, oh * 2 : oh * 2 + 3 : 2, ow : ow + 3]
        assert abs((patch * W[k]).sum() + b[k] - out[n, k, oh, ow]) < 1e-11


@pytest.mark.parametrize(
    "extent, kernel, stride, pad, floor, ceil",
    [(5, 2, 2, 0, 2, 3), (6, 3, 5, 1, 2, 2), (4, 1, 3, 0, 2, 2), (3, 1, 3, 1, 2, 2), (7, 3, 2, 1, 4, 4)],
)
def test_output_extents(extent, kernel, stride, pad, floor, ceil):
    for mode, wanted in ((False, floor), (True, ceil)):
        geometry = direct.Geometry((kernel, kernel), (stride, stride), (pad,) * 4, ceil_mode=mode)
        assert geometry.output(extent, extent) == (wanted, wanted)


def test_adam_steps_by_the_rate():
    params, grads = {"w": np.array([1.0, -1.0])}, {"w": np.array([3.0, -0.2])}
    oracle.Adam(lr=0.1).update(params, grads)
    np.testing.assert_allclose(params["w"], [0.9, -0.9], atol=1e-5)
