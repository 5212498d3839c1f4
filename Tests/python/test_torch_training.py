"""Losses, optimizers, schedules, averages and initializers against PyTorch's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
import swiftcnn as sc
from swiftcnn import nn, optim
from torch_oracle import arrays_of, assert_close, normal, torch

# ---- Losses ----------------------------------------------------------------------------------------------------------------

CLASSES = np.array([2, 0, 1, 2, 1])
IMAGES = np.arange(5 * 2 * 3).reshape(5, 2, 3) % 4
SHARES = np.abs(normal(5, 4)) / 3

LOSSES = {
    "classes": ("CrossEntropyLoss", {}, (5, 4), CLASSES),
    "weights": ("CrossEntropyLoss", {"weight": [0.5, 2.0, 1.0, 3.0]}, (5, 4), CLASSES),
    "weights, sum": ("CrossEntropyLoss", {"weight": [0.5, 2.0, 1.0, 3.0], "reduction": "sum"}, (5, 4), CLASSES),
    "ignored": ("CrossEntropyLoss", {"ignore_index": 2}, (5, 4), CLASSES),
    "ignored as PyTorch's": ("CrossEntropyLoss", {}, (5, 4), np.where(CLASSES == 1, -100, CLASSES)),
    "smoothing": ("CrossEntropyLoss", {"label_smoothing": 0.3}, (5, 4), CLASSES),
    "distributions": ("CrossEntropyLoss", {}, (5, 4), SHARES),
    "distributions, smoothing, sum": ("CrossEntropyLoss", {"label_smoothing": 0.3, "reduction": "sum"}, (5, 4), SHARES),
    "distributions, weights": ("CrossEntropyLoss", {"weight": [0.5, 2.0, 1.0, 3.0]}, (5, 4), SHARES),
    "pixels": ("CrossEntropyLoss", {"weight": [0.5, 2.0, 1.0, 3.0], "ignore_index": 3}, (5, 4, 2, 3), IMAGES),
    "binary": ("BCEWithLogitsLoss", {}, (5, 4), SHARES),
    "binary, sum": ("BCEWithLogitsLoss", {"reduction": "sum"}, (5, 4), SHARES),
    "mse": ("MSELoss", {}, (5, 4), SHARES),
    "mse, sum": ("MSELoss", {"reduction": "sum"}, (5, 4), SHARES),
    "l1": ("L1Loss", {}, (5, 4), SHARES),
    "l1, sum": ("L1Loss", {"reduction": "sum"}, (5, 4), SHARES),
    "huber": ("HuberLoss", {"delta": 0.5}, (5, 4), SHARES),
    "huber, sum": ("HuberLoss", {"reduction": "sum"}, (5, 4), SHARES),
}


class Parameters(nn.Module):
    """The values of a parameter."""

    def __init__(self, array):
        self.x = nn.Parameter.of(array)

    def forward(self, zero):
        return zero + self.x


@pytest.mark.parametrize("case", LOSSES)
def test_losses(case):
    name, arguments, shape, target = LOSSES[case]
    x = torch.tensor(2 * normal(*shape, seed=1), requires_grad=True)
    given = {key: torch.tensor(value) if key == "weight" else value for key, value in arguments.items()}
    loss = getattr(torch.nn, name)(**given)(x, torch.tensor(target))
    loss.backward()
    net = Parameters(x.detach().numpy()).double().compile(getattr(nn, name)(**arguments)).build(shape[1:])
    zero = np.zeros(shape)
    got = net.gradients(zero, target)
    assert abs(got - loss.item()) <= 1e-12 * abs(loss.item())
    assert_close(net.x.grad, x.grad, "gradient")
    assert abs(net.evaluate(zero, target)["loss"] - got) <= 1e-15 * abs(got)


# ---- Optimizers --------------------------------------------------------------------------------------------------------

DECAY = {"weight_decay": 0.1}
OPTIMIZERS = [
    ("SGD", {}),
    ("SGD", DECAY),
    ("SGD", {"momentum": 0.9}),
    ("SGD", {"momentum": 0.9, "dampening": 0.3, **DECAY}),
    ("SGD", {"momentum": 0.9, "nesterov": True, **DECAY}),
    ("Adagrad", {}),
    ("Adagrad", {"lr_decay": 0.1, "initial_accumulator_value": 0.5, "eps": 1e-3, **DECAY}),
    ("RMSprop", {}),
    ("RMSprop", {"alpha": 0.9, "eps": 1e-3, **DECAY}),
    ("RMSprop", {"centered": True}),
    ("RMSprop", {"momentum": 0.8}),
    ("RMSprop", {"centered": True, "momentum": 0.8, **DECAY}),
    ("Adam", {}),
    ("Adam", {"betas": (0.8, 0.95), "eps": 1e-3, **DECAY}),
    ("AdamW", {}),
    ("AdamW", {"betas": (0.8, 0.95), "eps": 1e-3, **DECAY}),
]


def twins():
    """The same network twice, of ours and of PyTorch's, and batches."""
    layers = (("Linear", 4, 6), ("Tanh",), ("Linear", 6, 3))
    torch.manual_seed(1)
    theirs = torch.nn.Sequential(*(getattr(torch.nn, name)(*sizes) for name, *sizes in layers))
    ours = nn.Sequential(*(getattr(nn, name)(*sizes) for name, *sizes in layers)).double()
    ours.load_state_dict(arrays_of(theirs))
    return ours, theirs, [(normal(8, 4, seed=i), normal(8, 3, seed=i + 100)) for i in range(12)]


def assert_alike(ours, theirs, what, close=1e-9):
    for name, array in arrays_of(theirs).items():
        assert_close(ours.state_dict()[name], array, f"{name} {what}", close)


def their_gradients(net, x, y):
    loss = torch.nn.functional.mse_loss(net(torch.tensor(x)), torch.tensor(y))
    loss.backward()
    return loss.item()


@pytest.mark.parametrize("name, arguments", OPTIMIZERS)
def test_optimizers(name, arguments):
    ours, theirs, batches = twins()
    optimizer = getattr(torch.optim, name)(theirs.parameters(), lr=0.05, **arguments)
    ours.compile("mse", getattr(optim, name)(0.05, **arguments))
    for i, (x, y) in enumerate(batches):
        optimizer.zero_grad()
        loss = their_gradients(theirs, x, y)
        optimizer.step()
        assert abs(ours.train_step(x, y) - loss) < 1e-9
        assert_alike(ours, theirs, f"after step {i + 1}")


def test_defaults_are_theirs():
    for name in ("SGD", "Adagrad", "RMSprop", "Adam", "AdamW"):
        theirs = getattr(torch.optim, name)([torch.zeros(1)]).defaults
        given = getattr(optim, name)().attributes
        for key, value in given.items():
            assert key in theirs and (tuple(value) if isinstance(value, list) else value) == theirs[key], f"{name}: {key}"


def test_groups_clipping_and_accumulation():
    ours, theirs, batches = twins()
    groups = lambda net: [  # noqa: E731
        {"params": list(net[0].parameters()), "lr": 0.1, "weight_decay": 0.0},
        {"params": list(net[2].parameters())},
    ]
    optimizer = torch.optim.SGD(groups(theirs), lr=0.02, momentum=0.9, weight_decay=0.05)
    chosen = optim.SGD(groups(ours), lr=0.02, momentum=0.9, weight_decay=0.05, clip_value=0.2, clip_norm=0.3, accumulate=3)
    ours.compile("mse", chosen)
    for i, (x, y) in enumerate(batches):
        their_gradients(theirs, x, y)
        ours.train_step(x, y)
        if i % 3 == 2:
            for parameter in theirs.parameters():
                parameter.grad /= 3
            torch.nn.utils.clip_grad_value_(theirs.parameters(), 0.2)
            torch.nn.utils.clip_grad_norm_(theirs.parameters(), 0.3)
            optimizer.step()
            optimizer.zero_grad()
        assert_alike(ours, theirs, f"after step {i + 1}")


def test_averages():
    ours, theirs, batches = twins()
    average = torch.optim.swa_utils.AveragedModel(theirs, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.8))
    optimizer = torch.optim.SGD(theirs.parameters(), lr=0.1)
    ours.compile("mse", optim.SGD(0.1), ema_decay=0.8)
    for x, y in batches:
        optimizer.zero_grad()
        their_gradients(theirs, x, y)
        optimizer.step()
        average.update_parameters(theirs)
        ours.train_step(x, y)
    assert_alike(ours, theirs, "itself")
    with ours.averaged():
        assert_alike(ours, average.module, "averaged")


# ---- Schedules -----------------------------------------------------------------------------------------------------------

SCHEDULES = [
    ("StepLR", {"step_size": 3, "gamma": 0.5}),
    ("ExponentialLR", {"gamma": 0.8}),
    ("CosineAnnealingLR", {"T_max": 12, "eta_min": 0.01}),
    ("LinearLR", {"start_factor": 0.2, "total_iters": 6}),
    ("LinearLR", {"start_factor": 1.0, "end_factor": 0.1, "total_iters": 20}),
]


@pytest.mark.parametrize("name, arguments", SCHEDULES)
@pytest.mark.parametrize("unit", ["epoch", "step"])
def test_schedules(name, arguments, unit):
    """Up to where cosine's would rise again."""
    theirs, ours = torch.optim.SGD([torch.zeros(1)], lr=0.3), optim.SGD(0.3)
    schedule = getattr(torch.optim.lr_scheduler, name)(theirs, **arguments)
    getattr(optim.lr_scheduler, name)(ours, **arguments, unit=unit)
    net = nn.Linear(1, 1).compile("mse", ours).build((1,))
    for i in range(12):
        assert abs(net.learning_rate - schedule.get_last_lr()[0]) < 1e-12, f"{unit} {i}"
        if unit == "step":
            net.train_step([[1.0]], [[1.0]])
        else:
            net.fit([[1.0]], [[1.0]], i + 1, initial_epoch=i, verbose=False)
        theirs.step()
        schedule.step()


@pytest.mark.parametrize("arguments", [{}, {"pct_start": 0.4, "div_factor": 10.0, "final_div_factor": 100.0}])
def test_one_cycle(arguments):
    theirs, ours = torch.optim.SGD([torch.zeros(1)], lr=0.3), optim.SGD(0.3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(theirs, 0.5, total_steps=20, cycle_momentum=False, **arguments)
    optim.lr_scheduler.OneCycleLR(ours, 0.5, total_steps=20, **arguments)
    net = nn.Linear(1, 1).compile("mse", ours).build((1,))
    for i in range(20):
        assert abs(net.learning_rate - schedule.get_last_lr()[0]) < 1e-12, f"step {i}"
        net.train_step([[1.0]], [[1.0]])
        theirs.step()
        if i < 19:
            schedule.step()


@pytest.mark.parametrize("mode, threshold", list(itertools.product(["min", "max"], [1e-4, 0.2])))
def test_plateau(mode, threshold):
    given = {"mode": mode, "factor": 0.5, "patience": 1, "threshold": threshold, "min_lr": 0.03}
    theirs, ours = torch.optim.SGD([torch.zeros(1)], lr=0.3), optim.SGD(0.3)
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(theirs, **given)
    optim.lr_scheduler.ReduceLROnPlateau(ours, **given)
    net = nn.Linear(1, 1).compile("mse", ours).build((1,))
    for i, metric in enumerate([3.0, 2.0, 2.0, 1.9, 1.95, 2.5, 2.5, 0.5, 0.6, 0.7, 0.8, 4.0, 4.1, 4.2, 4.3, 4.4]):
        theirs.step()
        schedule.step(metric)
        net._state.engine.native.report(metric)
        assert abs(net.learning_rate - theirs.param_groups[0]["lr"]) < 1e-12, f"report {i}"


# ---- Initializers --------------------------------------------------------------------------------------------------------

INITIALIZERS = [
    ("uniform_", {"a": -0.5, "b": 2.0}),
    ("normal_", {"mean": 0.5, "std": 2.0}),
    ("xavier_uniform_", {"gain": 1.5}),
    ("xavier_normal_", {"gain": 1.5}),
    ("kaiming_uniform_", {"a": 0.3}),
    ("kaiming_normal_", {"nonlinearity": "relu"}),
    ("constant_", {"val": 3.0}),
    ("zeros_", {}),
    ("ones_", {}),
]


@pytest.mark.parametrize("name, arguments", INITIALIZERS)
def test_initializers(name, arguments):
    """The same distribution: quantiles of 36,000 numbers, which are good to some 0.02 of the deviation."""
    sc.manual_seed(0)
    torch.manual_seed(0)
    shape = (40, 100, 3, 3)
    ours = nn.Parameter(shape)
    getattr(nn.init, name)(ours, **arguments)
    theirs = getattr(torch.nn.init, name)(torch.empty(shape), **arguments).numpy()
    shares = np.linspace(0.01, 0.99, 25)
    np.testing.assert_allclose(
        np.quantile(ours.data, shares), np.quantile(theirs, shares), rtol=1e-6, atol=0.04 * theirs.std() + 1e-6
    )


def test_orthogonal():
    for shape in ((6, 4, 1, 1), (4, 12)):
        weight = nn.init.orthogonal_(nn.Parameter(shape), 2.0).data.reshape(shape[0], -1)
        square = weight @ weight.T if shape[0] < weight.shape[1] else weight.T @ weight
        np.testing.assert_allclose(square, 4 * np.eye(min(weight.shape)), atol=1e-6)
        theirs = torch.nn.init.orthogonal_(torch.empty(shape), 2.0).numpy().reshape(weight.shape)
        assert abs(np.linalg.norm(theirs) - np.linalg.norm(weight)) < 1e-5


def test_gains():
    for name in ("linear", "conv2d", "sigmoid", "tanh", "relu", "selu"):
        assert abs(nn.init.calculate_gain(name) - torch.nn.init.calculate_gain(name)) < 1e-12
    assert abs(nn.init.calculate_gain("leaky_relu", 0.3) - torch.nn.init.calculate_gain("leaky_relu", 0.3)) < 1e-12
