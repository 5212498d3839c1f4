"""A network as a table: shapes, parameters, multiply-adds, memory."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from .._arrays import Shape
from ._engine import Engine
from ._graph import Graph, Node
from ._parameter import Parameter
from ._table import aligned

if TYPE_CHECKING:
    from ._module import Module

_PRODUCTS = ("Conv", "ConvTranspose", "Gemm", "MatMul")


class Row(NamedTuple):
    """A layer: its name, what it is, the shape it gives for one image, the parameters it holds, the multiply-adds of its
    products for one image."""

    name: str
    kind: str
    shape: Shape
    parameters: int
    multiply_adds: int


def _multiply_adds(graph: Graph, node: Node) -> int:
    if node.operator not in _PRODUCTS:
        return 0
    x, w = (graph.native.shape(number) for number in node.inputs[:2])
    y = graph.native.shape(node.outputs[0])
    if node.operator == "ConvTranspose":
        return math.prod(x) * math.prod(w[1:])
    return math.prod(y) * (math.prod(w[1:]) if node.operator == "Conv" else x[-1])


class Summary:
    """What `Module.summary` gives; its text is the table.

    Attributes
    ----------
    rows : the layers in the order in which they run.
    parameters, trainable : numbers of parameters, and of those that are trained.
    multiply_adds : of all products for one image.
    parameter_bytes, inference_bytes, training_bytes : memory of the parameters, and of what layers give and leave for each
        other, for one image, in a run and in a training step.
    """

    def __init__(self, network: Module, engine: Engine) -> None:
        graph = engine.graph
        modules = dict(network.named_modules())
        rows: dict[str, Row] = {}
        counted: set[int] = set()
        for node in graph.nodes:
            module = modules.get(node.module)
            held = [] if module is None else [p for p in vars(module).values() if isinstance(p, Parameter)]
            fresh = sum(p.size() for p in held if id(p) not in counted)
            counted |= {id(p) for p in held}
            shape, work = graph.native.shape(node.outputs[0]), _multiply_adds(graph, node)
            before = rows.pop(node.module, Row("", "", (), 0, 0))
            kind = node.operator if module is None or module is network else type(module).__name__
            rows[node.module] = Row(node.module or kind, kind, shape, before.parameters + fresh, before.multiply_adds + work)
        self.rows = list(rows.values())
        every = list(network.parameters())
        self.parameters = sum(p.size() for p in every)
        self.trainable = sum(p.size() for p in every if p.requires_grad)
        self.multiply_adds = sum(row.multiply_adds for row in self.rows)
        size = network.dtype.itemsize
        self.parameter_bytes = self.parameters * size
        self.inference_bytes, self.training_bytes = (engine.native.memory(engine.shapes, train) for train in (False, True))

    def __str__(self) -> str:
        head = ("layer", "kind", "output", "parameters", "multiply-adds")
        lines = [
            (r.name, r.kind, "x".join(map(str, r.shape[1:])), f"{r.parameters:,}", f"{r.multiply_adds:,}") for r in self.rows
        ]
        table = aligned((head, *lines), 3)
        table.insert(1, "-" * len(table[0]))
        frozen = f", {self.parameters - self.trainable:,} frozen" if self.trainable != self.parameters else ""
        return "\n".join(
            [
                *table,
                "-" * len(table[0]),
                f"{self.parameters:,} parameters ({_bytes(self.parameter_bytes)}{frozen}), for one image "
                f"{self.multiply_adds:,} multiply-adds; memory {_bytes(self.inference_bytes)}, "
                f"in training {_bytes(self.training_bytes)}",
            ]
        )

    __repr__ = __str__


def _bytes(count: int) -> str:
    return f"{count / 2**20:.1f} MiB" if count >= 2**20 else f"{count / 2**10:.1f} KiB"
