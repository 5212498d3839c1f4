"""Compares this tree with another commit, row by row: `make bench AGAINST=commit`. Ends with 1 if a row became slower.

The other commit is built in build/against. Both run in processes of their own, in interleaved rounds, and twice with fresh
processes: how a process lies in memory makes a difference of a few parts in a hundred, which all of its rounds share. A row
became slower if in both the median ratio is, with 95 % confidence, under 0.97.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import report
from harness.machine import Machine
from harness.processes import Worker
from harness.rounds import Plan, measure
from run import ROOT, add_selection, available, chosen_rows

NOISE = 0.03


def built(commit: str) -> Path:
    """The Python package of `commit`, with its library."""
    name = subprocess.run(
        ["git", "-C", str(ROOT), "rev-parse", "--verify", f"{commit}^{{commit}}"], capture_output=True, text=True
    )
    if name.returncode:
        sys.exit(f"no commit {commit!r}: {name.stderr.strip()}")
    folder = ROOT / "build" / "against" / name.stdout.strip()[:12]
    if not (folder / "python" / "swiftcnn" / "lib").exists():
        folder.mkdir(parents=True, exist_ok=True)
        archive = subprocess.Popen(["git", "-C", str(ROOT), "archive", name.stdout.strip()], stdout=subprocess.PIPE)
        subprocess.run(["tar", "-x", "-C", str(folder)], stdin=archive.stdout, check=True)
        archive.wait()
        subprocess.run(["make", "-C", str(folder), "library"], check=True)
    return folder / "python"


def interval(ratios: Sequence[float]) -> tuple[float, float]:
    """Where their median is, with 95 % confidence, from the order of the values alone."""
    ordered, count = sorted(ratios), len(ratios)
    skipped = max(0, int((count - 1.96 * count**0.5) / 2))
    return ordered[skipped], ordered[count - 1 - skipped]


def verdict(pairs: Sequence[Sequence[float]]) -> str:
    """Of the ratios in each pair of processes: "slower", "faster", or nothing if they might be equal."""
    bounds = [interval(ratios) for ratios in pairs]
    if all(high < 1 - NOISE for _, high in bounds):
        return "slower"
    return "faster" if all(low > 1 + NOISE for low, _ in bounds) else ""


def ratios_of(entry: dict[str, Any]) -> list[float]:
    """The other's time over ours in each round; none where one of them has no figures."""
    found = report.measured(entry)
    if not {"swiftcnn", "against"} <= set(found):
        return []
    return [b / a for a, b in zip(found["swiftcnn"]["rounds"], found["against"]["rounds"])]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("commit")
    add_selection(parser)
    parser.add_argument("--rounds", type=int, default=15, help="of each pair of processes; by default 15")
    parser.add_argument("--slot", type=float, default=0.03, help="seconds of each in a round; by default 0.03")
    options = parser.parse_args()
    rows, python = chosen_rows(options, quick=True), {"swiftcnn": ROOT / "python", "against": built(options.commit)}
    cpus = available(options)[: int(options.threads)]
    pairs: dict[str, list[dict[str, Any]]] = {row.id: [] for row in rows}
    with tempfile.TemporaryDirectory(prefix="bench_") as folder:
        limits, settings = Machine(Path(folder), cpus), {"models": str(options.models.resolve()), "scratch": folder}
        for order in (list(python), list(python)[::-1]):
            workers = {peer: Worker(peer, cpus, settings, python[peer], options.timeout) for peer in order}
            try:
                for row in rows:
                    plan = Plan(options.rounds, options.slot, check=False)
                    pairs[row.id].append(measure(row, workers, order, limits, plan))
            finally:
                for worker in workers.values():
                    worker.close()
    print(summary(options.commit, pairs))
    sys.exit(
        any(verdict([ratios_of(entry) for entry in entries]) == "slower" for entries in pairs.values() if _complete(entries))
    )


def _complete(entries: Sequence[dict[str, Any]]) -> bool:
    return all(ratios_of(entry) for entry in entries)


def summary(commit: str, pairs: dict[str, list[dict[str, Any]]]) -> str:
    lines = []
    for name, entries in pairs.items():
        if not _complete(entries):
            peers = {peer: figures for entry in entries for peer, figures in entry["peers"].items()}
            lines.append([name, "; ".join(f"{peer}: {f['error']}" for peer, f in peers.items() if "error" in f), *[""] * 4])
            continue
        medians = [min(report.measured(entry)[peer]["median"] for entry in entries) for peer in ("swiftcnn", "against")]
        bounds = [interval(ratios_of(entry)) for entry in entries]
        spread = ", ".join(f"{low:.2f}..{high:.2f}" for low, high in bounds)
        times = [report.milliseconds(seconds) for seconds in medians]
        lines.append([name, *times, f"{medians[1] / medians[0]:.2f}", spread, verdict([ratios_of(e) for e in entries])])
    return report.table(["row", "ms", f"{commit}: ms", "its / ours", "of rounds", "now"], lines)


if __name__ == "__main__":
    main()
