"""The model zoo's own source, run over `torch.nn`: PyTorch's names, arguments and semantics are what it is written in, so the
networks have the same keys, and with the same numbers give the same, learn the same and hold the same afterwards.
"""

from __future__ import annotations

import importlib.util
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from swiftcnn import models, nn, optim
from torch_oracle import arrays_of, assert_close, normal, torch


class Module(torch.nn.Module):
    """PyTorch's, without the call of ``super().__init__()`` that ours do not need."""

    def __new__(cls, *arguments, **named):
        made = super().__new__(cls)
        torch.nn.Module.__init__(made)
        return made

    def __init__(self):  # not a second time
        pass


def their_nn():
    """`torch.nn`, with what `swiftcnn.nn` has in other places."""
    made = types.ModuleType("zoo.nn")
    vars(made).update({name: value for name, value in vars(torch.nn).items() if not name.startswith("__")})
    functional = types.ModuleType("zoo.nn.functional")
    vars(functional).update({name: value for name, value in vars(torch.nn.functional).items() if not name.startswith("__")})
    functional.cat = lambda values, dim=1: torch.cat(values, dim)
    functional.flatten = lambda x, start_dim=1: torch.flatten(x, start_dim)
    init = types.ModuleType("zoo.nn.init")
    init.fan_out_normal = lambda fan_out: None
    init.kaiming_normal_ = lambda weight, nonlinearity: None
    made.Module, made.Value, made.functional, made.init = Module, torch.Tensor, functional, init
    return made


def their_models(monkeypatch):
    """The zoo's modules, by name, over `their_nn`."""
    package = types.ModuleType("zoo")
    package.nn, package.__path__ = their_nn(), []
    inner = types.ModuleType("zoo.models")
    inner.__path__ = []
    monkeypatch.setitem(sys.modules, "zoo", package)
    monkeypatch.setitem(sys.modules, "zoo.models", inner)
    found = {}
    for file in sorted(Path(models.__file__).parent.glob("_*.py")):
        if file.stem == "__init__":
            continue
        spec = importlib.util.spec_from_file_location(f"zoo.models.{file.stem}", file)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found |= {name: value for name, value in vars(module).items() if callable(value)}
    return types.SimpleNamespace(**found)


# How to make each, of small images and few channels where its constructor allows.
NETWORKS = {
    "SimpleConvNet": (lambda zoo: zoo.SimpleConvNet(filters=6, hidden=20), (1, 28, 28)),
    "DeepConvNet": (lambda zoo: zoo.DeepConvNet(), (1, 28, 28)),
    "LeNet5": (lambda zoo: zoo.LeNet5(), (1, 28, 28)),
    "vgg11": (lambda zoo: zoo.vgg11(4, width=4, hidden=16, batch_norm=True), (3, 32, 32)),
    "vgg16": (lambda zoo: zoo.vgg16(4, width=4, hidden=16), (3, 32, 32)),
    "resnet18": (lambda zoo: zoo.ResNet(zoo.BasicBlock, (2, 2, 2, 2), 8, 3, 4, small=False), (3, 48, 48)),
    "resnet20": (lambda zoo: zoo.resnet20(), (3, 20, 20)),
    "resnet50": (lambda zoo: zoo.ResNet(zoo.Bottleneck, (3, 4, 6, 3), 4, 3, 4, small=False), (3, 48, 48)),
    "SqueezeNet": (lambda zoo: zoo.SqueezeNet(4), (3, 48, 48)),
    "MobileNetV2": (lambda zoo: zoo.MobileNetV2(4), (3, 48, 48)),
    "UNet": (lambda zoo: zoo.UNet(3, 2, width=4), (3, 16, 24)),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_models(name, monkeypatch):
    make, shape = NETWORKS[name]
    zoo = their_models(monkeypatch)
    ours = make(zoo_of_ours()).double().build(shape)
    theirs = make(zoo)
    x = normal(3, *shape, seed=1)
    torch.manual_seed(1)
    with torch.no_grad():
        theirs(torch.tensor(x))  # lazy sizes
    theirs = theirs.double()
    state = arrays_of(theirs)
    assert list(ours.state_dict()) == [key for key in state if not key.endswith("num_batches_tracked")]
    for key in state:  # as after a training
        if key.endswith("running_mean"):
            state[key] = 0.1 * normal(*state[key].shape, seed=2)
        elif key.endswith("running_var"):
            state[key] = 1 + 0.3 * np.abs(normal(*state[key].shape, seed=3))
    ours.load_state_dict(state)
    theirs.load_state_dict({key: torch.tensor(array) for key, array in state.items()})

    with torch.no_grad():
        assert_close(ours.predict(x), theirs.eval()(torch.tensor(x)), "in inference")
    # A step; what is dropped is drawn by each of them in its own way, so nothing is.
    for net in (ours, theirs):
        for part in net.modules():
            if isinstance(part, (nn.Dropout, torch.nn.Dropout)):
                part.p = 0.0
    ours.compile("mse", optim.SGD(0.01)).build(shape)
    theirs.train()
    y = theirs(torch.tensor(x))
    wanted = normal(*y.shape, seed=4)
    loss = torch.nn.functional.mse_loss(y, torch.tensor(wanted))
    loss.backward()
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.01)
    optimizer.step()
    assert abs(ours.train_step(x, wanted) - loss.item()) < 1e-8 * max(1, loss.item())
    # Deep ones divide by the deviations of small batches, layer behind layer, which amplifies rounding.
    gradients = dict(theirs.named_parameters())
    scale = max(float(parameter.grad.abs().max()) for parameter in gradients.values())
    for key, parameter in ours.named_parameters():
        difference = np.abs(parameter.grad - gradients[key].grad.numpy()).max()
        assert difference <= 1e-8 * scale, f"gradient by {key}: {difference} of {scale}"
    # And back: their module takes our state.
    result = theirs.load_state_dict({key: torch.tensor(array.copy()) for key, array in ours.state_dict().items()}, strict=False)
    assert result.unexpected_keys == [] and all(key.endswith("num_batches_tracked") for key in result.missing_keys)
    with torch.no_grad():
        assert_close(ours.predict(x), theirs.eval()(torch.tensor(x)), "after a step")


def zoo_of_ours():
    from swiftcnn.models import _resnet

    return types.SimpleNamespace(
        **vars(models), ResNet=_resnet.ResNet, BasicBlock=_resnet.BasicBlock, Bottleneck=_resnet.Bottleneck
    )
