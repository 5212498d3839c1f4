"""Writing down a network: `Value`s, which stand for arrays that are not there yet, and the `Graph` they belong to.

A module that is called on values adds its operators to their graph, once; from then on the engine runs the graph.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from .. import _c_network
from .._arrays import Shape
from ..errors import CallOrderError, DTypeError
from ._parameter import Held, Parameter, constant


class Node(NamedTuple):
    """An operator that was added, for `summary`: which module did it, and the values it takes and gives."""

    module: str
    operator: str
    attributes: dict[str, Any]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


class Value:
    """An array of a network that is not there yet: what `Module.forward` gets and returns.

    ``+ - * /`` work with other values, with parameters and buffers, and with numbers, and broadcast as NumPy does. What
    else there is to do with values is in `swiftcnn.nn.functional`.
    """

    __slots__ = ("graph", "number")
    __array_ufunc__ = None  # so that array + value is an error of ours and not an array of objects

    def __init__(self, graph: Graph, number: int) -> None:
        self.graph, self.number = graph, number

    @property
    def shape(self) -> Shape:
        """The shape, with 1 for the number of images, N."""
        return self.graph.native.shape(self.number)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    def add(self, operator: str, *inputs: Any, outputs: int = 1, **attributes: Any) -> Value:
        """The first output of an ONNX operator whose first input this is."""
        return self.graph.add(operator, [self, *inputs], attributes, outputs)[0]

    def __add__(self, other: Any) -> Value:
        return self.graph.binary("Add", self, other)

    def __radd__(self, other: Any) -> Value:
        return self.graph.binary("Add", other, self)

    def __sub__(self, other: Any) -> Value:
        return self.graph.binary("Sub", self, other)

    def __rsub__(self, other: Any) -> Value:
        return self.graph.binary("Sub", other, self)

    def __mul__(self, other: Any) -> Value:
        return self.graph.binary("Mul", self, other)

    def __rmul__(self, other: Any) -> Value:
        return self.graph.binary("Mul", other, self)

    def __truediv__(self, other: Any) -> Value:
        return self.graph.binary("Div", self, other)

    def __rtruediv__(self, other: Any) -> Value:
        return self.graph.binary("Div", other, self)

    def __repr__(self) -> str:
        return f"Value({self.number})"


class Graph:
    """A network of the engine while it is written."""

    def __init__(self, native: _c_network.Network, names: dict[int, str]) -> None:
        """`names` are those of modules, parameters and buffers, by id."""
        self.native = native
        self.nodes: list[Node] = []
        self.held: list[Held] = []  # in the order in which the engine has them
        self._names = names
        self._values: dict[int, Value] = {}  # of parameters and buffers, by id
        self._scopes: list[str] = []
        self._counts: dict[str, int] = {}

    def input(self, name: str, shape: Sequence[int]) -> Value:
        return Value(self, self.native.input(name, shape))

    # Names

    @property
    def scope(self) -> str:
        """The name of the module that is being called."""
        return self._scopes[-1] if self._scopes else ""

    def scope_of(self, module: Any) -> str:
        """The name of `module`, which is being called; that of the caller if it has none of its own."""
        return self._names.get(id(module), self.scope)

    def where(self, module: Any) -> str:
        """Begins messages about `module`."""
        name = self.scope_of(module)
        return f"{name} ({type(module).__name__})" if name else type(module).__name__

    @contextmanager
    def inside(self, module: str) -> Iterator[None]:
        self._scopes.append(module)
        try:
            yield
        finally:
            self._scopes.pop()

    def _fresh(self, name: str) -> str:
        count = self._counts[name] = self._counts.get(name, 0) + 1
        return name if count == 1 else f"{name}#{count}"

    # Values

    def close(self) -> None:
        """Forgets the values of what is held, which refer back here: so the network goes as soon as nobody needs it."""
        self._values.clear()

    def of(self, thing: Any) -> Value:
        """The value of a parameter, a buffer, a number or an array."""
        if isinstance(thing, Value):
            if thing.graph is not self:
                raise CallOrderError(f"{self.scope or 'network'}: a value of another network was handed in")
            return thing
        if isinstance(thing, Held):
            return self._values.get(id(thing)) or self._hold(thing)
        if isinstance(thing, (int, float)):
            return self._constant(np.full(1, thing, self.native.dtype))
        if isinstance(thing, np.ndarray):
            keep = thing.dtype == np.int64 and thing.ndim <= 1
            return self._constant(thing if keep else thing.astype(self.native.dtype))
        raise DTypeError(f"{self.scope or 'network'}: wanted a value, a parameter or a number, got {type(thing).__name__}")

    def _constant(self, array: Any) -> Value:
        return Value(self, self.native.constant(self._fresh(f"{self.scope}.constant"), np.ascontiguousarray(array)))

    def _hold(self, held: Held) -> Value:
        name = self._names.setdefault(id(held), f"array{len(self.held)}")  # one that is no module's attribute
        if held.shape is None:
            raise CallOrderError(f"{name}: its shape is not known yet")
        if isinstance(held, Parameter):
            number = self.native.parameter(name, held.shape, *(held.initializer or constant(0)))
        else:
            number = self.native.constant(name, held.data.astype(self.native.dtype))
        self._values[id(held)] = value = Value(self, number)
        self.held.append(held)
        return value

    def hold(self, held: Held, name: str) -> None:
        """Something that the engine has already, under this name."""
        self._names[id(held)] = name
        self.held.append(held)

    def name_of(self, held: Held) -> str:
        return self._names[id(held)]

    # Operators

    def add(self, operator: str, inputs: Sequence[Any], attributes: dict[str, Any], outputs: int = 1) -> list[Value]:
        """The outputs of an ONNX operator; an input of None is left out."""
        numbers = [_c_network.ABSENT if thing is None else self.of(thing).number for thing in inputs]
        while numbers and numbers[-1] == _c_network.ABSENT:
            numbers.pop()
        given = {name: value for name, value in attributes.items() if value is not None}
        name = self._fresh(self.scope or operator)
        made = self.native.add(operator, name, given, numbers, outputs)
        self.nodes.append(Node(self.scope, operator, given, tuple(numbers), tuple(made)))
        return [Value(self, number) for number in made]

    def binary(self, operator: str, a: Any, b: Any) -> Value:
        return self.add(operator, [a, b], {})[0]
