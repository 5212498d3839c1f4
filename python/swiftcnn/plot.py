"""Pictures of a training: curves, learned filters, mistakes, and all of them on one page.

Every function draws on what it is given, or on a new figure, and returns the figure; ``figure.savefig("file.png")``
writes it. matplotlib is imported when something is drawn. No window system and no global state is touched, so this
works in a script on a server and leaves a notebook's own settings alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Optional

import numpy as np
import numpy.typing as npt

__all__ = ["filters", "mistakes", "report", "training_curves"]

Array = npt.NDArray[Any]

_BLUE, _ORANGE, _INK, _PALE = "#2b6cb0", "#dd6b20", "#2d3748", "#e2e8f0"


def _new_figure(width: float, height: float) -> Any:
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ImportError("drawing needs matplotlib: pip install matplotlib") from error
    return Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")


def training_curves(history: Mapping[str, Any], figure: Any = None) -> Any:
    """Loss and accuracy against epochs.

    Parameters
    ----------
    history : ``loss``, a list of the losses of each epoch's steps; ``accuracy``, a number from 0 to 1 for
        each epoch; and, where there are any, ``test_accuracy`` and ``test_loss``, likewise.
    figure : a matplotlib figure or subfigure to draw on.
    """
    figure = figure or _new_figure(10, 3.6)
    left, right = figure.subplots(1, 2)
    epochs = history["loss"]
    steps = np.array([loss for losses in epochs for loss in losses], np.float64)
    if len(steps):
        at = np.concatenate([i + (np.arange(len(losses)) + 1) / len(losses) for i, losses in enumerate(epochs)])
        means = [float(np.mean(losses)) for losses in epochs]
        left.plot(at, np.maximum(steps, 1e-6), color=_BLUE, alpha=0.3, linewidth=0.8, label="each step")
        left.plot(np.arange(len(means)) + 1, means, color=_BLUE, linewidth=2, marker=_marker(means), label="epoch")
        tested = list(history.get("test_loss", []))
        if len(tested):
            left.plot(np.arange(len(tested)) + 1, tested, color=_ORANGE, linewidth=2, marker=_marker(tested), label="test")
        left.set_yscale("log")
        left.legend(frameon=False, fontsize=9)
    for key, color, label in (("accuracy", _ORANGE, "training"), ("test_accuracy", _BLUE, "test")):
        values = history.get(key, [])
        if len(values):
            percent = 100 * np.asarray(values, np.float64)
            right.plot(np.arange(len(values)) + 1, percent, color=color, linewidth=2, marker=_marker(values), label=label)
    if right.lines:
        lowest = min(float(np.min(line.get_ydata())) for line in right.lines)
        right.set_ylim(max(0.0, lowest - 0.05 * (100 - lowest) - 0.2), 100 + 0.05 * (100 - lowest) + 0.1)
        right.legend(frameon=False, fontsize=9, loc="lower right")
    for axes, title in ((left, "Loss"), (right, "Accuracy, %")):
        _heading(axes, title)
        axes.set_xlabel("epoch", fontsize=9, color=_INK)
        axes.set_xlim(0, max(1, len(epochs)) * 1.02)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.grid(True, which="major", color=_PALE, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.tick_params(labelsize=9, colors=_INK)
        axes.spines[["top", "right"]].set_visible(False)
    return figure


def filters(weights: Array, figure: Any = None, limit: int = 32) -> Any:
    """The filters ``weights[FN][C][FH][FW]`` of a first layer, up to `limit` of them.

    Filters of three channels are shown in colour. Of others the mean over channels: red adds, blue takes away.
    """
    figure = figure or _new_figure(5, 3.6)
    weights = np.asarray(weights, np.float64)[:limit]
    if weights.ndim != 4:
        raise ValueError(f"filters: weights must have 4 axes (FN, C, FH, FW), got shape {weights.shape}")
    figure.suptitle("Filters of the first layer", fontsize=11, color=_INK, x=0.02, ha="left", weight="bold")
    colour = weights.shape[1] == 3
    planes = weights.transpose(0, 2, 3, 1) if colour else weights.mean(axis=1)
    bound = float(np.abs(planes).max(initial=0)) or 1.0
    for axes, plane in zip(_grid(figure, len(planes), 8), planes):
        if colour:
            axes.imshow(0.5 + plane / (2 * bound), interpolation="nearest")
        else:
            axes.imshow(plane, cmap="RdBu_r", vmin=-bound, vmax=bound, interpolation="nearest")
    return figure


def mistakes(images: Array, true: Sequence[str], predicted: Sequence[str], figure: Any = None, limit: int = 18) -> Any:
    """Wrongly read images ``[N][C][H][W]``, up to `limit` of them, with what they are and what they were read as."""
    figure = figure or _new_figure(5, 3.6)
    shown, count = min(len(images), limit), len(images)
    title = "Wrongly read" if shown == count else f"Wrongly read, {shown} of {count}"
    figure.suptitle(title, fontsize=11, color=_INK, x=0.02, ha="left", weight="bold")
    if not count:
        axes = figure.subplots()
        axes.set_axis_off()
        axes.text(0.5, 0.5, "None: every test image was read correctly.", ha="center", va="center", color=_INK)
        return figure
    for i, axes in enumerate(_grid(figure, shown, 6)):
        image = np.asarray(images[i], np.float64)
        if len(image) == 3:
            axes.imshow(image.transpose(1, 2, 0).clip(0, 1), interpolation="nearest")
        else:
            axes.imshow(image.mean(axis=0), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
        text = f"{_short(true[i])} read as {_short(predicted[i])}"
        axes.set_title(text if len(text) < 14 else text.replace(" read", "\nread"), fontsize=8, color=_INK, pad=3)
    return figure


def report(
    history: Mapping[str, Any],
    weights: Array,
    images: Array,
    true: Sequence[str],
    predicted: Sequence[str],
    title: Optional[str] = None,
) -> Any:
    """One page: `training_curves` of `history`, `filters` of `weights`, and `mistakes` of the other three."""
    figure = _new_figure(11, 7.6)
    if title:
        figure.suptitle(title, fontsize=14, color=_INK, weight="bold")
    upper, lower = figure.subfigures(2, 1, height_ratios=[1, 1.05], hspace=0.03)
    training_curves(history, upper)
    left, right = lower.subfigures(1, 2, width_ratios=[1, 1.05], wspace=0.03)
    filters(weights, left)
    mistakes(images, true, predicted, right)
    return figure


# ---- Parts -----------------------------------------------------------------------------------------------------------


def _grid(figure: Any, count: int, columns: int) -> list[Any]:
    """`count` small frames without ticks, row by row; the rest of the grid stays empty."""
    columns = max(1, min(columns, count))
    grid = figure.subplots(max(1, math.ceil(count / columns)), columns, squeeze=False)
    frames = list(grid.flat)
    for axes in frames:
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_color(_PALE)
    for axes in frames[count:]:
        axes.set_axis_off()
    return frames[:count]


def _heading(axes: Any, text: str) -> None:
    axes.set_title(text, fontsize=11, color=_INK, loc="left", weight="bold")


def _marker(values: Sequence[float]) -> Optional[str]:
    return "o" if len(values) < 10 else None


def _short(name: str) -> str:
    return name if len(name) <= 12 else name[:11] + "…"
