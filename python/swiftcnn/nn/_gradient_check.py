"""Whether gradients are right: the engine's against differences of the loss."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from .._arrays import Array, as_input
from .._random import SeedStream
from .._windows import as_integer
from ._parameter import Parameter

if TYPE_CHECKING:
    from ._loss import Loss
    from ._module import Module


def gradient_check(
    module: Module,
    x: Any,
    y: Optional[Any] = None,
    loss: Union[str, Loss, None] = None,
    eps: float = 1e-4,
    samples: int = 50,
    seed: int = 0,
) -> dict[str, float]:
    """The greatest relative errors of the gradients of the loss by all parameters, and by the input, in training.

    A copy of `module` computes in float64; each number is moved by `eps` to both sides, and the difference of the losses
    is compared with the engine's gradient. Where a layer has a corner (ReLU at 0, equal elements in a window) they differ.

    x : the input ``x[N][...]``. y, loss : target and loss; default random numbers with ``"mse"``.
    eps : default 1e-4. samples : the most numbers of each array that are moved, drawn by `seed`. Default 50.

    Returns the error for each name; the input's is ``"x"``. An error is ``|a - b| / max(|a|, |b|, s)``, where s is a
    hundredth of the array's greatest gradient; below 1e-6 is right.

    >>> import numpy as np
    >>> from swiftcnn import nn
    >>> net = nn.Sequential(nn.Conv2d(1, 2, 3), nn.Tanh(), nn.Flatten(), nn.LazyLinear(3))
    >>> errors = gradient_check(net, np.random.default_rng(0).random((2, 1, 6, 6)))
    >>> list(errors), max(errors.values()) < 1e-6
    (['x', '0.weight', '0.bias', '3.weight', '3.bias'], True)
    """
    from ._loss import as_loss
    from ._module import Module

    class Moved(Module):
        """`module` of the input plus a parameter, so that the input has a gradient too."""

        def __init__(self, body: Module, shape: Any) -> None:
            self.body, self.x = body, Parameter(shape)
            self._state.stream = SeedStream(seed)

        def forward(self, x: Any) -> Any:
            return self.body(x + self.x)

    image = as_input(x, "x").astype(np.float64)
    network = Moved(copy.deepcopy(module), image.shape).double()
    random = np.random.default_rng(seed)
    target = y
    if y is None:
        target = random.standard_normal(network.predict(image, len(image)).shape)
    network.compile(as_loss(loss or "mse"))
    for parameter in network.parameters():
        parameter.requires_grad = True

    errors: dict[str, float] = {}
    for name, parameter in network.named_parameters():
        network.gradients(image, target)
        gradient: Array = np.array(parameter.grad)
        scale = 1e-2 * float(np.abs(gradient).max(initial=0)) + 1e-12
        data, worst = parameter.data.reshape(-1), 0.0
        count = min(as_integer(samples, "samples", 1), data.size)
        for i in random.choice(data.size, count, replace=False):
            kept, slope = data[i], gradient.reshape(-1)[i]
            losses = []
            for step in (eps, -eps):
                data[i] = kept + step
                losses.append(network.gradients(image, target))
            data[i] = kept
            difference = (losses[0] - losses[1]) / (2 * eps)
            worst = max(worst, abs(difference - slope) / max(abs(difference), abs(slope), scale))
        errors[name.removeprefix("body.")] = float(worst)
    return errors
