"""Peak memory, each case in a process of its own: `make bench-memory`. MiB of resident memory at its most, Python and NumPy
included.

    memory.py            all cases, as far as frameworks are installed, and a table
    memory.py CASE       one, in this process
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Callable

ROOT = Path(__file__).resolve().parents[1]
RESNET50_WEIGHTS = 25_557_032 * 4 / 2**20
RESNET50_FILE = ROOT / "build" / "bench" / "resnet50_memory.onnx"


def _digits(count: int) -> tuple[Any, Any]:
    import numpy as np

    generator = np.random.default_rng(0)
    return generator.random((count, 1, 28, 28), np.float32), generator.integers(0, 10, count)


def _photographs(count: int) -> tuple[Any, Any]:
    import numpy as np

    generator = np.random.default_rng(0)
    return generator.random((count, 3, 224, 224), np.float32), generator.integers(0, 1000, count)


def numpy_alone() -> None:
    import numpy  # noqa: F401


def simple_numpy() -> None:
    from harness import workloads
    from peers.numpy_peer import Peer

    row = workloads.by_id("train/simple/n100")
    job = Peer(1, "", {}).build(row, workloads.inputs(row))
    for _ in range(5):
        job.run()


def simple_swiftcnn() -> None:
    from swiftcnn import models, optim

    x, t = _digits(400)
    net = models.SimpleConvNet().compile("cross_entropy", optim.Adam(1e-3))
    for start in range(0, 400, 100):
        net.train_step(x[start : start + 100], t[start : start + 100])


def simple_torch() -> None:
    import torch
    from torch import nn

    x, t = map(torch.from_numpy, _digits(400))
    net = nn.Sequential(
        *(nn.Conv2d(1, 30, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(4320, 100), nn.ReLU(), nn.Linear(100, 10))
    )
    optimizer = torch.optim.Adam(net.parameters(), fused=True)
    for start in range(0, 400, 100):
        _step_torch(net, optimizer, x[start : start + 100], t[start : start + 100])


def _step_torch(net: Any, optimizer: Any, x: Any, t: Any) -> None:
    import torch

    optimizer.zero_grad(set_to_none=True)
    torch.nn.functional.cross_entropy(net(x), t).backward()
    optimizer.step()


def training_swiftcnn(recompute: bool = False) -> None:
    from swiftcnn import models, optim

    x, t = _photographs(8)
    net = models.resnet50().compile("cross_entropy", optim.SGD(0.01, momentum=0.9), recompute=recompute)
    for _ in range(2):
        net.train_step(x, t)


def training_torch(layout: str = "contiguous_format") -> None:
    import torch
    from export_models import make

    x, t = map(torch.from_numpy, _photographs(8))
    net = make("resnet50").to(memory_format=getattr(torch, layout))
    optimizer = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, fused=True)
    for _ in range(2):
        _step_torch(net, optimizer, x.to(memory_format=getattr(torch, layout)), t)


def inference_swiftcnn() -> None:
    from swiftcnn import models

    x, _ = _photographs(1)
    net = models.resnet50()
    for _ in range(3):
        net.predict(x)


def inference_from_file_swiftcnn() -> None:
    import swiftcnn

    x, _ = _photographs(1)
    net = swiftcnn.load(RESNET50_FILE)
    for _ in range(3):
        net.predict(x)


def write_file() -> None:
    from swiftcnn import models

    RESNET50_FILE.parent.mkdir(parents=True, exist_ok=True)
    models.resnet50().build((3, 224, 224)).save(RESNET50_FILE)


def inference_torch() -> None:
    import torch
    from export_models import make

    net, x = make("resnet50").eval(), torch.from_numpy(_photographs(1)[0])
    with torch.inference_mode():
        for _ in range(3):
            net(x)


CASES: dict[str, Callable[[], None]] = {
    "import numpy": numpy_alone,
    "SimpleConvNet, training, batch 100: swiftcnn": simple_swiftcnn,
    "SimpleConvNet, training, batch 100: numpy": simple_numpy,
    "SimpleConvNet, training, batch 100: torch": simple_torch,
    "ResNet-50, training, batch 8: swiftcnn": training_swiftcnn,
    "ResNet-50, training, batch 8: swiftcnn, recompute": lambda: training_swiftcnn(recompute=True),
    "ResNet-50, training, batch 8: torch": training_torch,
    "ResNet-50, training, batch 8: torch, channels_last": lambda: training_torch("channels_last"),
    "ResNet-50, inference, batch 1: swiftcnn": inference_swiftcnn,
    "ResNet-50, inference, batch 1: swiftcnn, from a file": inference_from_file_swiftcnn,
    "ResNet-50, inference, batch 1: torch": inference_torch,
}
# Done before, in a process of its own.
PREPARATION = "file"


def measured(case: str) -> float | None:
    """MiB, or nothing if it failed."""
    environment = os.environ | {"PYTHONPATH": str(ROOT / "python"), "SWIFTCNN_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, __file__, case]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        print(f"without {case}: {done.stderr.strip().splitlines()[-1:]}", file=sys.stderr)
        return None
    return float(done.stdout)


def goals(found: Mapping[str, float]) -> dict[str, float]:
    """The most that the project allows itself, where what it is held against was measured."""
    numpy, torch = found.get("import numpy"), found.get("ResNet-50, training, batch 8: torch")
    made = {} if numpy is None else {"SimpleConvNet, training, batch 100: swiftcnn": numpy + 25}
    if numpy is not None:
        for case in CASES:
            if case.startswith("ResNet-50, inference, batch 1: swiftcnn"):
                made[case] = numpy + 1.5 * RESNET50_WEIGHTS
    return made | ({} if torch is None else {"ResNet-50, training, batch 8: swiftcnn": torch})


def main() -> None:
    if len(sys.argv) > 1:
        (CASES | {PREPARATION: write_file})[sys.argv[1]]()
        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    from harness import report
    from run import commit

    measured(PREPARATION)
    found = {case: mib for case in CASES if (mib := measured(case)) is not None}
    RESNET50_FILE.unlink(missing_ok=True)
    allowed = goals(found)
    lines = [[case, f"{mib:.0f}", f"{allowed[case]:.0f}" if case in allowed else ""] for case, mib in found.items()]
    print(report.table(["peak memory", "MiB", "at most"], lines))
    out = ROOT / "build" / "bench" / "memory.json"
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(json.dumps({"commit": commit(), "mib": found}, indent=1) + "\n")


if __name__ == "__main__":
    main()
