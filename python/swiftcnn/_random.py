"""Seeds of networks. Everything random in a network (initial parameters, the order of images, dropout) follows from one
number, in the engine's own counter-based generator; this hands out that number.
"""

from __future__ import annotations

import os
from typing import Optional

from ._windows import as_integer

_MOST = 2**64 - 1


class SeedStream:
    """One seed after another: the first is `seed` itself, the others are far from it and from one another."""

    def __init__(self, seed: int) -> None:
        self._next = seed

    def draw(self) -> int:
        seed = self._next
        self._next = (seed + 0x9E3779B97F4A7C15) & _MOST
        return seed


_stream = SeedStream(int.from_bytes(os.urandom(8), "little"))


def current_stream() -> SeedStream:
    """Where a module that is made now will take its seed from, when it is built."""
    return _stream


def as_seed(seed: Optional[int]) -> Optional[int]:
    """`seed`, from 0 to 2^64 - 1, as an int; None stays None."""
    return None if seed is None else as_integer(seed, "seed", 0, _MOST)


def manual_seed(seed: int) -> None:
    """Makes networks that are constructed from here on repeatable: the first one built of them gets this very seed, from
    0 to 2^64 - 1, the others get seeds that follow from it.

    The same seed gives the same bits in Python, C and Swift, and for any number of threads. Without it, every run of a
    program begins with another seed. Raises `InvalidArgumentError` or `DTypeError`.

    >>> import numpy as np
    >>> from swiftcnn import nn
    >>> manual_seed(1)
    >>> first = nn.Linear(3, 2).weight.data
    >>> manual_seed(1)
    >>> np.array_equal(first, nn.Linear(3, 2).weight.data)
    True

    Source: torch.manual_seed.
    """
    global _stream
    _stream = SeedStream(as_integer(seed, "seed", 0, _MOST))
