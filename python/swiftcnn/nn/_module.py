"""`Module`: what layers and networks are. Any module can be compiled, trained, run, saved and printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from .._windows import as_integer
from ..errors import CallOrderError, InvalidArgumentError
from ._loss import Loss, as_loss
from ._runnable import Runnable

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..callbacks import Callback
    from ..optim import Optimizer
    from ._augmentation import Augmentation
    from ._history import History
    from ._state import Compiled
    from ._summary import Summary
    from ._training import Metric


class Module(Runnable):
    """The base of all layers and networks.

    A network with branches is a subclass: its attributes hold layers (and `Parameter`\\ s), and `forward` says how values
    go through them. `forward` runs once, when the network is built; then the engine runs the network by itself.

    >>> import numpy as np
    >>> from swiftcnn import nn
    >>> class Block(nn.Module):
    ...     def __init__(self):
    ...         self.convolution = nn.Conv2d(3, 3, 3, padding=1)
    ...     def forward(self, x):
    ...         return x + nn.functional.relu(self.convolution(x))
    >>> Block()(np.ones((2, 3, 8, 8), np.float32)).shape
    (2, 3, 8, 8)

    Called on values, a module adds itself to their network; called on arrays, it is `predict`. It needs no call of
    ``super().__init__()``. Networks are pickled and deep-copied with their numbers, without what trains them.

    Source: torch.nn.Module; keras.Model.
    """

    # Training

    def compile(
        self,
        loss: Union[str, Loss] = "cross_entropy",
        optimizer: Union[str, Optimizer] = "adam",
        metrics: Sequence[Metric] = (),
        augmentations: Iterable[Augmentation] = (),
        ema_decay: Optional[float] = None,
        recompute: bool = False,
    ) -> Self:
        """Chooses what `fit` and `train_step` do; returns the module.

        loss : ``"cross_entropy"`` (the default), ``"bce_with_logits"``, ``"mse"``, ``"l1"``, ``"huber"``, or one of
            `swiftcnn.nn`'s losses, such as ``CrossEntropyLoss(label_smoothing=0.1)``.
        optimizer : one of `swiftcnn.optim`, or its name in small letters. Default ``"adam"``.
        metrics : ``"accuracy"``, or functions of (outputs, targets) that return a number. Default none.
        augmentations : what `fit` does to the images of the first input, anew in each epoch, such as
            ``[nn.RandomCrop(padding=4), nn.RandomHorizontalFlip()]``. Default none.
        ema_decay : keeps an exponential moving average of the parameters, of which this share, below 1, stays at each update;
            `fit` measures its validation data with the averages, and `averaged` puts them in place. Default None: none.
        recompute : trains in less memory, with the same bits in about a third more time: most activations are computed again
            for the backward pass rather than kept, as torch.utils.checkpoint does for parts that one names. Default False.

        Numbers that were learned before stay; the optimizer, its schedules and the count of epochs begin anew.

        >>> from swiftcnn import nn, optim
        >>> net = nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
        >>> net = net.compile("cross_entropy", optim.SGD(0.1, momentum=0.9), metrics=["accuracy"])

        Source: keras.Model.compile.
        """
        from ..optim import as_optimizer
        from ._augmentation import as_augmentations
        from ._state import Compiled
        from ._training import as_metrics

        if ema_decay is not None and not 0 <= ema_decay < 1:
            raise InvalidArgumentError(f"ema_decay must be 0 or more and less than 1, got {ema_decay}")
        decay = None if ema_decay is None else float(ema_decay)
        chosen = as_loss(loss), as_optimizer(optimizer), as_metrics(metrics), as_augmentations(augmentations), decay
        self._state.compile(Compiled(*chosen, recompute=bool(recompute)))
        return self

    def _compiled(self, where: str) -> Compiled:
        compiled = self._state.compiled
        if compiled is None:
            raise CallOrderError(f"{where} needs a loss and an optimizer: call compile first")
        return compiled

    def train_step(self, x: Any, y: Any) -> float:
        """One step on a batch: forward, loss, backward, update; returns the loss before the update.

        x : ``x[N][...]``, or a tuple of arrays for several inputs. y : as for `fit`.

        >>> from swiftcnn import nn, optim
        >>> net = nn.Linear(1, 1, bias=False).compile("mse", optim.SGD(0.5))
        >>> net.weight.data = [[0.0]]
        >>> net.train_step([[1.0]], [[1.0]]), net.weight.data.tolist(), net.weight.grad.tolist()
        (1.0, [[1.0]], [[-2.0]])
        """
        built = self.__dict__["_state"].engine
        if built is not None and type(x) is np.ndarray and type(y) is np.ndarray:
            quick = built.steps.get(x.shape)
            quick_loss: Optional[float] = None if quick is None else quick(x, y)
            if quick_loss is not None:
                return quick_loss
        loss, inputs = self._compiled("train_step").loss, self._inputs(x)
        engine, target = self._engine(inputs), loss.target(y, self._state.dtype)
        with engine.lock:
            value: float = engine.native.train_step(inputs, target)
        if target is y and inputs[0] is x:
            engine.remember_step(x, target)
        return value

    def gradients(self, x: Any, y: Any) -> float:
        """The first half of `train_step`: the loss on a batch, and its gradients, which `Parameter.grad` then holds. Changes no
        parameter and counts no step, so that it gives the same again.

        >>> from swiftcnn import nn
        >>> net = nn.Linear(1, 1, bias=False).compile("mse")
        >>> net.weight.data = [[0.0]]
        >>> net.gradients([[1.0]], [[1.0]]), net.weight.grad.tolist(), net.weight.data.tolist()
        (1.0, [[-2.0]], [[0.0]])
        """
        loss, inputs = self._compiled("gradients").loss, self._inputs(x)
        engine, target = self._engine(inputs), loss.target(y, self._state.dtype)
        with engine.lock:
            return engine.native.gradients(inputs, target)

    def update(self) -> None:
        """The second half: clips the gradients that are there, which may have been changed since, and updates the parameters.

        >>> from swiftcnn import nn, optim
        >>> net = nn.Linear(1, 1, bias=False).compile("mse", optim.SGD(0.5))
        >>> net.weight.data = [[0.0]]
        >>> _ = net.gradients([[1.0]], [[1.0]])
        >>> net.weight.grad[...] = -1
        >>> net.update()
        >>> net.weight.data.tolist()
        [[0.5]]
        """
        self._compiled("update")
        engine = self._built("update")
        with engine.lock:
            engine.native.update()

    def fit(
        self,
        x: Any,
        y: Any,
        epochs: int = 1,
        batch_size: int = 32,
        validation_data: Optional[tuple[Any, Any]] = None,
        callbacks: Iterable[Callback] = (),
        shuffle: bool = True,
        seed: Optional[int] = None,
        *,
        drop_last: bool = False,
        initial_epoch: int = 0,
        verbose: bool = True,
    ) -> History:
        """Trains on images in memory; every epoch is one call of the engine.

        x : ``x[N][...]``, or a tuple of arrays for several inputs, converted once to the network's type.
        y : classes ``y[N]`` or distributions ``y[N][K]`` for cross-entropy (also with further axes, as the outputs have
            them); for the other losses numbers like the outputs.
        epochs : the number of the epoch to end after. Default 1.
        batch_size : images in a step; the last batch may be smaller. Default 32.
        validation_data : (x, y), evaluated after each epoch.
        callbacks : see `swiftcnn.callbacks`.
        shuffle : False takes images in their own order. Default True.
        seed : of the order and of dropout from here on, whatever the network's seed was. Default None: that one.
        drop_last : leaves out a last batch that is smaller. Default False.
        initial_epoch : the epochs that are done already, when training goes on. Default 0.
        verbose : shows progress on standard error, with tqdm where it is installed. Default True.

        Returns the `History`: loss, and what was measured, epoch by epoch. Ctrl-C ends the training after the batch, and
        what was learned until then stays; a second one interrupts like any other.

        >>> import numpy as np
        >>> from swiftcnn import nn, optim
        >>> x = np.linspace(-1, 1, 64, dtype=np.float32).reshape(64, 1)
        >>> net = nn.Linear(1, 1).compile("mse", optim.SGD(0.5))
        >>> history = net.fit(x, 3 * x + 1, epochs=20, batch_size=16, verbose=False)
        >>> history["loss"][-1] < 1e-6, [round(float(v), 2) for v in (net.weight.data[0, 0], net.bias.data[0])]
        (True, [3.0, 1.0])

        Source: keras.Model.fit.
        """
        from ._training import Training

        training = Training(self, x, y, batch_size, validation_data, shuffle, drop_last, seed)
        return training.run(callbacks, as_integer(initial_epoch, "initial_epoch", 0), as_integer(epochs, "epochs", 0), verbose)

    def evaluate(self, x: Any, y: Any, batch_size: int = 128) -> dict[str, float]:
        """The mean loss and all metrics, in inference: ``{"loss": ..., "accuracy": ...}``. Arguments as for `fit`."""
        from ._training import evaluate

        return evaluate(self, x, y, as_integer(batch_size, "batch_size", 1))

    @property
    def learning_rate(self) -> float:
        """The learning rate of the next update, schedules included. Setting it keeps what the optimizer carries; schedules
        go on from there."""
        self._compiled("learning_rate")
        return self._built("learning_rate").rate()

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._compiled("learning_rate")
        if not 0 <= rate < float("inf"):
            raise InvalidArgumentError(f"learning_rate must be 0 or more, got {rate}")
        self._built("learning_rate").set_rate(rate)

    def averaged(self) -> AbstractContextManager[None]:
        """Inside ``with net.averaged():`` the parameters are the averages that ``compile(ema_decay=...)`` keeps, for all that
        reads them: `predict`, `evaluate`, `save_weights`. It cannot be trained meanwhile.

        >>> from swiftcnn import nn, optim
        >>> net = nn.Linear(1, 1, bias=False).compile("mse", optim.SGD(0.25), ema_decay=0.75)
        >>> net.weight.data = [[0.0]]
        >>> history = net.fit([[1.0]], [[1.0]], epochs=2, verbose=False)  # to 0.5, the first average, and on
        >>> with net.averaged():
        ...     inside = net.weight.data.tolist()
        >>> inside, net.weight.data.tolist()
        ([[0.5625]], [[0.75]])
        """
        return self._built("averaged").averaged()

    # Looking and keeping

    def summary(self, *input_shapes: Sequence[int]) -> Summary:
        """A table of all layers: shapes, parameters, multiply-adds, memory; `print` it.

        input_shapes : one for each input, without N; needed only where the network is not built yet.

        >>> from swiftcnn import nn
        >>> nn.Sequential(nn.Flatten(), nn.LazyLinear(10)).summary((1, 8, 8)).parameters
        650
        """
        from ._summary import Summary

        if input_shapes:
            self.build(*input_shapes)
        return Summary(self, self._built("summary"))

    def memory(self, batch_size: int = 1, train: bool = False) -> int:
        """The bytes that a run on so many images, or a training step, needs for what layers give and leave for each other.

        Parameters (and their gradients, and what the optimizer carries) come on top, as does scratch memory within a layer. The
        images are those that it was built for. Where these do not depend on each other, a prediction of many runs in parts,
        and needs memory for one of them.

        >>> from swiftcnn import nn
        >>> net = nn.Sequential(nn.Conv2d(1, 8, 3), nn.Flatten(), nn.LazyLinear(2)).build((1, 8, 8))
        >>> net.memory(2) >= 4 * 2 * 8 * 6 * 6
        True
        """
        engine, size = self._built("memory"), as_integer(batch_size, "batch_size", 1)
        return engine.native.memory([(size, *shape[1:]) for shape in engine.shapes], train)

    def save(self, path: Union[str, Path]) -> None:
        """Writes the network as an ONNX file, for any number of images; `swiftcnn.load` reads it, as do others.

        A crash at any moment leaves the old file or the new one, whole. What training carries from step to step is not in it:
        `save_checkpoint` keeps that beside.

        Raises `CallOrderError` where the network is not built yet, `FileAccessError` where the file cannot be written,
        `UnsupportedError` for a layer that ONNX cannot express.

        >>> import tempfile
        >>> import swiftcnn as sc
        >>> from swiftcnn import nn
        >>> net = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU()).build((3, 8, 8))
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     net.save(folder + "/net.onnx")
        ...     sc.load(folder + "/net.onnx").inputs[0].shape
        (None, 3, 8, 8)

        Source: ONNX, onnx.ai/onnx/repo-docs/IR.html.
        """
        if Path(path).suffix.lower() != ".onnx":
            raise InvalidArgumentError(f"path must end in .onnx, got {str(path)!r}; save_weights writes the numbers alone")
        engine = self._built("save")
        with engine.lock:
            engine.native.save(str(path))

    def to_onnx(self) -> bytes:
        """What `save` writes to a file.

        >>> from swiftcnn import nn
        >>> len(nn.Linear(2, 2).build((2,)).to_onnx()) < 1000
        True
        """
        engine = self._built("to_onnx")
        with engine.lock:
            return engine.native.save_bytes()

    def save_weights(self, path: Union[str, Path]) -> None:
        """Writes `state_dict` to ``.safetensors`` (with its library) or ``.npz``, as the name says.

        A crash at any moment leaves the old file or the new one, whole. Raises `InvalidArgumentError` for another name.
        """
        from . import _files

        _files.write(path, self.state_dict(), {})

    def load_weights(self, path: Union[str, Path], strict: bool = True) -> None:
        """`load_state_dict` of a file that `save_weights`, or PyTorch with safetensors, has written."""
        from . import _files

        self.load_state_dict(_files.read(path)[0], strict)

    def save_checkpoint(self, path: Union[str, Path]) -> None:
        """Writes all that training needs to go on as if it had not stopped: numbers, what the optimizer carries, the
        seed, averages, gradients that wait for an update, what schedules remember, and how many steps and epochs are done.
        Files as for `save_weights`.
        """
        from . import _checkpoint

        _checkpoint.save(self, path)

    def load_checkpoint(self, path: Union[str, Path]) -> None:
        """Takes up what `save_checkpoint` wrote; the network must have been compiled alike.

        ``fit(..., initial_epoch=net.epochs_done)`` then goes on with the same bits.
        """
        from . import _checkpoint

        _checkpoint.load(self, path)

    @property
    def epochs_done(self) -> int:
        """The epochs that the network was trained for since it was compiled."""
        return 0 if self._state.engine is None else self._state.engine.native.progress[2]
