"""A network of the engine behind a module: it is written once by calling the module on values, and then holds the numbers
of all its parameters and buffers.

A parameter may be in several networks (a part of a network is one too). Its numbers are in the network that was used
last; another one that is used next takes them over first. So whoever asks sees what was learned last.
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional

from .. import _c_api
from .._arrays import Array, Shape
from ..errors import DTypeError, InvalidArgumentError
from ._graph import Graph, Value
from ._parameter import Held, Parameter

if TYPE_CHECKING:
    from ..optim import Optimizer
    from ._loss import Loss
    from ._runnable import Runnable


class Engine:
    """The network of `module` for inputs like `shapes`, which have 1 for N."""

    def __init__(self, module: Runnable, shapes: Sequence[Shape], dtype: Any, seed: int) -> None:
        names: dict[int, str] = {}
        for name, part in module.named_modules():
            names.setdefault(id(part), name)
        for name, held in module.named_held():
            names.setdefault(id(held), name)
        self.shapes, self.seed = list(shapes), seed
        graph = self.graph = Graph(dtype, seed, names)
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
        self.native, self.input_count, self.output_count = graph.native, len(inputs), len(outputs)
        self.last_operator = graph.nodes[-1].operator if graph.nodes else ""
        self._output_shapes: dict[tuple[Shape, ...], list[Shape]] = {}
        self.lock = threading.RLock()  # held while it is trained

        self._unused = {id(held) for held in graph.held[used:]}
        self._parameters = {id(held): i for i, held in enumerate(h for h in graph.held if isinstance(h, Parameter))}
        self._optimizer: Optional[Optimizer] = None
        self.reports: list[float] = []  # what ReduceLROnPlateau was told
        self._share = 1.0  # by which `set_rate` has multiplied the learning rate
        self._treated: dict[int, tuple[bool, float, float]] = {}
        self._arrays = self._bind()
        self._moves = -1
        self._me = weakref.ref(self)
        self.claim()
        for held in graph.held:
            if isinstance(held, Parameter):
                self.treat(held)

    # Memory

    def _bind(self) -> list[Array]:
        """The engine's memory of what is held."""
        parameters = dict(self.native.arrays(_c_api.PARAMETERS))
        buffers = dict(self.native.arrays(_c_api.CONSTANTS))
        names = self.graph.name_of
        return [(parameters if isinstance(held, Parameter) else buffers)[names(held)] for held in self.graph.held]

    def claim(self) -> None:
        """Takes over what another network has had since."""
        if self._moves == Held.moves:
            return
        gradients = [array for _, array in self.native.arrays(_c_api.GRADIENTS)]
        for held, array in zip(self.graph.held, self._arrays):
            if held._owner is not self._me:
                if held._array is not None:
                    array[...] = held._array
                held._array, held._owner = array, self._me
                if isinstance(held, Parameter):
                    held._grad = gradients[self._parameters[id(held)]]
                Held.moves += 1
        self._moves = Held.moves

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

    # Training

    def set_up(self, loss: Loss, optimizer: Optimizer) -> None:
        """Chooses both, and the optimizer's schedules; updates and epochs are counted from here."""
        self.native.choose("set_loss", loss.name, loss.attributes)
        self.native.choose("set_optimizer", optimizer.name, optimizer.attributes)
        for schedule in optimizer.schedules:
            self.native.choose("add_schedule", schedule.name, schedule.attributes)
        self.native.progress = (self.native.progress[0], 0, 0)
        self._optimizer, self._share, self.reports = optimizer, 1.0, []
        for held in self.graph.held:
            if isinstance(held, Parameter):
                self.treat(held)

    def treat(self, parameter: Parameter) -> None:
        """Tells the engine whether and how fast `parameter` is trained."""
        trained, rate, decay = True, 1.0, 1.0
        if self._optimizer is not None:
            trained, rate, decay = self._optimizer.treatment(parameter)
            rate *= self._share
        frozen = not (trained and parameter.requires_grad) or id(parameter) in self._unused
        number, wanted = self._parameters[id(parameter)], (frozen, rate, decay)
        if self._treated.get(number, (False, 1.0, 1.0)) != wanted:
            self.native.treat(number, *wanted)
            self._treated[number] = wanted

    def rate(self) -> float:
        """The learning rate of the next update."""
        return self.native.rate() * self._share

    def set_rate(self, rate: float) -> None:
        """Makes it `rate`; schedules go on from there."""
        scheduled = self.native.rate()
        if scheduled == 0:
            raise InvalidArgumentError("learning_rate: cannot be set while the optimizer's own, or its schedule's, is 0")
        self._share = rate / scheduled
        for held in self.graph.held:
            if isinstance(held, Parameter):
                self.treat(held)

    def training_arrays(self) -> list[Array]:
        """What the optimizer carries from step to step."""
        return [array for _, array in self.native.arrays(_c_api.OPTIMIZER_STATES)]

    def report(self, metric: float) -> None:
        """Tells ReduceLROnPlateau how an epoch went."""
        self.native.report(metric)
        self.reports.append(metric)

    def go_on(self, arrays: Sequence[Array], progress: tuple[int, int, int], reports: Sequence[float]) -> None:
        """Takes over how far another training with the same optimizer has come."""
        for mine, theirs in zip(self.training_arrays(), arrays):
            mine[...] = theirs
        self.native.progress = progress
        for metric in reports:
            self.report(metric)
