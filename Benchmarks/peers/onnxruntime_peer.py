"""ONNX Runtime's CPU provider. Arrays of layers are bound in advance."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
from harness.workloads import Row

from peers import INFERENCE_ONLY, Job, onnx_graph


class Peer:
    def __init__(self, threads: int, variant: str, options: dict[str, str]) -> None:
        self.models, self.version = options["models"], f"onnxruntime {onnxruntime.__version__}"
        self.settings = onnxruntime.SessionOptions()
        self.settings.intra_op_num_threads, self.settings.inter_op_num_threads = threads, 1
        self.settings.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL

    def supports(self, row: Row) -> Any:
        return "inference only" if row.kind in INFERENCE_ONLY else None

    def build(self, row: Row, given: dict[str, Any]) -> Job:
        model, x = onnx_graph.source(row, given, self.models)
        session = onnxruntime.InferenceSession(model, self.settings, providers=["CPUExecutionProvider"])
        x_name, y_name = session.get_inputs()[0].name, session.get_outputs()[0].name

        def call() -> Any:
            return session.run([y_name], {x_name: x})[0]

        if not row.window:
            return onnx_graph.ready(call, lambda: {"y": call()})
        binding = session.io_binding()
        x_value = onnxruntime.OrtValue.ortvalue_from_numpy(x)
        y_value = onnxruntime.OrtValue.ortvalue_from_numpy(np.empty_like(call()))
        binding.bind_ortvalue_input(x_name, x_value)
        binding.bind_ortvalue_output(y_name, y_value)

        def bound() -> None:
            session.run_with_iobinding(binding)

        return onnx_graph.ready(bound, lambda: (bound(), {"y": y_value.numpy()})[1])
