"""Optimizers against PyTorch's formulas, groups of parameters, clipping, schedules."""

from __future__ import annotations

import numpy as np
import pytest
from small_networks import normal
from swiftcnn import nn, optim


def torch_steps(name, p, gradients, lr=0.1, wd=0.01):
    """PyTorch's formulas, straight from its documentation."""
    m = v = b = np.zeros_like(p)
    for t, g in enumerate(gradients, 1):
        if name == "AdamW":
            p = p - lr * wd * p
        else:
            g = g + wd * p
        if name == "SGD":
            b = g if t == 1 else 0.9 * b + g
            p = p - lr * (g + 0.9 * b)
        elif name == "Adagrad":
            v = v + g * g
            p = p - lr / (1 + (t - 1) * 0.1) * g / (np.sqrt(v) + 1e-10)
        elif name == "RMSprop":
            v, m = 0.9 * v + 0.1 * g * g, 0.9 * m + 0.1 * g
            b = 0.5 * b + g / (np.sqrt(v - m * m) + 1e-8)
            p = p - lr * b
        else:
            m, v = 0.8 * m + 0.2 * g, 0.9 * v + 0.1 * g * g
            p = p - lr * m / (1 - 0.8**t) / (np.sqrt(v / (1 - 0.9**t)) + 1e-8)
    return p


@pytest.mark.parametrize(
    "optimizer",
    [
        optim.SGD(lr=0.1, momentum=0.9, nesterov=True, weight_decay=0.01),
        optim.Adagrad(lr=0.1, lr_decay=0.1, weight_decay=0.01),
        optim.RMSprop(lr=0.1, alpha=0.9, momentum=0.5, centered=True, weight_decay=0.01),
        optim.Adam(lr=0.1, betas=(0.8, 0.9), weight_decay=0.01),
        optim.AdamW(lr=0.1, betas=(0.8, 0.9)),
    ],
    ids=lambda optimizer: optimizer.name,
)
def test_optimizers_are_pytorchs(optimizer):
    net = nn.Linear(3, 2, bias=False).double().compile(nn.MSELoss("sum"), optimizer)
    start, x, gradients = net.weight.data.astype(float), normal(4, 3), []
    for i in range(5):
        net.train_step(x, normal(4, 2, seed=i))
        gradients.append(net.weight.grad.copy())
    np.testing.assert_allclose(net.weight.data, torch_steps(optimizer.name, start, gradients), rtol=1e-9, atol=1e-11)


def test_parameter_groups():
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2), nn.Linear(2, 2))
    groups = [{"params": net[0].parameters(), "lr": 0.02}, {"params": net[2].parameters(), "weight_decay": 0.0}]
    net.double().compile("mse", optim.SGD(groups, lr=0.1, weight_decay=0.5))
    net[2].bias.requires_grad = False
    before = {name: array.copy() for name, array in net.state_dict().items()}
    net.train_step(normal(4, 3), normal(4, 2))
    expected = {"0.weight": (0.02, 0.5), "0.bias": (0.02, 0.5), "2.weight": (0.1, 0), "2.bias": (0, 0), "3.weight": (0, 0)}
    parameters = dict(net.named_parameters())
    for name, (rate, decay) in expected.items():
        moved = before[name] - rate * (parameters[name].grad + decay * before[name])
        np.testing.assert_allclose(parameters[name].data, moved, rtol=1e-12, atol=1e-14, err_msg=name)


def test_clipping_and_accumulation():
    x, y = normal(4, 3), normal(4, 2)
    net = nn.Linear(3, 2, bias=False).double().compile("mse", optim.SGD(1.0, clip_norm=0.01))
    before = net.weight.data.astype(float)
    net.train_step(x, y)
    assert np.linalg.norm(net.weight.data - before) == pytest.approx(0.01, rel=1e-3)
    net = nn.Linear(3, 2, bias=False).double().compile("mse", optim.SGD(1.0, accumulate=2))
    before = net.weight.data.astype(float)
    net.train_step(x, y)
    first = net.weight.grad.copy()
    assert np.array_equal(net.weight.data, before)
    net.train_step(x, y + 1)
    np.testing.assert_allclose(net.weight.data, before - (first + net.weight.grad) / 2, atol=1e-14)


@pytest.mark.parametrize(
    "make, rates",
    [
        (lambda o: optim.lr_scheduler.StepLR(o, 2, 0.5), [1, 1, 0.5, 0.5, 0.25]),
        (lambda o: optim.lr_scheduler.ExponentialLR(o, 0.5), [1, 0.5, 0.25, 0.125, 0.0625]),
        (lambda o: optim.lr_scheduler.CosineAnnealingLR(o, 4, 0.2), [1, 0.6 + 0.4 * 0.5**0.5, 0.6, 0.6 - 0.4 * 0.5**0.5, 0.2]),
        (lambda o: optim.lr_scheduler.LinearLR(o, 0.2, 1.0, 4), [0.2, 0.4, 0.6, 0.8, 1.0]),
        (
            lambda o: optim.lr_scheduler.OneCycleLR(o, 2.0, 5, pct_start=0.6, div_factor=4, final_div_factor=10),
            [0.5, 1.25, 2.0, (2 + 0.05) / 2, 0.05],
        ),
        (lambda o: optim.lr_scheduler.ReduceLROnPlateau(o, factor=0.5, patience=1, mode="max"), [1, 1, 1, 0.5, 0.5]),
    ],
)
def test_schedules(make, rates):
    optimizer = optim.SGD(1.0)
    make(optimizer)
    net = nn.Identity().compile("mse", optimizer)  # without parameters: its loss stays
    np.testing.assert_allclose(net.fit([[1.0]], [[2.0]], 5, verbose=False)["lr"], rates, rtol=1e-12)


def test_compiling_again_begins_anew():
    optimizer = optim.SGD(1.0, momentum=0.9)
    optim.lr_scheduler.ExponentialLR(optimizer, 0.5)
    net = nn.Linear(1, 1).compile("mse", optimizer)
    net.fit([[1.0]], [[2.0]], 2, verbose=False)
    learned = net.weight.data.copy()
    net.compile("mse", optim.SGD(0.25))
    assert net.learning_rate == 0.25 and net.epochs_done == 0 and np.array_equal(net.weight.data, learned)
