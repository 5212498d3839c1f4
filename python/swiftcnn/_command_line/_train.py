"""``train``: from labelled images to a network in a file."""

from __future__ import annotations

import argparse
import math
import sys
import time
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Callable

import numpy as np

from .. import datasets, get_num_threads, isa, manual_seed, nn, optim, plot
from ..callbacks import Callback, ModelCheckpoint
from ..errors import EnvironmentFailure
from ..nn import _files
from ..optim import lr_scheduler
from ._evaluate import Result, labels, test
from ._networks import Classifier, build, load, text

FEW = 10_000  # fewer images than this need more passes, and leave time for them
EPOCHS, EPOCHS_OF_FEW = 10, 60
BATCH, BATCH_OF_FEW = 100, 50

OPTIMIZERS: dict[str, type[optim.Optimizer]] = {
    "sgd": optim.SGD,
    "adagrad": optim.Adagrad,
    "rmsprop": optim.RMSprop,
    "adam": optim.Adam,
    "adamw": optim.AdamW,
    "bookadam": optim.BookAdam,
}
# Each gets the optimizer, the number of epochs, and of steps in all of them.
SCHEDULES: dict[str, Callable[[optim.Optimizer, int, int], object]] = {
    "constant": lambda optimizer, epochs, steps: None,
    "step": lambda optimizer, epochs, steps: lr_scheduler.StepLR(optimizer, math.ceil(epochs / 3)),
    "cosine": lambda optimizer, epochs, steps: lr_scheduler.CosineAnnealingLR(optimizer, steps, unit="step"),
    "one-cycle": lambda optimizer, epochs, steps: lr_scheduler.OneCycleLR(optimizer, optimizer.lr, steps),
    "plateau": lambda optimizer, epochs, steps: lr_scheduler.ReduceLROnPlateau(optimizer, patience=2),
}


def train(options: argparse.Namespace) -> int:
    """Runs the command."""
    # What the end needs is asked for before the training, not after it.
    if options.plot:
        plot.filters(np.zeros((1, 1, 1, 1)))
    for file in (options.save, options.checkpoint):
        if file and file.suffix.lower() == ".safetensors":
            _files._library()
    data = datasets.load(options.data)
    if options.validation:
        data = data.validation(options.validation)
    manual_seed(options.seed)
    classifier = load(options.start) if options.start else build(options.model, data.x_train.shape[1:], data.class_names)
    t_train, t_test = (labels(classifier, data, t) for t in (data.t_train, data.t_test))
    network, count = classifier.network, len(data.x_train)
    options.epochs = options.epochs or (EPOCHS_OF_FEW if count < FEW else EPOCHS)
    batch = options.batch = min(options.batch or (BATCH_OF_FEW if count < FEW else BATCH), count)
    optimizer = make_optimizer(options, math.ceil(count / batch))
    loss = nn.CrossEntropyLoss(label_smoothing=options.label_smoothing)
    network.compile(loss, optimizer, augmentations=make_augmentations(options), ema_decay=options.ema)
    held_out = "validation" if options.validation else "the test"
    parameters = sum(parameter.size() for parameter in network.parameters())
    print(f"{data.name}: {count} images to train with, {len(data.x_test)} held out for {held_out},", end=" ")
    print(f"{text(classifier.shape)}, {len(data.class_names)} classes")
    print(
        f"{classifier.model}: {parameters:,} parameters; {optimizer.name}, rate {optimizer.lr:g}, {options.schedule};", end=" "
    )
    threads = get_num_threads()
    print(f"{isa()}, {threads} thread{'s' * (threads != 1)}", flush=True)

    watch = _Watch(classifier, data, t_test, options)
    callbacks: list[Callback] = [watch]
    if options.checkpoint:
        if options.checkpoint.exists():
            network.load_checkpoint(options.checkpoint)
            print(f"goes on after epoch {network.epochs_done}, as {options.checkpoint} has it", flush=True)
        callbacks.append(ModelCheckpoint(options.checkpoint))
    start, first = time.perf_counter(), network.epochs_done
    history = network.fit(data.x_train, t_train, options.epochs, batch, callbacks=callbacks, initial_epoch=first, verbose=False)
    seconds = time.perf_counter() - start
    interrupted, done = history.stopped is not None, len(history.steps)
    result = watch.test() if interrupted or not watch.results else watch.results[-1]
    print(f"{watch.title} accuracy  {result}")
    early = "; ended early by Ctrl-C" if interrupted else ""
    print(f"training       {seconds:.1f} s for {done} epoch{'s' * (done != 1)}, the test after each included{early}")
    if options.save:
        watch.keep(result)
        print(f"network        {options.save}")
    if options.plot:
        _draw(classifier, data, t_test, history.steps, watch.results, result).savefig(options.plot)
        print(f"picture        {options.plot}")
    return 130 if interrupted else 0


def make_optimizer(options: argparse.Namespace, steps: int) -> optim.Optimizer:
    """The optimizer and its schedule, for so many steps in an epoch."""
    given: dict[str, Any] = {"lr": options.rate}
    if options.weight_decay is not None:
        given["weight_decay"] = options.weight_decay
    if options.optimizer == "sgd":
        given["lr"] = 0.01 if options.rate is None else options.rate
        given["momentum"] = 0.9 if options.momentum is None else options.momentum
    optimizer = OPTIMIZERS[options.optimizer](**given)
    SCHEDULES[options.schedule](optimizer, options.epochs, options.epochs * steps)
    return optimizer


def make_augmentations(options: argparse.Namespace) -> list[nn.Augmentation]:
    """What is done to images in training epochs."""
    chosen: list[tuple[Any, nn.Augmentation]] = [
        (options.shift, nn.RandomShift(options.shift, options.shift)),
        (options.crop, nn.RandomCrop(padding=options.crop)),
        (options.flip, nn.RandomHorizontalFlip()),
        (options.cutout, nn.Cutout(options.cutout or 1)),
        (options.mixup, nn.MixUp(options.mixup or 1)),
    ]
    return [augmentation for wanted, augmentation in chosen if wanted]


class _Watch(Callback):
    """After each epoch: the test, a line about it, and the network in its file. Between them a bar, in a terminal."""

    def __init__(self, classifier: Classifier, data: datasets.Dataset, t_test: Any, options: argparse.Namespace) -> None:
        self.results: list[Result] = []
        self._classifier, self._data, self._t_test, self._options = classifier, data, t_test, options
        self._bar: Any = None
        self._seconds = time.perf_counter()
        self.title = "validation" if options.validation else "test"

    def test(self) -> Result:
        """With the averages, where there are some."""
        with self._weights():
            return test(self._classifier, self._data.x_test, self._t_test)

    def _weights(self) -> AbstractContextManager[None]:
        return nullcontext() if self._options.ema is None else self._classifier.network.averaged()

    def on_train_begin(self) -> None:
        if self._options.quiet or not sys.stderr.isatty():
            return
        try:
            from tqdm import tqdm
        except ImportError:
            return
        line = "{desc} |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
        steps = self._options.epochs * self.training.batches
        self._bar = tqdm(total=steps, bar_format=line, ncols=96, leave=False)

    def on_epoch_begin(self, epoch: int) -> None:
        if self._bar is not None:
            self._bar.set_description(f"epoch {epoch + 1}/{self._options.epochs}", refresh=False)

    def on_batch_end(self, done: int, batches: int, loss: float) -> None:
        if not math.isfinite(loss):
            raise EnvironmentFailure(f"the loss is {loss} now: a lower --rate may help")
        if self._bar is not None and self._bar.update():
            self._bar.set_postfix_str(f"loss {loss:.4f}", refresh=False)

    def on_epoch_end(self, epoch: int, logs: dict[str, float]) -> None:
        result = self.test()
        self.results.append(result)
        self.keep(result)
        seconds, self._seconds = time.perf_counter() - self._seconds, time.perf_counter()
        if not self._options.quiet:
            line = f"epoch {epoch + 1}/{self._options.epochs}: loss {logs['loss']:.4f}, {self.title} loss {result.loss:.4f}, "
            line += f"{self.title} accuracy {result.accuracy:.2%}, {seconds:.1f} s"
            if self._bar is not None:
                self._bar.clear()
            print(line, flush=True)

    def on_train_end(self) -> None:
        if self._bar is not None:
            self._bar.close()

    def keep(self, result: Result) -> None:
        """Writes the network as it is, with what it was trained by."""
        if not self._options.save:
            return
        options = self._options
        training = ("epochs", "batch", "optimizer", "rate", "momentum", "weight_decay", "schedule", "label_smoothing")
        names = (*training, "shift", "flip", "crop", "cutout", "mixup", "ema", "validation", "seed")
        given = {name: value for name in names if (value := getattr(options, name)) is not None}
        found = {"epochs_done": self._classifier.network.epochs_done, f"{self.title}_accuracy": result.accuracy}
        found[f"{self.title}_images"] = len(result.right)
        self._classifier.about = {"data": self._data.name, **given, **found}
        with self._weights():
            self._classifier.save(options.save)


def _draw(
    classifier: Classifier, data: datasets.Dataset, t: Any, losses: list[list[float]], results: list[Result], last: Result
) -> Any:
    """The page of `swiftcnn.plot.report`."""
    names, wrong = classifier.class_names, np.flatnonzero(~last.right)
    wrong = wrong[np.argsort(-last.certainty[wrong], kind="stable")]  # the surest mistakes first
    filters = next(p.data for p in classifier.network.parameters() if p.data.ndim == 4)
    return plot.report(
        {"loss": losses, "test_accuracy": [result.accuracy for result in results]},
        filters,
        data.x_test[wrong],
        [names[label] for label in t[wrong]],
        [names[label] for label in last.predicted[wrong]],
        title=f"{data.name}: {last.accuracy:.2%} of {len(t)} held-out images read correctly",
    )
