"""Networks of layers, with PyTorch's names, arguments and initial numbers, trained and run by the engine in one call.

>>> import numpy as np
>>> import swiftcnn as sc
>>> from swiftcnn import nn, optim
>>> sc.manual_seed(1)
>>> net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(2))
>>> net = net.compile(loss="cross_entropy", optimizer=optim.Adam(1e-2), metrics=["accuracy"])
>>> x = np.random.default_rng(0).random((64, 1, 8, 8), np.float32)
>>> y = (x.mean(axis=(1, 2, 3)) > 0.5).astype(int)
>>> history = net.fit(x, y, epochs=30, batch_size=16, verbose=False)
>>> history["loss"][-1] < history["loss"][0], net.predict(x).shape, round(float(net.predict_proba(x[:1]).sum()), 4)
(True, (64, 2), 1.0)

Every layer is a `Module`, and so is a network: what can be done with them is described there. Sizes that follow from the
input may be left to lazy layers. Branches are written as a module's `forward`, with `swiftcnn.nn.functional`.
"""

from . import functional, init
from ._activation import (
    CELU,
    ELU,
    GELU,
    SELU,
    Hardsigmoid,
    Hardswish,
    LeakyReLU,
    LogSoftmax,
    Mish,
    PReLU,
    ReLU,
    ReLU6,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from ._augmentation import Augmentation, Cutout, MixUp, Normalize, RandomCrop, RandomHorizontalFlip, RandomShift
from ._container import ModuleList, Parallel, Residual, Sequential
from ._convolution import Conv1d, Conv2d, ConvTranspose2d, LazyConv1d, LazyConv2d, LazyConvTranspose2d
from ._gradient_check import gradient_check
from ._graph import Value
from ._history import History
from ._linear import Dropout, Flatten, Identity, LazyLinear, Linear
from ._loss import BCEWithLogitsLoss, CrossEntropyLoss, HuberLoss, L1Loss, Loss, MSELoss
from ._module import Module
from ._normalization import BatchNorm1d, BatchNorm2d, GroupNorm, InstanceNorm2d, LayerNorm, LazyBatchNorm1d, LazyBatchNorm2d
from ._onnx import OnnxModule, Port
from ._parameter import Buffer, Parameter
from ._pooling import AdaptiveAvgPool2d, AdaptiveMaxPool2d, AvgPool1d, AvgPool2d, MaxPool1d, MaxPool2d
from ._resampling import PixelShuffle, Upsample

__all__ = [
    "CELU",
    "ELU",
    "GELU",
    "SELU",
    "AdaptiveAvgPool2d",
    "AdaptiveMaxPool2d",
    "Augmentation",
    "AvgPool1d",
    "AvgPool2d",
    "BCEWithLogitsLoss",
    "BatchNorm1d",
    "BatchNorm2d",
    "Buffer",
    "Conv1d",
    "Conv2d",
    "ConvTranspose2d",
    "CrossEntropyLoss",
    "Cutout",
    "Dropout",
    "Flatten",
    "GroupNorm",
    "Hardsigmoid",
    "Hardswish",
    "History",
    "HuberLoss",
    "Identity",
    "InstanceNorm2d",
    "L1Loss",
    "LayerNorm",
    "LazyBatchNorm1d",
    "LazyBatchNorm2d",
    "LazyConv1d",
    "LazyConv2d",
    "LazyConvTranspose2d",
    "LazyLinear",
    "LeakyReLU",
    "Linear",
    "LogSoftmax",
    "Loss",
    "MSELoss",
    "MaxPool1d",
    "MaxPool2d",
    "Mish",
    "MixUp",
    "Module",
    "ModuleList",
    "Normalize",
    "OnnxModule",
    "PReLU",
    "Parallel",
    "Parameter",
    "PixelShuffle",
    "Port",
    "RandomCrop",
    "RandomHorizontalFlip",
    "RandomShift",
    "ReLU",
    "ReLU6",
    "Residual",
    "Sequential",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "Tanh",
    "Upsample",
    "Value",
    "functional",
    "gradient_check",
    "init",
]
