"""What the steps of a prediction take, as a table."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from .. import _c_api
from ._table import aligned


class Step(NamedTuple):
    """One step: the name of its first node, all operators that it does together, the median of its seconds, the multiply-adds
    of its products (as plain sums, whatever the algorithm), and the bytes of the arrays that it reads and writes."""

    name: str
    operators: tuple[str, ...]
    seconds: float
    multiply_adds: int
    bytes: int


class Profile:
    """What `Module.profile` gives; its text is the table.

    Attributes
    ----------
    steps : in the order in which they run.
    seconds : of all of them.
    multiply_adds : of all of them.
    peak : the multiply-adds a second that as many cores as there are threads can do, measured beside. An algorithm that needs
        fewer than a plain sum, Winograd's, may be above it.
    """

    def __init__(self, steps: Iterable[_c_api.Step], peak: float) -> None:
        self.steps = [
            Step(
                step.name.decode("utf-8", "replace"),
                tuple(step.operators.decode("utf-8", "replace").split("+")),
                step.seconds,
                step.multiply_adds,
                step.bytes,
            )
            for step in steps
        ]
        self.seconds = sum(step.seconds for step in self.steps)
        self.multiply_adds = sum(step.multiply_adds for step in self.steps)
        self.peak = peak

    def __str__(self) -> str:
        head = ("step", "operators", "ms", "share", "GFLOP/s", "of peak", "GB/s")
        whole = Step("all", (), self.seconds, self.multiply_adds, sum(step.bytes for step in self.steps))
        lines = [self._line(step) for step in (*self.steps, whole)]
        table = aligned((head, *lines), 2)
        rule = "-" * len(table[0])
        return "\n".join([table[0], rule, *table[1:-1], rule, table[-1]])

    def _line(self, step: Step) -> tuple[str, ...]:
        share = step.seconds / (self.seconds or 1)
        rate = step.multiply_adds / (step.seconds or 1)
        products = (f"{2e-9 * rate:.1f}", f"{rate / (self.peak or 1):.0%}") if step.multiply_adds else ("", "")
        moved = 1e-9 * step.bytes / (step.seconds or 1)
        return (step.name, "+".join(step.operators), f"{1e3 * step.seconds:.3f}", f"{share:.1%}", *products, f"{moved:.1f}")

    __repr__ = __str__
