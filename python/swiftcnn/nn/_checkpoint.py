"""Checkpoints: all that it takes to go on training with the same bits."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Union

from .._arrays import Array
from ..errors import InvalidArgumentError, ShapeError
from . import _files

if TYPE_CHECKING:
    from ._module import Module

_VERSION = 1
_STATE = "optimizer."  # before the names of what the optimizer carries


def save(network: Module, path: Union[str, Path]) -> None:
    """`Module.save_checkpoint`."""
    _, optimizer, _ = network._compiled("save_checkpoint")
    engine = network._built("save_checkpoint")
    arrays: dict[str, Array] = dict(network.state_dict())
    arrays |= {f"{_STATE}{i}": array for i, array in enumerate(engine.training_arrays())}
    notes = {
        "version": _VERSION,
        "seed": str(engine.seed),  # beyond what JSON's numbers hold everywhere
        "dtype": str(network.dtype),
        "shapes": engine.shapes,
        "progress": engine.native.progress,
        "reports": engine.reports,
        "optimizer": optimizer.name,
    }
    _files.write(path, arrays, notes)


def load(network: Module, path: Union[str, Path]) -> None:
    """`Module.load_checkpoint`."""
    _, optimizer, _ = network._compiled("load_checkpoint")
    arrays, notes = _files.read(path)
    if notes.get("version") != _VERSION:
        raise InvalidArgumentError(f"path: {path} is no checkpoint of this version, but load_weights may read it")
    for what, mine in (("dtype", str(network.dtype)), ("optimizer", optimizer.name)):
        if notes[what] != mine:
            raise InvalidArgumentError(f"path: {path} was trained with {what} {notes[what]}, the network has {mine}")
    states = {name: arrays.pop(name) for name in list(arrays) if name.startswith(_STATE)}
    network.load_state_dict(arrays)
    shapes: list[Any] = [tuple(shape) for shape in notes["shapes"]]
    engine = network._state.build(network, shapes, int(notes["seed"]))
    own = engine.training_arrays()
    theirs = [states.get(f"{_STATE}{i}") for i in range(len(states))]
    if len(own) != len(theirs) or any(b is None or a.shape != b.shape for a, b in zip(own, theirs)):
        raise ShapeError(f"path: what the optimizer carries in {path} does not fit this network and optimizer")
    steps, updates, epochs = notes["progress"]
    engine.go_on([array for array in theirs if array is not None], (steps, updates, epochs), notes["reports"])
