"""Whole trainings: what is learned, seeds, histories, callbacks, Ctrl-C."""

from __future__ import annotations

import csv
import os
import signal
import sys

import numpy as np
import pytest
import swiftcnn as sc
from small_networks import images, normal, small
from swiftcnn import callbacks, datasets, nn, optim


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
