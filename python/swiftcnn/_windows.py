"""Integers, pairs and windows: what users write as ``stride=2`` or ``pad=(1, 2)``, checked and spelled out for the
library.
"""

from __future__ import annotations

import operator
from typing import Any

from .errors import DTypeError, InvalidArgumentError, ShapeError

Pair = tuple[int, int]
Pads = tuple[int, int, int, int]

_LARGEST = 2**31 - 1  # of any size that a user may write; keeps every sum and product of two of them inside 64 bits


def as_integer(value: Any, name: str, least: int, most: int = _LARGEST) -> int:
    """`value` as an int between `least` and `most`.

    >>> as_integer(3, "filter_h", 1)
    3
    >>> as_integer("3", "filter_h", 1)
    Traceback (most recent call last):
    ...
    swiftcnn.errors.DTypeError: filter_h must be an integer, got '3' (str)
    """
    if type(value) is int and least <= value <= most:
        return value
    try:
        number = operator.index(value)
    except TypeError:
        raise DTypeError(f"{name} must be an integer, got {value!r} ({type(value).__name__})") from None
    if number < least:
        raise InvalidArgumentError(f"{name} must be at least {least}, got {number}")
    if number > most:
        raise InvalidArgumentError(f"{name} must be at most {most}, got {number}")
    return number


def as_integers(value: Any, name: str, least: int, counts: tuple[int, ...]) -> tuple[int, ...]:
    """`value`, one integer or a sequence of as many as one of `counts` says, as a tuple."""
    if not hasattr(value, "__len__") or isinstance(value, (str, bytes)) or getattr(value, "shape", None) == ():
        return (as_integer(value, name, least),)
    if len(value) not in counts:
        wanted = " or ".join(str(count) for count in counts)
        raise ShapeError(f"{name} must be an integer or {wanted} of them, got {value!r}")
    return tuple(as_integer(element, name, least) for element in value)


def as_pair(value: Any, name: str, least: int = 1) -> Pair:
    """(vertical, horizontal) of one integer for both, or of the two.

    >>> as_pair(2, "stride"), as_pair((2, 1), "stride")
    ((2, 2), (2, 1))
    """
    if type(value) is int:
        return (as_integer(value, name, least),) * 2
    numbers = as_integers(value, name, least, (2,))
    return numbers[0], numbers[-1]


def as_pads(value: Any, name: str = "pad") -> Pads:
    """(top, left, bottom, right) of one integer for all, of (vertical, horizontal), or of the four.

    >>> as_pads(1), as_pads((1, 2)), as_pads((1, 2, 3, 4))
    ((1, 1, 1, 1), (1, 2, 1, 2), (1, 2, 3, 4))
    """
    if type(value) is int:
        return (as_integer(value, name, 0),) * 4
    numbers = as_integers(value, name, 0, (2, 4))
    if len(numbers) == 4:
        return numbers[0], numbers[1], numbers[2], numbers[3]
    return numbers[0], numbers[-1], numbers[0], numbers[-1]


def as_steps(stride: Any, pad: Any, dilation: Any) -> tuple[Pair, Pads, Pair]:
    """How a window moves, spelled out.

    >>> as_steps(2, 0, 1)
    ((2, 2), (0, 0, 0, 0), (1, 1))
    """
    return as_pair(stride, "stride"), as_pads(pad), as_pair(dilation, "dilation")


def check_fit(image: Pair, kernel: Pair, pads: Pads, dilations: Pair, name: str, where: str) -> None:
    """Raises unless the window `kernel` fits into the padded `image` at least once; `name` is what gave its size.

    >>> check_fit((4, 4), (5, 3), (0, 0, 0, 0), (1, 1), "W", "Convolution")
    Traceback (most recent call last):
    ...
    swiftcnn.errors.ShapeError: Convolution: the window of W covers 5 x 3, does not fit into the image, 4 x 4 with pad
    """
    reach = [dilation * (size - 1) + 1 for size, dilation in zip(kernel, dilations)]
    room = [image[0] + pads[0] + pads[2], image[1] + pads[1] + pads[3]]
    if reach[0] > room[0] or reach[1] > room[1]:
        raise ShapeError(
            f"{where}: the window of {name} covers {reach[0]} x {reach[1]}, "
            f"does not fit into the image, {room[0]} x {room[1]} with pad"
        )
