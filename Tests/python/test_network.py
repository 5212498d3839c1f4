"""Networks through the C interface: the same numbers as the layers, state, and errors that keep their type."""

from __future__ import annotations

import ctypes
import os
import resource

import numpy as np
import pytest
import swiftcnn
from swiftcnn import _c_api, errors, nn
from swiftcnn import layers as L

TYPES = {np.float32: 1, np.float64: 2}
PARAMETERS, GRADIENTS, CONSTANTS, STATES, TRAINING = 1, 2, 3, 4, 5
ABSENT = -1


class Network:
    """A thin cover of the C functions, for these tests."""

    def __init__(self, dtype=np.float64, seed=1):
        self.dtype = np.dtype(dtype)
        self.handle = ctypes.c_void_p()
        _c_api.call("swiftcnn_network_create", TYPES[dtype], seed, ctypes.byref(self.handle))

    def __del__(self):
        _c_api._functions["swiftcnn_network_free"](self.handle)

    def call(self, name, *arguments):
        _c_api.call(f"swiftcnn_network_{name}", self.handle, *arguments)

    def value(self, name, *arguments):
        made = ctypes.c_int32()
        self.call(name, *arguments, ctypes.byref(made))
        return made.value

    def input(self, *shape):
        return self.value("input", b"x", TYPES[self.dtype.type], extents(shape), len(shape))

    def parameter(self, name, *shape, initializer=b"HeNormal", **attributes):
        return self.value("parameter", name.encode(), extents(shape), len(shape), initializer, *attribute_list(attributes))

    def add(self, operator, *inputs, **attributes):
        made, given = ctypes.c_int32(), (ctypes.c_int32 * len(inputs))(*inputs)
        attributes = attribute_list(attributes)
        self.call("add", operator.encode(), None, *attributes, given, len(inputs), ctypes.byref(made), 1)
        return made.value

    def outputs(self, *values):
        self.call("set_outputs", (ctypes.c_int32 * len(values))(*values), len(values))

    def choose(self, what, name, **attributes):
        self.call(what, name.encode(), *attribute_list(attributes))

    def step(self, x, target):
        loss = ctypes.c_double()
        self.call("train_step", *tensors(x), target, ctypes.byref(loss))
        return loss.value

    def epoch(self, x, target, batch_size, progress=None):
        loss = ctypes.c_double()
        progress = _c_api.Progress(progress) if progress else _c_api.Progress()
        epoch = _c_api.Epoch(batch_size, 1, 0, progress, None)
        self.call("train_epoch", *tensors(x), target, ctypes.byref(epoch), ctypes.byref(loss))
        return loss.value

    def predict(self, x, *shape):
        y = np.empty(shape, self.dtype)
        self.call("predict", *tensors(x), *tensors(y))
        return y

    def arrays(self, kind):
        """{name: array}, in the network's own memory."""
        count, found = ctypes.c_size_t(), {}
        self.call("array_count", kind, ctypes.byref(count))
        for i in range(count.value):
            name, tensor = ctypes.c_char_p(), _c_api.Tensor()
            self.call("array", kind, i, ctypes.byref(name), ctypes.byref(tensor))
            shape = tensor.shape[: tensor.rank]
            dtype = {code: np.dtype(dtype) for dtype, code in TYPES.items()}[tensor.type]
            data = (ctypes.c_char * (int(np.prod(shape)) * dtype.itemsize)).from_address(tensor.data)
            found[name.value.decode()] = np.frombuffer(data, dtype).reshape(shape)
        return found


def extents(shape):
    return (ctypes.c_int64 * len(shape))(*shape)


def tensors(*arrays):
    tensors = (_c_api.Tensor * len(arrays))()
    for tensor, array in zip(tensors, arrays):
        lent = _c_api._lend(array)
        tensor.data, tensor.shape, tensor.rank, tensor.type = lent.data, lent.shape, lent.rank, lent.type
    return tensors, len(arrays)


def attribute_list(attributes):
    made = (_c_api.Attribute * max(1, len(attributes)))()
    for attribute, (name, value) in zip(made, attributes.items()):
        attribute.name = name.encode()
        if isinstance(value, int):
            attribute.type, attribute.integer = 1, value
        elif isinstance(value, float):
            attribute.type, attribute.number = 2, value
        elif isinstance(value, str):
            attribute.type, attribute.text = 3, value.encode()
        else:
            attribute.type, attribute.count = 4, len(value)
            attribute.integers = extents(value)
    return made, len(attributes)


def simple_network(dtype, classes=5):
    """Conv-ReLU-MaxPool-Flatten-Gemm-ReLU-Gemm."""
    net = Network(dtype)
    x = net.input(1, 2, 9, 8)
    x = net.add("Conv", x, net.parameter("W1", 6, 2, 3, 3), net.parameter("b1", 6, initializer=b"Normal"))
    x = net.add("MaxPool", net.add("Relu", x), kernel_shape=[2, 2], strides=[2, 2])
    x = net.add("Gemm", net.add("Flatten", x), net.parameter("W2", 54, 7), net.parameter("b2", 7, initializer=b"Normal"))
    x = net.add("Gemm", net.add("Relu", x), net.parameter("W3", 7, classes), net.parameter("b3", classes))
    net.outputs(x)
    net.choose("set_loss", "SoftmaxCrossEntropyLoss")
    net.choose("set_optimizer", "Adam", lr=0.01)
    return net


def images(dtype, count=24):
    rng = np.random.default_rng(0)
    target = rng.integers(0, 5, count)
    return (rng.normal(size=(count, 2, 9, 8)) + target[:, None, None, None]).astype(dtype), target


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_a_step_has_the_bits_of_the_layers(dtype):
    net, (x, target) = simple_network(dtype), images(dtype)
    p = {name: array.copy() for name, array in net.arrays(PARAMETERS).items()}
    stack = [
        *(L.Convolution(p["W1"], p["b1"]), L.Relu(), L.Pooling(2, 2, 2)),
        *(L.Affine(p["W2"], p["b2"]), L.Relu(), L.Affine(p["W3"], p["b3"])),
    ]
    scores = x
    for layer in stack:
        scores = layer.forward(scores)
    last = L.SoftmaxWithLoss()
    loss = last.forward(scores, target)
    np.testing.assert_array_equal(net.predict(x, 24, 5), scores)
    assert net.step(x, target) == pytest.approx(float(loss), rel=1e-6 if dtype is np.float32 else 1e-14)
    dout = last.backward()
    for layer in reversed(stack):
        dout = layer.backward(dout)
    gradients = net.arrays(GRADIENTS)
    for number, layer in enumerate([stack[0], stack[3], stack[5]], 1):
        np.testing.assert_array_equal(gradients[f"W{number}"], layer.dW)
        np.testing.assert_array_equal(gradients[f"b{number}"], layer.db)
    assert all((net.arrays(PARAMETERS)[name] != p[name]).any() for name in p)


def test_training_goes_on_from_its_state_as_if_it_had_never_stopped():
    x, target = images(np.float32)

    def network():
        net = simple_network(np.float32)
        net.choose("set_optimizer", "Adam", lr=0.01, accumulate=3, ema_decay=0.9)
        net.choose("add_schedule", "ReduceLROnPlateau", patience=0, factor=0.5)
        return net

    def train(net):
        for _ in range(2):
            net.epoch(x, target, 7)
            net.call("report", 1.0)

    whole, first, second = network(), network(), network()
    for net in (whole, whole, first):
        train(net)
    for kind in (PARAMETERS, STATES, TRAINING):
        arrays = first.arrays(kind)
        for name, array in arrays.items():
            second.arrays(kind)[name][...] = array
    assert list(arrays) == ["gradient sum", "gradient count", "average", "plateau 0"]
    assert {name: array.dtype for name, array in arrays.items() if name != "average"} == {
        "gradient sum": np.float32,
        "gradient count": np.float64,
        "plateau 0": np.float64,
    }
    assert arrays["gradient count"] == [2]
    progress = (ctypes.c_int64 * 3)()
    first.call("progress", progress)
    assert list(progress) == [8, 2, 2]
    second.call("set_progress", progress)
    train(second)
    for kind in (PARAMETERS, STATES, TRAINING):
        for name, array in whole.arrays(kind).items():
            np.testing.assert_array_equal(second.arrays(kind)[name], array)


def test_augmentations_go_by_name_and_are_drawn_from_the_seed():
    x, target = images(np.float32)
    results = []
    for seed in (1, 1, 2):
        net = simple_network(np.float32)
        net.call("set_seed", seed)
        for name, attributes in [("RandomCrop", {"padding": 2}), ("MixUp", {"alpha": 0.5}), ("RandomHorizontalFlip", {})]:
            net.choose("add_augmentation", name, **attributes)
        net.epoch(x, target, 7)
        results.append(net.arrays(PARAMETERS)["W1"].tobytes())
    assert results[0] == results[1] != results[2]
    with pytest.raises(ValueError, match="there is a MixUp already"):
        net.choose("add_augmentation", "MixUp")
    net.call("clear_augmentations")
    net.choose("add_augmentation", "MixUp")


@pytest.mark.parametrize("unbiased", [0, 1])
def test_running_variance_is_onnxs_or_pytorchs(unbiased):
    net, x = Network(), 1 + 2 * np.random.default_rng(2).normal(size=(4, 3, 5, 2))
    vectors = [net.parameter(f"p{i}", 3, initializer=b"Constant", value=1.0 - i) for i in range(2)]
    statistics = [net.value("constant", f"s{i}".encode(), np.full(3, float(i))) for i in range(2)]
    y = net.add("BatchNormalization", net.input(1, 3, 5, 2), *vectors, *statistics, momentum=0.75, unbiased=unbiased)
    net.outputs(y)
    net.choose("set_loss", "MSELoss")
    net.choose("set_optimizer", "SGD", lr=0.0)
    net.step(x, np.zeros((4, 3, 5, 2)))
    learned = list(net.arrays(CONSTANTS).values())
    np.testing.assert_allclose(learned[0], 0.25 * x.mean(axis=(0, 2, 3)), rtol=1e-13)
    np.testing.assert_allclose(learned[1], 0.75 + 0.25 * x.var(axis=(0, 2, 3), ddof=unbiased), rtol=1e-13)


def test_progress_is_told_and_may_stop():
    net, (x, target) = simple_network(np.float32), images(np.float32)
    seen = []

    def stop_after_two(context, done, batches, loss):
        seen.append((done, batches, loss))
        return done == 2

    loss = net.epoch(x, target, 7, stop_after_two)
    assert [done[:2] for done in seen] == [(1, 4), (2, 4)]
    assert loss == seen[-1][2] > 0
    losses = [net.epoch(x, target, 7) for _ in range(30)]
    assert losses[-1] < losses[0] / 4


def residual_network(dtype):
    """A stem, a residual block with normalization and dropout, and two pooled branches side by side."""
    net = Network(dtype)
    x = net.input(1, 3, 32, 32)

    def normalized(x, name, channels):
        vectors = [net.parameter(f"{name}.{i}", channels, initializer=b"Constant", value=1.0 - i) for i in range(2)]
        statistics = [np.full(channels, i, dtype) for i in range(2)]
        constants = [net.value("constant", f"{name}.s{i}".encode(), array) for i, array in enumerate(statistics)]
        return net.add("BatchNormalization", x, *vectors, *constants)

    def convolved(x, name, channels, out):
        return net.add("Conv", x, net.parameter(name, out, channels, 3, 3), pads=[1, 1, 1, 1])

    x = net.add("Relu", normalized(convolved(x, "stem", 3, 16), "n0", 16))
    inner = net.add("Relu", normalized(convolved(x, "c1", 16, 16), "n1", 16))
    inner = normalized(convolved(net.add("Dropout", inner, ratio=0.3), "c2", 16, 16), "n2", 16)
    x = net.add("Relu", net.add("Add", inner, x))
    halves = [net.add(f"{kind}Pool", x, kernel_shape=[2, 2], strides=[2, 2]) for kind in ("Max", "Average")]
    x = net.add("GlobalAveragePool", net.add("Concat", *halves, axis=1))
    x = net.add("Reshape", x, shape=[0, -1])
    net.outputs(net.add("Gemm", x, net.parameter("W", 10, 32), net.parameter("b", 10), transB=1))
    net.choose("set_loss", "SoftmaxCrossEntropyLoss")
    net.choose("set_optimizer", "SGD", lr=0.05, momentum=0.9, clip_norm=1.0)
    return net


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_threads_do_not_change_bits(dtype):
    rng = np.random.default_rng(1)
    x, target = rng.normal(size=(24, 3, 32, 32)).astype(dtype), rng.integers(0, 10, 24)
    results = []
    for threads in (1, 2, 4, 8):
        with swiftcnn.threads(threads):
            net = residual_network(dtype)
            losses = [net.epoch(x, target, 10) for _ in range(2)]
            arrays = [*net.arrays(PARAMETERS).values(), *net.arrays(CONSTANTS).values(), net.predict(x, 24, 10)]
            results.append(b"".join(array.tobytes() for array in arrays) + repr(losses).encode())
    assert len(set(results)) == 1


def resident() -> int:
    with open("/proc/self/statm", encoding="ascii") as statm:
        return int(statm.read().split()[1]) * resource.getpagesize()


QUICK = "SWIFTCNN_QUICK" in os.environ


def test_memory_stays_flat_over_shapes():
    """200 shapes, predicted and trained with, again and again: plans are kept for the last 20 of them."""
    net, shapes = residual_network(np.float32), [(8 + i // 10, 8 + i % 10) for i in range(40 if QUICK else 200)]
    images = np.zeros((1, 3, 80, 80), np.float32)

    def over_all_shapes():
        for height, width in shapes:
            x = np.ascontiguousarray(images[:, :, :height, :width])
            net.predict(x, 1, 10)
            net.step(x, np.zeros(1, np.int64))

    over_all_shapes()
    before = resident()
    for _ in range(4):
        over_all_shapes()
    assert resident() - before < 4 << 20  # a plan's arena is a megabyte or more


def test_addresses_of_arrays_in_one_piece():
    """However they are found: of arrays of any size, type and kind of memory, and of parts of others."""
    whole = np.arange(60, dtype=np.float32).reshape(5, 4, 3)
    locked = whole.copy()
    locked.setflags(write=False)
    mapped = np.frombuffer(bytearray(64), np.float64)
    for array in (whole, whole[2:], whole[1, 2], locked, mapped, np.zeros(1 << 20), np.array(3.0)):
        assert _c_api._address_of_whole(array) == _c_api._address(array) == array.ctypes.data
        assert _c_api._address_told(array) == array.ctypes.data


def test_memory_stays_flat_over_predictions():
    """10^5 of them, in Python's own objects too."""
    net = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.LazyLinear(3))
    x, count = np.zeros((1, 1, 8, 8), np.float32), 5_000 if QUICK else 100_000

    def some(count):
        for _ in range(count):
            net.predict(x)

    some(1000)
    before = resident()
    some(count)
    assert resident() - before < 1 << 20  # less than 11 bytes a prediction


@pytest.mark.parametrize(
    ("error", "words", "build"),
    [
        (errors.UnsupportedError, "Convolve", lambda net: net.add("Convolve", net.input(1, 2))),
        (ValueError, "Relu: has no attribute alpha", lambda net: net.add("Relu", net.input(1, 2), alpha=0.5)),
        (errors.ShapeError, "w: wanted as many axes as x", lambda net: net.add("Conv", net.input(1, 2), net.input(1, 1))),
        (ValueError, "input a is absent", lambda net: net.add("Gemm", ABSENT, net.input(1, 2))),
        (ValueError, "there is a w already", lambda net: [net.parameter("w", 1) for _ in range(2)]),
        (ValueError, "lr: wanted 0 or more", lambda net: net.choose("set_optimizer", "SGD", lr=-1.0)),
    ],
)
def test_mistakes_are_errors_that_say_what_is_wrong(error, words, build):
    with pytest.raises(error, match=words):
        build(Network())
