"""The frameworks that are compared: an adapter each, a module here with a class `Peer`.

    Peer(threads, variant, options)  options: models, the folder of exported networks; scratch, a folder
    .version                         text for the report
    .supports(row)                   None, or why it cannot run that row
    .build(row, inputs) -> Job       everything that a careful user does once: compile, pack weights, bind arrays

Arrays are NCHW, float32 and NumPy's, as they come and as they go, unless the adapter says otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Callable, NamedTuple

# name: (module, variant)
PEERS = {
    "swiftcnn": ("swiftcnn_peer", "networks"),
    "swiftcnn_layers": ("swiftcnn_peer", "layers"),
    "against": ("swiftcnn_peer", "networks"),  # another build of ours; see `../compare.py`
    "numpy": ("numpy_peer", ""),
    "article": ("numpy_peer", "article"),
    "torch": ("torch_peer", ""),
    "torch_cl": ("torch_peer", "channels_last"),
    "torch_compile": ("torch_compile_peer", ""),
    "jax": ("jax_peer", ""),
    "ort": ("onnxruntime_peer", ""),
    "openvino": ("openvino_peer", ""),
    "ncnn": ("ncnn_peer", ""),
    "mnn": ("mnn_peer", ""),
    "opencv": ("opencv_peer", ""),
    "float64": ("torch_peer", "float64"),  # what all outputs are held against
}
OURS = ("swiftcnn", "swiftcnn_layers", "against")


class Job(NamedTuple):
    """`run` is what is timed, complete when it returns. `outputs` are a fresh run's: y of forward, infer and onnx; dx, dw, db
    of backward; dx of pool_backward; of train the losses of `TRAINING_STEPS` steps, and "param:NAME" after them."""

    run: Callable[[], Any]
    outputs: Callable[[], Mapping[str, Any]]


INFERENCE_ONLY = ("backward", "pool_backward", "train")
