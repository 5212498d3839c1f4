"""ncnn in float32, with its Winograd. It has no batch: n images are n runs."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import ncnn
import numpy as np
from harness.workloads import Row

from peers import Job, onnx_graph

HALVES = ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic", "use_bf16_storage", "use_bf16_packed")


class Peer:
    def __init__(self, threads: int, variant: str, options: dict[str, str]) -> None:
        self.threads, self.models, self.scratch = threads, Path(options["models"]), options["scratch"]
        self.version = f"ncnn {ncnn.__version__}"

    def supports(self, row: Row) -> Any:
        if row.kind not in ("forward", "pool_forward", "onnx"):
            return "inference only"
        converted = row.kind != "onnx" or (self.models / f"{row.model}.ncnn.param").exists()
        return None if converted else "not converted"

    def _write(self, row: Row, given: dict[str, Any]) -> str:
        """The layer as ncnn's two files; their name without the ending."""
        w = row.window
        if w.filters:
            kind = "ConvolutionDepthWise" if w.groups > 1 else "Convolution"
            how = f"0={w.filters} 1={w.kernel} 3={w.stride} 4={w.pad} 5=1 6={given['w'].size}"
            how += f" 7={w.groups}" if w.groups > 1 else ""
            numbers = np.int32(0).tobytes() + given["w"].tobytes() + given["b"].tobytes()
        else:
            kind, how, numbers = "Pooling", f"0=0 1={w.kernel} 2={w.stride} 3={w.pad} 5=1", b""
        name = f"{tempfile.mkdtemp(dir=self.scratch)}/row"
        Path(f"{name}.param").write_text(f"7767517\n2 2\nInput in0 0 1 in0\n{kind} layer 1 1 in0 out0 {how}\n")
        Path(f"{name}.bin").write_bytes(numbers)
        return name

    def build(self, row: Row, given: dict[str, Any]) -> Job:
        net = ncnn.Net()
        net.opt.num_threads, net.opt.use_vulkan_compute = self.threads, False
        for name in HALVES:
            if hasattr(net.opt, name):
                setattr(net.opt, name, False)
        name = str(self.models / f"{row.model}.ncnn") if row.kind == "onnx" else self._write(row, given)
        net.load_param(f"{name}.param")
        net.load_model(f"{name}.bin")
        images = [ncnn.Mat(np.ascontiguousarray(x)).clone() for x in given["x"]]  # which own their memory

        def once(x: Any) -> Any:
            extractor = net.create_extractor()
            extractor.input("in0", x)
            return extractor.extract("out0")[1]

        def run() -> Any:
            for x in images:
                y = once(x)
            return y

        return onnx_graph.ready(run, lambda: {"y": np.stack([np.array(once(x)) for x in images])})
