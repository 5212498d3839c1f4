"""Schedules of the learning rate, under PyTorch's names. Made with an optimizer, one adds itself to it; the engine then
counts by itself, so there is no ``step()`` to call. The factors of several are multiplied.

>>> from swiftcnn import nn, optim
>>> optimizer = optim.SGD(0.1)
>>> schedule = StepLR(optimizer, step_size=1, gamma=0.5)
>>> net = nn.Linear(1, 1).compile("mse", optimizer)
>>> history = net.fit([[1.0]], [[1.0]], epochs=3, verbose=False)
>>> history["lr"]
[0.1, 0.05, 0.025]

`unit` says what is counted: ``"epoch"`` or ``"step"``, an update of the parameters.
"""

from __future__ import annotations

from typing import Any, Optional

from .. import _c_network
from .._windows import as_integer
from ..errors import DTypeError, InvalidArgumentError
from ._optimizers import Optimizer, _number

__all__ = ["CosineAnnealingLR", "ExponentialLR", "LinearLR", "OneCycleLR", "ReduceLROnPlateau", "StepLR"]


class LRScheduler:
    """The base of schedules."""

    def __init__(self, optimizer: Optimizer, unit: str, **attributes: _c_network.AttributeValue) -> None:
        if not isinstance(optimizer, Optimizer):
            raise DTypeError(f"optimizer must be one of swiftcnn.optim, got {type(optimizer).__name__}")
        if unit not in ("epoch", "step"):
            raise InvalidArgumentError(f"unit must be 'epoch' or 'step', got {unit!r}")
        self.name = type(self).__name__
        self.attributes: dict[str, _c_network.AttributeValue] = {**attributes, "unit": unit}
        optimizer.schedules.append(self)

    def __repr__(self) -> str:
        return f"{self.name}({', '.join(f'{name}={value!r}' for name, value in self.attributes.items())})"


class StepLR(LRScheduler):
    """Multiplied by `gamma` after every `step_size`. Default gamma 0.1.

    >>> from swiftcnn import optim
    >>> StepLR(optim.SGD(), 30)
    StepLR(step_size=30, gamma=0.1, unit='epoch')

    Source: torch.optim.lr_scheduler.StepLR.
    """

    def __init__(self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, *, unit: str = "epoch") -> None:
        super().__init__(optimizer, unit, step_size=as_integer(step_size, "step_size", 1), gamma=_number(gamma, "gamma"))


class ExponentialLR(LRScheduler):
    """Multiplied by `gamma` each time. Source: torch.optim.lr_scheduler.ExponentialLR."""

    def __init__(self, optimizer: Optimizer, gamma: float, *, unit: str = "epoch") -> None:
        super().__init__(optimizer, unit, gamma=_number(gamma, "gamma"))


class CosineAnnealingLR(LRScheduler):
    """Falls as half a cosine to `eta_min` (default 0) in `T_max`, and stays there; PyTorch's would rise again.

    Source: torch.optim.lr_scheduler.CosineAnnealingLR; Loshchilov and Hutter 2017.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, *, unit: str = "epoch") -> None:
        super().__init__(optimizer, unit, T_max=as_integer(T_max, "T_max", 1), eta_min=_number(eta_min, "eta_min"))


class LinearLR(LRScheduler):
    """Goes from a share of the rate to another in `total_iters`, and stays there: a warm-up.

    start_factor : default 1/3. end_factor : default 1. total_iters : default 5.

    Source: torch.optim.lr_scheduler.LinearLR.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        *,
        unit: str = "epoch",
    ) -> None:
        factors = {"start_factor": _number(start_factor, "start_factor"), "end_factor": _number(end_factor, "end_factor")}
        super().__init__(optimizer, unit, **factors, total_iters=as_integer(total_iters, "total_iters", 1))


class OneCycleLR(LRScheduler):
    """Rises from ``max_lr / div_factor`` to `max_lr`, and falls to ``max_lr / (div_factor * final_div_factor)``, as half
    cosines, counted in steps.

    total_steps : all of them; or give `epochs` and `steps_per_epoch`. pct_start : the share of them that rises. Default
    0.3. div_factor : default 25. final_div_factor : default 10000.

    Source: torch.optim.lr_scheduler.OneCycleLR (momentum is left as it is); Smith and Topin 2018.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float,
        total_steps: Optional[int] = None,
        epochs: Optional[int] = None,
        steps_per_epoch: Optional[int] = None,
        pct_start: float = 0.3,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
    ) -> None:
        if total_steps is None:
            if epochs is None or steps_per_epoch is None:
                raise InvalidArgumentError("OneCycleLR needs total_steps, or epochs and steps_per_epoch")
            total_steps = as_integer(epochs, "epochs", 1) * as_integer(steps_per_epoch, "steps_per_epoch", 1)
        if not 0 <= pct_start <= 1:
            raise InvalidArgumentError(f"pct_start must be 0 to 1, got {pct_start}")
        given: dict[str, Any] = {"max_lr": _number(max_lr, "max_lr"), "pct_start": float(pct_start)}
        given |= {"div_factor": _number(div_factor, "div_factor")}
        given |= {"final_div_factor": _number(final_div_factor, "final_div_factor")}
        super().__init__(optimizer, "step", total_steps=as_integer(total_steps, "total_steps", 1), **given)


class ReduceLROnPlateau(LRScheduler):
    """Multiplied by `factor` when what `monitor` names has not got better for more than `patience` epochs.

    mode : ``"min"`` (default) if less is better, else ``"max"``. factor : default 0.1. patience : default 10. threshold :
    the share by which better must be better. Default 1e-4. min_lr : default 0. monitor : default the validation's loss, or
    without one the training's.

    Source: torch.optim.lr_scheduler.ReduceLROnPlateau.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        min_lr: float = 0.0,
        *,
        monitor: Optional[str] = None,
    ) -> None:
        if mode not in ("min", "max"):
            raise InvalidArgumentError(f"mode must be 'min' or 'max', got {mode!r}")
        if not 0 <= factor < 1:
            raise InvalidArgumentError(f"factor must be 0 or more and less than 1, got {factor}")
        numbers = {"threshold": _number(threshold, "threshold"), "min_lr": _number(min_lr, "min_lr")}
        patience = as_integer(patience, "patience", 0)
        super().__init__(optimizer, "epoch", mode=mode, factor=float(factor), patience=patience, **numbers)
        self.monitor = monitor
