"""One framework in a process of its own. Commands come as lines of JSON on standard input; answers go as such to what was
standard output, while whatever a framework prints goes to standard error.

    start    peer, threads, options -> version, seconds    imports it
    prepare  row -> seconds                                makes the inputs, builds, compiles
    check    file                                          writes the outputs of a fresh run, an .npz
    time     seconds, least, most -> times                 seconds of each call
    release, memory -> mib (the most it ever had), quit

An answer has ok; if that is false, error, and skip if the framework does not have such a row.
"""

from __future__ import annotations

import gc
import importlib
import json
import os
import resource
import sys
import time
import traceback
from typing import Any


class Worker:
    def __init__(self) -> None:
        self.peer: Any = None
        self.job: Any = None

    def start(self, peer: str, threads: int, options: dict[str, str]) -> dict[str, Any]:
        from peers import PEERS

        module, variant = PEERS[peer]
        begun = time.perf_counter()
        self.peer = importlib.import_module(f"peers.{module}").Peer(threads, variant, options)
        return {"version": self.peer.version, "seconds": time.perf_counter() - begun}

    def prepare(self, row: str) -> dict[str, Any]:
        from harness import workloads

        found = workloads.by_id(row)
        reason = self.peer.supports(found)
        if reason:
            return {"ok": False, "skip": True, "error": reason}
        begun = time.perf_counter()
        self.job = self.peer.build(found, workloads.inputs(found))
        return {"seconds": time.perf_counter() - begun}

    def check(self, file: str) -> dict[str, Any]:
        import numpy as np

        np.savez(file, **{name: np.ascontiguousarray(value) for name, value in self.job.outputs().items()})
        return {}

    def time(self, seconds: float, least: int = 1, most: int = 10**6) -> dict[str, Any]:
        times: list[float] = []
        run, clock = self.job.run, time.perf_counter
        gc.disable()
        end = clock() + seconds
        while len(times) < least or (times and clock() < end and len(times) < most):
            begun = clock()
            run()
            times.append(clock() - begun)
        gc.enable()
        return {"times": times}

    def release(self) -> dict[str, Any]:
        self.job = None
        gc.collect()
        return {}

    def memory(self) -> dict[str, Any]:
        return {"mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def main() -> None:
    answers = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)
    worker = Worker()
    for line in sys.stdin:
        command = json.loads(line)
        name = command.pop("command")
        if name == "quit":
            return
        try:
            answer = {"ok": True} | getattr(worker, name)(**command)
        except Exception as error:  # the run goes on without this peer on this row
            traceback.print_exc()
            answer = {"ok": False, "error": f"{type(error).__name__}: {error}"[:400]}
        answers.write(json.dumps(answer) + "\n")


if __name__ == "__main__":
    main()
