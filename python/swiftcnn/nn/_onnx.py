"""Networks that were read from ONNX files."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Union

import numpy as np

from .. import _c_network
from .._arrays import Array, Shape, as_array, empty
from .._windows import as_integer
from ..errors import DTypeError, InvalidArgumentError, ShapeError
from ._engine import Engine
from ._graph import Graph
from ._module import Module
from ._parameter import Buffer, Held, Parameter
from ._table import aligned

if TYPE_CHECKING:
    from typing_extensions import Self

#: NumPy's types by ONNX's numbers (TensorProto.DataType).
_DTYPES = {
    number: np.dtype(name)
    for number, name in enumerate(
        ["f4", "u1", "i1", "u2", "i2", "i4", "i8", "O", "?", "f2", "f8", "u4", "u8", "c8", "c16", "f4"],
        start=1,
    )
}


def _dtype(onnx_type: int, network: np.dtype[Any]) -> np.dtype[Any]:
    """The type of a port's arrays: bfloat16, which NumPy lacks, is that of ml_dtypes, or without it float32."""
    if onnx_type == 16:
        try:
            import ml_dtypes

            kind: np.dtype[Any] = np.dtype(ml_dtypes.bfloat16)
            return kind
        except ImportError:
            pass
    return _DTYPES.get(onnx_type, network)


def _is_floating(dtype: np.dtype[Any]) -> bool:
    return dtype.kind == "f" or dtype.name == "bfloat16"


class Port(NamedTuple):
    """An input or an output of a network: its name, the type of its elements, and its shape, with None for what may be any
    size; None as a whole where the file does not say how many axes there are."""

    name: str
    dtype: np.dtype[Any]
    shape: Optional[tuple[Optional[int], ...]]


class OnnxModule(Module):
    """The network of an ONNX file: what `swiftcnn.load` gives. It is run, trained, kept and looked at like any other.

    model : a path, or the bytes of a file. dtype : see `swiftcnn.load`, as for what it raises.

    Attributes
    ----------
    inputs, outputs : their names, types and shapes, as `Port`; arrays are taken and given in these types.

    Float weights of convolutions, products and normalizations are its parameters, running statistics and other float
    constants its buffers, under the file's names.

    >>> from swiftcnn import nn
    >>> net = nn.OnnxModule(nn.ReLU().build((2,)).to_onnx())
    >>> net.inputs
    (Port(name='input', dtype=dtype('float32'), shape=(None, 2)),)
    >>> net.predict([[-1.0, 2.0]]).tolist()
    [[0.0, 2.0]]
    """

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]

    def __init__(self, model: Union[str, os.PathLike[str], bytes], dtype: Optional[Any] = None) -> None:
        given = bytes(model) if isinstance(model, (bytes, bytearray, memoryview)) else os.fspath(model)
        if dtype is not None and np.dtype(dtype) not in (np.float32, np.float64):
            raise DTypeError(f"dtype must be float32 or float64, got {dtype!r}")
        self._own: dict[str, Held] = {}
        self._take(_c_network.Network.load(given, dtype))

    def _take(self, native: _c_network.Network) -> Engine:
        """Takes over a network that was read."""
        ports = native.ports()
        self.inputs, self.outputs = (
            tuple(Port(port.name, _dtype(port.onnx_type, native.dtype), port.shape) for port in side) for side in ports
        )
        #: One array of the network's own type in, and one out.
        self._is_plain = [port.dtype for port in (*self.inputs, *self.outputs)] == 2 * [native.dtype] and len(self.inputs) == 1
        graph = Graph(native, {})
        for kind, holder in ((_c_network.PARAMETERS, Parameter), (_c_network.CONSTANTS, Buffer)):
            for name, place in native.places(kind).items():
                if not place.shape:  # a number of a node's, and no state
                    continue
                held = self._own.setdefault(name, holder(place.shape))
                graph.hold(held, name)
        shapes: list[Shape] = [tuple(extent or 1 for extent in port.shape or ()) for port in self.inputs]
        engine = Engine(graph, shapes, len(self.outputs))
        self._state.dtype, self._state.engine = native.dtype, engine
        return engine

    def named_own(self) -> Iterator[tuple[str, Held]]:
        return iter(self._own.items())

    # A network of its own is made anew from what it is now, as a file.

    def _make_engine(self, shapes: Sequence[Shape], seed: int) -> Engine:
        before = self._state.engine
        engine = self._take(_c_network.Network.load(self._built("build").native.save_bytes(), self._state.dtype))
        engine.native.set_seed(seed)
        self._state.engine = before
        return engine

    def to(self, dtype: Any) -> Self:
        if np.dtype(dtype) != self._state.dtype:
            model = self.to_onnx()
            super().to(dtype)
            self._take(_c_network.Network.load(model, dtype))
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {"model": self.to_onnx(), "dtype": self._state.dtype, "own": self._own}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._own = state["own"]
        self._take(_c_network.Network.load(state["model"], state["dtype"]))

    def build(self, *input_shapes: Sequence[int], seed: Optional[int] = None) -> Self:
        """It is built already; returns itself."""
        if seed is not None:
            self._built("build").native.set_seed(seed)
        return self

    # Running

    def _engine(self, inputs: Sequence[Array]) -> Engine:
        engine = self._built("predict")
        if len(inputs) != engine.input_count:
            names = ", ".join(port.name for port in self.inputs)
            raise InvalidArgumentError(f"x must be {engine.input_count} arrays ({names}), got {len(inputs)}")
        return engine

    def _inputs(self, x: Any) -> list[Array]:
        if isinstance(x, Mapping):
            unknown = set(x) ^ {port.name for port in self.inputs}
            if unknown:
                raise InvalidArgumentError(f"x must name each input, {[port.name for port in self.inputs]}, got {list(x)}")
            x = tuple(x[port.name] for port in self.inputs)
        arrays = x if isinstance(x, tuple) else (x,)
        if len(arrays) != len(self.inputs):
            self._engine(arrays)
        given = []
        for value, port in zip(arrays, self.inputs):
            dtype = self._state.dtype if _is_floating(port.dtype) else port.dtype
            if type(value) is np.ndarray and value.dtype == dtype and value.flags.c_contiguous and value.flags.aligned:
                given.append(value)
                continue
            if getattr(value, "dtype", None) == port.dtype:
                given.append(np.require(value, dtype, ["C", "A", "E"]))
                continue
            array = as_array(value, port.name) if _is_floating(port.dtype) else np.asarray(value)
            if not np.can_cast(array.dtype, dtype, "same_kind") and array.size:
                raise DTypeError(f"{port.name} must be an array of {port.dtype}, got {array.dtype}")
            given.append(np.require(array, dtype, ["C", "A", "E"]))
        return given

    def predict(self, x: Any, batch_size: int = 128) -> Any:
        """The outputs for an array, a tuple of arrays or a mapping of names to arrays; a fresh array, or a tuple of them, of
        the types that the file declares.

        batch_size : images at once, where the first axis of all inputs and outputs is one of images: of any extent in the
            file. Default 128.

        Raises `ShapeError`, naming the node, where x does not fit. Any number of threads may predict at once, but not
        while the network is trained.
        """
        built = self.__dict__["_state"].engine
        if self._is_plain and type(x) is np.ndarray and type(batch_size) is int:
            quick = built.predictions.get(x.shape)
            try:
                y = None if quick is None else quick(x, batch_size)
            except ShapeError:  # which may follow from the numbers
                y = None
            if y is not None:
                return y
        size, inputs = as_integer(batch_size, "batch_size", 1), self._inputs(x)
        engine = self._engine(inputs)
        count = self._images(inputs)
        native = engine.native
        if count is None or count <= size:
            outputs = [self._empty(native, inputs, i) for i in range(len(self.outputs))]
            native.predict(inputs, outputs)
            if self._is_plain and inputs[0].ndim:
                engine.remember(inputs[0], outputs)
        else:
            outputs = []
            for start in range(0, count, size):
                batch = [array[start : start + size] for array in inputs]
                if start == 0:
                    outputs = [self._empty(native, batch, i, count) for i in range(len(self.outputs))]
                native.predict(batch, [array[start : start + size] for array in outputs])
        given = [
            array if not _is_floating(port.dtype) else array.astype(port.dtype, copy=False)
            for array, port in zip(outputs, self.outputs)
        ]
        return given[0] if len(given) == 1 else tuple(given)

    def _images(self, inputs: Sequence[Array]) -> Optional[int]:
        """How many there are, where the first axis is one of images."""
        counts = {array.shape[:1] for array in inputs}
        goes = all(port.shape and port.shape[0] is None for port in (*self.inputs, *self.outputs))
        if len(counts) != 1 or not goes:
            return None
        return next(iter(next(iter(counts))), None)

    def _empty(self, native: _c_network.Network, inputs: Sequence[Array], output: int, count: Optional[int] = None) -> Array:
        """For an output of these inputs; for one of `count` images, where these are the first."""
        shape = native.output_shape(inputs, output)
        if count is not None:
            if shape[:1] != inputs[0].shape[:1]:
                raise ShapeError(f"output {self.outputs[output].name} does not go by images: give batch_size {count} or more")
            shape = (count, *shape[1:])
        return empty(shape, native.output_type(inputs, output), "predict")

    def summary(self, *input_shapes: Sequence[int]) -> Any:
        """What it takes and gives, its parameters, and the memory of a run on one image; `print` it.

        input_shapes : one for each input, without N, where the file leaves sizes open. Default: 1 for what is open.

        >>> from swiftcnn import nn
        >>> print(nn.OnnxModule(nn.Linear(2, 3).build((2,)).to_onnx()).summary().splitlines()[-1])
        9 parameters (0.0 KiB); memory of a run on one image 0.1 KiB
        """
        engine = self._built("summary")
        if input_shapes:
            engine.shapes = [(1, *shape) for shape in input_shapes]
        rows = [(name, "x".join(map(str, held.shape or ())), f"{held.size():,}") for name, held in self.named_parameters()]
        lines = aligned(rows, 2)
        total = sum(held.size() for held in self.parameters())
        size = total * self.dtype.itemsize / 2**10
        memory = engine.native.memory(engine.shapes, False) / 2**10
        end = f"{total:,} parameters ({size:,.1f} KiB); memory of a run on one image {memory:,.1f} KiB"
        return "\n".join([self.extra_repr(), *lines, end])

    def extra_repr(self) -> str:
        def text(ports: Sequence[Port]) -> str:
            return ", ".join(f"{p.name}: {p.dtype}{list(p.shape) if p.shape is not None else ''}" for p in ports)

        return f"{text(self.inputs)} -> {text(self.outputs)}"
