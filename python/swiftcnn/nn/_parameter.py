"""What a module holds: parameters, which are trained, and buffers, which are not.

Their numbers live in the memory of the network that used them last (see `_engine`), or before that in an array of their
own, or are not there yet and an initializer says how they will begin.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional, Union

import numpy as np

from .. import _c_network
from .._arrays import Array, Shape, as_array
from .._random import current_stream
from ..errors import CallOrderError, ShapeError


class Initializer(NamedTuple):
    """An initializer of the engine, by its name and attributes."""

    name: str
    attributes: Mapping[str, float]


def uniform(bound: float) -> Initializer:
    """Between -bound and bound."""
    return Initializer("Uniform", {"low": -bound, "high": bound})


def constant(value: float) -> Initializer:
    return Initializer("Constant", {"value": value})


class Held:
    """A parameter or a buffer."""

    #: Rises whenever one passes from one network's memory to another's, so that a network notices.
    moves = 0

    def __init__(self, shape: Optional[Sequence[int]], initializer: Optional[Initializer] = None) -> None:
        self.shape: Optional[Shape] = None if shape is None else tuple(shape)
        #: How it begins; None, as 0.
        self.initializer = initializer
        self._numbers: Union[Array, _c_network.Place, None] = None
        self._owner: Any = None  # a weak reference to the engine that it is in
        self._seeds = current_stream()

    @property
    def _array(self) -> Optional[Array]:
        """The numbers, which weights of a file are not before somebody asks for them."""
        if isinstance(self._numbers, _c_network.Place):
            self._numbers = self._numbers.array()
        return self._numbers

    @property
    def data(self) -> Array:
        """The numbers; once there is a network, in its own memory: what is written here, it computes with.

        The array keeps that memory alive. It stays the network's until that is built anew (for another type, or as a
        part of another network): then ask again. As long as it is alive, or a view of it, predictions count on its being
        written and prepare the network's filters anew each time. Asked before there is a network, the numbers are drawn
        now. Raises `CallOrderError` where a lazy size is still unknown.
        """
        if self._array is None:
            if self.shape is None:
                raise CallOrderError(
                    f"{type(self).__name__} has no numbers yet: its shape follows from the first data, or from "
                    "build(input_shape)"
                )
            self._numbers = draw(self.shape, self.initializer, np.float32, self._seeds.draw())
        engine, array = self._owner and self._owner(), self._array
        assert array is not None
        return array if engine is None else engine.native.view(array)

    @data.setter
    def data(self, values: Any) -> None:
        self.assign(values, type(self).__name__)

    def assign(self, values: Any, name: str) -> None:
        """Takes `values`, whether or not there is a network yet."""
        array = as_array(values, name)
        if self.shape is not None and array.shape != self.shape:
            raise ShapeError(f"{name} must have shape {self.shape}, got {array.shape}")
        if self._numbers is None:
            self.shape = array.shape
            self._numbers = array.astype(np.float32 if array.dtype != np.float64 else np.float64)
        else:
            self.data[...] = array

    def begin_by_default(self, initializer: Initializer) -> None:
        """How it begins, unless somebody has said so before."""
        self.initializer = self.initializer or initializer

    def size(self) -> int:
        return 0 if self.shape is None else int(np.prod(self.shape))

    def numpy(self) -> Array:
        """`data`."""
        return self.data

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> Array:
        array = self.data if dtype is None else self.data.astype(dtype, copy=False)
        return array.copy() if copy else array

    def __repr__(self) -> str:
        return f"{type(self).__name__}(shape={self.shape if self.shape is not None else 'not known yet'})"

    def __getstate__(self) -> dict[str, Any]:
        # A copy of a network's memory, and no network.
        array = None if self._array is None else self._array.copy()
        return {**vars(self), "_numbers": array, "_owner": None}


class Parameter(Held):
    """An array that training changes: ``Parameter(shape)``, or ``Parameter(values)`` by `Parameter.of`.

    >>> scale = Parameter.of([1.0, 2.0])
    >>> scale.shape, scale.data.tolist()
    ((2,), [1.0, 2.0])

    Source: torch.nn.Parameter.
    """

    def __init__(self, shape: Optional[Sequence[int]], initializer: Optional[Initializer] = None) -> None:
        super().__init__(shape, initializer)
        self._requires_grad = True
        self._slope: Optional[_c_network.Place] = None

    @classmethod
    def of(cls, values: Any) -> Parameter:
        """A parameter that begins as `values`."""
        made = cls(None)
        made.assign(values, "values")
        return made

    @property
    def grad(self) -> Optional[Array]:
        """The gradient of the last training step, in the engine's own memory; None before there is a network."""
        return None if self._slope is None else self._slope.array()

    @property
    def requires_grad(self) -> bool:
        """Whether it is trained. Default True; False freezes it, and saves the time for its gradient."""
        return self._requires_grad

    @requires_grad.setter
    def requires_grad(self, value: bool) -> None:
        self._requires_grad = bool(value)
        engine = self._owner and self._owner()
        if engine is not None:
            engine.treat(self)

    def __getstate__(self) -> dict[str, Any]:
        return {**super().__getstate__(), "_slope": None}


class Buffer(Held):
    """An array that gradients do not change, such as a running mean; `state_dict` has it too.

    >>> Buffer((2,), 1.0).data.tolist()
    [1.0, 1.0]

    Source: torch.nn.Buffer.
    """

    def __init__(self, shape: Optional[Sequence[int]], value: float = 0.0) -> None:
        super().__init__(shape, constant(value))


def draw(shape: Sequence[int], initializer: Optional[Initializer], dtype: Any, seed: int) -> Array:
    """What `initializer` gives for `shape`."""
    scratch = _c_network.Network(dtype, seed)
    scratch.parameter("values", shape, *(initializer or constant(0)))
    _, array = scratch.arrays(_c_network.PARAMETERS)[0]
    return np.array(array)
