"""What a module has as a network of its own: its type, its engine, and what trains it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

import numpy as np

from .._arrays import Shape
from .._random import current_stream
from ._engine import Engine

if TYPE_CHECKING:
    from ..optim import Optimizer
    from ._augmentation import Augmentation
    from ._loss import Loss
    from ._runnable import Runnable
    from ._training import Metric


class Compiled(NamedTuple):
    """What `Module.compile` chose."""

    loss: Loss
    optimizer: Optimizer
    metrics: list[Metric]
    augmentations: tuple[Augmentation, ...] = ()
    ema_decay: Optional[float] = None
    recompute: bool = False


class State:
    """Belongs to one module."""

    def __init__(self) -> None:
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self.engine: Optional[Engine] = None
        self.compiled: Optional[Compiled] = None
        self.stream = current_stream()

    def build(self, module: Runnable, shapes: Sequence[Shape], seed: Optional[int] = None) -> Engine:
        """A new network, which takes the numbers of the parameters that have some."""
        if seed is None:
            seed = self.stream.draw() if self.engine is None else self.engine.seed
        engine = module._make_engine(shapes, seed)
        if self.compiled is not None:
            engine.set_up(self.compiled)
        self.engine = engine
        return engine

    def compile(self, compiled: Compiled) -> None:
        self.compiled = compiled
        if self.engine is not None:
            self.engine.set_up(compiled)

    def rebuild(self, module: Runnable, shapes: Sequence[Shape]) -> Engine:
        """The network anew, with its numbers, from where training is."""
        before = self.engine
        if before is not None:
            before.claim()
        engine = self.build(module, shapes)
        if before is not None and self.compiled is not None:
            engine.go_on(before.training())
        return engine

    def without_engine(self) -> State:
        state = State()
        state.dtype, state.compiled = self.dtype, None
        return state
