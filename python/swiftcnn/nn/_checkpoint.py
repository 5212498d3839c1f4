"""Checkpoints: all that it takes to go on training with the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from .._arrays import Array
from ..errors import InvalidArgumentError, ShapeError
from . import _files
from ._engine import TrainingState

if TYPE_CHECKING:
    from ._module import Module

_VERSION = 2
_TRAINING = "training."  # before the names of what training carries from step to step


def save(network: Module, path: Union[str, Path]) -> None:
    """`Module.save_checkpoint`."""
    optimizer = network._compiled("save_checkpoint").optimizer
    engine = network._built("save_checkpoint")
    training = engine.training()
    arrays: dict[str, Array] = dict(network.state_dict())
    arrays |= {f"{_TRAINING}{name}": array for name, array in training.arrays.items()}
    notes = {
        "version": _VERSION,
        "seed": str(engine.seed),  # beyond what JSON's numbers hold everywhere
        "dtype": str(network.dtype),
        "shapes": engine.shapes,
        "progress": training.progress,
        "base_rate": training.base_rate,
        "optimizer": optimizer.name,
    }
    _files.write(path, arrays, notes)


def load(network: Module, path: Union[str, Path]) -> None:
    """`Module.load_checkpoint`."""
    optimizer = network._compiled("load_checkpoint").optimizer
    arrays, notes = _files.read(path)
    if notes.get("version") != _VERSION:
        raise InvalidArgumentError(f"path: {path} is no checkpoint of this version, but load_weights may read it")
    for what, mine in (("dtype", str(network.dtype)), ("optimizer", optimizer.name)):
        if notes[what] != mine:
            raise InvalidArgumentError(f"path: {path} was trained with {what} {notes[what]}, the network has {mine}")
    carried = {name[len(_TRAINING) :]: arrays.pop(name) for name in list(arrays) if name.startswith(_TRAINING)}
    network.load_state_dict(arrays)
    shapes: list[Any] = [tuple(shape) for shape in notes["shapes"]]
    engine = network._state.build(network, shapes, int(notes["seed"]))
    steps, updates, epochs = notes["progress"]
    try:
        engine.go_on(TrainingState((steps, updates, epochs), float(notes["base_rate"]), carried))
    except ShapeError as error:
        raise ShapeError(f"path: {path} does not fit this network, as it was compiled: {error}") from error
