"""What the layers promise beside their numbers, one promise a test: whose arrays they keep, what can be read, what
stays as it was."""

from __future__ import annotations

import array
import inspect

import numpy as np
import oracle
import pytest
import swiftcnn
from swiftcnn import layers as L


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


@pytest.fixture
def conv():
    return L.Convolution(normal(4, 3, 3, 2), normal(4), stride=2, pad=1)


SHAPE = (2, 3, 7, 6)
EVERY = {
    "Convolution": (lambda: L.Convolution(normal(4, 3, 3, 2), normal(4)), SHAPE),
    "Pooling": (lambda: L.Pooling(2, 2), SHAPE),
    "AveragePooling": (lambda: L.AveragePooling(2, 2), SHAPE),
    "Affine": (lambda: L.Affine(normal(126, 5), normal(5)), SHAPE),
    "Relu": (lambda: L.Relu(), SHAPE),
    "Sigmoid": (lambda: L.Sigmoid(), SHAPE),
    "BatchNormalization": (lambda: L.BatchNormalization(normal(3), normal(3)), SHAPE),
    "Dropout": (lambda: L.Dropout(0.5), SHAPE),
}
every = pytest.mark.parametrize("name", EVERY)


@pytest.mark.parametrize(
    "name", ["im2col", "col2im", "Convolution", "Pooling", "Affine", "Relu", "BatchNormalization", "Dropout"]
)
def test_signatures_are_the_articles(name):
    """Ours begin with the oracle's parameters; what we add can be given by keyword only."""
    theirs, ours = (list(inspect.signature(getattr(m, name)).parameters.values()) for m in (oracle, L))
    assert [(p.name, p.default) for p in ours[: len(theirs)]] == [(p.name, p.default) for p in theirs]
    assert all(p.kind is p.KEYWORD_ONLY for p in ours[len(theirs) :])


# ---- Parameters are the caller's -------------------------------------------------------------------------------------


def test_parameters_are_the_callers_own_objects():
    W, b = normal(4, 3, 3, 2), normal(4)
    for layer in (L.Convolution(W, b), L.Affine(W, b)):
        assert layer.W is W and layer.b is b


def test_updates_in_place_are_seen(conv):
    x = normal(*SHAPE)
    before = conv.forward(x)
    conv.W *= 2
    conv.b *= 2
    np.testing.assert_allclose(conv.forward(x), 2 * before, rtol=1e-13)


def test_rebound_parameters_are_seen(conv):
    conv.W, conv.b = np.zeros((4, 3, 3, 2)), np.arange(4.0)
    assert (conv.forward(normal(*SHAPE)) == np.arange(4.0).reshape(1, 4, 1, 1)).all()


@pytest.mark.parametrize("make", [lambda: L.Convolution(normal(4, 3, 3, 2), 0), lambda: L.Pooling(3, 2)])
def test_strides_are_read_anew(make):
    """What a forward of the same shapes has made ready serves no other stride, and excuses none that is wrong."""
    layer, x = make(), normal(*SHAPE)
    one = layer.forward(x)
    layer.stride = 2
    assert np.array_equal(layer.forward(x), one[:, :, ::2, ::2])
    for wrong in (2.0, (2, 2.0), "2", 0):
        layer.stride = wrong
        with pytest.raises(swiftcnn.SwiftCNNError, match="stride"):
            layer.forward(x)
    layer.stride = np.int64(1)
    assert np.array_equal(layer.forward(x), one)


@pytest.mark.parametrize("change", ["in place", "rebound"])
def test_a_change_of_W_before_backward(conv, change):
    """As in the article: changed in place it shows in dx, rebound it does not."""
    judge = oracle.Convolution(conv.W, conv.b, 2, 1)
    x = normal(*SHAPE)
    dout = normal(*conv.forward(x).shape)
    judge.forward(x)
    if change == "in place":
        conv.W *= 3
    else:
        conv.W = conv.W * 3
    np.testing.assert_allclose(conv.backward(dout), judge.backward(dout), rtol=0, atol=1e-12)


def test_a_change_of_x_does_not_reach_dW(conv):
    x = normal(*SHAPE)
    dout = normal(*conv.forward(x).shape)
    conv.backward(dout)
    kept, col = conv.dW.copy(), conv.col
    x[...] = 0
    conv.backward(dout)
    assert np.array_equal(conv.dW, kept) and np.array_equal(conv.col, col)


@pytest.mark.parametrize("b", [0, 1.5, np.float32(2), np.ones(1), np.arange(4), np.ones((1, 4)), np.arange(96).reshape(96, 1)])
def test_b_broadcasts_as_in_the_article(b):
    x, W = normal(2, 3, 8, 6), normal(4, 3, 1, 1)
    ours, judge = L.Convolution(W, b), oracle.Convolution(W, b)
    out = ours.forward(x)
    np.testing.assert_allclose(out, judge.forward(x), rtol=0, atol=1e-12)
    ours.backward(out)
    judge.backward(out)
    assert ours.db.shape == (4,)
    np.testing.assert_allclose(ours.db, judge.db, rtol=0, atol=1e-11)


def test_b_of_a_number_keeps_float32():
    assert L.Convolution(np.ones((1, 1, 1, 1), "f4"), 0).forward(np.ones((1, 1, 2, 2), "f4")).dtype == np.float32


@pytest.mark.parametrize("stride", [1, 2])
def test_exact_sums(stride):
    """By Winograd's algorithm not even sums of small integers come out whole; `exact` has them as the definition has."""
    x, W = np.rint(3 * normal(1, 17, 17, 12)).astype("f4"), np.rint(3 * normal(17, 17, 3, 3)).astype("f4")
    wanted = oracle.Convolution(W.astype("f8"), np.zeros(17), stride).forward(x.astype("f8"))
    assert np.array_equal(L.Convolution(W, 0, stride, exact=True).forward(x), wanted)
    np.testing.assert_allclose(L.Convolution(W, 0, stride).forward(x), wanted, rtol=0, atol=1e-5 * abs(wanted).max())


# ---- Results ---------------------------------------------------------------------------------------------------------


@every
def test_outputs_are_new_and_writable_and_inputs_untouched(name):
    make, shape = EVERY[name]
    layer, x = make(), normal(*shape)
    kept = x.copy()
    out = layer.forward(x)
    dout = normal(*out.shape, seed=1)
    kept_dout = dout.copy()
    dx = layer.backward(dout)
    for result in (out, dx):
        assert result.flags.writeable and result.flags.c_contiguous
        assert not np.shares_memory(result, x) and not np.shares_memory(result, dout)
    assert dx.shape == x.shape
    assert np.array_equal(x, kept) and np.array_equal(dout, kept_dout)


@every
def test_backward_twice_is_the_same_and_does_not_accumulate(name):
    make, shape = EVERY[name]
    layer = make()
    dout = normal(*layer.forward(normal(*shape)).shape, seed=1)
    gradients = [n for n in ("dW", "db", "dgamma", "dbeta") if hasattr(layer, n)]
    first, held = layer.backward(dout), {}
    for n in gradients:
        held[n] = (getattr(layer, n), getattr(layer, n).copy())
    assert np.array_equal(layer.backward(dout), first)
    for n, (old, copy) in held.items():
        assert getattr(layer, n) is not old, f"{n} is not a new array"
        assert np.array_equal(getattr(layer, n), copy) and np.array_equal(old, copy)


@every
def test_float32_stays_and_all_else_becomes_float64(name):
    make, shape = EVERY[name]
    for dtype, wanted in (
        ("f4", "f4"),
        (">f4", "f4"),
        ("f8", "f8"),
        ("f2", "f8"),
        ("i8", "f8"),
        ("u1", "f8"),
        ("?", "f8"),
    ):
        layer = make()
        for parameter in ("W", "b", "gamma", "beta"):
            if hasattr(layer, parameter):
                setattr(layer, parameter, getattr(layer, parameter).astype(wanted))
        out = layer.forward(normal(*shape).astype(dtype))
        assert out.dtype == wanted
        assert layer.backward(out).dtype == wanted


def test_what_can_be_read_after_forward(conv):
    assert all(getattr(conv, name) is None for name in ("x", "col", "col_W", "dW", "db"))
    x = normal(*SHAPE)
    conv.forward(x)
    assert conv.x is x
    assert np.array_equal(conv.col, oracle.im2col(x, 3, 2, 2, 1))
    assert np.array_equal(conv.col_W, conv.W.reshape(4, -1).T) and np.shares_memory(conv.col_W, conv.W)
    pool = L.Pooling(2, 2)
    assert pool.x is None and pool.arg_max is None
    pool.forward(x)
    assert pool.x is x


def test_arg_max_is_in_the_articles_order():
    x = normal(2, 3, 7, 6)
    ours, judge = L.Pooling(3, 2, 2), oracle.Pooling(3, 2, 2)
    ours.forward(x), judge.forward(x)
    assert ours.arg_max.dtype == np.int64 and ours.arg_max.shape == (2 * 3 * 3 * 3,)
    assert np.array_equal(ours.arg_max, judge.arg_max)


@every
def test_dout_of_the_right_size_and_wrong_shape_is_an_error(name):
    make, shape = EVERY[name]
    layer = make()
    out = layer.forward(normal(*shape))
    with pytest.raises(swiftcnn.ShapeError, match="dout"):
        layer.backward(out.reshape(out.shape[::-1]))


# ---- Max pooling -----------------------------------------------------------------------------------------------------


def test_padding_never_wins():
    pool, x = L.Pooling(2, 2, 3, 1), np.full((1, 1, 5, 5), -1.0)
    out = pool.forward(x)
    assert (out == -1).all()
    assert pool.backward(np.ones_like(out)).sum() == out.size


def test_a_window_wholly_in_the_padding():
    pool = L.Pooling(1, 1, 1, 1)
    out = pool.forward(np.ones((1, 1, 1, 1)))
    assert np.array_equal(out[0, 0], np.where(np.eye(3)[1][:, None] * np.eye(3)[1] > 0, 1, -np.inf))
    assert pool.arg_max.tolist() == [-1, -1, -1, -1, 0, -1, -1, -1, -1]
    assert pool.backward(np.full((1, 1, 3, 3), 7.0)).tolist() == [[[[7.0]]]]
    average = L.AveragePooling(1, 1, 1, 1)
    assert average.forward(np.ones((1, 1, 1, 1))).sum() == 1
    assert average.backward(np.full((1, 1, 3, 3), 7.0)).tolist() == [[[[7.0]]]]


@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_ties_and_special_values(dtype):
    nan, inf = np.nan, np.inf
    windows = [
        [1, 1, 1, 1],
        [1, 2, 2, 2],
        [nan, 1, nan, 2],
        [3, 1, nan, inf],
        [-inf] * 4,
        [0.0, -0.0, 0, 0],
        [-inf, -inf, -3, -inf],
    ]
    x = np.array(windows, dtype).reshape(7, 1, 2, 2)
    pool, judge = L.Pooling(2, 2), oracle.Pooling(2, 2)
    np.testing.assert_array_equal(pool.forward(x), judge.forward(x))
    assert pool.arg_max.tolist() == judge.arg_max.tolist() == [0, 1, 0, 2, 0, 0, 2]
    dout = np.arange(1.0, 8).reshape(7, 1, 1, 1)
    assert np.array_equal(pool.backward(dout), judge.backward(dout))


def test_no_channels_and_no_images():
    assert L.Pooling(2, 2).forward(np.ones((2, 0, 4, 4))).shape == (2, 0, 3, 3)
    assert L.Pooling(2, 2).forward(np.ones((0, 3, 4, 4))).shape == (0, 3, 3, 3)


# ---- Whatever holds numbers ------------------------------------------------------------------------------------------


class ArrayInterface:
    def __init__(self, held):
        self.held, self.__array_interface__ = held, held.__array_interface__


class DLPack:
    def __init__(self, held):
        self.held = held

    def __dlpack__(self, **options):
        return self.held.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.held.__dlpack_device__()


class ArrayMethod:
    def __init__(self, held):
        self.held = held

    def __array__(self, dtype=None, copy=None):
        return self.held if dtype is None else self.held.astype(dtype)


IMPORTS = {
    "memoryview": memoryview,
    "__array_interface__": ArrayInterface,
    "__dlpack__": DLPack,
    "__array__": ArrayMethod,
    "nested lists": np.ndarray.tolist,
    "subclass": lambda a: a.view(np.matrix) if a.ndim == 2 else a.view(np.recarray),
}


@pytest.mark.parametrize("how", IMPORTS)
def test_array_likes(how):
    x, W, b = normal(*SHAPE), normal(4, 3, 3, 2), normal(4)
    wanted = L.Convolution(W, b).forward(x)
    import_ = IMPORTS[how]
    layer = L.Convolution(import_(W), import_(b))
    assert np.array_equal(layer.forward(import_(x)), wanted)
    assert np.array_equal(L.im2col(import_(x), 2, 2), L.im2col(x, 2, 2))
    assert np.array_equal(layer.backward(import_(wanted)), L.Convolution.backward(layer, wanted))


def test_array_array():
    layer = L.Affine(memoryview(array.array("f", range(6))).cast("B").cast("f", (3, 2)), array.array("f", [1, 2]))
    assert layer.forward(memoryview(array.array("f", [1, 1, 1])).cast("B").cast("f", (1, 3))).tolist() == [[7.0, 11.0]]
    assert L.Relu().forward(array.array("d", [-1, 2])).tolist() == [0, 2]


def test_torch_tensors():
    torch = pytest.importorskip("torch")
    x = normal(*SHAPE)
    assert np.array_equal(L.Pooling(2, 2).forward(torch.from_numpy(x)), L.Pooling(2, 2).forward(x))
