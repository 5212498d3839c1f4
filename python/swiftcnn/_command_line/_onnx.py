"""ONNX files on the command line: what a network sees on images, and how long it takes, step by step and beside others."""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any, Callable

import numpy as np

from .. import get_num_threads, isa, load, nn, vision
from .._arrays import Array
from ..errors import InvalidArgumentError, UnsupportedError
from ._images import read_images

#: What bench can run a file with beside swiftcnn.
PEERS = ("onnxruntime", "openvino", "torch")


def probabilities(options: argparse.Namespace) -> tuple[list[str], Array, list[str], int]:
    """The images that could be read, the probabilities for each, the names of classes, and the exit status."""
    network = load(options.network)
    size, channels = image_size(network)
    names = vision.read_names(options.labels) if options.labels else []
    mean, std = options.mean, options.std
    if mean is None:
        mean = vision.IMAGENET_MEAN if channels == 3 else (0.0,)
    if std is None:
        std = vision.IMAGENET_STD if channels == 3 else (1.0,)
    if len(mean) != channels:
        raise InvalidArgumentError(f"--mean and --std: wanted {channels} numbers, one for each channel, got {len(mean)}")
    files, images, status = read_images(
        options.images, lambda file: vision.preprocess(file, size, options.shorter_side, mean, std)
    )
    if not images:
        return [], np.zeros((0, 0), np.float32), [], status
    found = network.predict_proba(np.stack(images), options.batch)
    rows = found.reshape(len(found), -1)
    if names and len(names) != rows.shape[1]:
        raise InvalidArgumentError(f"--labels: wanted {rows.shape[1]} names, one for each class, got {len(names)}")
    return files, rows, names or [str(i) for i in range(rows.shape[1])], status


def image_size(network: nn.OnnxModule) -> tuple[tuple[int, int], int]:
    """(H, W) and the channels of the images that a network takes; 224 where the file leaves the size open."""
    shape = network.inputs[0].shape
    if len(network.inputs) != 1 or len(network.outputs) != 1 or (shape is not None and len(shape) != 4):
        raise UnsupportedError(f"wanted a network of one input [N][C][H][W] and one output, got {network.extra_repr()}")
    _, channels, height, width = shape or (None, None, None, None)
    if channels not in (1, 3, None):
        raise UnsupportedError(f"the network takes images of {channels} channels, image files have 1 or 3")
    return (height or 224, width or 224), channels or 3


# Measuring


def bench(options: argparse.Namespace) -> int:
    """Runs the command: each library loads the file, predicts once, and then again and again."""
    from . import say

    network = load(options.network)
    inputs = {port.name: example(port, options.batch, options.shape) for port in network.inputs}
    rows, status = [], 0
    wanted: Any = None
    for name, prepare in [("swiftcnn", _swiftcnn), *[(peer, RUNNERS[peer]) for peer in options.against]]:
        try:
            row = measure(name, prepare, options, inputs)
        except Exception as error:
            if name == "swiftcnn":
                raise
            # It is not installed, or does not run this file.
            say(f"{name} is left out: {error}")
            status = 1
            continue
        outputs = row.pop("outputs")
        wanted = outputs if wanted is None else wanted
        row["difference"] = max(float(np.abs(a - b).max() / (np.abs(a).max() or 1)) for a, b in zip(wanted, outputs))
        rows.append(row)
    profile = network.profile(inputs) if options.profile else None
    if options.json:
        if profile is not None:
            rows[0] |= {"peak": profile.peak, "steps": [step._asdict() for step in profile.steps]}
        print(json.dumps(rows))
        return status
    shapes = ", ".join(f"{name} {'x'.join(map(str, x.shape))}" for name, x in inputs.items())
    print(f"{options.network}: {shapes}; {isa()}, {get_num_threads()} threads; milliseconds")
    print(f"{'':12} {'load':>9} {'first':>9} {'median':>9} {'fastest':>9} {'difference':>11}")
    for row in rows:
        numbers = " ".join(f"{1000 * row[key]:9.2f}" for key in ("load", "first", "median", "fastest"))
        print(f"{row['library']:12} {numbers} {row['difference']:11.1e}")
    if profile is not None:
        print(f"\n{profile}")
    return status


def example(port: nn.Port, batch: int, shape: Any) -> Array:
    """An array of noise that fits an input: open extents are the batch, those of --shape, and 224."""
    extents = list(port.shape) if port.shape is not None else [None] * 4
    if shape is not None and len(extents) == 4:
        extents[1:] = shape
    given = [n if n is not None else (batch if i == 0 else 3 if i == 1 else 224) for i, n in enumerate(extents)]
    noise = np.random.default_rng(0)
    return (noise.standard_normal(given) if port.dtype.kind == "f" else noise.integers(0, 2, given)).astype(port.dtype)


def measure(name: str, prepare: Callable[..., Any], options: argparse.Namespace, inputs: dict[str, Array]) -> dict[str, Any]:
    """Seconds of loading, of the first prediction, and of the next ones, as many as fit in the time."""
    start = time.perf_counter()
    predict = prepare(options.network, get_num_threads())
    loaded = time.perf_counter()
    outputs = predict(inputs)
    first = time.perf_counter()
    times: list[float] = []
    while len(times) < 5 or time.perf_counter() - first < options.seconds:
        begin = time.perf_counter()
        predict(inputs)
        times.append(time.perf_counter() - begin)
    found = {"load": loaded - start, "first": first - loaded, "median": statistics.median(times), "fastest": min(times)}
    return {"library": name, **found, "runs": len(times), "outputs": outputs}


def _swiftcnn(path: Path, threads: int) -> Callable[[dict[str, Array]], list[Array]]:
    network = load(path)

    def run(inputs: dict[str, Array]) -> list[Array]:
        given = network.predict(inputs, batch_size=2**31 - 1)
        return list(given) if isinstance(given, tuple) else [given]

    return run


def _onnxruntime(path: Path, threads: int) -> Callable[[dict[str, Array]], list[Array]]:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    return lambda inputs: list(session.run(None, inputs))


def _openvino(path: Path, threads: int) -> Callable[[dict[str, Array]], list[Array]]:
    import openvino

    hints = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    compiled = openvino.Core().compile_model(str(path), "CPU", hints)
    return lambda inputs: [np.array(value) for value in compiled(inputs).values()]


def _torch(path: Path, threads: int) -> Callable[[dict[str, Array]], list[Array]]:
    """PyTorch reads no ONNX files: the same network as TorchScript lies beside it."""
    script = path.with_suffix(".pt")
    if not script.exists():
        raise UnsupportedError(f"PyTorch reads no ONNX files, and there is no TorchScript of the network in {script}")
    import torch

    torch.set_num_threads(threads)
    module = torch.jit.load(str(script)).eval()

    def run(inputs: dict[str, Array]) -> list[Array]:
        with torch.inference_mode():
            given = module(*map(torch.from_numpy, inputs.values()))
        return [value.numpy() for value in (given if isinstance(given, (tuple, list)) else [given])]

    return run


RUNNERS: dict[str, Callable[..., Any]] = {"onnxruntime": _onnxruntime, "openvino": _openvino, "torch": _torch}
