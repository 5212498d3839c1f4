"""Runs the tile benchmark (Benchmarks/Tiles) pinned to one core, for each wide instruction set that the machine has."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = Path(__file__).resolve().parents[1] / ".build" / "release" / "TileBenchmark"


def main() -> int:
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    shown = 0
    for name in ("avx512", "avx2", "baseline"):
        done = subprocess.run([PROGRAM], env={**os.environ, "SWIFTCNN_ISA": name}, capture_output=True, text=True)
        if done.returncode == 0:
            print(done.stdout)
            shown += 1
    return 0 if shown else 1


if __name__ == "__main__":
    sys.exit(main())
