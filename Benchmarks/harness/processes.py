"""Workers, each a framework in a process: started, asked, stopped while others are timed, and started anew when they die."""

from __future__ import annotations

import ctypes
import json
import os
import select
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).resolve().parents[1]
CACHE = BENCHMARKS.parent / "build" / "bench"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "SWIFTCNN_NUM_THREADS")


def _settle(cpus: Sequence[int]) -> None:
    """In the child: on its processors, and gone when the parent is, since one that is stopped would stay for ever."""
    if sys.platform == "linux":
        os.sched_setaffinity(0, cpus)
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)


class Worker:
    """`python` is the folder of our package; the peers in `options` are as `peers` wants them."""

    def __init__(self, peer: str, cpus: Sequence[int], options: Mapping[str, str], python: Path, timeout: float) -> None:
        self.peer, self.cpus, self.options, self.python, self.timeout = peer, cpus, options, python, timeout
        self._start()

    def _start(self) -> None:
        threads, scratch = len(self.cpus), Path(self.options["scratch"])
        environment = os.environ | {name: str(threads) for name in THREADS}
        environment |= {"PYTHONPATH": str(self.python), "TORCHINDUCTOR_CACHE_DIR": str(CACHE / "inductor")}
        if threads == 1:
            environment["XLA_FLAGS"] = f"{environment.get('XLA_FLAGS', '')} --xla_cpu_multi_thread_eigen=false"
        with open(scratch / f"{self.peer}.log", "a") as log:
            self.process = subprocess.Popen(
                [sys.executable, str(BENCHMARKS / "worker.py")],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                bufsize=1,
                env=environment,
                preexec_fn=lambda: _settle(self.cpus),
            )
        self.error = ""
        started = self.ask("start", peer=self.peer, threads=threads, options=dict(self.options))
        self.version, self.error = started.get("version", ""), started.get("error", "")
        self.is_missing = bool(self.error)  # never started: nothing to start again

    def revive(self) -> None:
        """Starts it again if it hung or died on a row."""
        if self.error and not self.is_missing:
            self._end()
            self._start()

    def ask(self, command: str, **arguments: Any) -> dict[str, Any]:
        if self.error:
            return {"ok": False, "error": self.error}
        self.process.send_signal(signal.SIGCONT)
        assert self.process.stdin and self.process.stdout
        try:
            self.process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
            ready, _, _ = select.select([self.process.stdout], [], [], self.timeout)
            line = self.process.stdout.readline() if ready else ""
        except BrokenPipeError:
            ready, line = [self.process.stdout], ""
        if not line:
            self.process.kill()
            self.error = f"died, {self.process.wait()}" if ready else f"no answer in {self.timeout} s"
            return {"ok": False, "error": self.error}
        self.process.send_signal(signal.SIGSTOP)
        answer: dict[str, Any] = json.loads(line)
        return answer

    def _end(self) -> None:
        self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    close = _end
