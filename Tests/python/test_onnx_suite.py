"""ONNX's own tests, by ONNX's own runner: every case of every operator, converted PyTorch models, and light real models.

``onnx_floor.txt`` says how many pass of each kind; whoever makes more pass raises it. What does not pass must be refused with a
clear error, which is the reason why it is left out, or be listed there, with a reason. The run writes all of it to
``build/tests/onnx_left_out.txt``.
"""

from __future__ import annotations

import os
import re
import unittest
import warnings
from collections import Counter
from pathlib import Path

import pytest
import swiftcnn as sc

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
ROOT = Path(__file__).resolve().parents[2]
LINES = [line for line in (Path(__file__).parent / "onnx_floor.txt").read_text().splitlines() if line and line[0] != "#"]
#: The onnx package that the floors are of: others have other cases.
VERSION = LINES[0].split()[1]
FLOORS = {kind: int(count) for kind, count in (line.split() for line in LINES[1:] if "|" not in line)}
MOST_WRONG = FLOORS.pop("Wrong")
#: Cases that give other numbers, and why.
DIFFERENT = dict(map(str.strip, line.split("|")) for line in LINES if "|" in line)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory):
    """(kind, case) -> None where it passes, else the error."""
    os.environ.setdefault("ONNX_HOME", str(tmp_path_factory.mktemp("onnx")))
    from onnx.backend.test import BackendTest
    from swiftcnn import onnx_backend

    found: dict[tuple[str, str], Exception | None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        suite = BackendTest(onnx_backend.Backend, __name__).exclude("_cuda")
        for group, case in suite.test_cases.items():
            kind = group[len("OnnxBackend") : -len("ModelTest")]
            for name in sorted(vars(case)):
                if not name.endswith("_cpu") or not name.startswith("test_"):
                    continue
                try:
                    getattr(case, name)(case(name))
                    found[kind, name[len("test_") : -len("_cpu")]] = None
                except (Exception, unittest.SkipTest) as error:
                    found[kind, name[len("test_") : -len("_cpu")]] = error
    report = ROOT / "build" / "tests" / "onnx_left_out.txt"
    report.parent.mkdir(parents=True, exist_ok=True)
    report.write_text("".join(f"{kind} {name}: {' '.join(str(e).split())[:200]}\n" for (kind, name), e in found.items() if e))
    return found


def test_passes_only_become_more(outcomes):
    if not onnx.__version__.startswith(VERSION):
        pytest.skip(f"the floors are of onnx {VERSION}, this is {onnx.__version__}")
    passes = Counter(kind for (kind, _), error in outcomes.items() if error is None)
    print(dict(passes))
    for kind, floor in FLOORS.items():
        assert passes[kind] >= floor, f"{kind}: {passes[kind]} pass, {floor} did; see build/tests/onnx_left_out.txt"


def test_whatever_does_not_pass_is_refused(outcomes):
    refusals = (sc.SwiftCNNError, unittest.SkipTest)
    # Results of types that NumPy lacks, and that networks have in another one.
    types = re.compile(r"ACTUAL: dtype|Items are not equal", re.S)
    wrong = {
        name: str(error)
        for (_, name), error in outcomes.items()
        if error is not None and not isinstance(error, refusals) and name not in DIFFERENT and not types.search(str(error))
    }
    assert len(wrong) <= MOST_WRONG, wrong
