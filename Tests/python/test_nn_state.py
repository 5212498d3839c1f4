"""What a network holds: arrays that are the engine's memory, names, files, checkpoints, copies."""

from __future__ import annotations

import copy
import os
import pickle
import signal
import subprocess
import sys
import time
import weakref

import numpy as np
import pytest
import swiftcnn as sc
from small_networks import images, small
from swiftcnn import callbacks, models, nn, optim

# ---- Memory ----------------------------------------------------------------------------------------------------------------


def test_arrays_are_the_engines_memory():
    net = nn.Linear(2, 2).double().build((2,))
    weight = net.weight.data
    weight[...] = [[1, 2], [3, 4]]
    net.bias.data[...] = 0
    np.testing.assert_allclose(net.predict([[1.0, 10.0]]), [[21, 43]])
    net.compile("mse", optim.SGD(0.1)).train_step([[1.0, 10.0]], [[0.0, 0.0]])
    np.testing.assert_allclose(weight, np.array([[1, 2], [3, 4]]) - 0.1 * net.weight.grad)
    assert np.shares_memory(weight, net.state_dict()["weight"]) and np.asarray(net.weight).base is not None


def test_arrays_keep_the_memory_alive():
    net = nn.Linear(300, 300).build((300,))
    expected, weight = net.weight.data.copy(), net.weight.data
    engine = weakref.ref(net._state.engine)
    del net
    assert engine() is None  # at once, without a search for cycles
    noise = [nn.Linear(300, 300).build((300,)) for _ in range(5)]
    assert np.array_equal(weight, expected) and noise


def test_a_part_of_a_network_shares_its_numbers():
    x, y = images()
    net = small("float64")
    net.fit(x, y, 1, 16, verbose=False)
    part = net[:5].double()
    before = part.predict(x)
    net.fit(x, y, 1, 16, verbose=False)  # the part was used last, so its numbers come back first
    after = part.predict(x)
    assert not np.array_equal(before, after)
    head = net[5:].double()
    np.testing.assert_allclose(head.predict(after), net.predict(x), rtol=1e-13)
    head[1].weight.data[...] = 0
    head[1].bias.data[...] = 7
    np.testing.assert_array_equal(net.predict(x), 7)


def test_a_backbone_keeps_what_it_learned_and_can_be_frozen():
    x, y = images()
    first = small("float64")
    first.fit(x, y, 1, 16, verbose=False)
    backbone = first[:5]
    backbone.requires_grad_(False)
    weight = backbone[0].weight.data.copy()
    net = nn.Sequential(backbone, nn.LazyLinear(2)).double().compile(optimizer=optim.SGD(0.5))
    net.fit(x, y % 2, 2, 16, verbose=False)
    assert np.array_equal(backbone[0].weight.data, weight)
    assert net.summary().trainable == net[1].weight.size() + 2


def test_types():
    net = small().build((1, 8, 8))
    x, _ = images(4)
    single = net.predict(x)
    assert single.dtype == np.float32 and net.double().predict(x).dtype == np.float64
    np.testing.assert_allclose(net.predict(x), single, rtol=1e-4, atol=1e-5)
    assert net.to("float32").predict(x.astype(np.uint8)).dtype == np.float32


# ---- Names -----------------------------------------------------------------------------------------------------------------


def test_names_are_pytorchs():
    names = [name for name, _ in models.resnet18().named_held()]
    assert len(names) == 102 and names[0] == "conv1.weight"  # torchvision's 122, less 20 num_batches_tracked
    for name in ("bn1.running_var", "layer1.0.conv2.weight", "layer2.0.downsample.0.weight", "layer4.1.bn2.bias", "fc.weight"):
        assert name in names
    assert {"features.0.0.weight", "features.18.1.running_mean"} < {name for name, _ in models.MobileNetV2().named_held()}
    assert "features.3.expand3x3.bias" in dict(models.SqueezeNet().named_parameters())


def test_state_round_trip():
    x, y = images()
    net, other = small(), small()
    net.fit(x, y, 1, 16, verbose=False)
    state = {name: array.copy() for name, array in net.state_dict().items()}
    state["1.num_batches_tracked"] = np.array(3)  # as PyTorch writes it
    assert other.load_state_dict(state) == ([], [])  # before it knows its sizes
    assert np.array_equal(other.predict(x), net.predict(x))


def test_a_state_that_does_not_fit_changes_nothing():
    net = nn.Sequential(nn.Linear(2, 3), nn.Linear(3, 1))
    state = {name: array + 1 for name, array in net.state_dict().items()}
    before = {name: array.copy() for name, array in net.state_dict().items()}
    with pytest.raises(sc.InvalidArgumentError, match=r"lacks 1\.bias; has also odd"):
        net.load_state_dict({**{k: v for k, v in state.items() if k != "1.bias"}, "odd": 1})
    with pytest.raises(sc.ShapeError, match=r"1\.weight must have shape \(1, 3\), got \(3, 1\)"):
        net.load_state_dict({**state, "1.weight": state["1.weight"].T})
    assert all(np.array_equal(net.state_dict()[name], before[name]) for name in before)
    assert net.load_state_dict({"0.bias": state["0.bias"], "odd": 1}, strict=False) == (
        ["0.weight", "1.weight", "1.bias"],
        ["odd"],
    )
    assert np.array_equal(net[0].bias.data, state["0.bias"])


def test_copies_have_numbers_of_their_own():
    x, y = images()
    net = small()
    net.fit(x, y, 1, 16, verbose=False)
    expected = net.predict(x)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert np.array_equal(twin.predict(x), expected)
        twin[6].bias.data[...] += 1
        assert np.array_equal(net.predict(x), expected) and not np.array_equal(twin.predict(x), expected)


# ---- Files -----------------------------------------------------------------------------------------------------------------

SUFFIXES = ["npz", "safetensors"]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_files_of_weights(tmp_path, suffix):
    net = small("float64").build((1, 8, 8))
    net.save_weights(tmp_path / f"net.{suffix}")
    assert [path.name for path in tmp_path.iterdir()] == [f"net.{suffix}"]
    other = small("float64")
    other.load_weights(tmp_path / f"net.{suffix}")
    assert all(a.tobytes() == b.tobytes() for a, b in zip(net.state_dict().values(), other.state_dict().values()))
    (tmp_path / f"net.{suffix}").write_bytes((tmp_path / f"net.{suffix}").read_bytes()[:200])
    with pytest.raises(sc.InvalidArgumentError, match="not a whole"):
        other.load_weights(tmp_path / f"net.{suffix}")


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("optimizer", ["SGD", "RMSprop", "AdamW"])
@pytest.mark.parametrize("accumulate", [1, 2])  # of 3 steps in an epoch: the gradients of one wait in the checkpoint
def test_training_goes_on_with_the_same_bits(tmp_path, suffix, optimizer, accumulate):
    x, y = images()

    def make():
        own = {"momentum": 0.9} if optimizer == "SGD" else {}
        chosen = getattr(optim, optimizer)(lr=1e-2, accumulate=accumulate, **own)
        optim.lr_scheduler.CosineAnnealingLR(chosen, 12, unit="step")
        optim.lr_scheduler.ReduceLROnPlateau(chosen, factor=0.5, patience=0, threshold=0.5)
        return small(
            optimizer=chosen, augmentations=[nn.RandomShift(1, 1), nn.RandomHorizontalFlip(), nn.MixUp()], ema_decay=0.9
        )

    def begin(seed, epochs):
        sc.manual_seed(seed)
        net = make()
        net.fit(x, y, 1, 16, verbose=False)
        net.learning_rate *= 0.5
        net.fit(x, y, epochs, 16, initial_epoch=1, verbose=False)
        return net

    whole = begin(4, 5)
    begin(4, 3).save_checkpoint(tmp_path / f"half.{suffix}")
    sc.manual_seed(99)
    resumed = make()
    resumed.load_checkpoint(tmp_path / f"half.{suffix}")
    assert resumed.epochs_done == 3
    resumed.fit(x, y, 5, 16, initial_epoch=resumed.epochs_done, verbose=False)

    def bits(net):
        return [array.tobytes() for array in net.state_dict().values()]

    assert bits(whole) == bits(resumed)
    with whole.averaged(), resumed.averaged():
        assert bits(whole) == bits(resumed)


def test_a_checkpoint_of_another_network(tmp_path):
    x, y = images()
    net = small()
    net.fit(x, y, 1, 16, verbose=False)
    net.save_checkpoint(tmp_path / "a.npz")
    with pytest.raises(sc.InvalidArgumentError, match="optimizer Adam, the network has SGD"):
        small(optimizer="sgd").load_checkpoint(tmp_path / "a.npz")
    with pytest.raises(sc.InvalidArgumentError, match="dtype float32, the network has float64"):
        small("float64").load_checkpoint(tmp_path / "a.npz")
    with pytest.raises(
        sc.ShapeError, match="as it was compiled: wanted a training that carries state 0, state 1, average, got state 0"
    ):
        small(ema_decay=0.5).load_checkpoint(tmp_path / "a.npz")
    net.save_weights(tmp_path / "b.npz")
    with pytest.raises(sc.InvalidArgumentError, match="no checkpoint"):
        net.load_checkpoint(tmp_path / "b.npz")


def test_checkpoints_by_callback(tmp_path):
    x, y = images()
    net = small()
    every = callbacks.ModelCheckpoint(tmp_path / "at {epoch} {loss:.9f}.npz")
    best = callbacks.ModelCheckpoint(tmp_path / "best.npz", "accuracy", save_best_only=True, save_weights_only=True)
    history = net.fit(x, y, 3, 16, callbacks=[every, best], verbose=False)
    written = {path.name for path in tmp_path.iterdir()}
    assert written == {"best.npz", *(f"at {i + 1} {loss:.9f}.npz" for i, loss in enumerate(history["loss"]))}
    with pytest.raises(sc.InvalidArgumentError, match="odd"):
        net.fit(x, y, 1, 16, callbacks=[callbacks.ModelCheckpoint(tmp_path / "{odd}.npz")], verbose=False)


TRAIN = """
import sys
from pathlib import Path
sys.path.insert(0, {tests!r})
import swiftcnn as sc
from swiftcnn import callbacks, nn
from small_networks import images, small
path, epochs = sys.argv[1], int(sys.argv[2])
sc.manual_seed(7)
net = small(augmentations=[nn.RandomHorizontalFlip()], ema_decay=0.9)
if Path(path).exists():
    net.load_checkpoint(path)
x, y = images(480)
print("begins", flush=True)
net.fit(x, y, epochs, 16, callbacks=[callbacks.ModelCheckpoint(path)], initial_epoch=net.epochs_done, verbose=False)
"""


def test_killed_at_any_moment_it_goes_on(tmp_path):
    """kill -9 at 50 random moments of a training that writes a checkpoint each epoch: the same bits in the end."""
    program = TRAIN.format(tests=os.path.dirname(os.path.abspath(__file__)))
    broken, whole, random = tmp_path / "broken.npz", tmp_path / "whole.npz", np.random.default_rng(5)

    def run(path, epochs, seconds=None):
        """Killed after so many seconds of the training itself."""
        process = subprocess.Popen([sys.executable, "-c", program, str(path), str(epochs)], stdout=subprocess.PIPE)
        assert process.stdout.readline() == b"begins\n"
        if seconds is not None:
            time.sleep(seconds)
            process.kill()
        assert process.wait() == (0 if seconds is None else -signal.SIGKILL)
        process.stdout.close()

    for _ in range(5 if "SWIFTCNN_QUICK" in os.environ else 50):
        run(broken, 10**9, random.uniform(0, 0.2))
    run(broken, 1)  # as many epochs as are done, one at least
    net = small(augmentations=[nn.RandomHorizontalFlip()], ema_decay=0.9)
    net.load_checkpoint(broken)
    epochs = net.epochs_done + 1
    run(broken, epochs)
    run(whole, epochs)
    with np.load(whole) as ours, np.load(broken) as theirs:
        assert ours.files == theirs.files and all(np.array_equal(ours[name], theirs[name]) for name in ours.files)


def test_summary():
    net = models.SimpleConvNet()
    summary = net.summary((1, 28, 28))
    assert [(row.kind, row.shape, row.parameters, row.multiply_adds) for row in summary.rows] == [
        ("LazyConv2d", (1, 30, 24, 24), 30 * 26, 30 * 24 * 24 * 25),
        ("ReLU", (1, 30, 24, 24), 0, 0),
        ("MaxPool2d", (1, 30, 12, 12), 0, 0),
        ("Flatten", (1, 4320), 0, 0),
        ("LazyLinear", (1, 100), 432100, 432000),
        ("ReLU", (1, 100), 0, 0),
        ("Linear", (1, 10), 1010, 1000),
    ]
    assert summary.parameters == 433890 and summary.parameter_bytes == 4 * 433890
    assert 4 * 30 * 12 * 12 <= summary.inference_bytes == net.memory() < summary.training_bytes == net.memory(train=True)
    assert net.memory(10, train=True) > 9 * net.memory(train=True)
    assert "433,890 parameters" in str(summary) and "30x24x24" in str(summary)
