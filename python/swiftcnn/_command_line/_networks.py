"""Networks by name, and files that hold one: its numbers, and beside them, as JSON, how it was built and for what."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Callable

from .. import models, nn
from .._arrays import Shape
from ..errors import InvalidArgumentError, SwiftCNNError
from ..nn import _files

MODELS: dict[str, Callable[..., nn.Module]] = {
    "simple": models.SimpleConvNet,
    "deep": models.DeepConvNet,
    "lenet5": models.LeNet5,
    "vgg11": models.vgg11,
    "vgg16": models.vgg16,
    "resnet18": models.resnet18,
    "resnet20": models.resnet20,
    "resnet50": models.resnet50,
    "mobilenetv2": models.MobileNetV2,
    "squeezenet": models.SqueezeNet,
}
SUFFIXES = (".npz", ".safetensors")

_KIND, _VERSION = "classifier", 1


@dataclass
class Classifier:
    """A network that tells classes of images apart.

    model : its name in `MODELS`. shape : (C, H, W) of the images. class_names : in the order of its scores.
    about : what else is worth keeping, as JSON can hold it: on what it was trained, how, and how well.
    """

    model: str
    shape: Shape
    class_names: list[str]
    network: nn.Module
    about: dict[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Writes all of it; a crash at any moment leaves the old file or the new one, whole."""
        notes = {"kind": _KIND, "version": _VERSION, "model": self.model, "shape": self.shape}
        _files.write(path, self.network.state_dict(), {**notes, "class_names": self.class_names, "about": self.about})


def build(model: str, shape: Shape, class_names: Sequence[str], about: Mapping[str, Any] | None = None) -> Classifier:
    """A new network for such images; raises `SwiftCNNError`, naming it, where they do not fit.

    >>> build("simple", (1, 28, 28), ["cat", "dog"]).network.predict([[[[0.0] * 28] * 28]]).shape
    (1, 2)
    """
    constructor = MODELS[model]
    takes_channels = "in_channels" in inspect.signature(constructor).parameters
    network = constructor(len(class_names), **({"in_channels": shape[0]} if takes_channels else {}))
    try:
        network.build(shape)
    except SwiftCNNError as error:
        raise type(error)(f"{model} does not take images of {text(shape)}: {error}") from error
    return Classifier(model, shape, list(class_names), network, dict(about or {}))


def load(path: Path) -> Classifier:
    """A network from a file that `Classifier.save` wrote."""
    if not path.is_file():
        raise InvalidArgumentError(f"{path}: no such file" if not path.exists() else f"{path}: not a file")
    try:
        arrays, notes = _files.read(path)
    except (SwiftCNNError, ImportError, OSError):
        raise
    except Exception as error:  # zipfile, zlib and json raise their own kinds
        raise InvalidArgumentError(f"{path}: wanted a whole network file, got a broken one: {error}") from error
    if not isinstance(notes, dict) or notes.get("kind") != _KIND:
        raise InvalidArgumentError(f"{path}: holds arrays, but not how their network is built: train --save writes that")
    if notes.get("version") != _VERSION:
        raise InvalidArgumentError(f"{path}: wanted version {_VERSION} of these files, got {notes.get('version')}")
    shape: Any = notes.get("shape")
    names: Any = notes.get("class_names")
    model, about = notes.get("model"), notes.get("about")
    if not isinstance(model, str) or model not in MODELS:
        raise InvalidArgumentError(f"{path}: wanted one of the models {', '.join(MODELS)}, got {model}")
    if not (_is_list(shape, int) and len(shape) == 3 and _is_list(names, str) and isinstance(about, dict)):
        raise InvalidArgumentError(f"{path}: wanted a shape of 3 numbers and names of classes, got {shape} and {names}")
    try:
        made = build(model, tuple(shape), names, about)
        made.network.load_state_dict(arrays)
    except SwiftCNNError as error:
        raise type(error)(f"{path}: {error}") from error
    return made


def text(shape: Sequence[int]) -> str:
    """
    >>> text((3, 32, 32))
    '3x32x32'
    """
    return "x".join(map(str, shape))


def _is_list(value: Any, kind: type) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(type(element) is kind for element in value)
