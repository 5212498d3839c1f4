"""What is done to images in training epochs, for `Module.compile`; the engine draws it anew for each image and epoch.

>>> import numpy as np
>>> from swiftcnn import nn
>>> net = nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
>>> net = net.compile(augmentations=[nn.RandomCrop(padding=2), nn.RandomHorizontalFlip(), nn.Cutout(3)])
>>> x = np.random.default_rng(0).random((8, 1, 8, 8), np.float32)
>>> history = net.fit(x, np.arange(8) % 2, epochs=2, verbose=False)

One is done after the other, in their order. Steps of `Module.train_step`, evaluation and prediction take images as they
are. The names are torchvision's where it has them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Optional, Union

from .. import _c_network
from .._arrays import as_input
from .._windows import as_integer, as_pair
from ..errors import DTypeError, InvalidArgumentError


class Augmentation:
    """The base of augmentations."""

    def __init__(self, **attributes: _c_network.AttributeValue) -> None:
        self.attributes: Mapping[str, _c_network.AttributeValue] = attributes

    @property
    def name(self) -> str:
        """The engine's name."""
        return type(self).__name__

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.attributes.items())})"


def _share(value: float, name: str) -> float:
    if not 0 <= value <= 1:
        raise InvalidArgumentError(f"{name} must be 0 to 1, got {value}")
    return float(value)


class RandomCrop(Augmentation):
    """A window somewhere in the image, which is padded first.

    size : its height and width, or one number for both. Default None: the image's own.
    padding : how many pixels of `fill` the image gets at each side. Default 0. fill : default 0.

    >>> RandomCrop(28, padding=2)
    RandomCrop(padding=2, fill=0.0, size=[28, 28])

    Source: torchvision.transforms.RandomCrop.
    """

    def __init__(self, size: Union[int, Sequence[int], None] = None, padding: int = 0, fill: float = 0.0) -> None:
        given: dict[str, Any] = {"padding": as_integer(padding, "padding", 0), "fill": float(fill)}
        if size is not None:
            given["size"] = list(as_pair(size, "size", 1))
        super().__init__(**given)


class RandomShift(Augmentation):
    """The image moved by up to so many pixels, down or up and right or left; what becomes free is `fill`.

    vertical, horizontal : default 0. fill : default 0.
    """

    def __init__(self, vertical: int = 0, horizontal: int = 0, fill: float = 0.0) -> None:
        distances = {"vertical": as_integer(vertical, "vertical", 0), "horizontal": as_integer(horizontal, "horizontal", 0)}
        super().__init__(**distances, fill=float(fill))


class RandomHorizontalFlip(Augmentation):
    """The image mirrored, with probability `p`. Default 0.5. Source: torchvision.transforms.RandomHorizontalFlip."""

    def __init__(self, p: float = 0.5) -> None:
        super().__init__(p=_share(p, "p"))


class Normalize(Augmentation):
    """``(x - mean) / std``, with a number of each for every channel: for what must come after a crop's `fill`, say, since
    only training does it.

    Source: torchvision.transforms.Normalize.
    """

    def __init__(self, mean: Sequence[float], std: Sequence[float]) -> None:
        numbers = [
            [float(number) for number in as_input(given, name).ravel()] for given, name in ((mean, "mean"), (std, "std"))
        ]
        if not numbers[0] or len(numbers[0]) != len(numbers[1]) or not all(0 < s < float("inf") for s in numbers[1]):
            raise InvalidArgumentError(f"std must hold as many numbers as mean, above 0, got mean {mean} and std {std}")
        super().__init__(mean=numbers[0], std=numbers[1])


class Cutout(Augmentation):
    """A square of `fill`, of side `length`, whose centre lies in the image (DeVries and Taylor 2017).

    p : with which probability. Default 1. fill : default 0.
    """

    def __init__(self, length: int, p: float = 1.0, fill: float = 0.0) -> None:
        super().__init__(length=as_integer(length, "length", 1), p=_share(p, "p"), fill=float(fill))


class MixUp(Augmentation):
    """Each image, with its target, becomes a mixture with another of the batch, of a share from Beta(alpha, alpha); classes
    become distributions (Zhang et al. 2018). At most one, which is done last.

    alpha : above 0. Default 1.

    Source: torchvision.transforms.v2.MixUp.
    """

    def __init__(self, alpha: float = 1.0) -> None:
        if not 0 < alpha < float("inf"):
            raise InvalidArgumentError(f"alpha must be above 0, got {alpha}")
        super().__init__(alpha=float(alpha))


def as_augmentations(augmentations: Optional[Iterable[Augmentation]]) -> tuple[Augmentation, ...]:
    """The augmentations of `compile`, checked."""
    try:
        found = tuple(augmentations or ())
    except TypeError:
        raise DTypeError(f"augmentations must be a list of swiftcnn.nn's, got {augmentations!r}") from None
    for augmentation in found:
        if not isinstance(augmentation, Augmentation):
            raise DTypeError(f"augmentations must be of swiftcnn.nn, such as RandomCrop(padding=4), got {augmentation!r}")
    if sum(isinstance(augmentation, MixUp) for augmentation in found) > 1:
        raise InvalidArgumentError("augmentations must hold at most one MixUp")
    return found
