"""``predict``: what a network sees on image files."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from .. import datasets, vision
from .._arrays import Array, Shape
from . import _onnx
from ._images import read_images
from ._networks import load


def predict(options: argparse.Namespace) -> int:
    """Runs the command. A file that cannot be read is named, and the others are answered all the same."""
    files, probabilities, names, status = (
        _onnx.probabilities if options.network.suffix.lower() == ".onnx" else _probabilities
    )(options)
    answers = list(zip(files, vision.top_classes(probabilities, options.top, names))) if files else []
    if options.json:
        found = [
            {"file": file, "classes": [{"class": name, "certainty": share} for name, share in top]} for file, top in answers
        ]
        print(json.dumps(found, ensure_ascii=False))
        return status
    width = max((len(file) for file, _ in answers), default=0)
    for file, top in answers:
        print(f"{file:{width}}  " + ", ".join(f"{name} {share:.1%}" for name, share in top))
    return status


def _probabilities(options: argparse.Namespace) -> tuple[list[str], Array, list[str], int]:
    """As `_onnx.probabilities`, for a network that train kept."""
    classifier = load(options.network)
    files, images, status = read_images(
        options.images, lambda file: read(file, classifier.shape, options.resize, options.invert)
    )
    if not images:
        return [], np.zeros((0, 0), np.float32), [], status
    return files, classifier.network.predict_proba(np.stack(images), options.batch), classifier.class_names, status


def read(file: Path, shape: Shape, resize: bool, invert: bool) -> Array:
    """An image file as ``x[C][H][W]``, float32 from 0 to 1, for a network that takes images of `shape`; colour becomes
    gray for one channel, and gray colour for three."""
    channels, height, width = shape
    if channels not in (1, 3):
        raise datasets.DatasetError(f"{file}: the network takes images of {channels} channels, image files have 1 or 3")
    pixels = datasets.read_image(file, gray=channels == 1, size=(height, width) if resize else None)  # [H][W][1 or 3]
    if pixels.shape[:2] != (height, width):
        came = f"{pixels.shape[1]} x {pixels.shape[0]}"
        raise datasets.DatasetError(f"{file}: wanted {width} x {height} pixels, got {came}; --resize scales images")
    planes = np.broadcast_to(pixels, (height, width, channels)).transpose(2, 0, 1)
    return datasets.from_bytes(255 - planes if invert else planes)
