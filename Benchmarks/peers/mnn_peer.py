"""MNN's CPU backend in float32, with its own Winograd; models go through the wheel's converter."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path
from typing import Any

import MNN
import numpy as np
from harness.workloads import Row

from peers import INFERENCE_ONLY, Job, onnx_graph


class Peer:
    def __init__(self, threads: int, variant: str, options: dict[str, str]) -> None:
        self.models, self.scratch, self.version = options["models"], options["scratch"], f"MNN {version('MNN')}"
        self.settings = {"numThread": threads, "precision": "high", "backend": "CPU"}

    def supports(self, row: Row) -> Any:
        return "inference only" if row.kind in INFERENCE_ONLY else None

    def build(self, row: Row, given: dict[str, Any]) -> Job:
        model, x = onnx_graph.source(row, given, self.models)
        folder = Path(tempfile.mkdtemp(dir=self.scratch))
        (folder / "row.onnx").write_bytes(model)
        command = [Path(sys.executable).parent / "mnnconvert", "-f", "ONNX", "--bizCode", "row"]
        command += ["--modelFile", folder / "row.onnx", "--MNNModel", folder / "row.mnn"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        interpreter = MNN.Interpreter(str(folder / "row.mnn"))
        session = interpreter.createSession(self.settings)
        to, out = interpreter.getSessionInput(session), interpreter.getSessionOutput(session)
        x_host = MNN.Tensor(x.shape, MNN.Halide_Type_Float, x, MNN.Tensor_DimensionType_Caffe)
        y = np.zeros(out.getShape(), np.float32)
        y_host = MNN.Tensor(y.shape, MNN.Halide_Type_Float, y, MNN.Tensor_DimensionType_Caffe)

        def run(kept: Any = x) -> Any:
            to.copyFrom(x_host)
            interpreter.runSession(session)
            out.copyToHostTensor(y_host)
            return y_host

        return onnx_graph.ready(run, lambda: {"y": np.array(run().getNumpyData()).reshape(y.shape)})
