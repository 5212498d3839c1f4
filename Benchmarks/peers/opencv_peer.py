"""OpenCV's DNN module on its CPU backend, with its own Winograd."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
from harness.workloads import Row

from peers import INFERENCE_ONLY, Job, onnx_graph


class Peer:
    def __init__(self, threads: int, variant: str, options: dict[str, str]) -> None:
        self.models, self.version = options["models"], f"opencv {cv2.__version__}"
        cv2.setNumThreads(threads)

    def supports(self, row: Row) -> Any:
        return "inference only" if row.kind in INFERENCE_ONLY else None

    def build(self, row: Row, given: dict[str, Any]) -> Job:
        model, x = onnx_graph.source(row, given, self.models)
        net = cv2.dnn.readNetFromONNX(np.frombuffer(model, np.uint8))
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        net.setPreferableTarget(cv2.dnn.DNN_TARGET_CPU)
        net.enableWinograd(True)

        def run() -> Any:
            net.setInput(x)
            return net.forward()

        return onnx_graph.ready(run, lambda: {"y": run()})
