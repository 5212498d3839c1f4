"""Every layer of `swiftcnn.nn` against PyTorch's of the same name and arguments: forward, gradients, state."""

from __future__ import annotations

import pytest
import swiftcnn as sc
from hypothesis import given
from hypothesis import strategies as st
from swiftcnn import nn
from torch_oracle import CLOSE, arrays_of, compare, normal, torch

# name: (the layer's name, its arguments, the shape of x)
LAYERS = {
    "Conv1d": ("Conv1d", (4, 6, 3), {"stride": 2, "padding": 1, "dilation": 2, "groups": 2}, (3, 4, 17)),
    "Conv2d": ("Conv2d", (3, 5, 3), {}, (2, 3, 7, 8)),
    "Conv2d, padded": ("Conv2d", (17, 33, 3), {"padding": 1}, (2, 17, 14, 13)),
    "Conv2d, strided": ("Conv2d", (3, 20, 7, 2, 3), {}, (2, 3, 30, 33)),
    "Conv2d, 1x1": ("Conv2d", (40, 24, 1), {"bias": False}, (3, 40, 7, 7)),
    "Conv2d, 1x1, strided": ("Conv2d", (12, 24, 1, 2), {}, (3, 12, 9, 7)),
    "Conv2d, depthwise": ("Conv2d", (18, 18, 3), {"padding": 1, "groups": 18}, (2, 18, 9, 11)),
    "Conv2d, depthwise, strided": ("Conv2d", (18, 36, 5), {"padding": 2, "stride": 2, "groups": 18}, (2, 18, 9, 11)),
    "Conv2d, grouped": (
        "Conv2d",
        (8, 12, (3, 2)),
        {"dilation": (2, 3), "groups": 4, "padding": (1, 2)},
        (2, 8, 9, 11),
    ),
    "ConvTranspose2d": ("ConvTranspose2d", (4, 6, 2, 2), {}, (2, 4, 5, 6)),
    "ConvTranspose2d, all": (
        "ConvTranspose2d",
        (4, 6, 3),
        {"stride": 3, "padding": 1, "output_padding": 2, "groups": 2, "dilation": 2, "bias": False},
        (2, 4, 5, 6),
    ),
    "Linear": ("Linear", (7, 5), {}, (4, 7)),
    "Linear, no bias": ("Linear", (40, 33), {"bias": False}, (3, 40)),
    "BatchNorm1d": ("BatchNorm1d", (5,), {}, (7, 5)),
    "BatchNorm1d of rows": ("BatchNorm1d", (5,), {"momentum": 0.3}, (3, 5, 4)),
    "BatchNorm2d": ("BatchNorm2d", (5,), {"eps": 1e-3}, (4, 5, 6, 7)),
    "BatchNorm2d, plain": ("BatchNorm2d", (5,), {"affine": False}, (4, 5, 6, 7)),
    "BatchNorm2d of two": ("BatchNorm2d", (3,), {}, (2, 3, 1, 1)),
    "GroupNorm": ("GroupNorm", (2, 6), {"eps": 1e-3}, (3, 6, 4, 5)),
    "GroupNorm, plain": ("GroupNorm", (3, 6), {"affine": False}, (3, 6, 4)),
    "InstanceNorm2d": ("InstanceNorm2d", (4,), {"affine": True}, (3, 4, 5, 6)),
    "InstanceNorm2d, plain": ("InstanceNorm2d", (4,), {}, (3, 4, 5, 6)),
    "LayerNorm": ("LayerNorm", (6,), {}, (3, 4, 6)),
    "LayerNorm of two axes": ("LayerNorm", ((4, 6),), {"bias": False}, (3, 4, 6)),
    "LayerNorm, plain": ("LayerNorm", (6,), {"elementwise_affine": False}, (3, 6)),
    "MaxPool1d": ("MaxPool1d", (3,), {"stride": 2, "padding": 1}, (2, 3, 11)),
    "MaxPool2d": ("MaxPool2d", (2,), {}, (2, 3, 7, 8)),
    "MaxPool2d, all": (
        "MaxPool2d",
        ((3, 2),),
        {"stride": 2, "padding": 1, "dilation": (1, 2), "ceil_mode": True},
        (2, 3, 9, 10),
    ),
    "AvgPool1d": ("AvgPool1d", (3,), {"stride": 2, "padding": 1}, (2, 3, 11)),
    "AvgPool2d": ("AvgPool2d", (2,), {}, (2, 3, 7, 8)),
    "AvgPool2d, padded": ("AvgPool2d", (3, 2, 1), {"ceil_mode": True}, (2, 3, 8, 9)),
    "AvgPool2d, cells": ("AvgPool2d", (3, 2, 1), {"count_include_pad": False}, (2, 3, 8, 9)),
    "AdaptiveAvgPool2d": ("AdaptiveAvgPool2d", ((3, 4),), {}, (2, 3, 7, 10)),
    "AdaptiveAvgPool2d of all": ("AdaptiveAvgPool2d", (1,), {}, (2, 3, 7, 10)),
    "AdaptiveAvgPool2d, an axis": ("AdaptiveAvgPool2d", ((None, 2),), {}, (2, 3, 7, 10)),
    "AdaptiveMaxPool2d": ("AdaptiveMaxPool2d", ((3, 4),), {}, (2, 3, 7, 10)),
    "AdaptiveMaxPool2d of all": ("AdaptiveMaxPool2d", (1,), {}, (2, 3, 7, 10)),
    "Upsample": ("Upsample", (), {"scale_factor": 2}, (2, 3, 4, 5)),
    "Upsample, bilinear": ("Upsample", (), {"scale_factor": (2, 3), "mode": "bilinear"}, (2, 3, 4, 5)),
    "PixelShuffle": ("PixelShuffle", (2,), {}, (2, 8, 3, 4)),
    "Flatten": ("Flatten", (), {}, (2, 3, 4, 5)),
    "Flatten, some axes": ("Flatten", (2,), {}, (2, 3, 4, 5)),
    "Identity": ("Identity", (), {}, (2, 3)),
    "Dropout of nothing": ("Dropout", (0.0,), {}, (2, 3)),
    "ReLU": ("ReLU", (), {}, (3, 4, 5)),
    "ReLU6": ("ReLU6", (), {}, (3, 4, 5)),
    "LeakyReLU": ("LeakyReLU", (0.2,), {}, (3, 4, 5)),
    "PReLU": ("PReLU", (), {}, (3, 4, 5)),
    "PReLU of channels": ("PReLU", (4,), {}, (3, 4, 5)),
    "ELU": ("ELU", (0.7,), {}, (3, 4, 5)),
    "CELU": ("CELU", (0.7,), {}, (3, 4, 5)),
    "SELU": ("SELU", (), {}, (3, 4, 5)),
    "GELU": ("GELU", (), {}, (3, 4, 5)),
    "GELU, tanh": ("GELU", (), {"approximate": "tanh"}, (3, 4, 5)),
    "Hardsigmoid": ("Hardsigmoid", (), {}, (3, 4, 5)),
    "Hardswish": ("Hardswish", (), {}, (3, 4, 5)),
    "Mish": ("Mish", (), {}, (3, 4, 5)),
    "SiLU": ("SiLU", (), {}, (3, 4, 5)),
    "Sigmoid": ("Sigmoid", (), {}, (3, 4, 5)),
    "Softmax": ("Softmax", (1,), {}, (3, 4, 5)),
    "Softmax of the last": ("Softmax", (-1,), {}, (3, 4, 5)),
    "LogSoftmax": ("LogSoftmax", (1,), {}, (3, 4, 5)),
    "Softplus": ("Softplus", (), {}, (3, 4, 5)),
    "Tanh": ("Tanh", (), {}, (3, 4, 5)),
}

# Gradients that PyTorch computes with a constant of float32.
LESS_CLOSE = {"CELU": 1e-7, "Hardsigmoid": 1e-7}


def test_every_layer_is_here():
    """But those that only name sizes later, and what has no like in PyTorch."""
    others = {"Sequential", "ModuleList", "Parallel", "Residual", "Module", "OnnxModule"}
    layers = {name for name in nn.__all__ if isinstance(kind := getattr(nn, name), type) and issubclass(kind, nn.Module)}
    assert {name for name in layers if not name.startswith("Lazy")} - others == {name for name, *_ in LAYERS.values()}


@pytest.mark.parametrize("case", LAYERS)
def test_layers(case):
    name, arguments, named, shape = LAYERS[case]
    theirs = getattr(torch.nn, name)(*arguments, **named)
    # Not as they begin: normalizations' would hide mistakes.
    for i, array in enumerate(theirs.parameters()):
        array.data = torch.tensor(normal(*array.shape, seed=i + 1))
    compare(getattr(nn, name)(*arguments, **named), theirs, 2 * normal(*shape), close=LESS_CLOSE.get(case, CLOSE))


@pytest.mark.parametrize("name, arguments, shape", [("Conv2d", (3, 8, 3), (3, 9, 9)), ("Linear", (20, 8), (20,))])
def test_layers_begin_as_theirs(name, arguments, shape):
    """Uniform within the same bounds."""
    sc.manual_seed(0)
    ours, theirs = getattr(nn, name)(*arguments), getattr(torch.nn, name)(*arguments)
    for key, array in arrays_of(theirs).items():
        mine = ours.state_dict()[key]
        bound = 1 / (theirs.weight[0].numel() ** 0.5)
        assert mine.shape == array.shape
        assert max(abs(mine).max(), abs(array).max()) <= bound and abs(mine).max() > 0.7 * bound


# ---- Shapes at random ------------------------------------------------------------------------------------------------


@given(st.data())
def test_convolutions_of_any_shape(data):
    draw = lambda least, most, name: data.draw(st.integers(least, most), name)  # noqa: E731
    groups = draw(1, 3, "groups")
    channels, filters = groups * draw(1, 9, "channels of a group"), groups * draw(1, 9, "filters of a group")
    kernel, dilation = [draw(1, 4, "kernel") for _ in range(2)], [draw(1, 2, "dilation") for _ in range(2)]
    padding, stride = [draw(0, 3, "padding") for _ in range(2)], [draw(1, 3, "stride") for _ in range(2)]
    image = [max(draw(1, 14, "image"), d * (k - 1) + 1 - 2 * p) for k, d, p in zip(kernel, dilation, padding)]
    given = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups, "bias": draw(0, 1, "bias") == 1}
    theirs = torch.nn.Conv2d(channels, filters, tuple(kernel), **given)
    ours = nn.Conv2d(channels, filters, kernel, **given)
    compare(ours, theirs, normal(draw(1, 3, "images"), channels, *image, seed=draw(0, 99, "seed")))


@given(st.data())
def test_transposed_convolutions_of_any_shape(data):
    draw = lambda least, most, name: data.draw(st.integers(least, most), name)  # noqa: E731
    groups, stride, dilation, kernel = draw(1, 2, "groups"), draw(1, 3, "stride"), draw(1, 2, "dilation"), draw(1, 4, "kernel")
    channels, filters = groups * draw(1, 4, "channels of a group"), groups * draw(1, 4, "filters of a group")
    padding = draw(0, (dilation * (kernel - 1)) // 2, "padding")
    more = draw(0, stride - 1, "output_padding")  # PyTorch also takes less than the dilation
    given = {"stride": stride, "padding": padding, "output_padding": more, "groups": groups, "dilation": dilation}
    theirs = torch.nn.ConvTranspose2d(channels, filters, kernel, **given)
    x = normal(draw(1, 2, "images"), channels, draw(1, 6, "height"), draw(1, 6, "width"), seed=draw(0, 99, "seed"))
    compare(nn.ConvTranspose2d(channels, filters, kernel, **given), theirs, x)


@given(st.data())
def test_pooling_of_any_shape(data):
    draw = lambda least, most, name: data.draw(st.integers(least, most), name)  # noqa: E731
    kernel, stride = [draw(1, 4, "kernel") for _ in range(2)], [draw(1, 4, "stride") for _ in range(2)]
    padding = [draw(0, k // 2, "padding") for k in kernel]
    x = normal(draw(1, 3, "images"), draw(1, 19, "channels"), *(draw(k, 14, "image") for k in kernel), seed=draw(0, 99, "seed"))
    given = {"kernel_size": kernel, "stride": stride, "padding": padding, "ceil_mode": draw(0, 1, "ceil") == 1}
    if draw(0, 1, "average"):
        given["count_include_pad"] = draw(0, 1, "count_include_pad") == 1
    kind = "AvgPool2d" if "count_include_pad" in given else "MaxPool2d"
    compare(getattr(nn, kind)(**given), getattr(torch.nn, kind)(**given), x)


@given(st.data())
def test_linear_and_normalizations_of_any_shape(data):
    draw = lambda least, most, name: data.draw(st.integers(least, most), name)  # noqa: E731
    images, features, seed = draw(2, 9, "images"), draw(1, 40, "features"), draw(0, 99, "seed")
    other = draw(1, 40, "outputs")
    compare(nn.Linear(features, other), torch.nn.Linear(features, other), normal(images, features, seed=seed))
    shape = (images, features, draw(1, 9, "height"), draw(1, 9, "width"))
    compare(nn.BatchNorm2d(features), torch.nn.BatchNorm2d(features), normal(*shape, seed=seed))
