"""OpenVINO's CPU plugin in float32, one stream. Arrays are shared, not copied."""

from __future__ import annotations

from typing import Any

import openvino
from harness.workloads import Row

from peers import INFERENCE_ONLY, Job, onnx_graph


class Peer:
    def __init__(self, threads: int, variant: str, options: dict[str, str]) -> None:
        self.models, self.core = options["models"], openvino.Core()
        self.version = f"openvino {openvino.__version__.split('-')[0]}"
        self.settings = {
            "INFERENCE_NUM_THREADS": threads,
            "NUM_STREAMS": 1,
            "INFERENCE_PRECISION_HINT": "f32",
            "PERFORMANCE_HINT": "LATENCY",
            "ENABLE_CPU_PINNING": False,
        }

    def supports(self, row: Row) -> Any:
        return "inference only" if row.kind in INFERENCE_ONLY else None

    def build(self, row: Row, given: dict[str, Any]) -> Job:
        model, x = onnx_graph.source(row, given, self.models)
        request = self.core.compile_model(self.core.read_model(model), "CPU", self.settings).create_infer_request()
        if row.window:
            request.set_input_tensor(0, openvino.Tensor(x, shared_memory=True))

        def run(kept: Any = x) -> Any:  # the shared tensor does not keep x alive
            if row.window:
                request.infer()
                return request.get_output_tensor(0).data
            return request.infer({0: x}, share_inputs=True, share_outputs=True)[0]

        return onnx_graph.ready(run, lambda: {"y": run().copy()})
