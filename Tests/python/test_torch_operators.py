"""Operators that have no layer, or more attributes than it, against PyTorch's functions: forward, and all gradients."""

from __future__ import annotations

import numpy as np
import pytest
from torch_oracle import compare, normal, torch

F = torch.nn.functional


def add(operator, *constants, outputs=1, **attributes):
    """A function of values that adds this operator; constants are inputs behind the values."""
    return lambda *values: values[0].add(operator, *values[1:], *constants, outputs=outputs, **attributes)


def integers(*numbers):
    return np.array(numbers, np.int64)


def max_unpool(x):
    y, indices = F.max_pool2d(x, 2, return_indices=True)
    return F.max_unpool2d(y, indices, 2, output_size=x.shape)


def our_max_unpool(x):
    y, indices = x.graph.add("MaxPool", [x], {"kernel_shape": [2, 2], "strides": [2, 2]}, 2)
    return y.add("MaxUnpool", indices, integers(2, 3, *x.shape[2:]), kernel_shape=[2, 2], strides=[2, 2])


def our_split(x):
    a, b = x.graph.add("Split", [x, integers(1, 3)], {"axis": 1}, 2)
    return a.add("Mul", b)


def their_split(x):
    a, b = torch.split(x, [1, 3], dim=1)
    return a * b


# name: (ours, PyTorch's, the shapes of the inputs)
OPERATORS = {
    "Add": (add("Add"), torch.add, (2, 3, 4, 5), (2, 3, 4, 5)),
    "Add a channel's": (add("Add"), torch.add, (2, 3, 4, 5), (3, 1, 1)),
    "Add both ways": (add("Add"), torch.add, (2, 3, 1, 5), (4, 1)),
    "Sub": (add("Sub"), torch.sub, (2, 3, 4, 5), (4, 5)),
    "Sub a row's": (add("Sub"), torch.sub, (4, 2, 3), (2, 1)),
    "Mul": (add("Mul"), torch.mul, (2, 3, 4, 5), (2, 3, 4, 5)),
    "Mul by a gate": (add("Mul"), torch.mul, (2, 3, 4, 5), (2, 3, 1, 1)),
    "Mul by one": (add("Mul"), torch.mul, (2, 3, 4, 5), (1,)),
    "Div": (add("Div"), lambda a, b: a / b, (2, 3, 4, 5), (2, 3, 4, 5)),
    "Div by a column": (add("Div"), lambda a, b: a / b, (2, 3, 4, 5), (4, 1)),
    "MatMul": (add("MatMul"), torch.matmul, (3, 4), (4, 5)),
    "MatMul of many": (add("MatMul"), torch.matmul, (2, 3, 4, 5), (3, 5, 6)),
    "Gemm": (add("Gemm", transB=1, alpha=0.5, beta=2.0), lambda a, b, c: 0.5 * a @ b.T + 2 * c, (3, 4), (5, 4), (5,)),
    "Gemm, transposed": (add("Gemm", transA=1), lambda a, b, c: a.T @ b + c, (4, 3), (4, 5), (3, 5)),
    "Concat": (add("Concat", axis=1), lambda *x: torch.cat(x, 1), (2, 3, 4), (2, 1, 4), (2, 2, 4)),
    "Concat, last": (add("Concat", axis=-1), lambda *x: torch.cat(x, -1), (2, 3, 4), (2, 3, 1)),
    "Split": (our_split, their_split, (2, 4, 3)),
    "Slice": (
        add("Slice", integers(1, -1), integers(9, -9), integers(1, 2), integers(1, -2)),
        lambda x: x[:, 1:].flip(2)[:, :, ::2],
        (2, 4, 5),
    ),
    "Pad": (add("Pad", integers(0, 0, 1, 2, 0, 0, 3, 0)), lambda x: F.pad(x, (2, 0, 1, 3)), (2, 3, 4, 5)),
    "Pad, reflect": (
        add("Pad", integers(0, 0, 1, 2, 0, 0, 3, 0), mode="reflect"),
        lambda x: F.pad(x, (2, 0, 1, 3), "reflect"),
        (2, 3, 4, 5),
    ),
    "Pad, edge": (
        add("Pad", integers(0, 0, 1, 2, 0, 0, 3, 0), mode="edge"),
        lambda x: F.pad(x, (2, 0, 1, 3), "replicate"),
        (2, 3, 4, 5),
    ),
    "Pad, wrap": (
        add("Pad", integers(0, 0, 1, 2, 0, 0, 3, 0), mode="wrap"),
        lambda x: F.pad(x, (2, 0, 1, 3), "circular"),
        (2, 3, 4, 5),
    ),
    "Transpose": (add("Transpose", perm=[0, 2, 3, 1]), lambda x: x.permute(0, 2, 3, 1), (2, 3, 4, 5)),
    "Reshape": (add("Reshape", integers(0, -1, 2)), lambda x: x.reshape(2, 6, 2), (2, 3, 4)),
    "Squeeze": (add("Squeeze", integers(2)), lambda x: x.squeeze(2), (2, 3, 1, 4)),
    "Unsqueeze": (add("Unsqueeze", integers(1)), lambda x: x.unsqueeze(1), (2, 3)),
    "ReduceMean": (add("ReduceMean", integers(1, -1), keepdims=0), lambda x: x.mean((1, 3)), (2, 3, 4, 5)),
    "ReduceSum": (add("ReduceSum", integers(2)), lambda x: x.sum(2, keepdim=True), (2, 3, 4, 5)),
    "ReduceMax": (add("ReduceMax", integers(2, 3), keepdims=0), lambda x: x.amax((2, 3)), (2, 3, 4, 5)),
    "GlobalAveragePool": (add("GlobalAveragePool"), lambda x: x.mean((2, 3), keepdim=True), (2, 3, 4, 5)),
    "GlobalMaxPool": (add("GlobalMaxPool"), lambda x: x.amax((2, 3), keepdim=True), (2, 3, 4, 5)),
    "GlobalLpPool": (add("GlobalLpPool", p=2), lambda x: x.pow(2).sum((2, 3), keepdim=True).sqrt(), (2, 3, 4, 5)),
    "LpPool": (
        add("LpPool", kernel_shape=[2, 3], strides=[2, 1], p=2),
        lambda x: F.unfold(x, (2, 3), stride=(2, 1)).reshape(2, 3, 6, 9).pow(2).sum(2).sqrt().reshape(2, 3, 3, 3),
        (2, 3, 6, 5),
    ),
    "MaxUnpool": (our_max_unpool, max_unpool, (2, 3, 6, 4)),
    "LRN": (
        add("LRN", size=3, alpha=0.3, beta=0.6, bias=1.2),
        lambda x: F.local_response_norm(x, 3, alpha=0.3, beta=0.6, k=1.2),
        (2, 7, 3, 4),
    ),
    "DepthToSpace": (add("DepthToSpace", blocksize=2, mode="CRD"), lambda x: F.pixel_shuffle(x, 2), (2, 8, 3, 4)),
    "SpaceToDepth": (
        add("SpaceToDepth", blocksize=2),
        # PyTorch's puts the channel first, ONNX's the place in the block.
        lambda x: F.pixel_unshuffle(x, 2).reshape(2, 3, 4, 3, 4).transpose(1, 2).reshape(2, 12, 3, 4),
        (2, 3, 6, 8),
    ),
    "Resize, cubic": (
        add("Resize", None, np.array([1.0, 1.0, 2.0, 1.5]), mode="cubic"),
        lambda x: F.interpolate(x, scale_factor=(2.0, 1.5), mode="bicubic"),
        (2, 3, 4, 6),
    ),
    "Resize, corners": (
        add("Resize", None, None, integers(2, 3, 7, 9), mode="linear", coordinate_transformation_mode="align_corners"),
        lambda x: F.interpolate(x, (7, 9), mode="bilinear", align_corners=True),
        (2, 3, 4, 5),
    ),
    "PRelu": (add("PRelu"), lambda x, slope: torch.where(x < 0, slope * x, x), (2, 3, 4), (3, 1)),
    "Clip": (add("Clip", np.array(-0.5), np.array(0.75)), lambda x: x.clamp(-0.5, 0.75), (3, 4, 5)),
    "ThresholdedRelu": (add("ThresholdedRelu", alpha=0.4), lambda x: F.threshold(x, 0.4, 0.0), (3, 4, 5)),
    "HardSigmoid": (add("HardSigmoid", alpha=0.2, beta=0.5), lambda x: (0.2 * x + 0.5).clamp(0, 1), (3, 4, 5)),
    "Swish": (add("Swish", alpha=1.7), lambda x: x * torch.sigmoid(1.7 * x), (3, 4, 5)),
    "Softsign": (add("Softsign"), F.softsign, (3, 4, 5)),
    "LayerNormalization": (
        add("LayerNormalization", axis=-2),
        lambda x, w, b: F.layer_norm(x, (3, 4), w, b),
        (5, 3, 4),
        (3, 4),
        (3, 4),
    ),
    "Conv of volumes": (
        add("Conv", strides=[2, 1, 1], pads=[1, 0, 1, 1, 0, 1]),
        lambda x, w, b: F.conv3d(x, w, b, stride=(2, 1, 1), padding=(1, 0, 1)),
        (2, 3, 5, 6, 7),
        (4, 3, 3, 2, 3),
        (4,),
    ),
    "MaxPool of volumes": (
        add("MaxPool", kernel_shape=[2, 2, 2], strides=[2, 1, 2]),
        lambda x: F.max_pool3d(x, 2, (2, 1, 2)),
        (2, 3, 4, 5, 6),
    ),
    "AveragePool of volumes": (
        add("AveragePool", kernel_shape=[2, 2, 2], strides=[2, 1, 2]),
        lambda x: F.avg_pool3d(x, 2, (2, 1, 2)),
        (2, 3, 4, 5, 6),
    ),
    "ConvTranspose of rows": (
        add("ConvTranspose", strides=[3], pads=[1, 1], output_padding=[1]),
        lambda x, w, b: F.conv_transpose1d(x, w, b, stride=3, padding=1, output_padding=1),
        (2, 4, 5),
        (4, 3, 4),
        (3,),
    ),
    "Conv, padded unevenly": (
        add("Conv", auto_pad="SAME_UPPER", strides=[2, 2]),
        lambda x, w: F.conv2d(F.pad(x, (0, 1, 1, 1)), w, stride=2),
        (2, 3, 7, 8),
        (4, 3, 3, 3),
    ),
}


@pytest.mark.parametrize("name", OPERATORS)
def test_operators(name):
    ours, theirs, *shapes = OPERATORS[name]
    compare(ours, theirs, *(normal(*shape, seed=i) for i, shape in enumerate(shapes)))
