"""The Swift example trains on IDX files, and says clearly what is wrong with them."""

from __future__ import annotations

import os
import re
import struct
import subprocess
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def program() -> Path:
    """Built with the same settings as the tests, so that it is there already after `make test` has built them."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")}
    command = ["swift", "build", "-c", "release", "--disable-local-rpath", "--product", "TrainIDX"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return ROOT / ".build" / "release" / "TrainIDX"


def idx(path: Path, array: np.ndarray) -> str:
    path.write_bytes(struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes())
    return str(path)


@pytest.fixture
def files(tmp_path: Path) -> list[str]:
    """Images of 12 x 10 pixels in 3 classes, which a bright row gives away."""
    names = []
    for part, count in (("train", 240), ("test", 60)):
        labels = np.arange(count, dtype=np.uint8) % 3
        images = np.random.default_rng([7, count]).integers(0, 100, (count, 12, 10), dtype=np.uint8)
        images[np.arange(count), 3 * labels + 1] += 150
        names += [idx(tmp_path / f"{part}-images", images), idx(tmp_path / f"{part}-labels", labels)]
    return names


def run(program: Path, arguments: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)


def test_it_learns(program: Path, files: list[str]) -> None:
    done = run(program, [*files, "4"])
    assert done.returncode == 0, done.stderr
    lines = [re.fullmatch(r"epoch (\d): loss (\d\.\d{4}), accuracy (\d\.\d{4})", line) for line in done.stdout.splitlines()]
    assert [line and line[1] for line in lines] == ["1", "2", "3", "4"], done.stdout
    assert float(lines[3][2]) < float(lines[0][2]) / 2 and float(lines[3][3]) > 0.95, done.stdout
    assert run(program, [*files, "4"]).stdout == done.stdout


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (None, "cannot be read"),
        (b"", "is not an IDX file"),
        (b"P5 12 10", "is not an IDX file"),
        (b"\x1f\x8b\x08\x00", "is gzipped; gunzip it first"),
        (b"\0\0\x0d\x03", "wanted unsigned bytes (type 8), got type 13"),
        (b"\0\0\x08\x01\0\0\0\x01\x07", "wanted 3 axes, got 1"),
        (b"\0\0\x08\x03\0\0", "ends within its header"),
        (b"\0\0\x08\x03" + b"\xff" * 12, "are too large"),
        (b"\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x02" + b"\x01" * 7, "wanted 8 bytes of elements, got 7"),
    ],
)
def test_a_broken_file_is_named(program: Path, files: list[str], broken: bytes | None, message: str) -> None:
    Path(files[0]).unlink()
    if broken is not None:
        Path(files[0]).write_bytes(broken)
    done = run(program, files)
    assert done.returncode == 1 and done.stdout == ""
    assert done.stderr.startswith(f"TrainIDX: {files[0]}: ") and message in done.stderr, done.stderr


def test_what_does_not_fit_is_named(program: Path, files: list[str]) -> None:
    for arguments, message in [
        (files[:3], "usage: TrainIDX TRAIN-IMAGES"),
        ([*files, "many"], "usage: TrainIDX TRAIN-IMAGES"),
        ([*files, "0"], "epochs: wanted 1 or more, got 0"),
        ([files[0], files[3], *files[2:]], "wanted a label for each of 240 images, got 60"),
    ]:
        done = run(program, arguments)
        assert done.returncode == 1 and message in done.stderr, done.stderr
