"""Modules of modules: one after another, side by side, and around."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Union, cast

from ..errors import DTypeError
from . import functional
from ._module import Module
from ._tree import Tree


def as_module(thing: Any, name: str) -> Module:
    if not isinstance(thing, Module):
        raise DTypeError(f"{name} must be a module, got {type(thing).__name__}")
    return thing


class _List(Module):
    """Modules that are named by numbers, or as a mapping says."""

    _layers: dict[str, Module]

    def _take(self, layers: Any) -> None:
        if len(layers) == 1 and isinstance(layers[0], Mapping):
            named = {str(name): layer for name, layer in layers[0].items()}
        else:
            named = {str(i): layer for i, layer in enumerate(layers)}
        self._layers = {name: as_module(layer, f"layer {name}") for name, layer in named.items()}

    def named_children(self) -> Iterator[tuple[str, Tree]]:
        return iter(self._layers.items())

    def __iter__(self) -> Iterator[Module]:
        return iter(self._layers.values())

    def __len__(self) -> int:
        return len(self._layers)

    def __getitem__(self, index: Union[int, slice]) -> Any:
        if not isinstance(index, slice):
            return list(self)[index]
        part = type(self).__new__(type(self))
        part._layers = dict(list(self._layers.items())[index])
        return part

    def append(self, layer: Module) -> Any:
        """Adds a module at the end; returns this one."""
        self._layers[str(len(self._layers))] = as_module(layer, "layer")
        return self


class Sequential(_List):
    """Modules one after another: each gets what the one before gives.

    Give them one by one, or as one mapping of names. Indices give a module, slices a `Sequential` of the same modules.

    >>> import numpy as np
    >>> from swiftcnn import nn
    >>> net = Sequential(nn.LazyConv2d(4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(10))
    >>> net(np.ones((2, 1, 8, 8), np.float32)).shape
    (2, 10)
    >>> net[:3](np.ones((2, 1, 8, 8), np.float32)).shape
    (2, 144)
    >>> list(net.state_dict())
    ['0.weight', '0.bias', '3.weight', '3.bias']

    Source: torch.nn.Sequential.
    """

    def __init__(self, *layers: Any) -> None:
        self._take(layers)

    def forward(self, x: Any) -> Any:
        for layer in self:
            x = layer(x)
        return x


class ModuleList(_List):
    """Modules in a list, for a `forward` that calls them in its own way.

    >>> from swiftcnn import nn
    >>> len(ModuleList([nn.ReLU(), nn.Tanh()]))
    2

    Source: torch.nn.ModuleList.
    """

    def __init__(self, modules: Any = ()) -> None:
        self._take(list(modules))


class Residual(Module):
    """A path with a way around: ``y = body(x) + shortcut(x)``.

    shortcut : default None, x itself.

    >>> from swiftcnn import nn
    >>> Residual(nn.ReLU())([[-1.0, 2.0]]).tolist()
    [[-1.0, 4.0]]

    Source: He et al. 2015, "Deep Residual Learning for Image Recognition".
    """

    def __init__(self, body: Module, shortcut: Any = None) -> None:
        self.body = as_module(body, "body")
        if shortcut is not None:
            self.shortcut = as_module(shortcut, "shortcut")

    def forward(self, x: Any) -> Any:
        around = self.shortcut(x) if hasattr(self, "shortcut") else x
        return self.body(x) + around


class Parallel(_List):
    """Paths side by side, whose results are joined along `dim`. Default 1, the channels.

    >>> from swiftcnn import nn
    >>> Parallel(nn.Identity(), nn.ReLU())([[-1.0, 2.0]]).tolist()
    [[-1.0, 2.0, 0.0, 2.0]]

    Source: Szegedy et al. 2014, "Going Deeper with Convolutions".
    """

    def __init__(self, *paths: Any, dim: int = 1) -> None:
        self._take(paths)
        self.dim = dim

    def forward(self, x: Any) -> Any:
        return functional.cat([cast(Any, path)(x) for path in self], self.dim)
