"""The machine: what it is, what it can do at most (`Machine/machine.c`), and how busy others keep it."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.processes import BENCHMARKS

# MiB of each of the arrays that lie in a level of memory, on any machine of today.
LEVELS = {"L1": 0.008, "L2": 0.25, "L3": 3, "DRAM": 128}


class Machine:
    """Measures on the processors `cpus`, a thread each."""

    def __init__(self, folder: Path, cpus: Sequence[int]) -> None:
        self.cpus, self.program = list(cpus), folder / "machine"
        compiler = shutil.which("clang") or "cc"
        sources = [str(BENCHMARKS / "Machine" / "machine.c"), str(BENCHMARKS / "Peak" / "peak.c")]
        include, native = f"-I{BENCHMARKS / 'Peak' / 'include'}", "-mcpu=native" if _is_arm() else "-march=native"
        flags = ["-O3", native, "-pthread", include]
        subprocess.run([compiler, *flags, *sources, "-o", str(self.program)], check=True)

    def _rate(self, milliseconds: int, *mode: str) -> float:
        command = [str(self.program), str(len(self.cpus)), str(milliseconds), *mode]
        pin = (lambda: os.sched_setaffinity(0, self.cpus)) if sys.platform == "linux" else None
        return float(subprocess.run(command, capture_output=True, text=True, check=True, preexec_fn=pin).stdout)

    def peak(self, milliseconds: int = 40) -> float:
        """GFLOP/s of float32 multiply-adds."""
        return self._rate(milliseconds)

    def bandwidth(self) -> dict[str, float]:
        """GB/s, as in "copy_L3"."""
        modes = ("read", "copy", "triad")
        return {f"{mode}_{name}": self._rate(100, mode, str(mib)) for mode in modes for name, mib in LEVELS.items()}


def _is_arm() -> bool:
    return platform.machine() in ("arm64", "aarch64")


def description() -> dict[str, Any]:
    """What a reader must know of the machine that figures are from."""
    name, flags = platform.processor() or platform.machine(), ""
    if sys.platform == "linux":
        lines = [line.partition(":") for line in Path("/proc/cpuinfo").read_text().splitlines()]
        found = {key.strip(): value.strip() for key, _, value in lines}
        name, flags = found.get("model name", name), found.get("flags", "")
    caches = []
    for index in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = ((index / part).read_text().strip() for part in ("level", "type", "size"))
        if kind != "Instruction":
            caches.append(f"L{level} {size.replace('K', ' KiB').replace('M', ' MiB')}")
    return {
        "processor": name,
        "processors": os.cpu_count(),
        "widest": next((isa for isa in ("avx512f", "avx2") if isa in flags.split()), platform.machine()),
        "caches": ", ".join(caches),
        "system": f"{platform.system()} {platform.release().partition('-')[0]}",
    }


def times() -> dict[str, tuple[int, int]]:
    """Of each processor: all ticks so far, and the idle ones; nothing where /proc has none."""
    if sys.platform != "linux":
        return {}
    lines = [line.split() for line in Path("/proc/stat").read_text().splitlines() if line.startswith("cpu")]
    return {line[0]: (sum(map(int, line[1:9])), int(line[4]) + int(line[5])) for line in lines if line[0] != "cpu"}


def busy(before: dict[str, tuple[int, int]], after: dict[str, tuple[int, int]]) -> dict[str, float]:
    """The share of time in which each processor did anything."""
    spans = {name: (after[name][0] - before[name][0], after[name][1] - before[name][1]) for name in before}
    return {name: round(1 - idle / max(1, whole), 2) for name, (whole, idle) in spans.items()}
