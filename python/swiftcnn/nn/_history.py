"""What a training was like, epoch by epoch."""

from __future__ import annotations

from typing import Any


class History(dict[str, list[float]]):
    """Lists with a number for each epoch: ``loss``, ``lr`` (the learning rate at its beginning), ``seconds``, the metrics,
    and the same of the validation images as ``val_loss`` and so on.

    Attributes
    ----------
    steps : for each epoch the losses of its batches.
    stopped : why it ended before its last epoch, or None.

    >>> history = History()
    >>> history.add({"loss": 0.5}, [0.6, 0.4])
    >>> history["loss"], history.steps
    ([0.5], [[0.6, 0.4]])
    """

    def __init__(self) -> None:
        super().__init__()
        self.steps: list[list[float]] = []
        self.stopped: str | None = None

    def add(self, logs: dict[str, float], steps: list[float]) -> None:
        """One epoch."""
        for name, value in logs.items():
            self.setdefault(name, []).append(value)
        self.steps.append(steps)

    def plot(self) -> Any:
        """The curves of loss and accuracy, as a matplotlib figure."""
        from .. import plot

        curves: dict[str, Any] = {"loss": self.steps, "test_loss": self.get("val_loss", [])}
        curves |= {"accuracy": self.get("accuracy", []), "test_accuracy": self.get("val_accuracy", [])}
        return plot.training_curves(curves)
