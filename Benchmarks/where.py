"""Where the time of a row goes, by function: `where.py ROW`. Needs Linux's perf; reads the names from .build's library."""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from harness import workloads
from harness.processes import BENCHMARKS

ROOT = BENCHMARKS.parent


def run(row: workloads.Row, seconds: float, models: Path) -> None:
    """Runs it over and over, in the process that is looked at."""
    from peers.swiftcnn_peer import Peer

    job = Peer(1, "networks", {"models": str(models)}).build(row, workloads.inputs(row))
    end = time.perf_counter() + seconds
    while time.perf_counter() < end:
        job.run()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("row")
    parser.add_argument("--seconds", type=float, default=4)
    parser.add_argument("--lines", type=int, default=20)
    parser.add_argument("--models", type=Path, default=ROOT / "build" / "bench" / "models")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    row = workloads.by_id(options.row)
    if options.inside:
        run(row, options.seconds, options.models)
        return
    if not shutil.which("perf"):
        sys.exit("perf is not installed")
    library = ROOT / ".build" / "release" / "libswiftcnn.so"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "python"), "SWIFTCNN_LIBRARY": str(library)}
    with tempfile.TemporaryDirectory() as folder:
        data = f"{folder}/perf"
        inside = [sys.executable, __file__, options.row, "--inside", "--models", str(options.models)]
        record = ["perf", "record", "-q", "-o", data, "-F", "2000", "-D", "1500", *inside, "--seconds", f"{options.seconds}"]
        subprocess.run(record, env=environment, check=True, stderr=subprocess.DEVNULL)
        report = subprocess.run(
            ["perf", "report", "-i", data, "--no-children", "--stdio"], capture_output=True, text=True, check=True
        ).stdout
    lines = [line for line in report.splitlines() if line.strip() and not line.startswith("#")][: options.lines]
    readable = subprocess.run(["swift", "demangle", "--simplified"], input="\n".join(lines), capture_output=True, text=True)
    print(readable.stdout if readable.returncode == 0 else "\n".join(lines))


if __name__ == "__main__":
    main()
