"""`make wheel` as a user meets it: built, installed into an environment of its own, and used there with NumPy alone."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "python" / "swiftcnn"

pytestmark = pytest.mark.skipif("SWIFTCNN_QUICK" in os.environ, reason="builds and installs a wheel")

PROGRAM = """
import sys
import numpy as np
import swiftcnn
from swiftcnn import _c_api, layers

x, W = np.arange(32.0).reshape(2, 1, 4, 4), np.ones((3, 1, 3, 3))
layer = layers.Convolution(W, np.arange(3.0), stride=1, pad=1)
out = layer.forward(x)
padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
assert np.array_equal(out, windows.sum(axis=(4, 5)) + np.arange(3.0).reshape(1, 3, 1, 1))
assert layer.backward(np.ones_like(out)).shape == x.shape and np.array_equal(layer.db, [32.0] * 3)
print(swiftcnn.__version__, _c_api.LIBRARY_PATH)
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MAKE") and name != "MFLAGS"}
    run = subprocess.run(
        ["make", "wheel", f"DIST={folder}"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (path,) = folder.iterdir()
    return path


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    name, version, python, abi, _ = wheel.stem.split("-")
    assert (name, python, abi) == ("swiftcnn", "py3", "none"), "for any Python 3 of this platform"
    with zipfile.ZipFile(wheel) as archive:
        held = {
            path: archive.read(path) for path in archive.namelist() if not path.startswith(f"swiftcnn-{version}.dist-info/")
        }
        metadata = archive.read(f"swiftcnn-{version}.dist-info/METADATA").decode()
    files = [path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    wanted = {path.relative_to(PACKAGE.parent).as_posix(): path.read_bytes() for path in files}
    wanted["swiftcnn/include/swiftcnn.h"] = (ROOT / "Include" / "swiftcnn.h").read_bytes()
    assert sorted(held) == sorted(wanted)
    assert [path for path in wanted if held[path] != wanted[path]] == []
    needed = [line for line in metadata.splitlines() if line.startswith("Requires-Dist:") and "extra ==" not in line]
    assert needed == ["Requires-Dist: numpy>=1.24"]


def test_it_computes_in_an_environment_of_its_own(wheel: Path, tmp_path: Path) -> None:
    """No network; of this environment's packages it sees NumPy alone."""
    home = tmp_path / "home"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(home)], check=True)
    python = home / "bin" / "python"
    pip = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--python", str(python)]
    subprocess.run([*pip, "install", "--quiet", "--no-deps", "--no-index", str(wheel)], check=True)
    packages = Path(np.__file__).resolve().parents[1]
    (tmp_path / "numpy-only").mkdir()
    for part in ("numpy", "numpy.libs"):
        if (packages / part).exists():
            (tmp_path / "numpy-only" / part).symlink_to(packages / part)
    kept = {name: value for name, value in os.environ.items() if name not in ("PYTHONPATH", "SWIFTCNN_LIBRARY")}
    run = subprocess.run(
        [str(python), "-c", PROGRAM],
        cwd=tmp_path,
        env={**kept, "PYTHONPATH": str(tmp_path / "numpy-only")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    version, library = run.stdout.split()
    assert version == wheel.stem.split("-")[1]
    assert Path(library).is_relative_to(home.resolve())
