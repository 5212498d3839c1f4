"""What an optimizer is to the engine: a name and attributes, and by what they are multiplied for a parameter."""

from __future__ import annotations

from collections.abc import Mapping
from numbers import Real
from typing import TYPE_CHECKING, Any, Optional, Union

from .. import _c_network
from .._windows import as_integer
from ..errors import DTypeError, InvalidArgumentError, UnsupportedError

if TYPE_CHECKING:
    from ..nn import Parameter
    from .lr_scheduler import LRScheduler


def _number(value: Any, name: str) -> float:
    """A number of 0 or more."""
    if not isinstance(value, Real) or isinstance(value, bool):
        raise DTypeError(f"{name} must be a number, got {value!r}")
    number = float(value)
    if not 0 <= number < float("inf"):
        raise InvalidArgumentError(f"{name} must be 0 or more, got {value}")
    return number


class Optimizer:
    """The base of optimizers.

    params : what to train: an iterable of parameters, or of groups, which are dictionaries of ``params`` and their own
        ``lr`` and ``weight_decay``. Default None: all. A number in this place is the learning rate.
    lr : the learning rate.
    weight_decay : by default 0; AdamW's is 0.01.
    clip_norm : gradients whose 2-norm, over all parameters, is greater are shortened to it. Default None: not.
    clip_value : elements of gradients beyond it are cut to it. Default None: not.
    accumulate : an update is made every so many steps, with the mean of their gradients. Default 1.
    """

    _default_lr = 1e-3

    def __init__(
        self,
        params: Any,
        lr: Optional[float],
        weight_decay: float,
        clip_norm: Optional[float],
        clip_value: Optional[float],
        accumulate: int,
        **attributes: _c_network.AttributeValue,
    ) -> None:
        if isinstance(params, Real) and not isinstance(params, bool):
            if lr is not None:
                raise InvalidArgumentError(f"lr is given twice: {params} and {lr}")
            params, lr = None, float(params)
        rate, decay = _number(self._default_lr if lr is None else lr, "lr"), _number(weight_decay, "weight_decay")
        self.param_groups = _groups(params, rate, decay)
        #: What the engine multiplies by each group's share.
        self.lr = max((group["lr"] for group in self.param_groups or ()), default=rate)
        self._decay = max((group["weight_decay"] for group in self.param_groups or ()), default=decay)
        self._own = attributes
        #: Schedules of the learning rate, which add themselves.
        self.schedules: list[LRScheduler] = []
        self._extra: dict[str, _c_network.AttributeValue] = {}
        for name, limit in (("clip_norm", clip_norm), ("clip_value", clip_value)):
            if limit is not None:
                self._extra[name] = _number(limit, name)
        if as_integer(accumulate, "accumulate", 1) != 1:
            self._extra["accumulate"] = accumulate

    @property
    def name(self) -> str:
        """The engine's name."""
        return type(self).__name__

    @property
    def attributes(self) -> dict[str, _c_network.AttributeValue]:
        """As the engine takes them."""
        return {"lr": self.lr, "weight_decay": self._decay, **self._own, **self._extra}

    def treatment(self, parameter: Parameter) -> tuple[bool, float, float]:
        """Whether `parameter` is trained, and by what its learning rate and weight decay are multiplied."""
        if self.param_groups is None:
            return True, 1.0, 1.0
        for group in self.param_groups:
            if any(parameter is other for other in group["params"]):
                rate, decay = group["lr"], group["weight_decay"]
                return True, rate / self.lr if self.lr else 1.0, decay / self._decay if self._decay else 1.0
        return False, 1.0, 1.0

    def __repr__(self) -> str:
        given = {"lr": self.lr, **self._own, "weight_decay": self._decay, **self._extra}
        shown = ((name, tuple(value) if isinstance(value, list) else value) for name, value in given.items())
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in shown)})"


def _groups(params: Any, lr: float, weight_decay: float) -> Optional[list[dict[str, Any]]]:
    from ..nn import Parameter

    if params is None:
        return None
    try:
        given = list(params)
    except TypeError:
        raise DTypeError(f"params must be parameters or groups of them, got {type(params).__name__}") from None
    if not given:
        raise InvalidArgumentError("params must hold at least one parameter, got none")
    groups = []
    for group in given if isinstance(given[0], Mapping) else [{"params": given}]:
        unknown = set(group) - {"params", "lr", "weight_decay"}
        if unknown:
            raise UnsupportedError(f"params: groups may differ in lr and weight_decay, got {', '.join(sorted(unknown))}")
        members = [group["params"]] if isinstance(group["params"], Parameter) else list(group["params"])
        for member in members:
            if not isinstance(member, Parameter):
                raise DTypeError(f"params must be parameters of a network, got {type(member).__name__}")
        own = {
            "lr": _number(group.get("lr", lr), "lr"),
            "weight_decay": _number(group.get("weight_decay", weight_decay), "weight_decay"),
        }
        groups.append({"params": members, **own})
    return groups


class SGD(Optimizer):
    """Stochastic gradient descent: ``p -= lr * v``, where v is the gradient, or with momentum ``v = momentum * v + (1 -
    dampening) * gradient``.

    lr : default 0.001. momentum, dampening, weight_decay : default 0. nesterov : steps as if a step ahead. Default False.

    >>> SGD(0.1, momentum=0.9)
    SGD(lr=0.1, momentum=0.9, dampening=0.0, nesterov=False, weight_decay=0.0)

    Source: torch.optim.SGD.
    """

    def __init__(
        self,
        params: Any = None,
        lr: Optional[float] = None,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        clip_norm: Optional[float] = None,
        clip_value: Optional[float] = None,
        accumulate: int = 1,
    ) -> None:
        own = {"momentum": _number(momentum, "momentum"), "dampening": _number(dampening, "dampening")}
        if nesterov and (momentum == 0 or dampening != 0):
            raise InvalidArgumentError(f"nesterov needs momentum above 0 and dampening 0, got {momentum} and {dampening}")
        super().__init__(params, lr, weight_decay, clip_norm, clip_value, accumulate, **own, nesterov=bool(nesterov))


class Adagrad(Optimizer):
    """``h += g^2, p -= lr * g / (sqrt(h) + eps)``, for gradients g.

    lr : default 0.01; step n's is ``lr / (1 + (n - 1) * lr_decay)``. lr_decay, weight_decay, initial_accumulator_value :
    default 0. eps : default 1e-10.

    >>> Adagrad().lr
    0.01

    Source: torch.optim.Adagrad; Duchi et al. 2011.
    """

    _default_lr = 1e-2

    def __init__(
        self,
        params: Any = None,
        lr: Optional[float] = None,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        clip_norm: Optional[float] = None,
        clip_value: Optional[float] = None,
        accumulate: int = 1,
    ) -> None:
        own = {"lr_decay": lr_decay, "initial_accumulator_value": initial_accumulator_value, "eps": eps}
        numbers = {name: _number(value, name) for name, value in own.items()}
        super().__init__(params, lr, weight_decay, clip_norm, clip_value, accumulate, **numbers)


class RMSprop(Optimizer):
    """``v = alpha * v + (1 - alpha) * g^2, p -= lr * g / (sqrt(v) + eps)``, for gradients g.

    lr : default 0.01. alpha : default 0.99. eps : default 1e-8. weight_decay, momentum : default 0. centered : takes the
    square of g's own running mean off v. Default False.

    >>> RMSprop().lr
    0.01

    Source: torch.optim.RMSprop.
    """

    _default_lr = 1e-2

    def __init__(
        self,
        params: Any = None,
        lr: Optional[float] = None,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        clip_norm: Optional[float] = None,
        clip_value: Optional[float] = None,
        accumulate: int = 1,
    ) -> None:
        numbers = {"alpha": _number(alpha, "alpha"), "eps": _number(eps, "eps"), "momentum": _number(momentum, "momentum")}
        super().__init__(params, lr, weight_decay, clip_norm, clip_value, accumulate, **numbers, centered=bool(centered))


class Adam(Optimizer):
    """Running means m of the gradients and v of their squares, made up for having begun at 0: ``p -= lr * m / (sqrt(v) +
    eps)``.

    lr : default 0.001. betas : what m and v keep at each update. Default (0.9, 0.999). eps : default 1e-8. weight_decay :
    added to the gradient. Default 0.

    >>> Adam().lr
    0.001

    Source: torch.optim.Adam; Kingma and Ba 2015.
    """

    _eps, _weight_decay = 1e-8, 0.0

    def __init__(
        self,
        params: Any = None,
        lr: Optional[float] = None,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: Optional[float] = None,
        weight_decay: Optional[float] = None,
        *,
        clip_norm: Optional[float] = None,
        clip_value: Optional[float] = None,
        accumulate: int = 1,
    ) -> None:
        pair = [_number(beta, "betas") for beta in betas]
        if len(pair) != 2 or max(pair) >= 1:
            raise InvalidArgumentError(f"betas must be two numbers from 0 to less than 1, got {betas}")
        decay = self._weight_decay if weight_decay is None else weight_decay
        small = _number(self._eps if eps is None else eps, "eps")
        super().__init__(params, lr, decay, clip_norm, clip_value, accumulate, betas=pair, eps=small)


class AdamW(Adam):
    """`Adam` with weight decay apart from the gradient: ``p *= 1 - lr * weight_decay``. weight_decay : default 0.01.

    >>> AdamW(1e-3)
    AdamW(lr=0.001, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)

    Source: torch.optim.AdamW; Loshchilov and Hutter 2019.
    """

    _weight_decay = 0.01


class BookAdam(Adam):
    """The Adam of "Deep Learning from Scratch": its correction is in the learning rate alone, so that `eps`, by default
    1e-7, is added to a root that is not corrected.

    >>> BookAdam(1e-3)
    BookAdam(lr=0.001, betas=(0.9, 0.999), eps=1e-07, weight_decay=0.0)

    Source: book, section 6.1.6.
    """

    _eps = 1e-7


_BY_NAME: dict[str, type[Optimizer]] = {kind.__name__.lower(): kind for kind in (SGD, Adagrad, RMSprop, Adam, AdamW, BookAdam)}


def as_optimizer(optimizer: Union[str, Optimizer]) -> Optimizer:
    """An optimizer, or the one of this name, with its defaults.

    >>> as_optimizer("sgd").lr
    0.001
    """
    if isinstance(optimizer, Optimizer):
        return optimizer
    if not isinstance(optimizer, str):
        raise DTypeError(f"optimizer must be a name or one of swiftcnn.optim, got {type(optimizer).__name__}")
    if optimizer.lower() not in _BY_NAME:
        raise InvalidArgumentError(f"optimizer must be one of {', '.join(_BY_NAME)}, got {optimizer!r}")
    made: Any = _BY_NAME[optimizer.lower()]
    result: Optimizer = made()
    return result
