"""Times swiftcnn and its peers side by side: `make bench`; see README.md.

Figures go to a file of JSON, row by row as they are measured; rows that are there already and not measured now stay. So a long
run can be made in pieces.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness import report, workloads
from harness.machine import Machine, description
from harness.processes import BENCHMARKS, Worker
from harness.rounds import REFERENCE, Plan, measure
from peers import PEERS

ROOT = BENCHMARKS.parent
DEFAULT = "swiftcnn,numpy,torch,torch_cl,torch_compile,jax,ort,openvino,ncnn,mnn,opencv"
FIRST_LOOK = "swiftcnn,torch,torch_cl,ort,openvino,ncnn,mnn"


def add_selection(parser: argparse.ArgumentParser) -> None:
    """What to measure, and where; `compare.py` has it too."""
    parser.add_argument("--rows", default="", help="a regular expression; by default all, or a few where it must be quick")
    parser.add_argument("--threads", default="1", help="how many; `run.py` takes 1,2 as well, for two runs. By default 1")
    parser.add_argument("--cpus", default="", help="processors in the order in which they are taken; by default the last first")
    parser.add_argument("--timeout", type=float, default=300, help="seconds that a peer may take to answer")
    parser.add_argument("--models", type=Path, default=ROOT / "build" / "bench" / "models", help="where export_models.py wrote")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_selection(parser)
    parser.add_argument("--peers", default="", help=f"names with commas between; by default {DEFAULT}, as far as installed")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--slot", type=float, default=0.2, help="seconds of a peer in a round; by default 0.2")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench" / "run.json", help="the file of figures")
    parser.add_argument("--quick", action="store_true", help="few rows, peers and rounds: two minutes")
    parser.add_argument("--no-check", action="store_true", help="outputs are not compared with float64's")
    return parser.parse_args()


def commit() -> str:
    """The commit that is checked out, and + if sources differ from it."""

    def git(*command: str) -> str:
        return subprocess.run(["git", "-C", str(ROOT), *command], capture_output=True, text=True, check=False).stdout.strip()

    changed = git("status", "--porcelain", "--", "Sources", "python", "Package.swift")
    return git("rev-parse", "--short", "HEAD") + ("+" if changed else "")


def chosen_rows(options: argparse.Namespace, quick: bool) -> list[workloads.Row]:
    pattern = options.rows or (workloads.QUICK if quick else ".")
    rows = [row for row in workloads.ROWS if re.search(pattern, row.id)]
    if not rows:
        sys.exit(f"no row's id matches {pattern!r}; there are:\n" + "\n".join(row.id for row in workloads.ROWS))
    missing = [row for row in rows if row.kind == "onnx" and not (options.models / f"{row.model}.pt").exists()]
    if missing:
        print(f"no models in {options.models} (export_models.py writes them): without {', '.join(r.id for r in missing)}")
    return [row for row in rows if row not in missing]


def chosen_peers(options: argparse.Namespace) -> list[str]:
    peers: list[str] = (options.peers or (FIRST_LOOK if options.quick else DEFAULT)).split(",")
    unknown = [peer for peer in peers if peer not in PEERS]
    if unknown:
        sys.exit(f"unknown peers {', '.join(unknown)}; there are {', '.join(PEERS)}")
    return peers


def available(options: argparse.Namespace) -> list[int]:
    """Processors, in the order in which they are taken."""
    if options.cpus:
        return [int(cpu) for cpu in options.cpus.split(",")]
    if sys.platform == "linux":
        return sorted(os.sched_getaffinity(0), reverse=True)
    return list(range(os.cpu_count() or 1))


def load(path: Path) -> dict[str, Any]:
    if not path.exists():
        return {"runs": {}}
    found: dict[str, Any] = json.loads(path.read_text())
    return found


def save(path: Path, result: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_suffix(".new")
    new.write_text(json.dumps(result, indent=1) + "\n")
    new.replace(path)


def run(options: argparse.Namespace, cpus: Sequence[int], rows: Sequence[workloads.Row], peers: Sequence[str]) -> None:
    """A run with a thread on each of `cpus`."""
    plan = Plan(3 if options.quick else options.rounds, 0.05 if options.quick else options.slot, not options.no_check)
    result, workers = load(options.out), {}
    with tempfile.TemporaryDirectory(prefix="bench_") as folder:
        settings = {"models": str(options.models.resolve()), "scratch": folder}
        limits = Machine(Path(folder), cpus)
        entry = result["runs"].setdefault(str(len(cpus)), {"rows": {}, "versions": {}})
        entry |= {"cpus": list(cpus), "machine": description()}
        entry["bandwidth"] = entry.get("bandwidth") or limits.bandwidth()
        try:
            for peer in [REFERENCE] * plan.check + list(peers):
                workers[peer] = Worker(peer, cpus, settings, ROOT / "python", options.timeout)
                entry["versions"][peer] = workers[peer].version
                if workers[peer].error:
                    print(f"without {peer}: {workers[peer].error}")
            live = [peer for peer in peers if not workers[peer].error]
            for row in rows:
                measured = measure(row, workers, live, limits, plan)
                measured |= {"commit": commit(), "when": time.strftime("%Y-%m-%dT%H:%M:%S")}
                entry["rows"][row.id] = measured
                save(options.out, result)
                print(line(row, measured), flush=True)
        finally:
            for worker in workers.values():
                worker.close()
    print(f"\n{report.text(entry | {'rows': {row.id: entry['rows'][row.id] for row in rows}})}")


def line(row: workloads.Row, measured: dict[str, Any]) -> str:
    """A row's figures as soon as they are there."""
    found = report.measured(measured)
    parts = [f"{peer} {report.milliseconds(figures['median'])}" for peer, figures in found.items()]
    parts += [f"{peer}: {figures['error']}" for peer, figures in measured["peers"].items() if "error" in figures]
    best = report.best_peer(measured)
    if best and "swiftcnn" in found:
        parts.append(f"ratio to {best} {report.ratio(found['swiftcnn'], found[best]).value:.2f}")
    return f"{row.id}: {', '.join(parts)}"


def main() -> None:
    options = arguments()
    rows, peers, cpus = chosen_rows(options, options.quick), chosen_peers(options), available(options)
    for threads in map(int, options.threads.split(",")):
        if threads > len(cpus):
            sys.exit(f"{threads} threads need as many processors, and there are {len(cpus)}")
        run(options, cpus[:threads], rows, peers)


if __name__ == "__main__":
    main()
