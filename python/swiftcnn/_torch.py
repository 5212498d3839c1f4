"""Networks of PyTorch, by way of ONNX."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any, Optional

from .errors import DTypeError, UnsupportedError

if TYPE_CHECKING:
    from . import nn


def from_torch(module: Any, example_input: Any, dtype: Optional[Any] = None) -> nn.OnnxModule:
    """The network of a PyTorch module, as it is in inference: exported to ONNX in memory, and loaded.

    module : a torch.nn.Module. example_input : a tensor, or a tuple of tensors, such as ``torch.zeros(1, 3, 224, 224)``; the
        network takes any number of images. dtype : as for `swiftcnn.load`.

    Needs torch. Raises `UnsupportedError` where PyTorch cannot export the module, and what `swiftcnn.load` raises.

    >>> import torch  # doctest: +SKIP
    >>> net = from_torch(torch.nn.Linear(3, 2), torch.zeros(1, 3))  # doctest: +SKIP

    Source: torch.onnx.export.
    """
    import torch

    from .nn import OnnxModule

    if not isinstance(module, torch.nn.Module):
        raise DTypeError(f"module must be a torch.nn.Module, got {type(module).__name__}")
    examples = example_input if isinstance(example_input, tuple) else (example_input,)
    if not examples or not all(isinstance(value, torch.Tensor) and value.ndim > 0 for value in examples):
        raise DTypeError("example_input must be a tensor, or a tuple of tensors, with an axis of images")
    names = [f"input{i or ''}" for i in range(len(examples))]
    file, was_training = io.BytesIO(), module.training
    try:
        torch.onnx.export(
            module.eval(),
            examples,
            file,
            input_names=names,
            dynamic_axes={name: {0: "N"} for name in names},
            opset_version=18,
            dynamo=False,
        )
    except Exception as error:  # the exporter raises many kinds
        raise UnsupportedError(f"PyTorch cannot export {type(module).__name__}: {error}") from error
    finally:
        module.train(was_training)
    return OnnxModule(file.getvalue(), dtype)
