"""Networks that learn: steps against the article's layers, whole trainings, callbacks, seeds, Ctrl-C."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys

import numpy as np
import pytest
import swiftcnn as sc
from swiftcnn import callbacks, datasets, models, nn, optim
from swiftcnn import layers as L


def normal(*shape, seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape)


def small(dtype="float32", **compiled):
    """A classifier of 8x8 images that has everything that is random in it."""
    net = nn.Sequential(
        nn.LazyConv2d(4, 3, bias=False),
        nn.LazyBatchNorm2d(),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.2),
        nn.LazyLinear(3),
    )
    return net.to(dtype).compile(**{"optimizer": optim.Adam(1e-2), "metrics": ["accuracy"], **compiled})


def images(count=48):
    """Images of three classes: where the bright row is."""
    y = np.arange(count) % 3
    x = 0.3 * normal(count, 1, 8, 8).astype(np.float32)
    x[np.arange(count), 0, 2 * y + 1] += 1
    return x, y


# ---- Steps ---------------------------------------------------------------------------------------------------------------


def test_simple_conv_net_equals_the_articles_layers():
    """Forward, all gradients, and an update by the book's Adam; float64, other orders of summation only."""
    net = models.SimpleConvNet(filters=6, hidden=20).double().compile("cross_entropy", optim.BookAdam(1e-2)).build((1, 28, 28))
    x, t = normal(7, 1, 28, 28), np.arange(7)
    W = [p.data.copy() for p in net.parameters()]
    m, v = [np.zeros_like(w) for w in W], [np.zeros_like(w) for w in W]
    for step in range(1, 4):
        twin = [
            L.Convolution(W[0], W[1]),
            L.Relu(),
            L.Pooling(2, 2, stride=2),
            L.Affine(W[2].T, W[3]),
            L.Relu(),
            L.Affine(W[4].T, W[5]),
        ]
        last, out = L.SoftmaxWithLoss(), x
        for layer in twin:
            out = layer.forward(out)
        np.testing.assert_allclose(net.predict(x), out, rtol=1e-10, atol=1e-10)
        expected, dout = last.forward(out, t), last.backward()
        for layer in reversed(twin):
            dout = layer.backward(dout)
        assert abs(net.train_step(x, t) - expected) < 1e-10
        gradients = [g for layer in (twin[0], twin[3], twin[5]) for g in (layer.dW, layer.db)]
        gradients[2], gradients[4] = gradients[2].T, gradients[4].T
        rate = 1e-2 * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        for i, (parameter, gradient) in enumerate(zip(net.parameters(), gradients)):
            np.testing.assert_allclose(parameter.grad, gradient, rtol=1e-10, atol=1e-12)
            m[i] += 0.1 * (gradient - m[i])
            v[i] += 0.001 * (gradient**2 - v[i])
            W[i] = W[i] - rate * m[i] / (np.sqrt(v[i]) + 1e-7)
            np.testing.assert_allclose(parameter.data, W[i], rtol=1e-9, atol=1e-10)


def test_a_step_is_its_two_halves():
    x, y = images(16)
    sc.manual_seed(3)
    whole = small()
    sc.manual_seed(3)
    halves = small()
    for _ in range(3):
        loss = whole.train_step(x, y)
        assert halves.gradients(x, y) == loss
        halves.update()
    assert all(a.tobytes() == b.tobytes() for a, b in zip(whole.state_dict().values(), halves.state_dict().values()))


def test_averages():
    x, y = images()
    decay, net = 0.75, small("float64", ema_decay=0.75)
    averages = []

    class Follow(callbacks.Callback):
        def on_batch_end(self, done, batches, loss):
            now = net[0].weight.data
            averages.append(now.copy() if not averages else decay * averages[-1] + (1 - decay) * now)

    history = net.fit(x, y, 2, 16, (x, y), [Follow()], verbose=False)
    learned = net[0].weight.data.copy()
    with net.averaged():
        np.testing.assert_allclose(net[0].weight.data, averages[-1], rtol=1e-13)
        assert net.evaluate(x, y)["loss"] == history["val_loss"][-1] != history["loss"][-1]
        for refused in (lambda: net.train_step(x, y), lambda: net.fit(x, y, 3, 16, verbose=False)):
            with pytest.raises(sc.InvalidArgumentError, match="averages in place of its parameters"):
                refused()
        with pytest.raises(sc.CallOrderError, match="leave `averaged` first"):
            net.save_checkpoint("never.npz")
    assert np.array_equal(net[0].weight.data, learned)
    with pytest.raises(sc.CallOrderError, match="ema_decay"), small().build((1, 8, 8)).averaged():
        pass
    for decay in (-0.1, 1):
        with pytest.raises(sc.InvalidArgumentError, match="ema_decay must be 0 or more and less than 1"):
            small(ema_decay=decay)


def test_augmentations():
    """Nothing but their own part of the images comes through; without them, nothing is left of them."""
    x, y = np.zeros((6, 1, 4, 4), np.float32), np.arange(6) % 2
    x[:, :, :, 0] = 1

    def first_weight(*augmentations):
        sc.manual_seed(5)
        net = nn.Sequential(nn.Flatten(), nn.LazyLinear(2)).compile(optimizer=optim.SGD(0.1), augmentations=augmentations)
        net.build((1, 4, 4))[1].weight.data[...] = 0
        net.fit(x, y, 1, 6, shuffle=False, verbose=False)
        return net[1].weight.data[0].reshape(4, 4), net

    plain, _ = first_weight()
    assert (plain[:, 0] != 0).all() and (plain[:, 1:] == 0).all()
    mirrored, net = first_weight(nn.RandomHorizontalFlip(p=1.0))
    assert np.array_equal(mirrored, plain[:, ::-1])
    net.compile(optimizer=optim.SGD(0.1))
    before = net[1].weight.data.copy()
    net.fit(x, y, 1, 6, shuffle=False, verbose=False)
    assert (net[1].weight.data[:, 3::4] == before[:, 3::4]).all()
    for augmentation in (
        nn.RandomCrop(padding=1, fill=0.5),
        nn.RandomShift(1, 1),
        nn.Normalize([0.5], [0.25]),
        nn.Cutout(3),
        nn.MixUp(0.4),
    ):
        first, second = (first_weight(augmentation)[0] for _ in range(2))
        assert np.array_equal(first, second) and not np.array_equal(first, plain), augmentation
    smaller = nn.Sequential(nn.Flatten(), nn.LazyLinear(2)).compile(augmentations=[nn.RandomCrop((3, 2))])
    smaller.build((1, 3, 2)).fit(x, y, 1, 6, verbose=False)


@pytest.mark.parametrize(
    "augmentations, message",
    [
        (3, "a list of swiftcnn.nn's"),
        (["flip"], "of swiftcnn.nn, such as"),
        ([nn.MixUp(), nn.MixUp()], "at most one MixUp"),
    ],
)
def test_what_are_no_augmentations(augmentations, message):
    with pytest.raises((sc.DTypeError, sc.InvalidArgumentError), match=message):
        small(augmentations=augmentations)


@pytest.mark.parametrize(
    "make, message",
    [
        (lambda: nn.RandomCrop(0), "size must be"),
        (lambda: nn.RandomShift(-1), "vertical must be"),
        (lambda: nn.RandomHorizontalFlip(2), "p must be 0 to 1, got 2"),
        (lambda: nn.Normalize([0, 1], [1]), "std must hold as many numbers as mean"),
        (lambda: nn.Normalize([0], [0]), "above 0"),
        (lambda: nn.Cutout(0), "length must be"),
        (lambda: nn.MixUp(0), "alpha must be above 0"),
    ],
)
def test_arguments_of_augmentations(make, message):
    with pytest.raises(sc.InvalidArgumentError, match=message):
        make()


def test_learning_rates_that_are_set():
    """Schedules go on from there, whatever line of the first rate they are; one that is none is an error."""
    scheduler, x, y = optim.lr_scheduler, *images(16)
    optimizer = optim.SGD(0.1)
    scheduler.StepLR(optimizer, 1, 0.5)
    scheduler.CosineAnnealingLR(optimizer, 4, eta_min=0.02)
    net = small(optimizer=optimizer)
    net.fit(x, y, 1, 16, verbose=False)
    net.learning_rate = 0.3
    assert abs(net.learning_rate - 0.3) < 1e-12
    history = net.fit(x, y, 2, 16, initial_epoch=1, verbose=False)
    assert abs(history["lr"][0] - 0.3) < 1e-12 and net.learning_rate < 0.3
    optimizer = optim.SGD(0.1)
    scheduler.OneCycleLR(optimizer, 0.1, 10)
    net = small(optimizer=optimizer).build((1, 8, 8))
    before = net.learning_rate
    with pytest.raises(sc.InvalidArgumentError, match=r"OneCycleLR gives it, whatever it begins with, and cannot give 0\.3"):
        net.learning_rate = 0.3
    assert net.learning_rate == before


@pytest.mark.parametrize(
    "loss, x, y, expected",
    [
        ("mse", [[1.0, 2.0]], [[0.0, 4.0]], 2.5),
        ("l1", [[1.0, 2.0]], [[0.0, 4.0]], 1.5),
        (nn.HuberLoss(delta=0.5), [[0.25, 2.0]], [[0.0, 0.0]], (0.25**2 / 2 + 0.5 * (2 - 0.25)) / 2),
        ("bce_with_logits", [[0.0, 2.0]], [[1.0, 0.0]], (np.log(2) + 2 + np.log1p(np.exp(-2))) / 2),
        ("cross_entropy", [[1.0, 2.0]], [0], np.log1p(np.e)),
        (nn.CrossEntropyLoss(weight=[1, 3]), [[1.0, 2.0], [1.0, 2.0]], [0, 1], (np.log1p(np.e) + 3 * np.log1p(1 / np.e)) / 4),
        (nn.CrossEntropyLoss(ignore_index=1), [[1.0, 2.0], [1.0, 2.0]], [0, 1], np.log1p(np.e)),
        (nn.CrossEntropyLoss(label_smoothing=0.2), [[1.0, 2.0]], [0], 0.9 * np.log1p(np.e) + 0.1 * np.log1p(1 / np.e)),
        (nn.CrossEntropyLoss(reduction="sum"), [[1.0, 2.0], [1.0, 2.0]], [[1.0, 0.0]] * 2, 2 * np.log1p(np.e)),
    ],
)
def test_losses(loss, x, y, expected):
    net = nn.Identity().double().compile(loss, optim.SGD(0.1))
    assert abs(net.evaluate(x, y)["loss"] - expected) < 1e-12
    assert abs(net.train_step(x, y) - expected) < 1e-12


def test_targets_of_any_integer_type():
    net = nn.Identity().compile()
    values = {
        net.evaluate([[1.0, 2.0], [3.0, 1.0]], np.array([1, 1], dtype))["loss"] for dtype in ("u1", "i2", "i4", ">i8", "u8")
    }
    assert len(values) == 1


# ---- Trainings -----------------------------------------------------------------------------------------------------------


def test_digits_are_learned():
    data = datasets.load(None)
    sc.manual_seed(0)
    net = nn.Sequential(nn.LazyConv2d(16, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.LazyLinear(10))
    net.compile(optimizer=optim.Adam(5e-3), metrics=["accuracy"])
    history = net.fit(data.x_train, data.t_train, 15, 50, (data.x_test, data.t_test), verbose=False)
    assert history["val_accuracy"][-1] > 0.93 and len(history["loss"]) == 15
    predicted = net.predict(data.x_test).argmax(axis=1)
    assert np.mean(predicted == data.t_test) == pytest.approx(net.evaluate(data.x_test, data.t_test)["accuracy"])
    probabilities = net.predict_proba(data.x_test)
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (probabilities.argmax(axis=1) == predicted).all()


def test_history_and_its_picture():
    x, y = images()
    net = small(metrics=["accuracy", lambda outputs, targets: len(targets)])
    history = net.fit(x, y, 3, 20, (x[:9], y[:9]), verbose=False)
    assert set(history) == {"loss", "accuracy", "<lambda>", "val_loss", "val_accuracy", "val_<lambda>", "lr", "seconds"}
    assert history["<lambda>"] == [48, 48, 48] and history["val_<lambda>"] == [9, 9, 9]
    assert [len(steps) for steps in history.steps] == [3, 3, 3] and history.stopped is None
    # The mean over images, of batches of 20, 20 and 8.
    np.testing.assert_allclose(np.dot(history.steps[1], [20, 20, 8]) / 48, history["loss"][1], rtol=1e-6)
    assert history.plot().axes[0].get_title(loc="left") == "Loss"


def test_the_same_seed_gives_the_same_bits():
    x, y = images()

    def train(seed, threads):
        sc.manual_seed(seed)
        net = small()
        with sc.threads(threads):
            net.fit(x, y, 2, 16, verbose=False)
        return [array.tobytes() for array in net.state_dict().values()]

    first = train(1, 1)
    assert train(1, 4) == first and train(2, 1) != first


def test_a_seed_of_fit_is_of_order_and_dropout():
    x, y = images()
    results = []
    for seed in (5, 5, 6):
        sc.manual_seed(0)
        net = small().build((1, 8, 8))
        before = net[0].weight.data.copy()
        net.fit(x, y, 1, 16, seed=seed, verbose=False)
        results.append((before.tobytes(), net[0].weight.data.tobytes()))
    assert results[0] == results[1] and results[0][0] == results[2][0] and results[0][1] != results[2][1]


def test_order_of_images():
    x, y = images(40)
    for arguments, batches in (({"shuffle": False}, 3), ({"shuffle": False, "drop_last": True}, 2)):
        one, other = small("float64", optimizer=optim.SGD(0.1)), None
        one.build((1, 8, 8), seed=1)
        other = small("float64", optimizer=optim.SGD(0.1)).build((1, 8, 8), seed=1)
        one.fit(x, y, 1, 16, **arguments, verbose=False)
        for i in range(batches):
            other.train_step(x[16 * i : 16 * i + 16], y[16 * i : 16 * i + 16])
        assert all(np.array_equal(a, b) for a, b in zip(one.state_dict().values(), other.state_dict().values()))


def test_several_inputs_and_no_lists():
    class Two(nn.Module):
        def __init__(self):
            self.a, self.b = nn.LazyLinear(1), nn.LazyLinear(1)

        def forward(self, x, z):
            return self.a(x) + self.b(z)

    x, z = normal(64, 2), normal(64, 3)
    y = x @ [[1], [2]] + z @ [[3], [4], [5]]
    net = Two().double().compile("mse", optim.Adam(0.1))
    net.fit((x, z), y, 200, 32, verbose=False)
    np.testing.assert_allclose(net.b.weight.data, [[3, 4, 5]], atol=0.02)
    assert net.evaluate((x, z), y)["loss"] < 1e-3


def test_accuracy_of_scores_of_two_classes():
    net = nn.Identity().compile("bce_with_logits", metrics=["accuracy"])
    assert net.evaluate([[1.0], [-1.0], [2.0], [3.0]], [[1], [0], [0], [1]])["accuracy"] == 0.75
    np.testing.assert_allclose(net.predict_proba([[0.0]]), [[0.5]])


# ---- Callbacks -------------------------------------------------------------------------------------------------------------


def test_early_stopping_restores_the_best():
    x, y = images()

    class Spoil(callbacks.Callback):
        """Makes every epoch after the third worse."""

        def on_epoch_end(self, epoch, logs):
            self.best = self.training.network[6].bias.data.copy() if epoch == 2 else self.best if epoch > 2 else None
            if epoch >= 2:
                self.training.network[6].bias.data += 10

    spoil = Spoil()
    stopping = callbacks.EarlyStopping("accuracy", patience=2, restore_best_weights=True)
    stopping.on_epoch_end, real = (
        (lambda epoch, logs: real(epoch, {**logs, "accuracy": [1, 2, 3, 1, 0][epoch]})),
        stopping.on_epoch_end,
    )
    net = small()
    history = net.fit(x, y, 50, 16, callbacks=[stopping, spoil], verbose=False)
    assert len(history["loss"]) == 5 and history.stopped == "accuracy has not got better for 2 epochs"
    assert np.array_equal(net[6].bias.data, spoil.best)


def test_csv_log(tmp_path):
    x, y = images()
    net = small()
    for append in (False, True):
        net.fit(x, y, 2, 16, callbacks=[callbacks.CSVLogger(tmp_path / "log.csv", append)], verbose=False)
    rows = list(csv.DictReader((tmp_path / "log.csv").open()))
    assert [row["epoch"] for row in rows] == ["1", "2", "1", "2"] and all(float(row["loss"]) > 0 for row in rows)


def test_learning_rate_callback():
    x, y = images()
    net = small(optimizer=optim.SGD(0.1))
    history = net.fit(x, y, 3, 16, callbacks=[callbacks.LearningRateScheduler(lambda epoch, lr: lr / 2)], verbose=False)
    np.testing.assert_allclose(history["lr"], [0.05, 0.025, 0.0125])
    net.learning_rate = 0.0
    before = net[6].weight.data.copy()
    net.train_step(x, y)
    assert np.array_equal(net[6].weight.data, before)


def test_tensorboard(tmp_path):
    x, y = images()
    small().fit(x, y, 1, 16, callbacks=[callbacks.TensorBoard(tmp_path / "runs")], verbose=False)
    (written,) = (tmp_path / "runs").iterdir()
    assert b"accuracy" in written.read_bytes()


def test_progress_is_shown(capsys, monkeypatch):
    x, y = images()
    small().fit(x, y, 2, 16)
    shown = capsys.readouterr().err
    assert "epoch 2/2" in shown and "accuracy" in shown
    monkeypatch.setitem(sys.modules, "tqdm.auto", None)
    small().fit(x, y, 2, 16)
    assert "epoch 2/2: loss " in capsys.readouterr().err


def test_what_a_callback_raises_comes_through():
    class Fail(callbacks.Callback):
        def on_batch_end(self, done, batches, loss):
            if done == 2:
                raise KeyError("mine")

    x, y = images()
    net = small()
    with pytest.raises(KeyError, match="mine"):
        net.fit(x, y, 1, 16, callbacks=[Fail()], verbose=False)
    assert net.epochs_done == 0
    net.fit(x, y, 1, 16, verbose=False)


def test_ctrl_c_ends_early_and_keeps_what_was_learned():
    class Press(callbacks.Callback):
        def on_batch_end(self, done, batches, loss):
            if self.training.history.steps and done == 2:
                os.kill(os.getpid(), signal.SIGINT)

    x, y = images()
    net = small("float64")
    before = signal.getsignal(signal.SIGINT)
    history = net.fit(x, y, 50, 16, callbacks=[Press()], verbose=False)
    assert history.stopped == "interrupted" and len(history["loss"]) == 1 and net.epochs_done == 1
    assert signal.getsignal(signal.SIGINT) is before
    assert net.evaluate(x, y)["loss"] < 5


def test_a_second_ctrl_c_interrupts():
    class Press(callbacks.Callback):
        def on_epoch_begin(self, epoch):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    x, y = images()
    with pytest.raises(KeyboardInterrupt):
        small().fit(x, y, 5, 16, callbacks=[Press()], verbose=False)


# ---- Optimizers and schedules ----------------------------------------------------------------------------------------------


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


# ---- Threads ---------------------------------------------------------------------------------------------------------------


def test_threads_may_predict_at_once():
    program = (
        "import numpy as np, threading; from swiftcnn import models\n"
        "net = models.SimpleConvNet(); x = np.random.rand(16, 1, 28, 28).astype('f4'); y = net.predict(x); wrong = []\n"
        "def run():\n"
        "    for _ in range(20):\n"
        "        if not np.array_equal(net.predict(x), y): wrong.append(1)\n"
        "threads = [threading.Thread(target=run) for _ in range(4)]\n"
        "[t.start() for t in threads]; [t.join() for t in threads]; assert not wrong\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def test_recompute_takes_less_memory_and_gives_the_same_bits() -> None:
    def trained(recompute: bool) -> tuple[list[float], int]:
        sc.manual_seed(5)
        net = models.resnet20(in_channels=1).compile("cross_entropy", optim.SGD(0.1, momentum=0.9), recompute=recompute)
        x = np.random.default_rng(0).standard_normal((4, 1, 12, 12), np.float32)
        losses = [net.train_step(x, [0, 1, 2, 3]) for _ in range(3)]
        return [*losses, float(net.state_dict()["fc.weight"].sum())], net.memory(4, train=True)

    (kept, more), (again, less) = trained(False), trained(True)
    assert kept == again
    assert less < 0.7 * more
