"""The C functions of networks as a class: a handle, arrays that it lends, and what is decoded from and for it."""

from __future__ import annotations

import ctypes
import math
import os
import weakref
from collections.abc import Mapping, Sequence
from ctypes import POINTER, c_char, c_char_p, c_double, c_int, c_int32, c_int64, c_size_t, c_void_p
from typing import Any, Callable, NamedTuple, Optional, Union, cast

import numpy as np
import numpy.typing as npt

from ._c_api import (
    _DTYPES,
    _NUMBERS,
    _TYPES,
    Attribute,
    Epoch,
    Progress,
    Step,
    Tensor,
    _functions,
    _lend,
    call,
)

AttributeValue = Union[bool, int, float, str, Sequence[int], Sequence[float]]
PARAMETERS, GRADIENTS, CONSTANTS, OPTIMIZER_STATES, TRAINING_STATES = 1, 2, 3, 4, 5
ABSENT = -1


def _attributes(given: Mapping[str, AttributeValue]) -> tuple[Any, int]:
    """A C array of attributes and its length. What they point at lives as long as the array."""
    array: Any = (Attribute * len(given))()
    kept: list[object] = []
    for slot, (name, value) in zip(array, given.items()):
        slot.name = name.encode()
        if isinstance(value, str):
            slot.type, slot.text = 3, value.encode()
        elif isinstance(value, (bool, int)):
            slot.type, slot.integer = 1, int(value)
        elif isinstance(value, float):
            slot.type, slot.number = 2, value
        elif all(isinstance(element, int) for element in value):
            integers = (c_int64 * len(value))(*cast("Sequence[int]", value))
            slot.type, slot.count, slot.integers = 4, len(value), ctypes.cast(integers, POINTER(c_int64))
            kept.append(integers)
        else:
            numbers = (c_double * len(value))(*value)
            slot.type, slot.count, slot.numbers = 5, len(value), ctypes.cast(numbers, POINTER(c_double))
            kept.append(numbers)
    array.owner = kept
    return array, len(given)


def _tensors(arrays: Sequence[npt.NDArray[Any]]) -> tuple[Any, int]:
    """A C array of tensors that lends `arrays`, and its length."""
    lent: list[Any] = [_lend(array) for array in arrays]
    tensors: Any = (Tensor * len(lent))(*lent)
    tensors.owner = lent
    return tensors, len(lent)


class Port(NamedTuple):
    """An input or an output: its name, its element type by ONNX's number (0: not known), and its extents, None for one that
    may be any; None as a whole where not even their number is known."""

    name: str
    onnx_type: int
    shape: Optional[tuple[Optional[int], ...]]


class Place(NamedTuple):
    """Where one of a network's arrays is, or will be once somebody looks at it."""

    network: Network
    kind: int
    number: int
    shape: tuple[int, ...]

    def array(self) -> npt.NDArray[Any]:
        """It, in the network's own memory, which it keeps alive."""
        return self.network._array(self.kind, self.number)[1]


class _View:
    """Lives as long as an array of `Network.view`."""


class Network:
    """A ``swiftcnn_network``, freed with this object. Values are integers. Built and trained by one thread at a time."""

    def __init__(self, dtype: Any, seed: int, handle: Any = None) -> None:
        self.dtype, self.seed = np.dtype(dtype), seed
        self._handle: Any = handle or c_void_p()
        if handle is None:
            call("swiftcnn_network_create", _TYPES[self.dtype], seed, ctypes.byref(self._handle))
        weakref.finalize(self, _functions["swiftcnn_network_free"], self._handle).atexit = False
        self._views: weakref.WeakSet[_View] = weakref.WeakSet()
        self._is_lent = False

    # Files

    @classmethod
    def load(cls, model: Union[bytes, str], dtype: Optional[Any] = None) -> Network:
        """The network of an ONNX file's bytes, or of the file at a path."""
        handle, wanted = c_void_p(), 0 if dtype is None else _TYPES[np.dtype(dtype)]
        if isinstance(model, bytes):
            call("swiftcnn_network_load_bytes", model, len(model), wanted, ctypes.byref(handle))
        else:
            call("swiftcnn_network_load", os.fsencode(model), wanted, ctypes.byref(handle))
        kind = c_int()
        call("swiftcnn_network_type", handle, ctypes.byref(kind))
        return cls(_DTYPES[kind.value], 0, handle)

    def save(self, path: str) -> None:
        self._call("save", os.fsencode(path))

    def save_bytes(self) -> bytes:
        count = c_size_t()
        self._call("save_bytes", None, ctypes.byref(count))
        room = (c_char * count.value)()
        self._call("save_bytes", room, ctypes.byref(count))
        return room.raw

    def ports(self) -> tuple[list[Port], list[Port]]:
        """What it takes and gives."""
        counts = c_size_t(), c_size_t()
        self._call("port_counts", *map(ctypes.byref, counts))
        inputs, outputs = ([self._port(output, i) for i in range(count.value)] for output, count in enumerate(counts))
        return inputs, outputs

    def _port(self, output: int, index: int) -> Port:
        name, kind, shape, rank = c_char_p(), c_int32(), (c_int64 * 8)(), c_int32()
        self._call("port", output, index, ctypes.byref(name), ctypes.byref(kind), shape, ctypes.byref(rank))
        extents = None if rank.value < 0 else tuple(None if n < 0 else n for n in shape[: rank.value])
        return Port((name.value or b"").decode("utf-8", "replace"), kind.value, extents)

    def set_seed(self, seed: int) -> None:
        self._call("set_seed", seed)
        self.seed = seed

    def _call(self, name: str, *arguments: object) -> None:
        call(f"swiftcnn_network_{name}", self._handle, *arguments)

    # Building

    def input(self, name: str, shape: Optional[Sequence[int]], dtype: Any = None) -> int:
        """Of the network's type unless `dtype` is one of integers, or bool."""
        value, extents = c_int32(), None if shape is None else (c_int64 * len(shape))(*shape)
        kind = _NUMBERS.get(np.dtype(dtype or self.dtype).str[1:].replace("b1", "bool"), 0)
        self._call("input", name.encode(), kind, extents, len(shape or ()), ctypes.byref(value))
        return value.value

    def parameter(self, name: str, shape: Sequence[int], initializer: str, given: Mapping[str, AttributeValue]) -> int:
        value, extents = c_int32(), (c_int64 * len(shape))(*shape)
        into = ctypes.byref(value)
        self._call("parameter", name.encode(), extents, len(shape), initializer.encode(), *_attributes(given), into)
        return value.value

    def constant(self, name: str, array: npt.NDArray[Any]) -> int:
        value = c_int32()
        self._call("constant", name.encode(), array, ctypes.byref(value))
        return value.value

    def add(
        self, operator: str, name: str, given: Mapping[str, AttributeValue], inputs: Sequence[int], outputs: int
    ) -> list[int]:
        made, taken = (c_int32 * outputs)(), (c_int32 * len(inputs))(*inputs)
        self._call("add", operator.encode(), name.encode(), *_attributes(given), taken, len(inputs), made, outputs)
        return list(made)

    def set_outputs(self, values: Sequence[int]) -> None:
        self._call("set_outputs", (c_int32 * len(values))(*values), len(values))

    def shape(self, value: int) -> tuple[int, ...]:
        """Of a value, as it follows from the shapes that inputs were given."""
        extents, rank = (c_int64 * 8)(), c_int32()
        self._call("shape", value, extents, ctypes.byref(rank))
        return tuple(extents[: rank.value])

    # Running

    def output_shape(self, inputs: Sequence[npt.NDArray[Any]], output: int) -> tuple[int, ...]:
        extents, rank = (c_int64 * 8)(), c_int32()
        self._call("output_shape", *_tensors(inputs), output, extents, ctypes.byref(rank))
        return tuple(extents[: rank.value])

    def output_type(self, inputs: Sequence[npt.NDArray[Any]], output: int) -> np.dtype[Any]:
        kind = c_int32()
        self._call("output_type", *_tensors(inputs), output, ctypes.byref(kind))
        return _DTYPES[kind.value]

    def memory(self, shapes: Sequence[Sequence[int]], train: bool) -> int:
        """The bytes of what nodes give and leave in a run, or a training step, on inputs of these shapes."""
        size, inputs = c_int64(), [np.empty(shape, self.dtype) for shape in shapes]  # never touched, so no memory
        self._call("memory", *_tensors(inputs), int(train), ctypes.byref(size))
        return size.value

    def profile(self, inputs: Sequence[npt.NDArray[Any]], runs: int) -> tuple[list[Step], float]:
        """The steps of an inference with their times, and the multiply-adds a second that threads can do at most."""
        self.settle()
        count, peak = c_size_t(), c_double()
        self._call("profile", *_tensors(inputs), runs, None, ctypes.byref(count), None)
        steps = (Step * count.value)()
        self._call("profile", *_tensors(inputs), runs, steps, ctypes.byref(count), ctypes.byref(peak))
        return list(steps), peak.value

    def predict(self, inputs: Sequence[npt.NDArray[Any]], outputs: Sequence[npt.NDArray[Any]]) -> None:
        self.settle()
        self._call("predict", *_tensors(inputs), *_tensors(outputs))

    # Training

    def choose(self, what: str, name: str, given: Mapping[str, AttributeValue]) -> None:
        """`what` is set_loss, set_optimizer, add_schedule or add_augmentation."""
        self._call(what, name.encode(), *_attributes(given))

    def treat(self, parameter: int, frozen: bool, rate: float, weight_decay: float) -> None:
        self._call("treat", parameter, int(frozen), rate, weight_decay)

    def clear_augmentations(self) -> None:
        self._call("clear_augmentations")

    def train_step(self, inputs: Sequence[npt.NDArray[Any]], target: npt.NDArray[Any]) -> float:
        loss = c_double()
        self._call("train_step", *_tensors(inputs), target, ctypes.byref(loss))
        return loss.value

    def gradients(self, inputs: Sequence[npt.NDArray[Any]], target: npt.NDArray[Any]) -> float:
        loss = c_double()
        self._call("gradients", *_tensors(inputs), target, ctypes.byref(loss))
        return loss.value

    def update(self) -> None:
        self._call("update")

    def train_epoch(
        self,
        inputs: Sequence[npt.NDArray[Any]],
        target: npt.NDArray[Any],
        batch_size: int,
        shuffle: bool,
        drop_last: bool,
        progress: Callable[[int, int, float], bool],
        score: bool = False,
        first_batch: int = 0,
    ) -> tuple[float, float]:
        """The mean loss, and if `score` the share of images that was right in its step (else, and where outputs are not
        scores of classes, NaN). `progress`, called after each batch with the batches done, all batches and the mean loss
        so far, must not raise; True stops the epoch."""
        loss, accuracy = c_double(), c_double(math.nan)
        report = Progress(lambda _, done, of, mean: int(progress(done, of, mean)))
        epoch = Epoch(batch_size, int(shuffle), int(drop_last), report, None)
        epoch.accuracy, epoch.first_batch = ctypes.pointer(accuracy) if score else None, first_batch
        self._call("train_epoch", *_tensors(inputs), target, ctypes.byref(epoch), ctypes.byref(loss))
        return loss.value, accuracy.value

    def evaluate(self, inputs: Sequence[npt.NDArray[Any]], target: npt.NDArray[Any], batch_size: int) -> tuple[float, float]:
        """The mean loss, and the share that is right; NaN where outputs are not scores of classes."""
        loss, accuracy = c_double(), c_double()
        self.settle()
        self._call("evaluate", *_tensors(inputs), target, batch_size, ctypes.byref(loss), ctypes.byref(accuracy))
        return loss.value, accuracy.value

    def report(self, metric: float) -> None:
        self._call("report", metric)

    def rate(self) -> float:
        rate = c_double()
        self._call("rate", ctypes.byref(rate))
        return rate.value

    def set_base_rate(self, rate: float) -> None:
        self._call("set_base_rate", rate)

    def set_recompute(self, recompute: bool) -> None:
        self._call("set_recompute", int(recompute))

    def use_averages(self, use: bool) -> None:
        self._call("use_averages", int(use))

    # State

    def arrays(self, kind: int) -> list[tuple[str, npt.NDArray[Any]]]:
        """Names and arrays of `kind`, in the network's own memory, which each of them keeps alive."""
        return [self._array(kind, i) for i in range(self._array_count(kind))]

    def places(self, kind: int) -> dict[str, Place]:
        """By their names, the parameters, gradients or constants, none of which need be in memory yet."""
        found = {}
        for i in range(self._array_count(kind)):
            name, shape, rank = c_char_p(), (c_int64 * 8)(), c_int32()
            self._call("array_shape", kind, i, ctypes.byref(name), shape, ctypes.byref(rank))
            found[(name.value or b"").decode()] = Place(self, kind, i, tuple(shape[: rank.value]))
        return found

    def _array_count(self, kind: int) -> int:
        count = c_size_t()
        self._call("array_count", kind, ctypes.byref(count))
        return count.value

    def _array(self, kind: int, i: int) -> tuple[str, npt.NDArray[Any]]:
        name, tensor = c_char_p(), Tensor()
        self._is_lent = self._is_lent or kind in (PARAMETERS, CONSTANTS)
        self._call("array", kind, i, ctypes.byref(name), ctypes.byref(tensor))
        shape, dtype = tuple(tensor.shape[: tensor.rank]), _DTYPES[tensor.type]
        memory = (c_char * (math.prod(shape) * dtype.itemsize)).from_address(tensor.data)
        memory.owner = self
        return (name.value or b"").decode(), np.frombuffer(memory, dtype).reshape(shape)

    def view(self, array: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The memory of one of `arrays`, for others: as long as what this gives, or a view of it, is alive, its numbers may
        change at any moment, and nothing is kept that follows from them, such as packed filters."""
        self.lend()
        view = _View()
        self._views.add(view)
        memory: Any = (c_char * array.nbytes).from_address(array.ctypes.data)
        memory.owner = (self, view)
        return np.frombuffer(memory, self.dtype).reshape(array.shape)

    def lend(self) -> None:
        """Numbers of parameters or constants are about to be written; `settle` finds that it is over."""
        if not self._is_lent:
            for kind in (PARAMETERS, CONSTANTS):
                self._call("flat_array", kind, ctypes.byref(Tensor()))
            self._is_lent = True

    def settle(self) -> None:
        """Before the network computes without learning: if nobody can write its numbers any more, it may keep what follows."""
        if self._is_lent and not self._views:
            self._call("return_arrays")
            self._is_lent = False

    @property
    def progress(self) -> tuple[int, int, int]:
        """Steps, updates and epochs so far."""
        done = (c_int64 * 3)()
        self._call("progress", done)
        return done[0], done[1], done[2]

    @progress.setter
    def progress(self, done: tuple[int, int, int]) -> None:
        self._call("set_progress", (c_int64 * 3)(*done))
