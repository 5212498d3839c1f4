"""The loop behind `Module.fit`: one call of the engine for each epoch, and around it what is measured, shown and kept."""

from __future__ import annotations

import math
import signal
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING, Any, Callable, Optional, Union

import numpy as np

from .._arrays import Array
from .._random import as_seed
from .._windows import as_integer
from ..errors import DTypeError, InvalidArgumentError
from ._history import History

if TYPE_CHECKING:
    from ..callbacks import Callback
    from ._module import Module

Metric = Union[str, Callable[[Array, Array], float]]


def as_metrics(metrics: Any) -> list[Metric]:
    """The metrics of `compile`, checked."""
    if isinstance(metrics, str) or not isinstance(metrics, Iterable):
        raise DTypeError(f"metrics must be a list of 'accuracy' and functions, got {metrics!r}")
    found: list[Metric] = []
    for metric in metrics:
        if metric != "accuracy" and not callable(metric):
            raise InvalidArgumentError(f"metrics must be 'accuracy' or functions of (outputs, targets), got {metric!r}")
        found.append(metric)
    return found


def _name(metric: Metric) -> str:
    return metric if isinstance(metric, str) else getattr(metric, "__name__", type(metric).__name__)


def evaluate(network: Module, x: Any, y: Any, batch_size: int) -> dict[str, float]:
    """`Module.evaluate`."""
    compiled = network._compiled("evaluate")
    return _measure(network, network._inputs(x), compiled.loss.target(y, network.dtype), batch_size, compiled.metrics)


def _measure(
    network: Module, inputs: list[Array], target: Array, batch_size: int, metrics: Sequence[Metric]
) -> dict[str, float]:
    loss = network._compiled("evaluate").loss
    mean, accuracy = network._engine(inputs).native.evaluate(inputs, target, batch_size)
    found = {"loss": mean}
    outputs = None
    for metric in metrics:
        if metric == "accuracy" and not math.isnan(accuracy):
            found["accuracy"] = accuracy
            continue
        if outputs is None:
            outputs = network.predict(tuple(inputs), batch_size)
        if not isinstance(metric, str):
            found[_name(metric)] = float(metric(outputs, target))
        elif loss.is_binary:
            found["accuracy"] = float(np.mean((outputs > 0) == (target > 0.5)))
        else:
            raise InvalidArgumentError(f"metrics: there is no accuracy with {type(loss).__name__}")
    return found


class Training:
    """A run of `Module.fit`; what callbacks see as their `training`.

    Attributes
    ----------
    network : the module that is trained.
    history : so far.
    epochs : the number of the epoch to end after. batches : the number of batches in an epoch.
    """

    def __init__(
        self,
        network: Module,
        x: Any,
        y: Any,
        batch_size: int,
        validation_data: Optional[tuple[Any, Any]],
        shuffle: bool,
        drop_last: bool,
        seed: Optional[int],
    ) -> None:
        self.network, self.history = network, History()
        self._compiled = network._compiled("fit")
        loss = self._compiled.loss
        self._batch_size = as_integer(batch_size, "batch_size", 1)
        self._inputs, self._target = network._inputs(x), loss.target(y, network.dtype)
        self._shuffle, self._drop_last = bool(shuffle), bool(drop_last)
        self._validation: Optional[tuple[list[Array], Array]] = None
        if validation_data is not None:
            if not isinstance(validation_data, (tuple, list)) or len(validation_data) != 2:
                raise DTypeError(f"validation_data must be (x, y), got {type(validation_data).__name__}")
            self._validation = network._inputs(validation_data[0]), loss.target(validation_data[1], network.dtype)
        engine, wanted = network._engine(self._inputs), as_seed(seed)
        if wanted is not None:
            engine.native.set_seed(wanted)
        size, count = self._batch_size, len(self._inputs[0])
        self.epochs, self.batches = 0, count // min(size, count) if drop_last else -(-count // size)
        self._interrupted = False

    def stop(self, reason: str) -> None:
        """Ends the training after this epoch."""
        self.history.stopped = self.history.stopped or reason

    def run(self, callbacks: Iterable[Callback], initial_epoch: int, epochs: int, verbose: bool) -> History:
        from ..callbacks import Callback, ProgressBar

        self.epochs = epochs
        active = [*callbacks, *([ProgressBar()] if verbose else [])]
        for callback in active:
            if not isinstance(callback, Callback):
                raise DTypeError(f"callbacks must be of swiftcnn.callbacks.Callback, got {type(callback).__name__}")
        with self._interruptible():
            for callback in active:
                callback.begin(self)
            try:
                for epoch in range(initial_epoch, epochs):
                    self._epoch(epoch, active)
                    if self.history.stopped:
                        break
            finally:
                for callback in active:
                    callback.on_train_end()
        return self.history

    def _epoch(self, epoch: int, callbacks: list[Callback]) -> None:
        for callback in callbacks:
            callback.on_epoch_begin(epoch)
        engine = self.network._engine(self._inputs)
        rate, start = engine.rate(), time.perf_counter()
        steps, failures = [], []
        metrics, is_mean = self._compiled.metrics, self._compiled.loss.attributes["reduction"] == "mean"
        size, count = self._batch_size, len(self._inputs[0])
        before = weight = 0.0

        def progress(done: int, of: int, mean: float) -> bool:
            nonlocal before, weight
            # The batch's own loss, out of the mean over images (of sums, over batches) so far.
            now = min(done * size, count) if is_mean else done
            steps.append((mean * now - before) / (now - weight))
            before, weight = mean * now, now
            try:
                for callback in callbacks:
                    callback.on_batch_end(done, of, mean)
            except BaseException as error:  # must not pass through the engine
                failures.append(error)
            return self._interrupted or bool(failures)

        with engine.lock:
            loss, accuracy = engine.native.train_epoch(
                self._inputs, self._target, size, self._shuffle, self._drop_last, progress, score="accuracy" in metrics
            )
        if failures:
            raise failures[0]
        if self._interrupted:
            self.stop("interrupted")
            return
        logs = {"loss": loss}
        if not math.isnan(accuracy):
            logs["accuracy"] = accuracy
        rest = [metric for metric in metrics if metric != "accuracy" or math.isnan(accuracy)]
        if rest:
            logs |= {**_measure(self.network, self._inputs, self._target, size, rest), **logs}
        if self._validation is not None:
            with engine.averaged() if engine.has_averages else nullcontext():
                found = _measure(self.network, *self._validation, size, metrics)
            logs |= {f"val_{name}": value for name, value in found.items()}
        logs |= {"lr": rate, "seconds": time.perf_counter() - start}
        self._report(logs)
        self.history.add(logs, steps)
        for callback in callbacks:
            callback.on_epoch_end(epoch, logs)
        if self._interrupted:
            self.stop("interrupted")

    def _report(self, logs: dict[str, float]) -> None:
        """Tells ReduceLROnPlateau."""
        for schedule in self._compiled.optimizer.schedules:
            if schedule.name == "ReduceLROnPlateau":
                metric = monitored(logs, getattr(schedule, "monitor", None))
                if not math.isnan(metric):
                    self.network._engine(self._inputs).native.report(metric)
                return

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Ctrl-C ends the training after the batch; a second one interrupts like any other."""
        before = signal.getsignal(signal.SIGINT)
        if threading.current_thread() is not threading.main_thread() or before is not signal.default_int_handler:
            yield
            return

        def interrupt(number: int, frame: Any) -> None:
            self._interrupted = True
            signal.signal(signal.SIGINT, before)

        signal.signal(signal.SIGINT, interrupt)
        try:
            yield
        finally:
            signal.signal(signal.SIGINT, before)


def monitored(logs: dict[str, float], monitor: Optional[str]) -> float:
    """The number that `monitor` names; by default the validation's loss, or the training's without one."""
    name = monitor or ("val_loss" if "val_loss" in logs else "loss")
    if name not in logs:
        raise InvalidArgumentError(f"monitor must be one of {', '.join(logs)}, got {name!r}")
    return logs[name]
