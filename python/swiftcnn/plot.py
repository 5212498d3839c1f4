"""Pictures of a training: curves, filters, mistakes. matplotlib is imported when used; `report` draws all in one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def training_curves(axes: Any, losses: Sequence[float], epochs: dict[str, list[float]]) -> None:
    """The loss of every step, and on a second scale the accuracies (0 to 1) after every epoch, by name."""
    steps = np.arange(1, len(losses) + 1)
    axes.plot(steps, losses, color="#9aa5b1", linewidth=0.8, label="loss of a step")
    axes.set(xlabel="step", ylabel="loss", yscale="log", title="Training")
    right = axes.twinx()
    for (name, values), color in zip(epochs.items(), ("#1f77b4", "#d62728")):
        ends = np.linspace(0, len(losses), len(values) + 1)[1:]
        right.plot(ends, [100 * v for v in values], marker=".", color=color, label=name)
    right.set_ylabel("accuracy, %")
    handles = [line for a in (axes, right) for line in a.get_lines()]
    axes.legend(handles, [str(line.get_label()) for line in handles], loc="center right", fontsize=8)


def filters(figure: Any, weights: Array) -> None:
    """The first layer's filters weights[FN][C][FH][FW], each on its own scale; dark is negative."""
    shown = weights[:40]
    columns = 8
    grid = figure.subplots(-(-len(shown) // columns), columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, kernel in zip(grid, shown):
        largest = float(np.abs(kernel).max()) or 1.0
        picture = kernel.transpose(1, 2, 0) / (2 * largest) + 0.5 if len(kernel) == 3 else kernel.mean(0)
        axes.imshow(picture, cmap="gray", vmin=None if len(kernel) == 3 else -largest, vmax=largest)
    figure.suptitle("Filters of the first layer", fontsize=12)


def mistakes(figure: Any, images: Array, true: Sequence[str], predicted: Sequence[str], total: int) -> None:
    """Images that were read wrongly, images[N][C][H][W], with both labels; `total` counts all of them."""
    rows, columns = 3, 10
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes in grid:
        axes.axis("off")
    for axes, image, t, p in zip(grid, images, true, predicted):
        axes.imshow(image.transpose(1, 2, 0) if len(image) == 3 else image[0], cmap="gray_r")
        axes.set_title(f"{t} read as {p}", fontsize=8)
    figure.suptitle(f"Wrongly read: {total}" if total else "None was wrongly read", fontsize=12)


def report(
    path: str | Path,
    title: str,
    losses: Sequence[float],
    epochs: dict[str, list[float]],
    weights: Array,
    wrong: tuple[Array, Sequence[str], Sequence[str], int],
) -> None:
    """Draws curves, filters and mistakes (images, true and predicted labels, how many) into one picture file."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure: Any = Figure(figsize=(12, 9), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    top, bottom = figure.subfigures(2, 1, height_ratios=(1.2, 1))
    left, right = top.subfigures(1, 2, width_ratios=(1.3, 1))
    training_curves(left.subplots(), losses, epochs)
    filters(right, weights)
    mistakes(bottom, *wrong)
    figure.suptitle(title, fontsize=14)
    figure.savefig(path)
