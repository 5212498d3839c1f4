"""The demo: its network is the oracle's, it learns, draws and prints, and refuses in one line what it cannot use."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import oracle
import pytest

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "Examples" / "python"


@pytest.fixture
def demo_network(monkeypatch):
    monkeypatch.syspath_prepend(str(EXAMPLES))
    import network

    return network


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 21, 30)])
def test_network_and_oracle_compute_the_same(demo_network, shape):
    from swiftcnn import optim

    net = demo_network.make_network(shape, 5).to("float64").compile("cross_entropy", optim.SGD(0.0))
    generator = np.random.default_rng(3)
    x, t = generator.random((7, *shape)), generator.integers(0, 5, 7)
    theirs = demo_network.LayerByLayer(net, oracle, "float64")
    loss, wanted = net.train_step(x, t), theirs.step(x, t)
    # The book adds 1e-7 to probabilities p, and so 1e-7 / p to a logarithm.
    right = theirs.loss.y[np.arange(7), t]
    assert loss == pytest.approx(wanted, abs=1.01e-7 * float(np.mean(1 / right)))
    wanted = [array for layer in theirs.trained for array in (layer.dW, layer.db)]
    for parameter, gradient in zip(net.parameters(), wanted):
        flipped = gradient.T if gradient.ndim == 2 else gradient  # the article's affine weights are [in][out]
        np.testing.assert_allclose(parameter.grad, flipped, rtol=1e-9, atol=1e-12)  # sums of thousands of terms


def test_deformed_images_stay_near(demo_network):
    x = np.zeros((20, 1, 12, 12), np.float32)
    x[:, :, 4:8, 4:8] = 1
    deformed = demo_network.deform(x, np.random.default_rng(0))
    assert deformed.shape == x.shape and deformed.dtype == x.dtype
    assert deformed.min() >= 0 and deformed.max() <= 1
    assert np.abs(deformed.sum(axis=(1, 2, 3)) - 16).max() < 6 and not np.array_equal(deformed[0], deformed[1])
    still = demo_network.deform(x, np.random.default_rng(0), turn=0, stretch=0, shift=0)
    np.testing.assert_allclose(still, x, atol=1e-5)


def demo(*arguments, folder):
    command = [sys.executable, str(EXAMPLES / "train_digits.py"), *arguments]
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "python")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_digits(tmp_path):
    run = demo("--epochs", "25", "--out", "digits.png", folder=tmp_path)
    assert run.returncode == 0, run.stderr
    data, version, accuracy, training, step, picture = run.stdout.splitlines()
    assert data == "digits: 1438 images to train with, 359 held out for the test, 1x8x8, 10 classes"
    assert re.fullmatch(r"swiftcnn \S+: float32, (avx512|avx2|baseline), \d+ threads", version)
    assert float(re.fullmatch(r"test accuracy  (\S+)% \(\d+ of 359\)", accuracy)[1]) > 97
    assert re.fullmatch(r"training       \S+ s for 25 epochs, the test after each included", training)
    assert re.fullmatch(r"a step .* ms for 50 images; the NumPy oracle's .* times faster", step)
    assert picture == "picture        digits.png"
    assert (tmp_path / "digits.png").read_bytes().startswith(b"\x89PNG")


def test_a_seed_repeats_a_training(demo_network):
    import swiftcnn
    import train_digits
    from swiftcnn import datasets

    def losses(seed):
        swiftcnn.manual_seed(seed)
        network = demo_network.make_network((1, 8, 8), 10)
        return train_digits.train(network, datasets.load(), 1, 100, seed)["loss"]

    assert losses(4) == losses(4) != losses(5)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--epochs", "0"], "argument --epochs: wanted a whole number of at least 1, got 0"),
        (["--out", "demo.txt"], "argument --out: wanted a file name that ends in .png, got demo.txt"),
        (["--data", "nowhere"], "nowhere: wanted an .npz file, a folder of IDX files or a folder of images"),
        (["--data", "tiny.npz"], "images must be at least 4x4 pixels for two poolings, got 3x3"),
    ],
)
def test_what_it_refuses(tmp_path, arguments, message):
    np.savez(tmp_path / "tiny.npz", x=np.ones((9, 3, 3)), y=np.arange(9) % 2)
    run = demo(*arguments, folder=tmp_path)
    assert run.returncode == 2 and run.stdout.count("\n") <= 2
    assert run.stderr.startswith(f"train_digits: {message}") and run.stderr.count("\n") == 1
