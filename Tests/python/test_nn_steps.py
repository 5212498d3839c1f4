"""Single steps of networks that learn: against the article's layers, losses, averages, augmentations, threads."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import swiftcnn as sc
from small_networks import images, normal, small
from swiftcnn import callbacks, models, nn, optim
from swiftcnn import layers as L


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
        assert net.evaluate(x, y, 16)["loss"] == history["val_loss"][-1] != history["loss"][-1]
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


def test_steps_of_shapes_that_came_before():
    """They go a shorter way, which must give the same bits, and be left where something is different."""
    x, labels = normal(24, 3, 4), np.arange(8) % 4

    def network():
        sc.manual_seed(3)
        return nn.Sequential(nn.Flatten(), nn.Linear(12, 4)).compile("cross_entropy", optim.SGD(0.1, momentum=0.9))

    def batches():
        return [x[i : i + 8].astype(np.float32) for i in (0, 8, 16, 0)]

    short, long = network(), network()
    for batch in batches():
        assert short.train_step(batch, labels) == long.train_step(batch.tolist(), labels.tolist())
        assert np.array_equal(short[1].weight.data, long[1].weight.data)
    assert short._state.engine.steps and not long._state.engine.steps

    def step(net, batch, target):
        return net.train_step(batch, target), net[1].weight.data.copy()

    def expect_same(batch, target):
        (loss, weight), (wanted, wanted_weight) = step(short, batch, target), step(long, batch.tolist(), target.tolist())
        assert loss == wanted and np.array_equal(weight, wanted_weight)

    first = batches()[0]
    expect_same(first[:, ::-1].astype(np.float64), labels)
    expect_same(np.asfortranarray(first), labels)
    expect_same(first, labels[::-1])
    expect_same(first, labels.astype(np.int32))
    expect_same(first, labels.astype(np.int8))
    expect_same(first, np.eye(4, dtype=np.float32)[labels])
    expect_same(first[:5], labels[:5])
    before = short[1].weight.data.copy()
    for target in (labels[:7], labels + 1):
        with pytest.raises(sc.errors.SwiftCNNError, match="target"):
            short.train_step(first, target)
    assert np.array_equal(short[1].weight.data, before)
    expect_same(first, labels)
    # Its numbers were in another network meanwhile, which changed them.
    for net in (short, long):
        nn.Sequential(net[1]).compile("mse", optim.SGD(1.0)).train_step(np.ones((1, 12)), np.ones((1, 4)))
    expect_same(first, labels)
    # Of another loss the same labels are something else.
    for net in (short, long):
        net.compile("mse", optim.SGD(0.1))
    assert not short._state.engine.steps
    with pytest.raises(sc.errors.ShapeError):
        short.train_step(first, labels)
    expect_same(first, np.eye(4, dtype=np.float32)[labels])
