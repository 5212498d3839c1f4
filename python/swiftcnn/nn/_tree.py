"""A module as a tree of modules with the parameters and buffers they hold, and the names that follow from it: PyTorch's,
such as ``features.0.weight``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from .._arrays import Array, as_array
from ..errors import InvalidArgumentError, ShapeError
from ._parameter import Held, Parameter

#: Keys of PyTorch's state that no computation here needs: how many batches a normalization has seen.
_COUNTER = "num_batches_tracked"


class LoadResult(NamedTuple):
    """What `Tree.load_state_dict` found to differ; both empty if strict."""

    missing_keys: list[str]
    unexpected_keys: list[str]


class Tree:
    """Modules in modules."""

    def named_children(self) -> Iterator[tuple[str, Tree]]:
        """The modules right below this one, with their names: the attributes that hold modules, as they were set."""
        for name, value in vars(self).items():
            if isinstance(value, Tree):
                yield name, value

    def named_modules(self, prefix: str = "") -> Iterator[tuple[str, Tree]]:
        """This module and all below it, parents first, with their full names."""
        yield prefix, self
        for name, child in self.named_children():
            yield from child.named_modules(f"{prefix}.{name}" if prefix else name)

    def children(self) -> Iterator[Tree]:
        """The modules right below this one."""
        return (child for _, child in self.named_children())

    def modules(self) -> Iterator[Tree]:
        """This module and all below it."""
        return (module for _, module in self.named_modules())

    def named_held(self) -> Iterator[tuple[str, Held]]:
        """Parameters and buffers with their full names; those that are shared, under each name."""
        for name, module in self.named_modules():
            for attribute, value in module.named_own():
                yield (f"{name}.{attribute}" if name else attribute), value

    def named_own(self) -> Iterator[tuple[str, Held]]:
        """This module's own parameters and buffers: the attributes that hold them, as they were set."""
        return ((name, value) for name, value in vars(self).items() if isinstance(value, Held))

    def named_parameters(self) -> Iterator[tuple[str, Parameter]]:
        """All parameters, each once, with their full names.

        >>> from swiftcnn import nn
        >>> [name for name, _ in nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Linear(3, 1, bias=False)).named_parameters()]
        ['0.weight', '0.bias', '2.weight']
        """
        seen = set()
        for name, held in self.named_held():
            if isinstance(held, Parameter) and id(held) not in seen:
                seen.add(id(held))
                yield name, held

    def parameters(self) -> Iterator[Parameter]:
        """All parameters, each once."""
        return (parameter for _, parameter in self.named_parameters())

    def requires_grad_(self, requires_grad: bool = True) -> Any:
        """Freezes (False) or frees all parameters; returns the module."""
        for parameter in self.parameters():
            parameter.requires_grad = requires_grad
        return self

    # State

    def state_dict(self) -> dict[str, Array]:
        """Name -> numbers of all parameters and buffers, under PyTorch's names.

        The arrays are the engine's own memory, as PyTorch's are: they change when training goes on. Copy them to keep a
        state. `num_batches_tracked`, which PyTorch's normalizations have beside, is left out.

        >>> from swiftcnn import nn
        >>> {name: array.shape for name, array in nn.Linear(2, 3).state_dict().items()}
        {'weight': (3, 2), 'bias': (3,)}
        """
        return {name: held.data for name, held in self.named_held()}

    def load_state_dict(self, state_dict: Mapping[str, Any], strict: bool = True) -> LoadResult:
        """Takes all numbers from `state_dict`: arrays, or tensors of another library.

        strict : False leaves what has no key as it is and ignores keys that are not known. Default True. PyTorch's
            ``num_batches_tracked`` may always be there.

        Raises `InvalidArgumentError` for missing and unknown keys, `ShapeError` for a shape; nothing is changed then.

        >>> from swiftcnn import nn
        >>> layer = nn.Linear(2, 1)
        >>> layer.load_state_dict({"weight": [[1.0, 2.0]], "bias": [3.0]})
        LoadResult(missing_keys=[], unexpected_keys=[])
        >>> layer.weight.data.tolist()
        [[1.0, 2.0]]
        """
        held = dict(self.named_held())
        missing = [name for name in held if name not in state_dict]
        unexpected = [name for name in state_dict if name not in held and name.rpartition(".")[2] != _COUNTER]
        if strict and (missing or unexpected):
            parts = [f"{what} {', '.join(names)}" for what, names in (("lacks", missing), ("has also", unexpected)) if names]
            raise InvalidArgumentError(f"state_dict does not fit: it {'; '.join(parts)}")
        arrays = {name: as_array(state_dict[name], name) for name in held if name in state_dict}
        for name, array in arrays.items():
            if held[name].shape not in (None, array.shape):
                raise ShapeError(f"state_dict: {name} must have shape {held[name].shape}, got {array.shape}")
        for name, array in arrays.items():
            held[name].assign(array, name)
        return LoadResult(missing, unexpected)

    # Text

    def extra_repr(self) -> str:
        """The arguments, for `repr`."""
        return ""

    def __repr__(self) -> str:
        children = [f"({name}): {child!r}".replace("\n", "\n  ") for name, child in self.named_children()]
        inside = self.extra_repr() + "".join(f"\n  {child}" for child in children) + ("\n" if children else "")
        return f"{type(self).__name__}({inside})"
