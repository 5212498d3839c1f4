"""`Module`: what layers and networks are. Any module can be compiled, trained, run, saved and printed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Optional, Union, cast

import numpy as np

from .._arrays import Array, Shape, as_array, empty
from .._random import as_seed, current_stream
from .._windows import as_integer
from ..errors import CallOrderError, DTypeError, InvalidArgumentError, ShapeError
from ._engine import Engine
from ._graph import Value
from ._loss import Loss, as_loss
from ._tree import Tree

if TYPE_CHECKING:
    from typing_extensions import Self

    from ..callbacks import Callback
    from ..optim import Optimizer
    from ._history import History
    from ._summary import Summary
    from ._training import Metric


class Module(Tree):
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

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        module = super().__new__(cls)
        module.__dict__["_state"] = _State()
        return module

    def forward(self, *inputs: Any) -> Any:
        """What the module does with values; subclasses say it."""
        raise NotImplementedError(f"{type(self).__name__} has no forward")

    def __call__(self, *inputs: Any) -> Any:
        if not any(isinstance(value, Value) for value in inputs):
            return self.predict(inputs if len(inputs) != 1 else inputs[0])
        graph = next(value.graph for value in inputs if isinstance(value, Value))
        with graph.inside(graph.scope_of(self)):
            return self.forward(*inputs)

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_state": self._state.without_engine()}

    # Building

    @property
    def _state(self) -> _State:
        return cast(_State, self.__dict__["_state"])

    def to(self, dtype: Any) -> Self:
        """Computes in `dtype`, float32 (the default) or float64, from now on; numbers are kept. Returns the module.

        >>> from swiftcnn import nn
        >>> nn.Linear(1, 1).to("float64")([[1.0]]).dtype
        dtype('float64')
        """
        try:
            wanted = np.dtype(dtype)
        except TypeError:
            raise DTypeError(f"dtype must be float32 or float64, got {dtype!r}") from None
        if wanted not in (np.float32, np.float64):
            raise DTypeError(f"dtype must be float32 or float64, got {wanted}")
        if self._state.dtype != wanted:
            self._state.dtype, self._state.engine = wanted, None
        return self

    def double(self) -> Self:
        """``to("float64")``."""
        return self.to(np.float64)

    @property
    def dtype(self) -> np.dtype[Any]:
        """The type that it computes in."""
        return self._state.dtype

    def build(self, *input_shapes: Sequence[int], seed: Optional[int] = None) -> Self:
        """Builds the network for inputs of these shapes, one for each input of `forward`, without N: ``build((3, 32,
        32))``. Returns the module.

        The first data builds it too; so this is for looking at `summary`, or at numbers of lazy layers, before there is
        any. Later inputs may have any number of images, and other sizes where the layers allow.

        seed : of all that is random in it. Default: the next that `swiftcnn.manual_seed` gives.

        Raises `ShapeError` and `InvalidArgumentError`, naming the layer, where the layers do not fit.

        >>> from swiftcnn import nn
        >>> nn.Sequential(nn.LazyConv2d(8, 3), nn.Flatten(), nn.LazyLinear(10)).build((1, 28, 28))[2].weight.shape
        (10, 5408)
        """
        if not input_shapes:
            raise InvalidArgumentError("build: input_shapes must hold a shape for each input, got none")
        shapes: list[Shape] = []
        for shape in input_shapes:
            if isinstance(shape, (int, str)):
                raise DTypeError(f"build: input_shapes must be sequences of integers, got {shape!r}")
            shapes.append((1, *(as_integer(extent, "input_shapes", 1) for extent in shape)))
        self._state.build(self, shapes, as_seed(seed))
        return self

    def _engine(self, inputs: Sequence[Array]) -> Engine:
        """The network, built for these inputs if there is none, with the numbers as they are now."""
        engine = self._state.engine
        if engine is None:
            for i, x in enumerate(inputs):
                if x.ndim == 0 or 0 in x.shape:
                    raise ShapeError(f"{_named(i)} must hold at least one image, [N][...], got shape {x.shape}")
            engine = self._state.build(self, [(1, *x.shape[1:]) for x in inputs])
        elif [len(shape) for shape in engine.shapes] != [x.ndim for x in inputs] and len(inputs) == len(engine.shapes):
            engine = self._state.rebuild(self, [(1, *x.shape[1:]) for x in inputs], engine.seed)
        if len(inputs) != engine.input_count:
            raise InvalidArgumentError(f"x must be {engine.input_count} arrays, one for each input, got {len(inputs)}")
        engine.claim()
        return engine

    def _built(self, where: str) -> Engine:
        engine = self._state.engine
        if engine is None:
            raise CallOrderError(f"{where} needs a network that is built: call build(input_shape), or train it")
        engine.claim()
        return engine

    def _inputs(self, x: Any) -> list[Array]:
        arrays = x if isinstance(x, tuple) else (x,)
        dtype = self._state.dtype
        return [np.require(as_array(value, _named(i)), dtype, ["C", "A", "E"]) for i, value in enumerate(arrays)]

    # Training

    def compile(
        self,
        loss: Union[str, Loss] = "cross_entropy",
        optimizer: Union[str, Optimizer] = "adam",
        metrics: Sequence[Metric] = (),
    ) -> Self:
        """Chooses what `fit` and `train_step` do; returns the module.

        loss : ``"cross_entropy"`` (the default), ``"bce_with_logits"``, ``"mse"``, ``"l1"``, ``"huber"``, or one of
            `swiftcnn.nn`'s losses, such as ``CrossEntropyLoss(label_smoothing=0.1)``.
        optimizer : one of `swiftcnn.optim`, or its name in small letters. Default ``"adam"``.
        metrics : ``"accuracy"``, or functions of (outputs, targets) that return a number. Default none.

        Numbers that were learned before stay; the optimizer, its schedules and the count of epochs begin anew.

        >>> from swiftcnn import nn, optim
        >>> net = nn.Sequential(nn.Flatten(), nn.LazyLinear(2))
        >>> net = net.compile("cross_entropy", optim.SGD(0.1, momentum=0.9), metrics=["accuracy"])

        Source: keras.Model.compile.
        """
        from ..optim import as_optimizer
        from ._training import as_metrics

        self._state.compile(as_loss(loss), as_optimizer(optimizer), as_metrics(metrics))
        return self

    def _compiled(self, where: str) -> tuple[Loss, Optimizer, list[Metric]]:
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
        loss, _, _ = self._compiled("train_step")
        inputs = self._inputs(x)
        engine, target = self._engine(inputs), loss.target(y, self._state.dtype)
        with engine.lock:
            return engine.native.train_step(inputs, target)

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
        """The learning rate of the next update, schedules included. Setting it keeps what the optimizer carries."""
        self._compiled("learning_rate")
        return self._built("learning_rate").rate()

    @learning_rate.setter
    def learning_rate(self, rate: float) -> None:
        self._compiled("learning_rate")
        if not 0 <= rate < float("inf"):
            raise InvalidArgumentError(f"learning_rate must be 0 or more, got {rate}")
        self._built("learning_rate").set_rate(rate)

    # Running

    def predict(self, x: Any, batch_size: int = 128) -> Any:
        """The outputs for ``x[N][...]``, or for a tuple of arrays; a fresh array, or a tuple of them. In inference:
        normalizations use what they have learned, nothing is dropped. Any number of threads may predict at once, but not
        while the network is trained.

        Raises `ShapeError`, naming the layer, where x does not fit.

        >>> from swiftcnn import nn
        >>> nn.ReLU().predict([[-1.0, 2.0]]).tolist()
        [[0.0, 2.0]]
        """
        size, inputs = as_integer(batch_size, "batch_size", 1), self._inputs(x)
        engine = self._engine(inputs)
        counts = {array.shape[:1] for array in inputs}
        if len(counts) != 1 or () in counts or (0,) in counts:
            raise ShapeError(f"x must hold at least one image, as many in each array, got {[a.shape for a in inputs]}")
        count = inputs[0].shape[0]
        outputs: list[Array] = []
        for start in range(0, count, size):
            batch = [array[start : start + size] for array in inputs] if count > size else inputs
            here = len(batch[0])
            if start == 0:
                shapes = [engine.native.output_shape(batch, i) for i in range(engine.output_count)]
                if count > here:
                    if any(shape[:1] != (here,) for shape in shapes):
                        raise ShapeError(f"outputs {shapes} do not go by images: give batch_size {count} or more")
                    shapes = [(count, *shape[1:]) for shape in shapes]
                outputs = [empty(shape, self.dtype, "predict") for shape in shapes]
            parts = [array[start : start + size] for array in outputs] if count > size else outputs
            engine.native.predict(batch, parts)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def predict_proba(self, x: Any, batch_size: int = 128) -> Array:
        """Probabilities from `predict`'s scores: their softmax along axis 1; their sigmoid if the network is compiled
        with BCEWithLogitsLoss; themselves if the network ends in Softmax or Sigmoid.

        >>> from swiftcnn import nn
        >>> nn.Identity().predict_proba([[0.0, 0.0]]).tolist()
        [[0.5, 0.5]]
        """
        from ._activation import Sigmoid, Softmax

        scores = self.predict(x, batch_size)
        if isinstance(scores, tuple):
            raise InvalidArgumentError("predict_proba: the network must have one output")
        if self._state.engine is not None and self._state.engine.last_operator in ("Softmax", "Sigmoid"):
            return cast(Array, scores)
        binary = self._state.compiled is not None and self._state.compiled[0].is_binary
        return cast(Array, (Sigmoid() if binary else Softmax(1)).to(scores.dtype).predict(scores))

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
        return Summary(self, self._built("summary").graph)

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
        seed, and how many steps and epochs are done. Files as for `save_weights`.

        Not in it: gradients summed for an update of ``accumulate`` steps that is not complete.
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


def _named(i: int) -> str:
    return "x" if i == 0 else f"x[{i}]"


class _State:
    """What a module has as a network of its own."""

    def __init__(self) -> None:
        self.dtype: np.dtype[Any] = np.dtype(np.float32)
        self.engine: Optional[Engine] = None
        self.compiled: Optional[tuple[Loss, Optimizer, list[Metric]]] = None
        self.stream = current_stream()

    def build(self, module: Module, shapes: Sequence[Shape], seed: Optional[int] = None) -> Engine:
        """A new network, which takes the numbers of the parameters that have some."""
        if seed is None:
            seed = self.stream.draw() if self.engine is None else self.engine.seed
        engine = Engine(module, shapes, self.dtype, seed)
        if self.compiled is not None:
            engine.set_up(*self.compiled[:2])
        self.engine = engine
        return engine

    def compile(self, loss: Loss, optimizer: Optimizer, metrics: list[Metric]) -> None:
        self.compiled = (loss, optimizer, metrics)
        if self.engine is not None:
            self.engine.set_up(loss, optimizer)

    def reseed(self, module: Module, seed: Optional[int]) -> None:
        """Goes on with another seed, from where training is."""
        if self.engine is not None and seed is not None and self.engine.seed != seed:
            self.rebuild(module, self.engine.shapes, seed)

    def rebuild(self, module: Module, shapes: Sequence[Shape], seed: int) -> Engine:
        """The network anew, with its numbers, from where training is."""
        before = self.engine
        if before is not None:
            before.claim()
        engine = self.build(module, shapes, seed)
        if before is not None and self.compiled is not None:
            engine.go_on(before.training_arrays(), before.native.progress, before.reports)
        return engine

    def without_engine(self) -> _State:
        state = _State()
        state.dtype, state.compiled = self.dtype, None
        return state
