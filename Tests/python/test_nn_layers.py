"""Every layer of swiftcnn.nn: its numbers against the article's layers or a plain NumPy formula, its gradients against
differences, its arguments by PyTorch's names."""

from __future__ import annotations

import math

import numpy as np
import pytest
import swiftcnn as sc
from hypothesis import given
from hypothesis import strategies as st
from swiftcnn import layers as L
from swiftcnn import nn


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


erf = np.vectorize(math.erf)
ELEMENTWISE = {
    "ReLU": (nn.ReLU(), lambda x: np.maximum(x, 0)),
    "ReLU6": (nn.ReLU6(), lambda x: np.clip(x, 0, 6)),
    "LeakyReLU": (nn.LeakyReLU(0.2), lambda x: np.where(x > 0, x, 0.2 * x)),
    "PReLU": (nn.PReLU(init=0.3), lambda x: np.where(x > 0, x, 0.3 * x)),
    "ELU": (nn.ELU(0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(x))),
    "SELU": (nn.SELU(), lambda x: 1.0507009873554805 * np.where(x > 0, x, 1.6732632423543772 * np.expm1(x))),
    "CELU": (nn.CELU(0.7), lambda x: np.where(x > 0, x, 0.7 * np.expm1(x / 0.7))),
    "Sigmoid": (nn.Sigmoid(), lambda x: 1 / (1 + np.exp(-x))),
    "Tanh": (nn.Tanh(), np.tanh),
    "Hardsigmoid": (nn.Hardsigmoid(), lambda x: np.clip(x / 6 + 0.5, 0, 1)),
    "Hardswish": (nn.Hardswish(), lambda x: x * np.clip(x / 6 + 0.5, 0, 1)),
    "SiLU": (nn.SiLU(), lambda x: x / (1 + np.exp(-x))),
    "Mish": (nn.Mish(), lambda x: x * np.tanh(np.log1p(np.exp(x)))),
    "GELU": (nn.GELU(), lambda x: 0.5 * x * (1 + erf(x / math.sqrt(2)))),
    "GELU tanh": (
        nn.GELU("tanh"),
        lambda x: 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3))),
    ),
    "Softplus": (nn.Softplus(), lambda x: np.log1p(np.exp(x))),
    "Softmax": (nn.Softmax(1), lambda x: np.exp(x) / np.exp(x).sum(axis=1, keepdims=True)),
    "LogSoftmax": (nn.LogSoftmax(1), lambda x: x - np.log(np.exp(x).sum(axis=1, keepdims=True))),
    "Identity": (nn.Identity(), lambda x: x),
    "Dropout": (nn.Dropout(0.4), lambda x: x),
    "Flatten": (nn.Flatten(), lambda x: x.reshape(len(x), -1)),
    "Flatten 2": (nn.Flatten(2), lambda x: x.reshape(*x.shape[:2], -1)),
    "Flatten 1 to 2": (nn.Flatten(1, 2), lambda x: x.reshape(len(x), -1, x.shape[3])),
    "AdaptiveAvgPool2d": (nn.AdaptiveAvgPool2d(1), lambda x: x.mean(axis=(2, 3), keepdims=True)),
    "AdaptiveAvgPool2d 2x3": (
        nn.AdaptiveAvgPool2d((2, 3)),
        lambda x: np.stack([windows(x, 2, 3, np.mean)[i] for i in range(6)], -1).reshape(*x.shape[:2], 2, 3),
    ),
    "AdaptiveMaxPool2d": (nn.AdaptiveMaxPool2d(1), lambda x: x.max(axis=(2, 3), keepdims=True)),
    "AvgPool2d": (nn.AvgPool2d(2), lambda x: x.reshape(*x.shape[:2], 2, 2, 3, 2).mean(axis=(3, 5))),
    "PixelShuffle": (
        nn.PixelShuffle(2),
        lambda x: x.reshape(len(x), -1, 2, 2, 4, 6).transpose(0, 1, 4, 2, 5, 3).reshape(len(x), -1, 8, 12),
    ),
    "Upsample": (nn.Upsample(2), lambda x: x.repeat(2, axis=2).repeat(2, axis=3)),
    "LayerNorm": (nn.LayerNorm((4, 6)), lambda x: standardized(x, (2, 3))),
    "GroupNorm": (nn.GroupNorm(2, 8), lambda x: standardized(x.reshape(len(x), 2, -1), (2,)).reshape(x.shape)),
    "InstanceNorm2d": (nn.InstanceNorm2d(8), lambda x: standardized(x, (2, 3))),
    "BatchNorm2d": (nn.BatchNorm2d(8), lambda x: x / math.sqrt(1 + 1e-5)),  # in inference, of what it begins with
}


def standardized(x, axes):
    return (x - x.mean(axis=axes, keepdims=True)) / np.sqrt(x.var(axis=axes, keepdims=True) + 1e-5)


def windows(x, rows, columns, of):
    """What `of` gives for each adaptive window, from floor(i * H / rows) up to ceil((i + 1) * H / rows)."""
    H, W = x.shape[2:]
    cut = [
        (i * H // rows, -(-(i + 1) * H // rows), j * W // columns, -(-(j + 1) * W // columns))
        for i in range(rows)
        for j in range(columns)
    ]
    return [of(x[:, :, a:b, c:d], axis=(2, 3)) for a, b, c, d in cut]


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_numbers(name):
    layer, reference = ELEMENTWISE[name]
    x = 2 * normal(3, 8, 4, 6)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 4e-6)):  # a few roundings of numbers up to about 8
        y = layer.to(dtype).predict(x)
        assert y.dtype == dtype
        np.testing.assert_allclose(y, reference(x), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_gradients(name):
    # Numbers on a grid keep corners (0, 3, 6, equal elements) further away than a difference reaches.
    x = (np.random.default_rng(1).permutation(3 * 8 * 4 * 6).reshape(3, 8, 4, 6) - 287.7) / 101.3
    errors = nn.gradient_check(ELEMENTWISE[name][0], x)
    assert "x" in errors and max(errors.values()) < 1e-6, errors


CONVOLUTIONS = {
    "plain": {"kernel_size": 3},
    "all": {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 2), "dilation": (1, 2), "groups": 2},
    "depthwise": {"kernel_size": 3, "padding": 1, "groups": 4},
    "no bias": {"kernel_size": 1, "bias": False},
}


@pytest.mark.parametrize("case", CONVOLUTIONS)
def test_convolution_equals_the_articles(case):
    given_ = CONVOLUTIONS[case]
    layer, x = nn.Conv2d(4, 8, **given_).double(), normal(2, 4, 9, 10)
    y = layer(x)
    bias = layer.bias.data if layer.bias is not None else 0
    twin = L.Convolution(
        layer.weight.data.copy(), bias, layer.stride, layer.padding, dilation=layer.dilation, groups=layer.groups
    )
    np.testing.assert_allclose(y, twin.forward(x), rtol=1e-13, atol=1e-13)
    assert max(nn.gradient_check(layer, x).values()) < 1e-6


@given(extent=st.integers(3, 12), stride=st.integers(1, 3), kernel=st.integers(1, 5))
def test_same_padding_keeps_the_size(extent, stride, kernel):
    y = nn.Conv2d(1, 1, kernel, stride, padding="same")(normal(1, 1, extent, extent + 1))
    assert y.shape == (1, 1, -(-extent // stride), -(-(extent + 1) // stride))


def test_convolution_of_one_axis():
    layer, x = nn.Conv1d(3, 5, 3, stride=2, padding=1).double(), normal(2, 3, 11)
    twin = L.Convolution(layer.weight.data[:, :, None], layer.bias.data, (1, 2), (0, 1))
    y = layer(x)
    np.testing.assert_allclose(y, twin.forward(x[:, :, None])[:, :, 0], rtol=1e-13, atol=1e-13)
    assert max(nn.gradient_check(layer, x).values()) < 1e-6


@pytest.mark.parametrize("given_", [{}, {"stride": 2, "padding": 1, "output_padding": 1}, {"groups": 2, "dilation": 2}])
def test_transposed_convolution_is_the_step_back_through_a_convolution(given_):
    layer, x = nn.ConvTranspose2d(4, 6, 3, bias=False, **given_).double(), normal(2, 4, 5, 6)
    y = layer(x)
    twin = L.Convolution(layer.weight.data.copy(), 0, layer.stride, layer.padding, dilation=layer.dilation, groups=layer.groups)
    assert twin.forward(np.zeros(y.shape)).shape == x.shape
    np.testing.assert_allclose(y, twin.backward(x), rtol=1e-12, atol=1e-12)
    assert max(nn.gradient_check(nn.ConvTranspose2d(4, 6, 3, **given_), x).values()) < 1e-6


def test_pooling_equals_the_articles():
    x = normal(2, 3, 9, 8)
    twin = L.Pooling(3, 3, stride=2)
    np.testing.assert_array_equal(nn.MaxPool2d(3, 2).double()(x), twin.forward(x))
    np.testing.assert_array_equal(nn.MaxPool1d(2).double()(x[:, :, 0]), x[:, :, 0].reshape(2, 3, 4, 2).max(axis=3))
    np.testing.assert_allclose(nn.AvgPool1d(2).double()(x[:, :, 0]), x[:, :, 0].reshape(2, 3, 4, 2).mean(axis=3), rtol=1e-14)
    # PyTorch counts padding in the mean, unless told not to; a maximum is never of the padding.
    ones = -np.ones((1, 1, 2, 2))
    assert nn.AvgPool2d(2, padding=1)(ones)[0, 0, 0, 0] == -0.25
    assert nn.AvgPool2d(2, padding=1, count_include_pad=False)(ones)[0, 0, 0, 0] == -1
    assert nn.MaxPool2d(2, padding=1)(ones)[0, 0, 0, 0] == -1
    assert nn.MaxPool2d(2, ceil_mode=True)(normal(1, 1, 5, 5)).shape == (1, 1, 3, 3)
    assert max(nn.gradient_check(nn.MaxPool2d(3, 2, 1), x).values()) < 1e-6


def test_linear_equals_the_articles():
    layer, x = nn.Linear(6, 4).double(), normal(5, 6)
    np.testing.assert_allclose(layer(x), x @ layer.weight.data.T + layer.bias.data, rtol=1e-13)
    # Of the last axis, where there are more.
    x = normal(5, 3, 6)
    np.testing.assert_allclose(layer(x), x @ layer.weight.data.T + layer.bias.data, rtol=1e-12, atol=1e-14)
    assert max(nn.gradient_check(layer, x).values()) < 1e-6


def test_prelu_has_a_slope_for_each_channel():
    layer, x = nn.PReLU(3).double(), normal(2, 3, 4, 4)
    layer.weight.data = [0.1, 0.2, 0.3]
    np.testing.assert_allclose(layer(x), np.where(x > 0, x, x * np.array([0.1, 0.2, 0.3])[:, None, None]))
    assert max(nn.gradient_check(layer, x).values()) < 1e-6


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(3, momentum=0.3), nn.LazyBatchNorm2d(momentum=0.3)])
def test_batch_normalization_learns_the_statistics(layer):
    x = 3 + 2 * normal(8, 3, 4, 4)
    net = nn.Sequential(layer, nn.Flatten()).double().compile("mse", sc.optim.SGD(0.0))
    layer.num_features or net.build((3, 4, 4))
    net.train_step(x, np.zeros((8, 48)))
    np.testing.assert_allclose(layer.running_mean.data, 0.3 * x.mean(axis=(0, 2, 3)), rtol=1e-12)
    np.testing.assert_allclose(layer.running_var.data, 0.7 + 0.3 * x.var(axis=(0, 2, 3), ddof=1), rtol=1e-12)
    expected = (x - layer.running_mean.data[:, None, None]) / np.sqrt(layer.running_var.data[:, None, None] + 1e-5)
    np.testing.assert_allclose(net.predict(x), expected.reshape(8, -1), rtol=1e-11, atol=1e-12)
    assert max(nn.gradient_check(layer, x).values()) < 1e-6


def test_normalizations_without_parameters():
    for layer in (nn.BatchNorm2d(4, affine=False), nn.GroupNorm(2, 4, affine=False), nn.LayerNorm(6, elementwise_affine=False)):
        assert not list(layer.parameters())
        assert max(nn.gradient_check(layer, normal(3, 4, 5, 6)).values()) < 1e-6
    assert nn.BatchNorm1d(4)(normal(3, 4)).shape == (3, 4) and nn.LazyBatchNorm1d()(normal(3, 4, 5)).shape == (3, 4, 5)
    assert [name for name, _ in nn.LayerNorm(6, bias=False).named_parameters()] == ["weight"]


def test_dropout_in_training():
    net = nn.Sequential(nn.Dropout(0.25)).double().compile(nn.MSELoss("sum"), sc.optim.SGD(0.0))
    x = np.ones((50, 400))
    loss = net.train_step(x, np.zeros_like(x))  # 1/(1-p)^2 for each that is kept
    share = loss * 0.75**2 / x.size
    assert abs(share - 0.75) < 5 * math.sqrt(0.75 * 0.25 / x.size)
    assert net.train_step(x, np.zeros_like(x)) != loss and np.array_equal(net.predict(x), x)


def test_branches():
    class Net(nn.Module):
        def __init__(self):
            self.left, self.right = nn.LazyConv2d(4, 3, padding=1), nn.LazyConv2d(4, 1)
            self.scale = nn.Parameter.of([[[0.5]], [[1.0]], [[1.5]], [[2.0]]])

        def forward(self, x, mask):
            F = nn.functional
            y = F.relu(self.left(x)) * self.scale - F.sigmoid(self.right(x)) / 2
            y = F.cat([y, 1 - y, mask * y])
            return F.flatten(F.avg_pool2d(y, 2)), F.adaptive_avg_pool2d(y, 1)

    net = Net().double()
    x, mask = normal(2, 3, 4, 4), normal(2, 1, 4, 4)
    a, b = net.predict((x, mask))
    left, right = (L.Convolution(c.weight.data, c.bias.data, 1, c.padding).forward(x) for c in (net.left, net.right))
    y = np.maximum(left, 0) * net.scale.data - 1 / (1 + np.exp(-right)) / 2
    y = np.concatenate([y, 1 - y, mask * y], axis=1)
    np.testing.assert_allclose(a, y.reshape(2, 12, 2, 2, 2, 2).mean(axis=(3, 5)).reshape(2, -1), atol=1e-12)
    np.testing.assert_allclose(b, y.mean(axis=(2, 3), keepdims=True), atol=1e-12)
    assert [name for name, _ in net.named_parameters()] == ["scale", "left.weight", "left.bias", "right.weight", "right.bias"]


def test_containers():
    shared = nn.Linear(4, 4)
    net = nn.Sequential({"first": shared, "act": nn.Tanh(), "second": shared}).double()
    x = normal(2, 4)
    y = np.tanh(x @ shared.weight.data.T + shared.bias.data) @ shared.weight.data.T + shared.bias.data
    np.testing.assert_allclose(net(x), y, atol=1e-13)
    assert len(list(net.parameters())) == 2 and len(net.state_dict()) == 4
    assert max(nn.gradient_check(net, x).values()) < 1e-6  # of a layer that is used twice
    residual, parallel = nn.Residual(nn.Tanh(), nn.ReLU()).double(), nn.Parallel(nn.Tanh(), nn.ReLU()).double()
    np.testing.assert_allclose(residual(x), np.tanh(x) + np.maximum(x, 0), atol=1e-14)
    np.testing.assert_allclose(parallel(x), np.concatenate([np.tanh(x), np.maximum(x, 0)], 1), atol=1e-14)
    assert (
        len(net) == 3
        and isinstance(net[1], nn.Tanh)
        and len(net[1:]) == 2
        and list(net[:1].state_dict()) == ["first.weight", "first.bias"]
    )
    assert "(first): Linear(4, 4)" in repr(net)


@pytest.mark.parametrize("shape, make", [((4, 9, 9), lambda: nn.Conv2d(4, 64, 3)), ((100,), lambda: nn.Linear(100, 300))])
def test_initial_numbers_are_pytorchs(shape, make):
    sc.manual_seed(3)
    layer = make().build(shape)
    bound = 1 / math.sqrt(np.prod(layer.weight.shape[1:]))
    for held in (layer.weight, layer.bias):
        data = held.data
        assert abs(data).max() <= bound and abs(data).max() > 0.8 * bound
        # Five standard deviations of the mean of uniform numbers.
        assert abs(data.mean()) < 5 * bound / math.sqrt(3 * data.size)


def test_initializers_by_name():
    layer = nn.LazyLinear(400)
    nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    net = nn.Sequential(layer).build((300,))
    nn.init.constant_(layer.bias, 0.5)
    assert abs(layer.weight.data.std() - math.sqrt(2 / 300)) < 0.01 * math.sqrt(2 / 300) * 5 and (layer.bias.data == 0.5).all()
    np.testing.assert_allclose(net(np.zeros((1, 300))), 0.5)
    for name, bound in (("xavier_uniform_", math.sqrt(6 / 700)), ("kaiming_uniform_", math.sqrt(6 / 300)), ("uniform_", 1)):
        data = getattr(nn.init, name)(layer.weight).data
        assert 0.99 * bound < abs(data).max() <= bound * (1 + 1e-6), name
    assert abs(nn.init.normal_(layer.weight, 1, 2).data.mean() - 1) < 5 * 2 / math.sqrt(120_000)


@given(count=st.integers(1, 9), size=st.integers(1, 10))
def test_predictions_do_not_depend_on_the_batch(count, size):
    sc.manual_seed(1)
    net = nn.Sequential(nn.Conv2d(2, 3, 3, padding=1), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(4)).double()
    x = normal(count, 2, 5, 4)
    # Products of other sizes may be summed in another order.
    np.testing.assert_allclose(net.predict(x, size), net.predict(x, 100), rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("inputs, outputs", [(1030, 1035), (17000, 65)])
def test_a_few_rows_of_a_large_layer(inputs, outputs, dtype):
    """Its weights come from memory, and are read in another order than small ones: a row still has the bits of its own."""
    sc.manual_seed(2)
    net = nn.Sequential(nn.Linear(inputs, outputs)).to(dtype)
    x = normal(13, inputs).astype(dtype)
    net.predict(x[:1])
    wanted = x.astype(np.float64) @ net[0].weight.data.T.astype(np.float64) + net[0].bias.data
    single = np.concatenate([net.predict(row[None]) for row in x])
    # Rounding errors of sums in order grow with the root of their terms.
    np.testing.assert_allclose(single, wanted, rtol=0, atol=8 * inputs**0.5 * np.finfo(dtype).eps)
    for rows in (2, 3, 6, 7, 8, 12, 13):
        np.testing.assert_array_equal(net.predict(x[:rows]), single[:rows])
