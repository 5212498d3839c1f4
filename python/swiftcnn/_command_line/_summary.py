"""``summary``: the layers of a network, and what is known of its training."""

from __future__ import annotations

import argparse
from pathlib import Path

from .. import load as load_onnx
from ._networks import build, load, text


def summary(options: argparse.Namespace) -> int:
    """Runs the command."""
    if isinstance(options.network, Path) and options.network.suffix.lower() == ".onnx":
        print(load_onnx(options.network).summary())
        return 0
    if isinstance(options.network, str):
        classifier = build(options.network, options.shape, [str(i) for i in range(options.classes)])
    else:
        classifier = load(options.network)
    names = classifier.class_names
    shown = ", ".join(names if len(names) <= 20 else [*names[:19], f"… {names[-1]}"])
    print(f"{classifier.model}, for images of {text(classifier.shape)}, {len(names)} classes: {shown}")
    for name, value in classifier.about.items():
        print(f"{name.replace('_', ' '):14} {value}")
    print(classifier.network.summary())
    return 0
