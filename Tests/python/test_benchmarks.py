"""The parts of Benchmarks/ that need no peer: its tables, what it counts, how it judges, and a run of swiftcnn and NumPy."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def _benchmarks(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "Benchmarks"))


def test_rows_are_distinct_and_found_by_their_ids():
    from harness import workloads

    ids = [row.id for row in workloads.ROWS]
    assert len(set(ids)) == len(ids)
    assert all(workloads.by_id(name).id == name for name in ids)


def test_operations_of_layers():
    from harness import workloads

    row = workloads.by_id("forward/3x3_64_56/n8")
    assert row.flops == 2 * 8 * 64 * 56 * 56 * 64 * 9
    assert row.bytes == 4 * (2 * 8 * 64 * 56 * 56 + 64 * 64 * 9)
    assert workloads.by_id("backward/3x3_64_56/n8").flops == 2 * row.flops
    depthwise = workloads.by_id("forward/dw3x3_144_56/n1")
    assert depthwise.flops == 2 * 144 * 56 * 56 * 9


@pytest.mark.parametrize("kernel, stride, pad", [(3, 1, 1), (7, 2, 3), (1, 1, 0)])
def test_share_of_taps_inside(kernel, stride, pad):
    from harness.workloads import Window

    window = Window("", 1, 14, kernel, stride, pad, filters=1)
    padded = np.pad(np.ones((14, 14)), pad)
    places = np.lib.stride_tricks.sliding_window_view(padded, (kernel, kernel))[::stride, ::stride]
    assert places.shape[0] == window.out
    assert window.inside == pytest.approx(places.mean())


@pytest.mark.parametrize("model, parameters", [("simple", 433_890), ("deep", 123_552), ("resnet20", 272_474)])
def test_networks_are_those_of_models(model, parameters):
    from harness import networks
    from peers.swiftcnn_peer import TRAINED

    shapes = networks.parameter_shapes(model)
    assert sum(int(np.prod(shape)) for shape in shapes.values()) == parameters
    net = TRAINED[model]().build(networks.IMAGE[model])
    assert [p.shape if p.data.ndim != 2 else p.shape[::-1] for p in net.parameters()] == list(shapes.values())
    assert networks.flops(model) == 2 * net.summary().multiply_adds


def test_inputs_are_the_same_in_every_process():
    from harness import workloads

    row = workloads.by_id("train/simple/n16")
    one, other = workloads.inputs(row), workloads.inputs(row)
    assert len(one["xs"]) == 4 and one["xs"][0].shape == (16, 1, 28, 28) and one["xs"][0].dtype == np.float32
    for name, values in one["params"].items():
        np.testing.assert_array_equal(values, other["params"][name])


def outputs(peer, name):
    import importlib

    from harness import workloads
    from peers import PEERS

    module, variant = PEERS[peer]
    made = importlib.import_module(f"peers.{module}").Peer(1, variant, {"models": "", "scratch": ""})
    row = workloads.by_id(name)
    assert made.supports(row) is None
    job = made.build(row, workloads.inputs(row))
    job.run()
    return job.outputs()


@pytest.mark.parametrize("name", ["forward/article_5x5_1_30_28/n100", "backward/article_5x5_1_30_28/n100"])
@pytest.mark.parametrize("peer", ["numpy", "swiftcnn"])
def test_peers_compute_what_the_article_does(name, peer):
    from harness.rounds import largest_error

    wanted = outputs("article", name)
    # db is a sum of 57,600 float32 numbers, which the article adds one after the other: off by sqrt(57600)*u = 1.4e-5 or so.
    assert largest_error(outputs(peer, name), wanted) < 1e-4


@pytest.mark.parametrize("name", ["backward/3x3s2_128_56/n1", "pool_backward/3x3s2_64_112/n1", "train/deep/n16"])
def test_numpy_and_swiftcnn_compute_the_same(name):
    from harness.rounds import largest_error

    one, other = outputs("numpy", name), outputs("swiftcnn", name)
    # Adam's first steps are as long for a gradient that is all rounding as for a large one: the first losses agree to 1e-6,
    # the fifth to a few parts in ten thousand.
    if name.startswith("train"):
        assert abs(one["losses"][0] / other["losses"][0] - 1) < 1e-6
    assert largest_error(one, other) < (1e-3 if name.startswith("train") else 1e-4)
    of_parameters = largest_error(one, other, parameters=True)
    assert (of_parameters is None) == (not name.startswith("train"))
    # Adam divides by the root of a gradient's square: where a gradient is nearly 0, its rounding decides a step's direction.
    assert (of_parameters or 0) < 1e-2


def test_errors_are_found():
    from harness.rounds import largest_error

    wanted = {"y": np.array([1.0, -4.0]), "param:w": np.array([3.0, 4.0])}
    assert largest_error({"y": np.array([1.0, -4.4])}, wanted) == pytest.approx(0.1)
    assert largest_error({"y": np.array([[1.0], [-4.0]])}, wanted) == 0
    assert largest_error({"param:w": np.array([3.0, 4.5])}, wanted, parameters=True) == pytest.approx(0.1)
    for bad in ({}, {"y": np.array([1.0])}, {"y": np.array([np.nan, -4.0])}):
        assert largest_error(bad, wanted) == float("inf")
    assert largest_error({}, {"y": np.ones(1)}, parameters=True) is None


def figures(median, rounds=None):
    return {"median": median, "min": median, "calls": 9, "rounds": rounds or [median] * 3, "error_of_output": 1e-7}


RUN = {
    "cpus": [1],
    "versions": {"swiftcnn": "swiftcnn 1", "ort": "onnxruntime 2"},
    "bandwidth": {"copy_L3": 100.0, "triad_DRAM": 30.0, "read_L3": 100.0, "read_DRAM": 20.0},
    "rows": {
        "forward/3x3_64_56/n1": {
            "peak": 118.0,
            "peers": {
                "swiftcnn": figures(1e-3, [1e-3, 1e-3, 2e-3]),
                "swiftcnn_layers": figures(5e-4),
                "ort": figures(2e-3),
                "torch": figures(3e-3),
                "jax": {"error": "ValueError: no"},
            },
        },
        "train/simple/n100": {"peak": 118.0, "peers": {"swiftcnn": {"error": "ShapeError: x"}, "ort": {"skip": "none"}}},
    },
}


def test_report_takes_the_best_peer_that_is_not_ours():
    from harness import report

    text = report.text(RUN)
    assert "| forward/3x3_64_56/n1 | 1 | ort | 2 | 2.00 | 1.00..2.00 | 1.15 | 231 | 196 % | " in text
    assert "| train/simple/n100 | ShapeError: x |" in text
    assert report.misses(RUN) == 0
    slower = json.loads(json.dumps(RUN))
    slower["rows"]["forward/3x3_64_56/n1"]["peers"]["swiftcnn"]["median"] = 1.9e-3
    assert report.misses(slower) == 1 and "1.05 -" in report.text(slower)


def test_verdicts():
    from compare import interval, verdict

    assert interval([5.0, 1.0, 3.0, 2.0, 4.0]) == (1.0, 5.0)
    assert interval([float(i) for i in range(15)]) == (3.0, 11.0)
    noisy, slow, fast = [0.9, 1.0, 1.1] * 5, [0.9, 0.91, 0.92] * 5, [1.2, 1.3, 1.1] * 5
    assert verdict([slow, slow]) == "slower" and verdict([fast, fast]) == "faster"
    assert verdict([slow, noisy]) == verdict([noisy, noisy]) == verdict([fast, slow]) == ""


def test_pages_agree_with_the_figures():
    import document

    figures = json.loads(document.FIGURES.read_text())
    for page in document.PAGES:
        text = page.read_text(encoding="utf-8")
        assert document.filled(text, figures) == text, f"{page.name}: run make bench-document"
    (shown,) = [text for text in (p.read_text(encoding="utf-8") for p in document.PAGES) if "figures: ratios 1" in text]
    for row in figures["runs"]["1"]["rows"]:
        assert f"| {row} |" in shown


def test_figures_are_shortened():
    import document

    run = json.loads(json.dumps(RUN))
    for row in run["rows"].values():
        row |= {"flops": 1e9 / 3, "bytes": 1.0, "commit": "c", "busy": {}}
    kept = document.shortened({"runs": {"1": run}}, {}, {})
    assert json.loads(document.written(kept)) == kept
    row = kept["runs"]["1"]["rows"]["forward/3x3_64_56/n1"]
    assert "busy" not in row and set(row["peers"]) == {"swiftcnn", "swiftcnn_layers", "ort", "torch"}


def test_figures_that_are_not_measured_again_stay():
    from document import joined

    def figures(machine, rows, **parts):
        run = {"machine": machine, "versions": {"torch": "2"}, "rows": rows}
        return {"runs": {"1": run}, "memory": {}, "growth": {}} | parts

    before = figures("a", {"x": 1, "y": 1}, memory={"mib": 3}) | {"runs": {**figures("a", {"x": 1, "y": 1})["runs"], "2": {}}}
    same, other = joined(before, figures("a", {"y": 2})), joined(before, figures("b", {"y": 2}, memory={"mib": 4}))
    assert same["runs"]["1"]["rows"] == {"x": 1, "y": 2} and same["memory"] == {"mib": 3}
    assert other == figures("b", {"y": 2}, memory={"mib": 4})
    assert joined({}, other) == other


def test_cliffs():
    from growth import cliffs

    def step(size, seconds):
        return {"size": size, "operations": float(size), "seconds": seconds}

    smooth = [step(size, 1e-6 + size * 1e-6) for size in range(1, 30)]
    assert list(cliffs(smooth)) == []
    smooth[16] = step(17, 40e-6)
    found = list(cliffs(smooth))
    assert [(size, other) for size, other, _ in found] == [(17, 16), (17, 18)]
    assert found[0][2] == pytest.approx(40 / 17 * 16 / 17)


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_run_measures_checks_and_keeps_rows(tmp_path):
    out = tmp_path / "run.json"
    program = [sys.executable, str(ROOT / "Benchmarks" / "run.py"), "--out", str(out), "--peers", "swiftcnn,numpy"]
    short = ["--rounds", "2", "--slot", "0.001", "--no-check"]
    for rows in ("infer/simple/n1$", "train/simple/n16"):
        done = subprocess.run([*program, *short, "--rows", rows], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    (run,) = json.loads(out.read_text())["runs"].values()
    assert set(run["rows"]) == {"infer/simple/n1", "train/simple/n16"}
    for row in run["rows"].values():
        assert row["peak"] > 1
        for peer in ("swiftcnn", "numpy"):
            assert len(row["peers"][peer]["rounds"]) == 2 and 0 < row["peers"][peer]["min"] <= row["peers"][peer]["median"]
    done = subprocess.run([*program, "--rows", "nothing"], capture_output=True, text=True, check=False)
    assert done.returncode and "no row's id matches" in done.stderr
