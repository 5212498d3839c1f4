"""The model zoo: every constructor makes a network that runs, has the paper's parameters, and learns."""

from __future__ import annotations

import numpy as np
import pytest
import swiftcnn as sc
from swiftcnn import models, nn, optim
from swiftcnn.models._resnet import BasicBlock, Bottleneck, ResNet

# What makes it, the input, the output, the number of parameters as papers or torchvision have it; None where one is
# made thinner than theirs, so that the test is quick.
NETWORKS = {
    "SimpleConvNet": (models.SimpleConvNet, (1, 28, 28), (10,), 433_890),
    "DeepConvNet": (models.DeepConvNet, (1, 28, 28), (10,), 123_552),
    "LeNet5": (models.LeNet5, (1, 28, 28), (10,), 61_706),
    "vgg11": (lambda: models.vgg11(4, width=4, hidden=16, batch_norm=True), (3, 32, 32), (4,), None),
    "vgg16": (lambda: models.vgg16(4, width=4, hidden=16), (3, 32, 32), (4,), None),
    "resnet18": (lambda: ResNet(BasicBlock, (2, 2, 2, 2), 4, 3, 4, small=False), (3, 64, 64), (4,), None),
    "resnet20": (models.resnet20, (3, 32, 32), (10,), 272_474),
    "resnet50": (lambda: ResNet(Bottleneck, (3, 4, 6, 3), 4, 3, 4, small=False), (3, 64, 64), (4,), None),
    "SqueezeNet": (lambda: models.SqueezeNet(4), (3, 64, 64), (4,), None),
    "MobileNetV2": (lambda: models.MobileNetV2(4), (3, 64, 64), (4,), None),
    "UNet": (lambda: models.UNet(3, 2, width=4), (3, 16, 24), (2, 16, 24), None),
}
# In full size, by arithmetic alone.
SIZES = {
    models.resnet18: 11_689_512,
    models.resnet50: 25_557_032,
    models.MobileNetV2: 3_504_872,
    models.SqueezeNet: 1_235_496,
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_run_and_learn(name):
    make, shape, given, parameters = NETWORKS[name]
    sc.manual_seed(0)
    net = make().compile(optimizer=optim.Adam(1e-3)).build(shape)
    assert parameters in (None, net.summary().parameters)
    x = np.random.default_rng(0).random((4, *shape), np.float32)
    y = np.arange(4) % 2 if len(given) == 1 else (x.mean(axis=1) > 0.5).astype(int)
    assert net.predict(x).shape == (4, *given)
    losses = [net.train_step(x, y) for _ in range(16)]
    assert np.isfinite(losses).all() and min(losses[8:]) < losses[0]


@pytest.mark.parametrize("make, parameters", SIZES.items(), ids=lambda value: getattr(value, "__name__", None))
def test_sizes(make, parameters):
    assert sum(parameter.size() for parameter in make().parameters()) == parameters


def test_gradients_of_a_residual_network():
    net = ResNet(BasicBlock, (1, 1), 2, 1, 3, small=True)
    x = np.random.default_rng(0).standard_normal((3, 1, 8, 8))
    # ReLUs have corners, and a difference may reach over one: of each array's errors the median number is right.
    errors = nn.gradient_check(net, x, samples=5, eps=1e-6)
    assert np.median(list(errors.values())) < 1e-5, errors
