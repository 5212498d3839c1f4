"""Modules as networks that run: called, built, and asked for what they give."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Optional, cast

import numpy as np

from .._arrays import Array, Shape, as_array, empty
from .._random import as_seed
from .._windows import as_integer
from ..errors import CallOrderError, DTypeError, InvalidArgumentError, ShapeError
from ._engine import Engine
from ._graph import Value
from ._profile import Profile
from ._state import State
from ._tree import Tree

if TYPE_CHECKING:
    from typing_extensions import Self


class Runnable(Tree):
    """The half of `Module` that runs."""

    def __new__(cls, *arguments: Any, **named: Any) -> Self:
        module = super().__new__(cls)
        module.__dict__["_state"] = State()
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
    def _state(self) -> State:
        return cast(State, self.__dict__["_state"])

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

    def _make_engine(self, shapes: Sequence[Shape], seed: int) -> Engine:
        """The network for inputs of these shapes, which have 1 for N."""
        return Engine.of(self, shapes, self._state.dtype, seed)

    def _engine(self, inputs: Sequence[Array]) -> Engine:
        """The network, built for these inputs if there is none, with the numbers as they are now."""
        engine = self._state.engine
        if engine is None:
            for i, x in enumerate(inputs):
                if x.ndim == 0 or 0 in x.shape:
                    raise ShapeError(f"{_named(i)} must hold at least one image, [N][...], got shape {x.shape}")
            engine = self._state.build(self, [(1, *x.shape[1:]) for x in inputs])
        elif [len(shape) for shape in engine.shapes] != [x.ndim for x in inputs] and len(inputs) == len(engine.shapes):
            engine = self._state.rebuild(self, [(1, *x.shape[1:]) for x in inputs])
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
        dtype = self._state.dtype
        if type(x) is np.ndarray and x.dtype == dtype and x.flags.c_contiguous and x.flags.aligned:
            return [x]
        arrays = x if isinstance(x, tuple) else (x,)
        return [np.require(as_array(value, _named(i)), dtype, ["C", "A", "E"]) for i, value in enumerate(arrays)]

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
        built = self.__dict__["_state"].engine
        if built is not None and type(x) is np.ndarray and type(batch_size) is int:
            quick = built.predictions.get(x.shape)
            if quick is not None:
                y = quick(x, batch_size)
                if y is not None:
                    return y
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
                shapes = engine.output_shapes(batch)
                if count > here:
                    if any(shape[:1] != (here,) for shape in shapes):
                        raise ShapeError(f"outputs {shapes} do not go by images: give batch_size {count} or more")
                    shapes = [(count, *shape[1:]) for shape in shapes]
                outputs = [empty(shape, self.dtype, "predict") for shape in shapes]
            parts = [array[start : start + size] for array in outputs] if count > size else outputs
            engine.native.predict(batch, parts)
        if len(inputs) == 1 and count <= size:
            engine.remember(inputs[0], outputs)
        return outputs[0] if len(outputs) == 1 else tuple(outputs)

    def profile(self, x: Any, runs: int = 10) -> Profile:
        """What each step of a prediction takes, a step being a node or several that are done together; `print` it.

        x : as `predict` takes it; all of it is one batch.
        runs : how many predictions are timed, after one that is not. Default 10.

        >>> from swiftcnn import nn
        >>> [step.operators for step in nn.Sequential(nn.Linear(2, 3), nn.ReLU()).profile([[1.0, 2.0]]).steps]
        [('Gemm', 'Relu')]
        """
        count, inputs = as_integer(runs, "runs", 1, 1_000_000), self._inputs(x)
        return Profile(*self._engine(inputs).native.profile(inputs, count))

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
        binary = self._state.compiled is not None and self._state.compiled.loss.is_binary
        return cast(Array, (Sigmoid() if binary else Softmax(1)).to(scores.dtype).predict(scores))


def _named(i: int) -> str:
    return "x" if i == 0 else f"x[{i}]"
