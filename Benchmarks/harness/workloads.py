"""The table of what is measured: rows of plain numbers, the same for every framework.

`ROWS` has them in order. Every process makes a row's inputs from its id alone, so all get the same. `goal` is the ratio
of the best peer's time to ours that the project wants on that row.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from harness import networks


@dataclass(frozen=True)
class Window:
    """A square window that slides over `x[n][channels][size][size]`; of a convolution if it has filters."""

    name: str
    channels: int
    size: int
    kernel: int
    stride: int = 1
    pad: int = 0
    filters: int = 0
    groups: int = 1

    @property
    def out(self) -> int:
        return (self.size + 2 * self.pad - self.kernel) // self.stride + 1

    @property
    def weight(self) -> tuple[int, int, int, int]:
        return (self.filters, self.channels // self.groups, self.kernel, self.kernel)

    @property
    def inside(self) -> float:
        """The share of its taps that fall on the image, not on the padding."""
        places = [o * self.stride - self.pad + tap for o in range(self.out) for tap in range(self.kernel)]
        return (sum(0 <= place < self.size for place in places) / len(places)) ** 2


@dataclass(frozen=True)
class Row:
    """kind: forward, backward (of a convolution), pool_forward, pool_backward; train, infer (of a network that `networks`
    defines), onnx (of one from a file). flops count taps on padding too; bytes are read or written at least once."""

    id: str
    kind: str
    n: int
    flops: float
    bytes: float = 0.0
    goal: Optional[float] = None
    window: Optional[Window] = None
    model: str = ""
    optimizer: str = ""

    @property
    def shape(self) -> tuple[int, ...]:
        """Of x, for a window."""
        assert self.window
        return (self.n, self.window.channels, self.window.size, self.window.size)


ARTICLE = Window("article_5x5_1_30_28", 1, 28, 5, filters=30)
# With the goals of forward and backward at n = 1, and at n = 8.
CONVOLUTIONS = [
    (Window("3x3_64_56", 64, 56, 3, pad=1, filters=64), (1.15, 2.7), (1.15, 2.7)),
    (Window("3x3_128_28", 128, 28, 3, pad=1, filters=128), (1.15, 2.7), (1.15, 2.7)),
    (Window("3x3_256_14", 256, 14, 3, pad=1, filters=256), (1.15, 2.7), (1.15, 2.7)),
    (Window("3x3_512_7", 512, 7, 3, pad=1, filters=512), (1.15, 2.7), (1.15, 2.7)),
    (Window("7x7s2_3_64_224", 3, 224, 7, 2, 3, filters=64), (1.0, 2.7), (1.0, 2.7)),
    (Window("1x1_64_256_56", 64, 56, 1, filters=256), (1.0, 1.2), (1.2, 1.2)),
    (Window("1x1_256_64_56", 256, 56, 1, filters=64), (1.0, 1.2), (1.2, 1.2)),
    (Window("1x1_512_2048_7", 512, 7, 1, filters=2048), (1.0, 1.2), (1.0, 1.2)),
    (Window("3x3s2_128_56", 128, 56, 3, 2, 1, filters=128), (1.0, 1.1), (1.0, 1.1)),
    (Window("dw3x3_144_56", 144, 56, 3, pad=1, filters=144, groups=144), (1.2, 1.6), (2.0, 3.0)),
]
POOLS = [(Window("article_2x2_30_24", 30, 24, 2, 2), (100,)), (Window("3x3s2_64_112", 64, 112, 3, 2, 1), (1, 8))]

# Multiply-adds of an image of 224x224, in 10^9: convolutions and matrix products.
MODELS = {"resnet18": 1.814, "resnet50": 4.089, "mobilenet_v2": 0.301, "vgg16": 15.470, "squeezenet1_1": 0.349}
MODEL_GOALS = {"resnet18": 1.3, "resnet50": 1.15, "mobilenet_v2": 1.15, "vgg16": 1.3, "squeezenet1_1": 1.3}

TRAINING_STEPS = 5
"""How many the check of a training row makes, from the initial parameters and without dropout."""


def convolution(window: Window, n: int, backward: bool, goal: Optional[float] = None) -> Row:
    """Forward: y. Backward: dx, dw and db."""
    flops = 2.0 * n * window.out**2 * float(np.prod(window.weight))
    x, y = n * window.channels * window.size**2, n * window.filters * window.out**2
    weight = float(np.prod(window.weight))
    kind = "backward" if backward else "forward"
    flops, moved = (2 * flops, 2 * x + 2 * weight + y) if backward else (flops, x + weight + y)
    return Row(f"{kind}/{window.name}/n{n}", kind, n, flops, 4.0 * moved, goal, window)


def pooling(window: Window, n: int, backward: bool, goal: Optional[float] = None) -> Row:
    """Backward reads dy, and the winners at a byte each."""
    x, y = n * window.channels * window.size**2, n * window.channels * window.out**2
    kind = "pool_backward" if backward else "pool_forward"
    return Row(f"{kind}/{window.name}/n{n}", kind, n, 0.0, 4.0 * (x + y) + (y if backward else 0), goal, window)


def network(kind: str, model: str, n: int, goal: Optional[float] = None, optimizer: str = "") -> Row:
    """A training step counts three times the forward's operations."""
    flops = n * networks.flops(model) * (3 if kind == "train" else 1)
    return Row(f"{kind}/{model}/n{n}", kind, n, flops, goal=goal, model=model, optimizer=optimizer)


def _rows() -> list[Row]:
    rows = []
    for backward in (False, True):
        rows.append(convolution(ARTICLE, 100, backward, (1.4, 5.0)[backward]))
        for window, *goals in CONVOLUTIONS:
            rows += [convolution(window, n, backward, goal[backward]) for n, goal in zip((1, 8), goals)]
    for backward in (False, True):
        rows += [pooling(window, n, backward, 2.0) for window, counts in POOLS for n in counts]
    rows += [network("train", "simple", n, 3.5, "adam") for n in (100, 16)]
    rows += [network("infer", "simple", n, goal) for n, goal in ((1, 1.4), (100, 1.5))]
    rows += [network("train", "deep", n, goal, "adam") for n, goal in ((100, 2.8), (16, 1.5))]
    rows.append(network("train", "resnet20", 64, 2.5, "sgd"))
    for model, gmac in MODELS.items():
        for n in (1, 8):
            rows.append(Row(f"onnx/{model}/n{n}", "onnx", n, 2e9 * gmac * n, goal=MODEL_GOALS[model], model=model))
    return rows


ROWS = _rows()
# One of each sort, for a first look and for comparing commits.
QUICK = (
    "forward/(article_5x5_1_30_28/n100|3x3_64_56/n1|3x3_512_7/n1|7x7s2_3_64_224/n1|1x1_64_256_56/n1|dw3x3_144_56/n1)|"
    "backward/(article_5x5_1_30_28/n100|3x3_64_56/n1|dw3x3_144_56/n1)|pool_forward/article|train/simple/n100|infer/simple|onnx/resnet18/n1"
)


def by_id(name: str) -> Row:
    return next(row for row in ROWS if row.id == name)


def inputs(row: Row) -> dict[str, Any]:
    """x, w, b, dy of a layer; params, xs, ts of a network (four batches to train on); x of a file's. Float32, in C order."""
    generator = np.random.default_rng(zlib.crc32(row.id.encode()))

    def normal(*shape: int, deviation: float = 1.0) -> Any:
        return generator.standard_normal(shape, dtype=np.float32) * np.float32(deviation)

    if row.window:
        made = {"x": normal(*row.shape)}
        if row.window.filters:
            deviation = (2 / float(np.prod(row.window.weight[1:]))) ** 0.5
            made["w"] = normal(*row.window.weight, deviation=deviation)
            made["b"] = normal(row.window.filters, deviation=0.1)
        if row.kind.endswith("backward"):
            made["dy"] = normal(row.n, row.window.filters or row.window.channels, row.window.out, row.window.out)
        return made
    if row.kind == "onnx":
        return {"x": normal(row.n, 3, 224, 224)}
    params = {}
    for name, shape in networks.parameter_shapes(row.model).items():
        if len(shape) == 1:
            params[name] = np.full(shape, name.endswith(".gamma"), np.float32)
        else:
            params[name] = normal(*shape, deviation=(2 / (shape[0] if len(shape) == 2 else float(np.prod(shape[1:])))) ** 0.5)
    batches, shape = 4 if row.kind == "train" else 1, (row.n, *networks.IMAGE[row.model])
    draw = normal if row.model == "resnet20" else lambda *shape: generator.random(shape, dtype=np.float32)
    xs = [draw(*shape) for _ in range(batches)]
    return {"params": params, "xs": xs, "ts": [generator.integers(0, 10, row.n) for _ in range(batches)]}
