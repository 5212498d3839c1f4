"""What happens between the epochs of `swiftcnn.nn.Module.fit`: stopping early, keeping files, logs, learning rates.

>>> import numpy as np
>>> from swiftcnn import nn, optim
>>> from swiftcnn.callbacks import EarlyStopping
>>> net = nn.Linear(1, 1).compile("mse", optim.SGD(0.0))
>>> history = net.fit(np.ones((4, 1)), np.ones((4, 1)), epochs=50, callbacks=[EarlyStopping(patience=2)], verbose=False)
>>> len(history["loss"]), history.stopped
(3, 'loss has not got better for 2 epochs')

Names and arguments are Keras's.
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

from ._arrays import Array
from ._windows import as_integer
from .errors import CallOrderError, InvalidArgumentError

if TYPE_CHECKING:
    from .nn._training import Training

__all__ = [
    "CSVLogger",
    "Callback",
    "EarlyStopping",
    "LearningRateScheduler",
    "ModelCheckpoint",
    "ProgressBar",
    "TensorBoard",
]

Logs = dict[str, float]


class Callback:
    """The base of callbacks: subclasses override what they need. `training` has the `network`, the `history`, and
    ``stop(reason)``, which ends the training after the epoch.
    """

    _training: Optional[Training] = None

    @property
    def training(self) -> Training:
        """The run that it belongs to."""
        if self._training is None:
            raise CallOrderError(f"{type(self).__name__} belongs to no training yet")
        return self._training

    def begin(self, training: Training) -> None:
        self._training = training
        self.on_train_begin()

    def on_train_begin(self) -> None:
        """Before the first epoch."""

    def on_epoch_begin(self, epoch: int) -> None:
        """Before epoch number `epoch`, from 0."""

    def on_batch_end(self, done: int, batches: int, loss: float) -> None:
        """After a batch: how many are done, of how many, and the epoch's mean loss so far."""

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        """After an epoch that was not broken off, with what was measured."""

    def on_train_end(self) -> None:
        """After the last epoch, however it ended."""


class _Best:
    """The best of what a callback watches."""

    def __init__(self, monitor: Optional[str], mode: Optional[str], min_delta: float = 0.0) -> None:
        if mode not in (None, "min", "max"):
            raise InvalidArgumentError(f"mode must be 'min', 'max' or None, got {mode!r}")
        self.monitor, self._mode, self._delta = monitor, mode, abs(float(min_delta))
        self.value: Optional[float] = None

    def is_beaten(self, logs: Logs) -> bool:
        """Whether this epoch is better, by min_delta at least."""
        from .nn._training import monitored

        value = monitored(logs, self.monitor)
        self.monitor = self.monitor or ("val_loss" if "val_loss" in logs else "loss")
        rises = self._mode == "max" or (self._mode is None and "acc" in self.monitor)
        gain = 0.0 if self.value is None else value - self.value if rises else self.value - value
        if self.value is None or (gain > self._delta and value == value):
            self.value = value
            return True
        return False


class EarlyStopping(Callback):
    """Ends the training when what `monitor` names has not got better, by `min_delta`, for `patience` epochs.

    monitor : default the validation's loss, or without one the training's. patience, min_delta : default 0.
    mode : ``"min"``, ``"max"``, or None (default): max for accuracies, else min.
    restore_best_weights : True puts back the numbers of the best epoch. Default False.

    Source: keras.callbacks.EarlyStopping.
    """

    def __init__(
        self,
        monitor: Optional[str] = None,
        min_delta: float = 0.0,
        patience: int = 0,
        mode: Optional[str] = None,
        restore_best_weights: bool = False,
    ) -> None:
        self._arguments = (monitor, mode, min_delta)
        self.patience = as_integer(patience, "patience", 0)
        self.restore_best_weights = restore_best_weights
        self.best = _Best(*self._arguments)

    def on_train_begin(self) -> None:
        self.best, self._waited = _Best(*self._arguments), 0
        self._kept: dict[str, Array] = {}

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.best.is_beaten(logs):
            self._waited = 0
            if self.restore_best_weights:
                self._kept = {name: array.copy() for name, array in self.training.network.state_dict().items()}
            return
        self._waited += 1
        if self._waited >= max(self.patience, 1):
            self.training.stop(f"{self.best.monitor} has not got better for {self._waited} epochs")

    def on_train_end(self) -> None:
        if self._kept:
            self.training.network.load_state_dict(self._kept)


class ModelCheckpoint(Callback):
    """Writes a checkpoint after each epoch, so that training can go on from it after whatever happens.

    path : ``.npz`` or ``.safetensors``; may hold ``{epoch}`` (from 1) and what is measured, such as ``{val_loss:.3f}``.
    monitor, mode : as for `EarlyStopping`. save_best_only : writes only when it is better than before. Default False.
    save_weights_only : True writes the numbers alone. Default False.

    Source: keras.callbacks.ModelCheckpoint.
    """

    def __init__(
        self,
        path: Union[str, Path],
        monitor: Optional[str] = None,
        save_best_only: bool = False,
        save_weights_only: bool = False,
        mode: Optional[str] = None,
    ) -> None:
        self.path = str(path)
        self.save_best_only, self.save_weights_only = save_best_only, save_weights_only
        self.best = _Best(monitor, mode)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        if self.save_best_only and not self.best.is_beaten(logs):
            return
        try:
            path = self.path.format(epoch=epoch + 1, **logs)
        except (KeyError, IndexError, ValueError) as error:
            raise InvalidArgumentError(f"path: cannot fill in {self.path!r}: {error}") from error
        network = self.training.network
        (network.save_weights if self.save_weights_only else network.save_checkpoint)(path)


class CSVLogger(Callback):
    """Writes a line for each epoch, with what was measured.

    append : True adds to a file that is there. Default False.

    Source: keras.callbacks.CSVLogger.
    """

    def __init__(self, path: Union[str, Path], append: bool = False) -> None:
        self.path, self.append = Path(path), append
        self._columns: list[str] = []

    def on_train_begin(self) -> None:
        self._columns = []
        if self.append and self.path.exists():
            with self.path.open(newline="") as file:
                self._columns = next(csv.reader(file), [])

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        is_first = not self._columns
        self._columns = self._columns or ["epoch", *logs]
        with self.path.open("w" if is_first else "a", newline="") as file:
            writer = csv.DictWriter(file, self._columns, restval="", extrasaction="ignore")
            if is_first:
                writer.writeheader()
            writer.writerow({"epoch": epoch + 1, **logs})


class LearningRateScheduler(Callback):
    """Before each epoch the learning rate becomes ``schedule(epoch, lr)``, of the number of the epoch, from 0, and the rate.

    Source: keras.callbacks.LearningRateScheduler.
    """

    def __init__(self, schedule: Callable[[int, float], float]) -> None:
        self.schedule = schedule

    def on_epoch_begin(self, epoch: int) -> None:
        network = self.training.network
        wanted = self.schedule(epoch, network.learning_rate)
        network.learning_rate = wanted


class TensorBoard(Callback):
    """Writes what is measured for TensorBoard, with the package tensorboardX.

    log_dir : the folder. Default ``"runs"``.

    Source: keras.callbacks.TensorBoard.
    """

    def __init__(self, log_dir: Union[str, Path] = "runs") -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError as error:
            raise ImportError("TensorBoard needs tensorboardX: pip install tensorboardX") from error
        self._open: Callable[[], Any] = lambda: SummaryWriter(str(log_dir))

    def on_train_begin(self) -> None:
        self._writer = self._open()

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        for name, value in logs.items():
            self._writer.add_scalar(name, value, epoch + 1)

    def on_train_end(self) -> None:
        self._writer.close()


class ProgressBar(Callback):
    """Shows the training on standard error: a bar for each epoch by tqdm, in terminals and notebooks, or where that is not
    installed a line.
    """

    def on_epoch_begin(self, epoch: int) -> None:
        self._bar: Any = None
        title = f"epoch {epoch + 1}/{self.training.epochs}"
        try:
            from tqdm.auto import tqdm
        except ImportError:
            self._title = title
        else:
            self._bar = tqdm(total=self.training.batches, desc=title, leave=True, dynamic_ncols=True)

    def on_batch_end(self, done: int, batches: int, loss: float) -> None:
        if self._bar is not None and self._bar.update():
            self._bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)

    def on_epoch_end(self, epoch: int, logs: Logs) -> None:
        text = ", ".join(f"{name} {value:.4g}" for name, value in logs.items() if name not in ("seconds", "lr"))
        if self._bar is None:
            print(f"{self._title}: {text}, {logs['seconds']:.1f} s", file=sys.stderr)
        else:
            self._bar.set_postfix_str(text)
            self._bar.close()

    def on_train_end(self) -> None:
        if getattr(self, "_bar", None) is not None:
            self._bar.close()
