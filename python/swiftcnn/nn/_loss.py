"""Losses, under PyTorch's names, for `Module.compile`. The engine computes them, with their gradients."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Optional, Union

import numpy as np

from .. import _c_network
from .._arrays import Array, as_array, as_input
from .._windows import as_integer
from ..errors import DTypeError, InvalidArgumentError


class Loss:
    """The base of losses."""

    #: The engine's name, and whether scores are of two classes each.
    name = ""
    is_binary = False

    def __init__(self, reduction: str = "mean", **attributes: Any) -> None:
        if reduction not in ("mean", "sum"):
            raise InvalidArgumentError(f"reduction must be 'mean' or 'sum', got {reduction!r}")
        self.attributes: Mapping[str, _c_network.AttributeValue] = {"reduction": reduction, **attributes}

    def target(self, y: Any, dtype: Any) -> Array:
        """`y` as the engine takes it."""
        return np.require(as_array(y, "y"), dtype, ["C", "A", "E"])

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in self.attributes.items())})"


class CrossEntropyLoss(Loss):
    """Softmax and cross-entropy of scores ``x[N][K]`` or ``x[N][K][...]``, with classes ``y[N][...]`` or distributions
    ``y[N][K][...]``: the mean of ``-log(softmax(x)[y])``.

    weight : a number for each class, by which its images count; the mean is weighted too. Default None: 1.
    ignore_index : a class that does not count. Default -100.
    reduction : ``"mean"`` (default) or ``"sum"``.
    label_smoothing : this share of each target, 0 to 1, is spread over all classes. Default 0.

    Raises `InvalidArgumentError` and `DTypeError`.

    >>> from swiftcnn import nn
    >>> round(nn.Identity().compile(CrossEntropyLoss()).evaluate([[0.0, 0.0]], [1])["loss"], 6)
    0.693147

    Source: torch.nn.CrossEntropyLoss; ONNX SoftmaxCrossEntropyLoss.
    """

    name = "SoftmaxCrossEntropyLoss"

    def __init__(
        self,
        weight: Optional[Sequence[float]] = None,
        ignore_index: int = -100,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        given: dict[str, Any] = {"ignore_index": as_integer(ignore_index, "ignore_index", -(2**31))}
        if label_smoothing:
            given["label_smoothing"] = float(label_smoothing)
        if weight is not None:
            given["weight"] = [float(number) for number in as_input(weight, "weight").ravel()]
        super().__init__(reduction, **given)

    def target(self, y: Any, dtype: Any) -> Array:
        array = as_array(y, "y")
        if array.dtype.kind == "f":
            return super().target(y, dtype)
        if array.dtype == np.uint64 and array.size and int(array.max()) > np.iinfo(np.int64).max:
            raise InvalidArgumentError(f"y must hold classes below 2^63, got {array.max()}")
        whole = array.dtype in (np.int32, np.int64) and array.dtype.isnative
        return np.require(array, None if whole else np.int64, ["C", "A"])


class BCEWithLogitsLoss(Loss):
    """Binary cross-entropy of the sigmoid of scores, with targets from 0 to 1 of the same shape.

    reduction : ``"mean"`` (default) or ``"sum"``.

    >>> from swiftcnn import nn
    >>> round(nn.Identity().compile(BCEWithLogitsLoss()).evaluate([[0.0]], [[1.0]])["loss"], 6)
    0.693147

    Source: torch.nn.BCEWithLogitsLoss.
    """

    name = "BCEWithLogitsLoss"
    is_binary = True


class MSELoss(Loss):
    """The mean of the squares of differences to targets of the same shape; ``reduction="sum"``: their sum.

    >>> from swiftcnn import nn
    >>> nn.Identity().compile(MSELoss()).evaluate([[1.0, 2.0]], [[1.0, 4.0]])["loss"]
    2.0

    Source: torch.nn.MSELoss.
    """

    name = "MSELoss"


class L1Loss(Loss):
    """The mean of absolute differences to targets of the same shape; ``reduction="sum"``: their sum.

    >>> from swiftcnn import nn
    >>> nn.Identity().compile(L1Loss()).evaluate([[1.0, 2.0]], [[1.0, 4.0]])["loss"]
    1.0

    Source: torch.nn.L1Loss.
    """

    name = "L1Loss"


class HuberLoss(Loss):
    """``d^2 / 2`` for differences d up to `delta`, and straight on beyond: ``delta * (|d| - delta / 2)``.

    reduction : ``"mean"`` (default) or ``"sum"``. delta : above 0. Default 1.

    >>> from swiftcnn import nn
    >>> nn.Identity().compile(HuberLoss()).evaluate([[1.0, 2.0]], [[1.0, 4.0]])["loss"]
    0.75

    Source: torch.nn.HuberLoss.
    """

    name = "HuberLoss"

    def __init__(self, reduction: str = "mean", delta: float = 1.0) -> None:
        super().__init__(reduction, delta=float(delta))


_BY_NAME: dict[str, type[Loss]] = {
    "cross_entropy": CrossEntropyLoss,
    "bce_with_logits": BCEWithLogitsLoss,
    "mse": MSELoss,
    "l1": L1Loss,
    "huber": HuberLoss,
}


def as_loss(loss: Union[str, Loss]) -> Loss:
    """A loss, or the one of this name."""
    if isinstance(loss, Loss):
        return loss
    if not isinstance(loss, str):
        raise DTypeError(f"loss must be a name or a loss of swiftcnn.nn, got {type(loss).__name__}")
    if loss not in _BY_NAME:
        raise InvalidArgumentError(f"loss must be one of {', '.join(_BY_NAME)}, got {loss!r}")
    return _BY_NAME[loss]()
