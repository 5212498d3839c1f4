"""swiftcnn as a backend of ONNX: `onnx.backend.base.Backend`, which ONNX's own tests and tools run models through.

>>> import numpy as np
>>> import onnx  # doctest: +SKIP
>>> from swiftcnn import onnx_backend  # doctest: +SKIP
>>> onnx_backend.prepare(onnx.load("digits.onnx")).run(np.zeros((1, 1, 28, 28), np.float32))  # doctest: +SKIP

Source: onnx.ai/onnx/repo-docs/ImplementingAnOnnxBackend.html.
"""

from __future__ import annotations

from typing import Any

from onnx import ModelProto, NodeProto, helper
from onnx.backend.base import Backend as _Backend
from onnx.backend.base import BackendRep as _BackendRep
from onnx.backend.base import namedtupledict

from . import nn
from .errors import UnsupportedError

__all__ = ["Backend", "BackendRep", "is_compatible", "prepare", "run_model", "run_node", "supports_device"]


class BackendRep(_BackendRep):
    """A model that is ready to run."""

    def __init__(self, network: nn.OnnxModule) -> None:
        self.network = network

    def run(self, inputs: Any, **kwargs: Any) -> tuple[Any, ...]:
        """The outputs for an array, a sequence of arrays or a mapping of names to arrays; they can be had by name too."""
        given = tuple(inputs) if isinstance(inputs, (list, tuple)) else inputs
        outputs = self.network.predict(given)
        names = [port.name for port in self.network.outputs]
        return namedtupledict("Outputs", names)(*(outputs if isinstance(outputs, tuple) else (outputs,)))


class Backend(_Backend):
    """Runs ONNX models on the CPU."""

    @classmethod
    def prepare(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> BackendRep:
        """Raises what `swiftcnn.load` does, and `UnsupportedError` for a device other than the CPU."""
        if not cls.supports_device(device):
            raise UnsupportedError(f"device must be CPU, got {device}")
        return BackendRep(nn.OnnxModule(model.SerializeToString()))

    @classmethod
    def run_node(
        cls, node: NodeProto, inputs: Any, device: str = "CPU", outputs_info: Any = None, **kwargs: Any
    ) -> tuple[Any, ...]:
        """The outputs of one node of the newest operator set."""
        super().run_node(node, inputs, device, outputs_info, **kwargs)  # checks the node
        arrays = list(inputs)
        infos = [
            helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(array.dtype), array.shape)
            for name, array in zip(node.input, arrays)
        ]
        if outputs_info is None:
            results = [helper.make_empty_tensor_value_info(name) for name in node.output]
        else:
            results = [
                helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(dtype), shape)
                for name, (dtype, shape) in zip(node.output, outputs_info)
            ]
        return cls.prepare(helper.make_model(helper.make_graph([node], "node", infos, results)), device).run(arrays)

    @classmethod
    def supports_device(cls, device: str) -> bool:
        return device.split(":")[0] == "CPU"

    @classmethod
    def is_compatible(cls, model: ModelProto, device: str = "CPU", **kwargs: Any) -> bool:
        """Whether the model can be run here: whether it can be loaded."""
        try:
            cls.prepare(model, device, **kwargs)
        except UnsupportedError:
            return False
        return True


is_compatible, prepare, run_model, run_node = Backend.is_compatible, Backend.prepare, Backend.run_model, Backend.run_node
supports_device = Backend.supports_device
