"""``evaluate``: how well a network reads the test images of a data set."""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter
from dataclasses import dataclass

import numpy as np

from .. import datasets
from .._arrays import Array
from ..errors import InvalidArgumentError, ShapeError
from ._networks import Classifier, load, text


@dataclass
class Result:
    """What a test found: for each image the class ``predicted[N]`` and its probability ``certainty[N]``, whether that is
    ``right[N]``, and the mean `loss`."""

    predicted: Array
    certainty: Array
    right: Array
    loss: float

    @property
    def accuracy(self) -> float:
        return float(self.right.mean())

    def __str__(self) -> str:
        return f"{self.accuracy:.2%} ({self.right.sum()} of {len(self.right)})"


def evaluate(options: argparse.Namespace) -> int:
    """Runs the command."""
    classifier, data = load(options.network), datasets.load(options.data)
    x, t = data.x_test, labels(classifier, data, data.t_test)
    start = time.perf_counter()
    result = test(classifier, x, t, options.batch)
    seconds = time.perf_counter() - start
    names = classifier.class_names
    confused = Counter((int(true), int(read)) for true, read in zip(t, result.predicted) if true != read).most_common(3)
    if options.json:
        found = {"data": data.name, "images": len(t), "right": int(result.right.sum()), "accuracy": result.accuracy}
        pairs = [{"class": names[true], "read_as": names[read], "images": count} for (true, read), count in confused]
        print(json.dumps({**found, "loss": result.loss, "seconds": seconds, "confused": pairs}, ensure_ascii=False))
        return 0
    print(f"{data.name}: {len(t)} test images, {text(classifier.shape)}, {len(data.class_names)} classes")
    print(f"test accuracy  {result}")
    print(f"mean loss      {result.loss:.4f}")
    print(f"time           {seconds:.2f} s")
    if confused:
        print("most confused ", ", ".join(f"{names[true]} read as {names[read]} ({count})" for (true, read), count in confused))
    return 0


def test(classifier: Classifier, x: Array, t: Array, batch: int = 100) -> Result:
    """The network's answers for images ``x[N][C][H][W]``, held against ``t[N]``, positions in its `class_names`."""
    scores = classifier.network.predict(x, batch).astype(np.float64)
    rows, predicted = np.arange(len(t)), scores.argmax(axis=1)
    # The softmax's logarithm, from the scores: of a certainty that is 1 as far as float32 knows, nothing would be left.
    scores -= scores.max(axis=1, keepdims=True)
    logarithms = scores - np.log(np.exp(scores).sum(axis=1, keepdims=True))
    loss = float(-logarithms[rows, t].mean())
    return Result(predicted, np.exp(logarithms[rows, predicted]), predicted == t, loss)


def labels(classifier: Classifier, data: datasets.Dataset, t: Array) -> Array:
    """``t[N]``, positions in the data set's `class_names`, as positions in the network's; checks that the two fit."""
    shape = data.x_train.shape[1:]
    if shape != classifier.shape:
        raise ShapeError(f"{data.name}: the network takes images of {text(classifier.shape)}, these are {text(shape)}")
    positions = {name: position for position, name in enumerate(classifier.class_names)}
    strange = [name for name in data.class_names if name not in positions]
    if strange:
        known = ", ".join(classifier.class_names)
        raise InvalidArgumentError(f"{data.name}: the network knows the classes {known}, but not {', '.join(strange)}")
    return np.array([positions[name] for name in data.class_names], np.int64)[t]
