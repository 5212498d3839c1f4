"""Image files that a command is given."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Callable

from .. import datasets
from .._arrays import Array


def read_images(files: Iterable[Path], read: Callable[[Path], Array]) -> tuple[list[str], list[Array], int]:
    """The files that `read` could read, what it gave for each, and the exit status: 1 if there were others, which are named."""
    from . import say

    names, images, status = [], [], 0
    for file in files:
        try:
            images.append(read(file))
            names.append(str(file))
        except datasets.DatasetError as error:
            say(error)
            status = 1
    return names, images, status
