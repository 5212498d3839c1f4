"""How time grows with a network's sizes, and where it jumps: `make bench-growth`. One thread, swiftcnn alone.

Each series changes one size; a step of it is a network, whose prediction and training step are timed. A cliff is a step whose
time per operation is more than 1.5 times that of a neighbour that is smaller, or of one that is larger, and whose time is
not what a call costs anyhow, the time of the series' smallest step. Figures go to a file of JSON, series by series, and from
there to a plot.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Callable, NamedTuple

ROOT = Path(__file__).resolve().parents[1]
CLIFF = 1.5


class Step(NamedTuple):
    """x is of `shape`."""

    size: int
    make: Callable[[], Any]
    shape: tuple[int, int, int, int]


def _convolution(channels: int, filters: int, kernel: int = 3, groups: int = 1, stride: int = 1) -> Callable[[], Any]:
    from swiftcnn import nn

    return lambda: nn.Sequential(
        nn.Conv2d(channels, filters, kernel, stride, kernel // 2, groups=groups),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
    )


def _deep(depth: int) -> Callable[[], Any]:
    from swiftcnn import nn

    def make() -> Any:
        layers: list[Any] = []
        for _ in range(depth):
            layers += [nn.Conv2d(16, 16, 3, padding=1), nn.ReLU()]
        return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())

    return make


def _pool(kernel: int, stride: int) -> Callable[[], Any]:
    """Behind a convolution 1x1, so that its gradient is wanted."""
    from swiftcnn import nn

    return lambda: nn.Sequential(nn.Conv2d(16, 16, 1), nn.MaxPool2d(kernel, stride), nn.AdaptiveAvgPool2d(1), nn.Flatten())


def _linear(features: int) -> Callable[[], Any]:
    from swiftcnn import nn

    return lambda: nn.Sequential(nn.Flatten(), nn.Linear(features, 64))


DOUBLED = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
SMALL = range(1, 65)


def _series() -> dict[str, list[Step]]:
    """Every one in the order of its sizes."""
    return {
        "batch, 3x3 16 channels 32x32": [Step(n, _convolution(16, 16), (n, 16, 32, 32)) for n in DOUBLED],
        "image, 3x3 16 channels": [Step(s, _convolution(16, 16), (1, 16, s, s)) for s in range(32, 513, 32)],
        "width, 3x3 14x14": [Step(c, _convolution(c, c), (1, c, 14, 14)) for c in (8, *range(16, 65, 16), *range(96, 257, 32))]
        + [Step(c, _convolution(c, c), (1, c, 14, 14)) for c in range(320, 1025, 64)],
        "depth, 3x3 16 channels 16x16": [
            Step(d, _deep(d), (1, 16, 16, 16)) for d in (1, 2, 3, 4, 6, 8, 12, 16, 25, 50, 75, 100)
        ],
        "size, 3x3 16 channels": [Step(s, _convolution(16, 16), (1, 16, s, s)) for s in SMALL],
        "size, 3x3 3 channels stride 2": [Step(s, _convolution(3, 32, stride=2), (1, 3, s, s)) for s in SMALL],
        "size, 1x1 64 channels": [Step(s, _convolution(64, 64, 1), (1, 64, s, s)) for s in SMALL],
        "size, 5x5 16 channels": [Step(s, _convolution(16, 16, 5), (1, 16, s, s)) for s in SMALL],
        "size, depthwise 64 channels": [Step(s, _convolution(64, 64, 3, 64), (1, 64, s, s)) for s in SMALL],
        "size, max pooling 2x2": [Step(s, _pool(2, 2), (1, 16, s, s)) for s in range(2, 65)],
        "size, max pooling 3x3 stride 2": [Step(s, _pool(3, 2), (1, 16, s, s)) for s in range(3, 65)],
        "channels, 3x3 28x28": [Step(c, _convolution(c, c), (1, c, 28, 28)) for c in SMALL],
        "channels in, 3x3 to 32 28x28": [Step(c, _convolution(c, 32), (1, c, 28, 28)) for c in SMALL],
        "channels out, 3x3 of 32 28x28": [Step(c, _convolution(32, c), (1, 32, 28, 28)) for c in SMALL],
        "channels, 1x1 28x28": [Step(c, _convolution(c, c, 1), (1, c, 28, 28)) for c in SMALL],
        "channels, depthwise 28x28": [Step(c, _convolution(c, c, 3, c), (1, c, 28, 28)) for c in SMALL],
        "batch, 3x3 16 channels 16x16, every": [Step(n, _convolution(16, 16), (n, 16, 16, 16)) for n in SMALL],
        "features, linear batch 32": [Step(f, _linear(f), (32, 1, 1, f)) for f in SMALL],
    }


def _calls(step: Step, train: bool) -> tuple[Callable[[], Any], float]:
    """What is timed, and its multiply-adds."""
    import numpy as np

    generator, net = np.random.default_rng(0), step.make()
    x = generator.random(step.shape, np.float32)
    layers = [row.multiply_adds * len(x) for row in net.summary(step.shape[1:]).rows if row.multiply_adds]
    products = sum(layers)
    if not train:
        return lambda: net.predict(x, batch_size=len(x)), products
    net.compile("cross_entropy", "sgd")
    t = np.zeros(len(x), np.int64)
    return lambda: net.train_step(x, t), 3 * products - layers[0]  # without the gradient of x itself


def _seconds(call: Callable[[], Any], budget: float) -> float:
    clock = time.perf_counter
    call()
    times: list[float] = []
    end = clock() + budget
    while len(times) < 3 or clock() < end:
        begun = clock()
        call()
        times.append(clock() - begun)
    return statistics.median(times)


def measure(steps: Sequence[Step], train: bool, rounds: int = 8, budget: float = 0.004) -> list[dict[str, float]]:
    """Each step's least median of a few rounds over the whole series, so that a disturbance does not look like a cliff."""
    calls = [_calls(step, train) for step in steps]
    best = [float("inf")] * len(steps)
    for _ in range(rounds):
        for i, (call, _) in enumerate(calls):
            best[i] = min(best[i], _seconds(call, budget))
    return [
        {"size": step.size, "seconds": seconds, "operations": float(operations)}
        for step, (_, operations), seconds in zip(steps, calls, best)
    ]


def cliffs(figures: Sequence[Mapping[str, float]]) -> Iterator[tuple[float, float, float]]:
    """Sizes with a cliff: (size, neighbour, how many times its time per operation)."""
    floor = min(figure["seconds"] for figure in figures)
    for i, figure in enumerate(figures):
        if figure["seconds"] < 2 * floor:
            continue
        for other in (*figures[max(0, i - 1) : i], *figures[i + 1 : i + 2]):
            times = figure["seconds"] / figure["operations"] / (other["seconds"] / other["operations"])
            if times > CLIFF:
                yield figure["size"], other["size"], times


def plot(found: Mapping[str, Any], path: Path) -> None:
    """A panel for each series: time per operation over size, prediction and training, cliffs marked."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import NullFormatter

    names = list(found)
    columns = 3
    figure = Figure(figsize=(5 * columns, 3.2 * -(-len(names) // columns)), layout="constrained")
    for name, axes in zip(names, figure.subplots(-(-len(names) // columns), columns, squeeze=False).flat):
        for way, colour in (("predict", "#2a6f97"), ("train", "#c1666b")):
            figures = found[name].get(way, [])
            sizes = [step["size"] for step in figures]
            axes.plot(sizes, [step["operations"] / step["seconds"] * 2e-9 for step in figures], ".-", color=colour, label=way)
            marked = {size for size, *_ in cliffs(figures)} if figures else set()
            at = [step for step in figures if step["size"] in marked]
            rates = [step["operations"] / step["seconds"] * 2e-9 for step in at]
            axes.plot([step["size"] for step in at], rates, "o", mfc="none", mec="black")
        axes.set(title=name, xscale="linear" if "," in name and len(sizes) > 40 else "log", yscale="log", ylabel="GFLOP/s")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_minor_formatter(NullFormatter())
        axes.grid(alpha=0.3, which="both")
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", default="", help="the beginning of names; by default all")
    parser.add_argument("--out", type=Path, default=ROOT / "build" / "bench" / "growth.json")
    parser.add_argument("--plot", type=Path, default=None, help="draw what is in the file by now, into this .png or .svg")
    options = parser.parse_args()
    sys.path.insert(0, str(ROOT / "python"))
    found = json.loads(options.out.read_text()) if options.out.exists() else {}
    if options.plot:
        plot(found, options.plot)
        return
    import swiftcnn

    swiftcnn.set_num_threads(1)
    for name, steps in _series().items():
        if name.startswith(options.series):
            found[name] = {"predict": measure(steps, False), "train": measure(steps, True)}
            options.out.parent.mkdir(parents=True, exist_ok=True)
            options.out.write_text(json.dumps(found) + "\n")
            for way, figures in found[name].items():
                text = ", ".join(f"{size} {times:.2f} times {other}" for size, other, times in cliffs(figures))
                print(f"{name}: {way}: {text or 'no cliff'}", flush=True)


if __name__ == "__main__":
    main()
