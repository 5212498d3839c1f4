"""A network of the engine behind a module: it is written once by calling the module on values, and then holds the numbers
of all its parameters and buffers.

A parameter may be in several networks (a part of a network is one too). Its numbers are in the network that was used
last; another one that is used next takes them over first. So whoever asks sees what was learned last.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Callable, NamedTuple, Optional

from .. import _c_network
from .._arrays import Array, Shape
from ..errors import CallOrderError, DTypeError, InvalidArgumentError, ShapeError
from ._graph import Graph, Value
from ._parameter import Held, Parameter
from ._quick_calls import prediction, training_step

if TYPE_CHECKING:
    from ..optim import Optimizer
    from ._runnable import Runnable
    from ._state import Compiled


class TrainingState(NamedTuple):
    """How far a training is, besides the network's own numbers: what it takes to go on with the same bits.

    progress : steps, updates and epochs. base_rate : the learning rate before schedules. arrays : what the optimizer carries
    from step to step, and whatever else is remembered: gradients that wait for an update, averages, schedules that look back.
    """

    progress: tuple[int, int, int]
    base_rate: float
    arrays: Mapping[str, Array]


class Engine:
    """A network and what of it is held: parameters and buffers of modules."""

    @classmethod
    def of(cls, module: Runnable, shapes: Sequence[Shape], dtype: Any, seed: int) -> Engine:
        """The network of `module` for inputs like `shapes`, which have 1 for N."""
        names: dict[int, str] = {}
        for name, part in module.named_modules():
            names.setdefault(id(part), name)
        for name, held in module.named_held():
            names.setdefault(id(held), name)
        graph = Graph(_c_network.Network(dtype, seed), names)
        inputs = [graph.input(f"input{i or ''}", shape) for i, shape in enumerate(shapes)]
        with graph.inside(""):
            given = module.forward(*inputs)
        outputs = list(given) if isinstance(given, (tuple, list)) else [given]
        for output in outputs:
            if not isinstance(output, Value):
                raise DTypeError(f"{type(module).__name__}.forward must return values, got {type(output).__name__}")
        used = len(graph.held)
        for _, held in module.named_held():
            if held.shape is not None:
                graph.of(held)
        graph.native.set_outputs([output.number for output in outputs])
        graph.close()
        return cls(graph, shapes, len(outputs), graph.held[used:])

    def __init__(self, graph: Graph, shapes: Sequence[Shape], output_count: int, unused: Sequence[Held] = ()) -> None:
        self.graph, self.shapes = graph, list(shapes)
        self.native, self.input_count, self.output_count = graph.native, len(shapes), output_count
        self.last_operator = graph.nodes[-1].operator if graph.nodes else ""
        #: Of arrays of shapes that came before.
        self.predictions: dict[Shape, Callable[[Array, int], Optional[Array]]] = {}
        self.steps: dict[Shape, Callable[[Array, Array], Optional[float]]] = {}
        self._output_shapes: dict[tuple[Shape, ...], list[Shape]] = {}
        self.lock = threading.RLock()  # held while it is trained

        self._unused = {id(held) for held in unused}
        self._parameters = {id(held): i for i, held in enumerate(h for h in graph.held if isinstance(h, Parameter))}
        self._optimizer: Optional[Optimizer] = None
        self._base_rate = 0.0
        self.has_averages = self.is_averaged = False
        self._treated: dict[int, tuple[bool, float, float]] = {}
        self._places = self._bind()
        self._claimed = [-1]  # what Held.moves was; a list, as predictions share it
        self._me = weakref.ref(self)
        self.claim()
        for held in graph.held:
            if isinstance(held, Parameter):
                self.treat(held)

    # Memory

    def _bind(self) -> list[_c_network.Place]:
        """The engine's memory of what is held."""
        parameters, buffers = map(self.native.places, (_c_network.PARAMETERS, _c_network.CONSTANTS))
        names = self.graph.name_of
        return [(parameters if isinstance(held, Parameter) else buffers)[names(held)] for held in self.graph.held]

    def claim(self) -> None:
        """Takes over what another network has had since."""
        if self._claimed[0] == Held.moves:
            return
        for held, place in zip(self.graph.held, self._places):
            if held._owner is not self._me:
                if held._numbers is not None:
                    self.native.lend()
                    place.array()[...] = held._array
                held._numbers, held._owner = place, self._me
                if isinstance(held, Parameter):
                    held._slope = place._replace(kind=_c_network.GRADIENTS)
                Held.moves += 1
        self._claimed[0] = Held.moves

    def output_shapes(self, inputs: list[Array]) -> list[Shape]:
        """Of all outputs, for these inputs; known for the shapes that came last."""
        key = tuple(x.shape for x in inputs)
        shapes = self._output_shapes.get(key)
        if shapes is None:
            shapes = [self.native.output_shape(inputs, i) for i in range(self.output_count)]
            if len(self._output_shapes) >= 64:
                self._output_shapes.clear()
            self._output_shapes[key] = shapes
        return shapes

    def remember(self, x: Array, outputs: list[Array]) -> None:
        """x made one batch, and these are the outputs."""
        if len(outputs) == 1:
            if len(self.predictions) >= 64:
                self.predictions.clear()
            self.predictions[x.shape] = prediction(self.native, x.shape, outputs[0], self._claimed)

    # Training

    def remember_step(self, x: Array, y: Array) -> None:
        """x and y made a step as they are."""
        if len(self.steps) >= 64:
            self.steps.clear()
        self.steps[x.shape] = training_step(self.native, x.shape, y, self._claimed, self.lock)

    @property
    def seed(self) -> int:
        return self.native.seed

    def set_up(self, compiled: Compiled) -> None:
        """Chooses what training does; updates and epochs are counted from here."""
        loss, optimizer = compiled.loss, compiled.optimizer
        self.steps.clear()
        average = {} if compiled.ema_decay is None else {"ema_decay": compiled.ema_decay}
        self.native.choose("set_loss", loss.name, loss.attributes)
        self.native.choose("set_optimizer", optimizer.name, {**optimizer.attributes, **average})
        for schedule in optimizer.schedules:
            self.native.choose("add_schedule", schedule.name, schedule.attributes)
        self.native.set_recompute(compiled.recompute)
        self.native.clear_augmentations()
        for augmentation in compiled.augmentations:
            self.native.choose("add_augmentation", augmentation.name, augmentation.attributes)
        self.native.progress = (self.native.progress[0], 0, 0)
        self._optimizer, self._base_rate = optimizer, optimizer.lr
        self.has_averages, self.is_averaged = bool(average), False
        for held in self.graph.held:
            if isinstance(held, Parameter):
                self.treat(held)

    def treat(self, parameter: Parameter) -> None:
        """Tells the engine whether and how fast `parameter` is trained."""
        trained, rate, decay = True, 1.0, 1.0
        if self._optimizer is not None:
            trained, rate, decay = self._optimizer.treatment(parameter)
        frozen = not (trained and parameter.requires_grad) or id(parameter) in self._unused
        number, wanted = self._parameters[id(parameter)], (frozen, rate, decay)
        if self._treated.get(number, (False, 1.0, 1.0)) != wanted:
            self.native.treat(number, *wanted)
            self._treated[number] = wanted

    def rate(self) -> float:
        """The learning rate of the next update."""
        return self.native.rate()

    def set_rate(self, rate: float) -> None:
        """Makes it `rate`, by another rate for schedules to begin with."""
        before, schedules = self._base_rate, self._optimizer.schedules if self._optimizer is not None else []
        if not schedules:
            return self._set_base_rate(rate)
        # A schedule is a straight line of the rate that it begins with: through this one and another.
        now = self.rate()
        other = before * rate / now if now else before + rate
        self._set_base_rate(other)
        slope = self.rate() - now
        if slope != 0 and other != before:
            self._set_base_rate(max(0.0, before + (rate - now) * (other - before) / slope))
        if abs(self.rate() - rate) > 1e-9 * rate:
            self._set_base_rate(before)
            names = ", ".join(schedule.name for schedule in schedules)
            raise InvalidArgumentError(f"learning_rate: {names} gives it, whatever it begins with, and cannot give {rate} now")

    def _set_base_rate(self, rate: float) -> None:
        self.native.set_base_rate(rate)
        self._base_rate = rate

    @contextmanager
    def averaged(self) -> Iterator[None]:
        """The parameters' averages in their place."""
        if not self.has_averages:
            raise CallOrderError("averaged: compile the network with ema_decay, so that averages are kept")
        if self.is_averaged:
            yield
            return
        self.native.use_averages(True)
        self.is_averaged = True
        try:
            yield
        finally:
            self.native.use_averages(False)
            self.is_averaged = False

    def training(self) -> TrainingState:
        """Its arrays are the engine's own memory."""
        if self.is_averaged:
            raise CallOrderError("the averages are in the parameters' place: leave `averaged` first")
        carried = self.native.arrays(_c_network.OPTIMIZER_STATES) + self.native.arrays(_c_network.TRAINING_STATES)
        return TrainingState(self.native.progress, self._base_rate, dict(carried))

    def go_on(self, other: TrainingState) -> None:
        """Takes over how far another training with the same optimizer has come; raises `ShapeError` where it is not."""
        mine = self.training().arrays
        if {name: (a.shape, a.dtype) for name, a in mine.items()} != {
            name: (a.shape, a.dtype) for name, a in other.arrays.items()
        }:
            raise ShapeError(f"wanted a training that carries {', '.join(mine)}, got {', '.join(other.arrays)} of other shapes")
        for name, array in mine.items():
            array[...] = other.arrays[name]
        self.native.progress = other.progress
        self._set_base_rate(other.base_rate)
