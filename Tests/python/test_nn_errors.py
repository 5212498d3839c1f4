"""What networks refuse: the message names the argument or the layer, what was wanted and what came."""

from __future__ import annotations

import numpy as np
import pytest
import swiftcnn as sc
from swiftcnn import callbacks, nn, optim

SHAPE, VALUE, TYPE, ORDER = sc.ShapeError, sc.InvalidArgumentError, sc.DTypeError, sc.CallOrderError


def net(**named):
    return nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).compile(**named)


X, Y = np.ones((6, 4), np.float32), np.zeros(6, int)

CASES = [
    # Layers, when they are made.
    (lambda: nn.Conv2d(3, 4, 0), VALUE, "kernel_size must be at least 1, got 0"),
    (lambda: nn.Conv2d(3, 4, 3, stride=1.5), TYPE, "stride must be an integer, got 1.5"),
    (lambda: nn.Conv2d(3, 4, (1, 2, 3)), SHAPE, "kernel_size must be an integer or 2 of them"),
    (lambda: nn.Conv2d(3, 4, 3, padding="full"), VALUE, "padding must be integers, 'same' or 'valid', got 'full'"),
    (lambda: nn.Conv2d(3, 4, 3, groups=3), VALUE, "out_channels must be a multiple of groups = 3, got 4"),
    (lambda: nn.Conv2d(4, 6, 3, groups=3), VALUE, "in_channels must be a multiple of groups = 3, got 4"),
    (lambda: nn.Linear(0, 1), VALUE, "in_features must be at least 1"),
    (lambda: nn.Dropout(1.0), VALUE, "p must be 0 or more and less than 1, got 1.0"),
    (lambda: nn.Softmax(0), VALUE, "dim must be an axis other than 0"),
    (lambda: nn.BatchNorm2d(3, momentum=2), VALUE, "momentum must be 0 to 1, got 2"),
    (lambda: nn.GroupNorm(2, 3), VALUE, "num_channels must be a multiple of num_groups = 2, got 3"),
    (lambda: nn.GELU("fast"), VALUE, "approximate must be 'none' or 'tanh', got 'fast'"),
    (lambda: nn.Upsample(2, "cubic"), VALUE, "mode must be 'nearest' or 'bilinear', got 'cubic'"),
    (lambda: nn.Sequential(nn.ReLU(), 3), TYPE, "layer 1 must be a module, got int"),
    # Layers that do not fit, when the network is built.
    (
        lambda: nn.Sequential(nn.Linear(4, 2))(np.ones((1, 5))),
        SHAPE,
        r"0 \(Linear\): x must have 4 features, got shape \(1, 5\)",
    ),
    (
        lambda: nn.Sequential(nn.Conv2d(3, 2, 3))(np.ones((1, 9))),
        SHAPE,
        r"0 \(Conv2d\): x must be \[N\]\[C\]\[H\]\[W\], got shape \(1, 9\)",
    ),
    (lambda: nn.Sequential(nn.Conv2d(3, 2, 3))(np.ones((1, 2, 9, 9))), SHAPE, r"0 \(Conv\): .*channels"),
    (lambda: nn.BatchNorm2d(3)(np.ones((1, 2, 9, 9))), SHAPE, r"BatchNorm2d: x must have 3 channels"),
    (lambda: nn.LayerNorm(3)(np.ones((1, 2))), SHAPE, r"LayerNorm: x must end in \(3,\), got shape \(1, 2\)"),
    (lambda: nn.Sequential(nn.ReLU()).build(), VALUE, "input_shapes must hold a shape for each input"),
    (lambda: nn.ReLU().build(3), TYPE, "input_shapes must be sequences of integers, got 3"),
    (lambda: nn.Module().build((3,)), NotImplementedError, "Module has no forward"),
    # Running.
    (lambda: net().predict(np.ones((0, 4))), SHAPE, r"x must hold at least one image, \[N\]\[...\], got shape \(0, 4\)"),
    (lambda: net().predict([["a"]]), TYPE, "x must hold real numbers"),
    (lambda: net().predict(X, 0), VALUE, "batch_size must be at least 1, got 0"),
    (lambda: net().build((4,)).predict((X, X)), VALUE, "x must be 1 arrays, one for each input, got 2"),
    (lambda: net().to("int8"), TYPE, "dtype must be float32 or float64, got int8"),
    (lambda: nn.LazyLinear(3).weight.data, ORDER, "has no numbers yet"),
    (lambda: nn.LazyLinear(3).state_dict(), ORDER, "has no numbers yet"),
    (lambda: net().summary(), ORDER, "summary needs a network that is built"),
    (lambda: net().save_weights("net.pt"), VALUE, "path must end in .npz or .safetensors, got 'net.pt'"),
    # Training.
    (lambda: nn.Linear(4, 2).fit(X, Y), ORDER, "fit needs a loss and an optimizer: call compile first"),
    (lambda: net(loss="nll"), VALUE, "loss must be one of cross_entropy, .*, got 'nll'"),
    (lambda: net(loss=3), TYPE, "loss must be a name or a loss"),
    (lambda: net(optimizer="lion"), VALUE, "optimizer must be one of sgd, .*, got 'lion'"),
    (lambda: net(metrics="accuracy"), TYPE, "metrics must be a list"),
    (lambda: net(metrics=["f1"]), VALUE, "metrics must be 'accuracy' or functions"),
    (lambda: net().fit(X, Y[:5]), SHAPE, r"target: wanted 6 images as in x, got shape \[5\]"),
    (lambda: net().fit(X, Y + 2), VALUE, r"target\[0\]: wanted a class from 0 to 1, got 2"),
    (lambda: net().fit(X, Y, batch_size=0), VALUE, "batch_size must be at least 1, got 0"),
    (lambda: net().fit(X, Y, epochs=-1), VALUE, "epochs must be at least 0, got -1"),
    (lambda: net().fit(X, Y, seed=-1), VALUE, "seed must be at least 0, got -1"),
    (lambda: net().fit(X, Y, validation_data=X), TYPE, r"validation_data must be \(x, y\)"),
    (lambda: net().fit(X, Y, callbacks=[print]), TYPE, "callbacks must be of swiftcnn.callbacks.Callback"),
    (lambda: net(loss="mse").fit(X, Y), SHAPE, r"target: wanted shape \[6, 2\], got \[6\]"),
    (lambda: net(loss="mse", metrics=["accuracy"]).evaluate(X, np.ones((6, 2))), VALUE, "there is no accuracy with MSELoss"),
    (
        lambda: net().fit(X, Y, callbacks=[callbacks.EarlyStopping("val_loss")], verbose=False),
        VALUE,
        "monitor must be one of loss, lr, seconds, got 'val_loss'",
    ),
    # Optimizers.
    (lambda: optim.SGD(-1), VALUE, "lr must be 0 or more, got -1"),
    (lambda: optim.SGD(0.1, lr=0.2), VALUE, "lr is given twice"),
    (lambda: optim.SGD(nesterov=True), VALUE, "nesterov needs momentum"),
    (lambda: optim.Adam(betas=(0.9, 1)), VALUE, "betas must be two numbers from 0 to less than 1"),
    (lambda: optim.Adam([]), VALUE, "params must hold at least one parameter"),
    (lambda: optim.Adam([np.ones(3)]), TYPE, "params must be parameters of a network, got ndarray"),
    (
        lambda: optim.Adam([{"params": [], "betas": 1}]),
        sc.UnsupportedError,
        "groups may differ in lr and weight_decay, got betas",
    ),
    (lambda: optim.lr_scheduler.StepLR(0.1, 3), TYPE, "optimizer must be one of swiftcnn.optim"),
    (lambda: optim.lr_scheduler.StepLR(optim.SGD(), 0), VALUE, "step_size must be at least 1"),
    (lambda: optim.lr_scheduler.StepLR(optim.SGD(), 3, unit="batch"), VALUE, "unit must be 'epoch' or 'step'"),
    (lambda: optim.lr_scheduler.OneCycleLR(optim.SGD(), 0.1), VALUE, "needs total_steps"),
    (lambda: sc.manual_seed(-1), VALUE, "seed must be at least 0"),
    (lambda: sc.manual_seed("a"), TYPE, "seed must be an integer"),
    (lambda: nn.init.calculate_gain("gelu"), VALUE, "nonlinearity must be"),
]


@pytest.mark.parametrize("call, error, message", CASES, ids=[case[2][:50] for case in CASES])
def test_messages(call, error, message):
    with pytest.raises(error, match=message):
        call()


def test_a_step_that_fails_changes_nothing():
    network = net(optimizer=optim.SGD(0.1)).build((4,))
    before = {name: array.copy() for name, array in network.state_dict().items()}
    with pytest.raises(VALUE, match="class"):
        network.fit(X, [0, 0, 0, 0, 0, 9], 1, 2, verbose=False)
    assert all(np.array_equal(array, before[name]) for name, array in network.state_dict().items())


def test_a_build_that_fails_can_be_tried_again():
    network = nn.Sequential(nn.LazyConv2d(2, 5), nn.Flatten(), nn.LazyLinear(3))
    with pytest.raises(SHAPE):
        network.build((1, 3, 3))
    assert network.build((1, 9, 9))(np.ones((2, 1, 9, 9))).shape == (2, 3)


def test_forward_must_give_values():
    class Odd(nn.Module):
        def forward(self, x):
            return 3

    with pytest.raises(TYPE, match=r"Odd\.forward must return values, got int"):
        Odd()(X)
