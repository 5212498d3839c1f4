"""Measures rows: every peer builds, is checked against float64, is warmed up; then all are timed in interleaved rounds A B C
A B C, the machine's peak of multiply-adds in each as well, so that a machine that changes its pace does so for all."""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional

import numpy as np

from harness import machine
from harness.machine import Machine
from harness.processes import Worker
from harness.workloads import Row

REFERENCE = "float64"


@dataclass(frozen=True)
class Plan:
    """How long: rounds, and seconds of a peer's slot in each, at least one call."""

    rounds: int
    slot: float
    check: bool = True


def largest_error(got: Mapping[str, Any], wanted: Mapping[str, Any], parameters: bool = False) -> Optional[float]:
    """The largest difference over the largest number of its array. Parameters after training, apart: the 2-norm of the
    differences over that of the numbers."""
    worst, off, whole = None, 0.0, 0.0
    for name in wanted:
        if name.startswith("param:") != parameters:
            continue
        if name not in got:
            return float("inf")
        a, b = np.asarray(got[name], np.float64), np.asarray(wanted[name], np.float64)
        if a.size != b.size:
            return float("inf")
        difference = np.abs(a.reshape(b.shape) - b)
        if not np.isfinite(difference).all():
            return float("inf")
        off, whole = off + float((difference**2).sum()), whole + float((b**2).sum())
        worst = max(worst or 0.0, float(difference.max() / max(np.abs(b).max(), 1e-30)))
    if not parameters or worst is None:
        return worst
    return float((off / max(whole, 1e-30)) ** 0.5)


def _outputs(worker: Worker, file: Path) -> dict[str, Any]:
    """A fresh run's outputs; nothing if it failed."""
    if not worker.ask("check", file=str(file))["ok"]:
        return {}
    with np.load(file) as arrays:
        return dict(arrays)


def measure(row: Row, workers: Mapping[str, Worker], peers: Sequence[str], limits: Machine, plan: Plan) -> dict[str, Any]:
    """What is known of a row after its rounds, as it is written to the file."""
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        wanted: dict[str, Any] = {}
        if plan.check and workers[REFERENCE].ask("prepare", row=row.id)["ok"]:
            wanted = _outputs(workers[REFERENCE], Path(folder) / "wanted.npz")
            workers[REFERENCE].ask("release")
        for peer in peers:
            worker = workers[peer]
            worker.revive()
            found[peer] = _prepare(worker, row, wanted, Path(folder) / "got.npz")
    running = [peer for peer in peers if "error" not in found[peer] and "skip" not in found[peer]]
    peaks, before = [], machine.times()
    rounds: dict[str, list[list[float]]] = {peer: [] for peer in running}
    for _ in range(plan.rounds):
        peaks.append(limits.peak())
        for peer in running:
            answer = workers[peer].ask("time", seconds=plan.slot)
            if answer["ok"]:
                rounds[peer].append(answer["times"])
            else:
                found[peer]["error"] = answer["error"]
    busy = machine.busy(before, machine.times())
    for peer in peers:
        workers[peer].ask("release")
    for peer, times in rounds.items():
        if "error" not in found[peer]:
            every = [seconds for turn in times for seconds in turn]
            found[peer] |= {"median": statistics.median(every), "min": min(every), "calls": len(every)}
            found[peer]["rounds"] = [statistics.median(turn) for turn in times]
    return {"flops": row.flops, "bytes": row.bytes, "peak": max(peaks), "least_peak": min(peaks), "busy": busy, "peers": found}


def _prepare(worker: Worker, row: Row, wanted: Mapping[str, Any], file: Path) -> dict[str, Any]:
    answer = worker.ask("prepare", row=row.id)
    if not answer["ok"]:
        return {"skip" if answer.get("skip") else "error": answer["error"]}
    entry: dict[str, Any] = {"prepare": answer["seconds"]}
    if wanted:
        got = _outputs(worker, file)
        entry["error_of_output"] = largest_error(got, wanted)
        of_parameters = largest_error(got, wanted, parameters=True)
        if of_parameters is not None:
            entry["error_of_parameters"] = of_parameters
    answer = worker.ask("time", seconds=0.1, least=2, most=20)
    return entry if answer["ok"] else {"error": answer["error"]}
