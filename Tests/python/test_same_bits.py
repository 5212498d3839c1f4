"""The same seed gives the same bits after epochs from Python, C and Swift, and for any number of threads: everything random is
in the network (initial numbers, the order of images, dropout), and it is written in each language's own way.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import swiftcnn as sc
from swiftcnn import _c_api, nn, optim
from swiftcnn.nn._parameter import Initializer

ROOT = Path(__file__).resolve().parents[2]
SEED = 0x123456789ABCDEF0


class Normalized(nn.BatchNorm2d):
    """With the running variance as ONNX has it, and so C and Swift."""

    def forward(self, x):
        inputs = (self.weight, self.bias, self.running_mean, self.running_var)
        return x.add("BatchNormalization", *inputs, epsilon=1e-5, momentum=0.9)


def images():
    y = np.arange(54, dtype=np.int64) % 3
    x = 0.3 * np.random.default_rng(8).standard_normal((54, 1, 8, 8)).astype(np.float32)
    x[np.arange(54), 0, 2 * y + 1] += 1
    return x, y


def by_python() -> bytes:
    x, y = images()
    convolution, dense = nn.Conv2d(1, 4, 3, padding=1), nn.Linear(64, 3)
    for layer in (convolution, dense):
        layer.weight.initializer, layer.bias.initializer = Initializer("HeNormal", {}), None
    net = nn.Sequential(convolution, nn.ReLU(), nn.MaxPool2d(2), Normalized(4), nn.Flatten(), nn.Dropout(0.2), dense)
    optimizer = optim.Adam(0.01)
    optim.lr_scheduler.CosineAnnealingLR(optimizer, 8, unit="step")
    net.compile("cross_entropy", optimizer).build((1, 8, 8), seed=SEED)
    net.fit(x, y, 2, 16, verbose=False)
    constants = [layer.data for layer in (net[3].running_mean, net[3].running_var)]
    return b"".join(array.tobytes() for array in [*(p.data for p in net.parameters()), *constants])


def by_program(program: Path, folder: Path, threads: int) -> bytes:
    x, y = images()
    (folder / "in").write_bytes(x.tobytes() + y.tobytes())
    environment = {**os.environ, "SWIFTCNN_NUM_THREADS": str(threads), "SWIFTCNN_ISA": sc.isa()}
    subprocess.run([program, folder / "in", folder / "out"], check=True, env=environment)
    return (folder / "out").read_bytes()


def c_program(folder: Path) -> Path:
    compiler = shutil.which("cc") or shutil.which("clang")
    assert compiler, "no C compiler"
    library = _c_api.LIBRARY_PATH.resolve()
    command = [compiler, "-std=c99", f"-I{ROOT / 'Include'}", ROOT / "Tests/C/same_bits.c", "-o", folder / "same_bits", library]
    subprocess.run([*command, "-lm", f"-Wl,-rpath,{library.parent}"], check=True)
    return folder / "same_bits"


def swift_program() -> Path:
    """Built with the same settings as the tests, so that it is there already after `make test` has built them."""
    environment = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")}
    command = ["swift", "build", "-c", "release", "--disable-local-rpath", "--product", "SameBits"]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True)
    return ROOT / ".build" / "release" / "SameBits"


def test_python_c_and_swift_learn_the_same_bits(tmp_path: Path) -> None:
    programs = {"C": c_program(tmp_path), "Swift": swift_program()}
    wanted = None
    for threads in (1, 2, 4, 8):
        with sc.threads(threads):
            found = {"Python": by_python()}
        found |= {name: by_program(program, tmp_path, threads) for name, program in programs.items()}
        wanted = wanted or found["Python"]
        assert len(wanted) == 4 * (4 * 9 + 4 + 4 + 4 + 3 * 64 + 3 + 4 + 4)
        for name, bits in found.items():
            assert bits == wanted, f"{name}, {threads} threads"
