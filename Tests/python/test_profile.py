"""What `profile` says of the steps of a prediction."""

from __future__ import annotations

import numpy as np
import pytest
from swiftcnn import errors, models, nn


@pytest.fixture
def network() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(128, 5)
    )


def test_says_what_is_done_together(network: nn.Sequential) -> None:
    profile = network.profile(np.ones((2, 3, 8, 8), np.float32), runs=3)
    products = [step for step in profile.steps if step.multiply_adds]
    assert [step.operators for step in products] == [("Conv", "BatchNormalization", "Relu", "MaxPool"), ("Gemm",)]
    assert [step.multiply_adds for step in products] == [2 * 8 * 64 * 27, 2 * 5 * 128]
    assert all(step.seconds > 0 for step in products)
    assert products[1].bytes == 4 * (2 * 128 + 5 * 128 + 5 + 2 * 5)
    assert profile.multiply_adds == sum(step.multiply_adds for step in profile.steps)
    assert profile.seconds == sum(step.seconds for step in profile.steps) < 1
    assert 1e8 < profile.peak < 1e13


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_counts_what_the_summary_counts(dtype: str) -> None:
    net = models.resnet18(num_classes=10).to(dtype)
    profile = net.profile(np.zeros((1, 3, 32, 32)), runs=1)
    assert profile.multiply_adds == net.summary().multiply_adds


def test_table(network: nn.Sequential) -> None:
    lines = str(network.profile(np.zeros((1, 3, 8, 8)))).splitlines()
    assert lines[0].split() == ["step", "operators", "ms", "share", "GFLOP/s", "of", "peak", "GB/s"]
    assert len({len(line.rstrip()) for line in lines}) <= 2 and lines[-1].startswith("all ") and "100.0%" in lines[-1]
    assert any("Conv+BatchNormalization+Relu" in line for line in lines)


def test_changes_nothing(network: nn.Sequential) -> None:
    x = np.random.default_rng(0).standard_normal((2, 3, 8, 8)).astype(np.float32)
    before = network.predict(x)
    state = {name: np.array(value) for name, value in network.state_dict().items()}
    network.profile(x)
    assert np.array_equal(network.predict(x), before)
    assert all(np.array_equal(state[name], value) for name, value in network.state_dict().items())


def test_of_a_file(network: nn.Sequential) -> None:
    network.build((3, 8, 8))
    loaded = nn.OnnxModule(network.to_onnx())
    assert loaded.profile(np.zeros((1, 3, 8, 8), np.float32)).multiply_adds == 8 * 64 * 27 + 5 * 128


@pytest.mark.parametrize(("runs", "message"), [(0, "runs must be"), (1.5, "runs must be an integer"), (10**7, "runs must be")])
def test_bad_runs(network: nn.Sequential, runs: object, message: str) -> None:
    with pytest.raises(errors.SwiftCNNError, match=message):
        network.profile(np.zeros((1, 3, 8, 8)), runs)  # type: ignore[arg-type]


def test_what_does_not_fit_is_named(network: nn.Sequential) -> None:
    network.build((3, 8, 8))
    with pytest.raises(errors.ShapeError):
        network.profile(np.zeros((1, 4, 8, 8)))
