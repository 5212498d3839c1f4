"""ONNX graphs of layers and of the chains in `harness.networks`, for the peers that read nothing else."""

from __future__ import annotations

from typing import Any

import onnx
from harness import networks
from harness.workloads import Row
from onnx import TensorProto, helper, numpy_helper

from peers import Job


class Ops:
    """Writes nodes; values are names."""

    def __init__(self, params: dict[str, Any]) -> None:
        self.params, self.nodes = params, []

    def add_node(self, operator: str, *inputs: str, **attributes: Any) -> str:
        name = f"y{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def conv(self, name: str, x: str, filters: int, kernel: int, stride: int, pad: int, groups: int = 1) -> str:
        how = {"kernel_shape": [kernel] * 2, "strides": [stride] * 2, "pads": [pad] * 4, "group": groups}
        return self.add_node("Conv", x, f"{name}.w", f"{name}.b", **how)

    def affine(self, name: str, x: str, units: int) -> str:
        return self.add_node("Gemm", self.add_node("Flatten", x, axis=1), f"{name}.w", f"{name}.b")

    def relu(self, x: str) -> str:
        return self.add_node("Relu", x)

    def pool(self, x: str, kernel: int, stride: int, pad: int = 0) -> str:
        return self.add_node("MaxPool", x, kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=[pad] * 4)

    def model(self, y: str, shape: Any) -> bytes:
        inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(shape))]
        outputs = [helper.make_tensor_value_info(y, TensorProto.FLOAT, None)]
        arrays = [numpy_helper.from_array(value, name) for name, value in self.params.items()]
        graph = helper.make_graph(self.nodes, "row", inputs, outputs, arrays)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
        return bytes(onnx.shape_inference.infer_shapes(made).SerializeToString())


def source(row: Row, given: dict[str, Any], models: str) -> tuple[bytes, Any]:
    """The row's model as a file's bytes, and x."""
    if row.kind == "onnx":
        with open(f"{models}/{row.model}_n{row.n}.onnx", "rb") as file:
            return file.read(), given["x"]
    if row.kind == "infer":
        ops, x = Ops(given["params"]), given["xs"][0]
        return ops.model(networks.forward(row.model, ops, "x", dropout=False), x.shape), x
    w, x = row.window, given["x"]
    ops = Ops({"layer.w": given["w"], "layer.b": given["b"]} if w.filters else {})
    if w.filters:
        y = ops.conv("layer", "x", w.filters, w.kernel, w.stride, w.pad, w.groups)
    else:
        y = ops.pool("x", w.kernel, w.stride, w.pad)
    return ops.model(y, x.shape), x


def ready(run: Any, outputs: Any) -> Job:
    """After a first run, in which frameworks finish what they do once."""
    run()
    return Job(run, outputs)
