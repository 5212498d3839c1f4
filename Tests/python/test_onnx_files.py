"""ONNX files in and out: every storage form of arrays, what exporters write, errors, the same bits after save and load; and
ONNX's checker and ONNX Runtime as second opinions on what we write."""

from __future__ import annotations

import copy
import pickle
import threading

import numpy as np
import pytest
import swiftcnn as sc
from swiftcnn import models, nn, optim

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

RNG = np.random.default_rng(5)
W = RNG.standard_normal((4, 3, 3, 3)).astype(np.float32)
X = RNG.standard_normal((2, 3, 6, 5)).astype(np.float32)


def model(nodes, inputs, outputs, initializers=(), opset=17, functions=(), **more):
    """The bytes of a model of float tensors; `inputs` and `outputs` are names, or names with shapes."""

    def info(port):
        name, shape = port if isinstance(port, tuple) else (port, None)
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)

    graph = helper.make_graph(nodes, "test", [info(p) for p in inputs], [info(p) for p in outputs], list(initializers))
    sets = [helper.make_opsetid("", opset), *[helper.make_opsetid(f.domain, 1) for f in functions]]
    made = helper.make_model(graph, opset_imports=sets, functions=list(functions), **more)
    return made.SerializeToString()


def convolution(weight, **more):
    return model([helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])], ["x"], ["y"], [weight], **more)


def expected(w=W, x=X):
    layer = nn.Conv2d(3, 4, 3, padding=1, bias=False)
    layer.weight.data = w
    return layer.predict(x)


def packed(kind, values, dims):
    tensor = TensorProto(data_type=kind, dims=dims, name="w")
    field = {TensorProto.FLOAT: tensor.float_data, TensorProto.DOUBLE: tensor.double_data}.get(kind, tensor.int32_data)
    field.extend(values)
    return tensor


def bfloat16(array):
    return (array.view(np.uint32) >> 16).astype(np.uint16)


# Storage forms: what the file holds, and the numbers that it means.
HALF = W.astype(np.float16)
STUMP = (bfloat16(W).astype(np.uint32) << 16).view(np.float32)
FORMS = {
    "raw": (numpy_helper.from_array(W, "w"), W),
    "float_data": (packed(TensorProto.FLOAT, W.ravel(), W.shape), W),
    "double_data": (packed(TensorProto.DOUBLE, W.astype(float).ravel(), W.shape), W),
    "raw double": (numpy_helper.from_array(W.astype(np.float64), "w"), W),
    "raw float16": (numpy_helper.from_array(HALF, "w"), HALF.astype(np.float32)),
    "float16 in int32_data": (packed(TensorProto.FLOAT16, HALF.view(np.uint16).ravel(), W.shape), HALF.astype(np.float32)),
    "raw bfloat16": (TensorProto(data_type=16, dims=W.shape, name="w", raw_data=bfloat16(W).tobytes()), STUMP),
    "bfloat16 in int32_data": (packed(TensorProto.BFLOAT16, bfloat16(W).ravel(), W.shape), STUMP),
}


@pytest.mark.parametrize("form", FORMS)
def test_initializers_in_every_storage_form(form):
    tensor, numbers = FORMS[form]
    assert (sc.load(convolution(tensor)).predict(X) == expected(numbers)).all()


def test_every_float16():
    bits = np.arange(1 << 16, dtype=np.uint16)
    half = numpy_helper.from_array(bits.view(np.float16), "w")
    net = sc.load(model([helper.make_node("Add", ["x", "w"], ["y"])], ["x"], ["y"], [half]))
    wanted = bits.view(np.float16).astype(np.float32)
    # The array itself, whose NaNs arithmetic would change.
    assert np.array_equal(next(net.parameters()).data, wanted, equal_nan=True)


def test_float64_models_compute_in_float64():
    w = numpy_helper.from_array(W.astype(np.float64), "w")
    graph = helper.make_graph(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])],
        "test",
        [helper.make_tensor_value_info("x", TensorProto.DOUBLE, ["n", 3, 6, 5])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, None)],
        [w],
    )
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)])
    net = sc.load(made.SerializeToString())
    y = net.predict(X.astype(np.float64))
    assert net.dtype == np.float64 and y.dtype == np.float64
    np.testing.assert_allclose(y, expected(), rtol=0, atol=1e-5)  # float32's rounding of 27 products of about 1
    single = sc.load(made.SerializeToString(), dtype="float32")
    assert single.dtype == np.float32 and single.predict(X).dtype == np.float64  # as the file declares


def test_external_data(tmp_path):
    made = onnx.load_from_string(convolution(numpy_helper.from_array(W, "w")))
    onnx.save(made, tmp_path / "model.onnx", save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (sc.load(tmp_path / "model.onnx").predict(X) == expected()).all()
    (tmp_path / "weights.bin").write_bytes(b"short")
    with pytest.raises(sc.ModelFormatError, match=r"w.*weights.bin, which has 5"):
        sc.load(tmp_path / "model.onnx")
    (tmp_path / "weights.bin").unlink()
    with pytest.raises(sc.FileAccessError, match=r"weights.bin: cannot be read"):
        sc.load(tmp_path / "model.onnx")


@pytest.mark.parametrize("location", ["../weights.bin", "/etc/hostname", "a/../../weights.bin", "", "a\0b"])
def test_external_data_outside_of_the_folder(tmp_path, location):
    folder = tmp_path / "folder"
    folder.mkdir()
    (tmp_path / "weights.bin").write_bytes(W.tobytes())
    tensor = TensorProto(data_type=1, dims=W.shape, name="w", data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value=location)
    (folder / "model.onnx").write_bytes(convolution(tensor))
    with pytest.raises(sc.ModelFormatError, match="wanted a file in the model's folder"):
        sc.load(folder / "model.onnx")
    with pytest.raises(sc.UnsupportedError, match="not loaded from a file"):
        sc.load(convolution(tensor))


# What exporters write


def test_initializers_among_the_inputs():
    made = model(
        [helper.make_node("Conv", ["x", "w"], ["y"], pads=[1, 1, 1, 1])],
        [("x", ["n", 3, 6, 5]), ("w", W.shape)],
        ["y"],
        [numpy_helper.from_array(W, "w")],
        ir_version=3,
    )
    net = sc.load(made)
    assert [port.name for port in net.inputs] == ["x"] and (net.predict(X) == expected()).all()


def test_weights_by_constant_nodes_and_identities():
    nodes = [
        helper.make_node("Constant", [], ["c"], value=numpy_helper.from_array(W)),
        helper.make_node("Identity", ["c"], ["d"]),
        helper.make_node("Identity", ["d"], ["w"]),
        helper.make_node("Identity", ["x"], ["z"]),
        helper.make_node("Conv", ["z", "w", ""], ["y"], pads=[1, 1, 1, 1]),
    ]
    net = sc.load(model(nodes, ["x"], ["y"]))
    assert (net.predict(X) == expected()).all()
    assert [name for name, _ in net.named_parameters()] == ["c"]


def test_outputs_that_nodes_do_not_compute():
    nodes = [helper.make_node("Relu", ["x"], ["y"]), helper.make_node("Identity", ["y"], ["z"])]
    net = sc.load(model(nodes, ["x"], ["y", "z", "x", "w"], [numpy_helper.from_array(W, "w")]))
    y, z, x, w = net.predict(X)
    assert (y == np.maximum(X, 0)).all() and (z == y).all() and (x == X).all() and (w == W).all()
    assert [port.name for port in net.outputs] == ["y", "z", "x", "w"]


def test_unused_outputs_are_left_out():
    nodes = [
        helper.make_node("Dropout", ["x"], ["d", "mask"], ratio=0.25),
        helper.make_node("BatchNormalization", ["d", "s", "b", "m", "v"], ["y", "m1", "v1", "m2", "v2"], spatial=1),
    ]
    ones = [numpy_helper.from_array(np.ones(3, np.float32), name) for name in "sbmv"]
    net = sc.load(model(nodes, ["x"], ["y"], ones, opset=8))
    np.testing.assert_allclose(net.predict(X), (X - 1) / np.sqrt(1 + 1e-5) + 1, rtol=0, atol=1e-6)
    assert set(dict(net.named_parameters())) == {"s", "b"} and set(net.state_dict()) == {"s", "b", "m", "v"}


def test_functions_of_the_model():
    inner = helper.make_function(
        "local",
        "Scale",
        ["a"],
        ["b"],
        [helper.make_node("LeakyRelu", ["a"], ["b"])],
        [helper.make_opsetid("", 17)],
        attributes=["alpha"],
    )
    inner.node[0].attribute.add(name="alpha", ref_attr_name="alpha", type=onnx.AttributeProto.FLOAT)
    outer = helper.make_function(
        "local",
        "Twice",
        ["a"],
        ["c"],
        [
            helper.make_node("Scale", ["a"], ["b"], domain="local", alpha=0.5),
            helper.make_node("Add", ["b", "b"], ["c"]),
        ],
        [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)],
    )
    nodes = [helper.make_node("Twice", ["x"], ["y"], domain="local"), helper.make_node("Scale", ["y"], ["z"], domain="local")]
    net = sc.load(model(nodes, ["x"], ["z"], functions=[inner, outer]))
    once = np.where(X < 0, X * np.float32(0.5), X) * 2
    np.testing.assert_array_equal(net.predict(X), np.where(once < 0, once * np.float32(0.01), once))


def test_functions_that_call_themselves():
    for name in ("Loop", "Other"):
        body = [helper.make_node(name, ["a"], ["b"], domain="local")]
        function = helper.make_function("local", "Loop", ["a"], ["b"], body, [helper.make_opsetid("local", 1)])
        back = [helper.make_node("Loop", ["a"], ["b"], domain="local")]
        other = helper.make_function("local", "Other", ["a"], ["b"], back, [])
        nodes = [helper.make_node("Loop", ["x"], ["y"], domain="local")]
        with pytest.raises(sc.ModelFormatError, match="functions call each other"):
            sc.load(model(nodes, ["x"], ["y"], functions=[function, other]))


def test_functions_that_unfold_to_too_many_nodes():
    def calls(level):
        last = level == 9
        operator, domain = ("Relu", "") if last else (f"F{level + 1}", "local")
        names = ["a", *[f"v{i}" for i in range(9)], "b"]
        return [helper.make_node(operator, [x], [y], domain=domain) for x, y in zip(names, names[1:])]

    sets = [helper.make_opsetid("", 17), helper.make_opsetid("local", 1)]
    functions = [helper.make_function("local", f"F{level}", ["a"], ["b"], calls(level), sets) for level in range(10)]
    with pytest.raises(sc.UnsupportedError, match="functions unfolded"):
        sc.load(model([helper.make_node("F0", ["x"], ["y"], domain="local")], ["x"], ["y"], functions=functions))


# Errors


def test_all_missing_operators_are_named():
    nodes = [
        helper.make_node("NonMaxSuppression", ["x"], ["a"], name="nms"),
        helper.make_node("Relu", ["a"], ["b"]),
        *[helper.make_node("Fancy", ["b"], [f"c{i}"], domain="com.example") for i in range(5)],
    ]
    with pytest.raises(sc.UnsupportedError) as error:
        sc.load(model(nodes, ["x"], ["b"]))
    assert "NonMaxSuppression (node nms)" in str(error.value)
    assert "com.example.Fancy (5 nodes: c0, c1, c2, …)" in str(error.value)


@pytest.mark.parametrize(
    "nodes, kind, message",
    [
        ([("Relu", ["y"], ["y"])], sc.ModelFormatError, "y .Relu.: its input y is given by no node before it"),
        ([("Relu", ["b"], ["a"]), ("Relu", ["a"], ["b"])], sc.ModelFormatError, "a .Relu.: its input b"),
        ([("Relu", ["x"], ["y"]), ("Relu", ["x"], ["y"])], sc.ModelFormatError, "y is given twice"),
        ([("Relu", ["x"], ["x"])], sc.ModelFormatError, "x is given twice"),
        ([("Relu", ["x"], ["z"])], sc.ModelFormatError, "output y: no node gives it"),
        ([("Relu", [], ["y"])], sc.InvalidArgumentError, "y .Relu.: Relu: inputs: wanted 1, got 0"),
        ([("Relu", ["x"], ["y", "z"])], sc.InvalidArgumentError, "outputs: wanted 1"),
    ],
)
def test_graphs_that_are_none(nodes, kind, message):
    outputs = ["y", "z"] if len(nodes[-1][2]) == 2 else ["y"]
    with pytest.raises(kind, match=message):
        sc.load(model([helper.make_node(*node) for node in nodes], ["x"], outputs))


def test_tensors_that_are_none():
    short = numpy_helper.from_array(W, "w")
    short.raw_data = short.raw_data[:-4]
    huge = TensorProto(data_type=1, dims=[1 << 40, 1 << 40], name="w")
    large = TensorProto(data_type=1, dims=[1 << 33], name="w", raw_data=b"1234")
    for tensor, message in [
        (short, "tensor w: wanted 432 bytes for .4, 3, 3, 3. of float, got 428"),
        (huge, "tensor w: dims: the number of elements of .* overflows"),
        (large, "tensor w: wanted 34359738368 bytes"),
        (TensorProto(data_type=1, dims=[2, -1], name="w"), "tensor w: dims: extent 1 is negative"),
        (TensorProto(data_type=1, dims=[1] * 9, name="w", raw_data=b"1234"), "w: dims: wanted a rank from 0 to 8, got 9"),
        (TensorProto(data_type=99, dims=[1], name="w"), "tensor w: wanted an element type from 1 to 16, got 99"),
        (packed(TensorProto.FLOAT, [1.0, 2.0], [3]), "tensor w: wanted 3 elements for .3., got 2"),
    ]:
        with pytest.raises(sc.ModelFormatError, match=message):
            sc.load(convolution(tensor))


def test_files_that_are_none(tmp_path):
    for content in (b"", b"\x00", b"\x80" * 11, b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f", b"hello, world"):
        (tmp_path / "model.onnx").write_bytes(content)
        with pytest.raises(sc.ModelFormatError, match=r"model.onnx"):
            sc.load(tmp_path / "model.onnx")
    with pytest.raises(sc.FileAccessError, match="directory"):
        sc.load(tmp_path)
    whole = convolution(numpy_helper.from_array(W, "w"))
    for length in range(len(whole)):  # no part of a model is a model
        with pytest.raises(sc.SwiftCNNError):
            sc.load(whole[:length])


def test_old_operator_sets():
    with pytest.raises(sc.UnsupportedError, match="operator set 5; wanted 7"):
        sc.load(model([helper.make_node("Relu", ["x"], ["y"])], ["x"], ["y"], opset=5))
    bias = numpy_helper.from_array(np.arange(3, dtype=np.float32), "b")
    node = helper.make_node("Add", ["x", "b"], ["y"], axis=1, broadcast=1)
    net = sc.load(model([node], [("x", [2, 3, 6, 5])], ["y"], [bias], opset=6))
    assert (net.predict(X) == X + np.arange(3, dtype=np.float32)[:, None, None]).all()


# Saving

NETWORKS = {
    "SimpleConvNet": (models.SimpleConvNet, (1, 28, 28)),
    "resnet20": (models.resnet20, (3, 16, 16)),
    "SqueezeNet": (lambda: models.SqueezeNet(4), (3, 48, 48)),
    "MobileNetV2": (lambda: models.MobileNetV2(4), (3, 32, 32)),
    "UNet": (lambda: models.UNet(3, 2, width=4), (3, 16, 24)),
    "activations": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 6, 3), nn.PReLU(6), nn.ELU(), nn.GELU(), nn.SiLU(), nn.Mish(), nn.Hardswish(), nn.LeakyReLU(),
            nn.SELU(), nn.Softplus(), nn.Hardsigmoid(), nn.CELU(), nn.ReLU6(), nn.Tanh(), nn.Sigmoid(),
            nn.LogSoftmax(1), nn.Softmax(1),
        ),
        (2, 7, 6),
    ),
    "normalizations": (
        lambda: nn.Sequential(
            nn.Conv2d(2, 6, 3), nn.BatchNorm2d(6), nn.GroupNorm(3, 6), nn.InstanceNorm2d(6, affine=True),
            nn.LayerNorm((5, 4)),
            nn.Dropout(0.3), nn.Flatten(), nn.LazyLinear(4), nn.BatchNorm1d(4),
        ),
        (2, 7, 6),
    ),
    "resampling": (
        lambda: nn.Sequential(
            nn.Upsample(scale_factor=2), nn.Conv2d(2, 8, 3), nn.PixelShuffle(2), nn.Upsample(scale_factor=2, mode="bilinear"),
            nn.ConvTranspose2d(2, 3, 3, stride=2, output_padding=1),
        ),
        (2, 5, 6),
    ),
    "pools": (lambda: nn.Sequential(nn.AvgPool2d(2), nn.MaxPool2d(3, 2, 1), nn.AdaptiveAvgPool2d((3, 2))), (2, 23, 30)),
    "adaptive average of uneven windows": (lambda: nn.AdaptiveAvgPool2d((3, 4)), (2, 7, 11)),
    "adaptive average of even windows": (lambda: nn.AdaptiveAvgPool2d((3, 4)), (2, 6, 8)),
    "adaptive maximum of even windows": (lambda: nn.AdaptiveMaxPool2d((3, 4)), (2, 6, 8)),
    "global maximum": (lambda: nn.AdaptiveMaxPool2d(1), (2, 6, 8)),
    "Linear over axes": (lambda: nn.Linear(5, 3), (4, 5)),
    "Conv1d": (lambda: nn.Sequential(nn.Conv1d(2, 4, 3), nn.MaxPool1d(2)), (2, 20)),
}  # fmt: skip


@pytest.mark.parametrize("name", NETWORKS)
def test_saved_networks(name, tmp_path):
    make, shape = NETWORKS[name]
    sc.manual_seed(3)
    net, x = make().build(shape), RNG.standard_normal((3, *shape)).astype(np.float32)
    y = net.predict(x)
    net.save(tmp_path / "net.onnx")
    made = onnx.load(tmp_path / "net.onnx")
    onnx.checker.check_model(made, full_check=True)
    assert made.graph.input[0].type.tensor_type.shape.dim[0].dim_param == "N"

    again = sc.load(tmp_path / "net.onnx")
    assert {n for n, _ in again.named_parameters()} == {n for n, _ in net.named_parameters()}
    for key, array in net.state_dict().items():
        assert (again.state_dict()[key] == array).all(), key
    if "adaptive average" not in name and name != "pools":  # which ONNX sums in another order
        assert (again.predict(x) == y).all()
    again.save(tmp_path / "again.onnx")
    third = sc.load(tmp_path / "again.onnx")
    assert (third.predict(x) == again.predict(x)).all() and third.to_onnx() == again.to_onnx()

    ort = pytest.importorskip("onnxruntime", reason="ONNX Runtime is not installed")
    session = ort.InferenceSession(tmp_path / "net.onnx", providers=["CPUExecutionProvider"])
    (theirs,) = session.run(None, {"input": x})
    # Sums in another order, through all layers.
    np.testing.assert_allclose(y, theirs, rtol=0, atol=1e-5 * np.abs(theirs).max())


def test_saving_float64(tmp_path):
    net = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU()).double().build((3, 6, 5))
    net.save(tmp_path / "net.onnx")
    again, x = sc.load(tmp_path / "net.onnx"), X.astype(np.float64)
    assert again.dtype == np.float64 and (again.predict(x) == net.predict(x)).all()


def test_saving_fails_cleanly(tmp_path):
    net = nn.ReLU().build((2,))
    with pytest.raises(sc.InvalidArgumentError, match=r".onnx"):
        net.save(tmp_path / "net.pb")
    with pytest.raises(sc.FileAccessError, match="cannot be written: No such file or directory"):
        net.save(tmp_path / "nowhere" / "net.onnx")
    with pytest.raises(sc.CallOrderError):
        nn.ReLU().save(tmp_path / "net.onnx")
    (tmp_path / "net.onnx").mkdir()
    with pytest.raises(sc.FileAccessError):
        net.save(tmp_path / "net.onnx")
    assert [path.name for path in tmp_path.iterdir()] == ["net.onnx"]


# What was loaded is a network like any other


def trained(net, x, y, epochs, first=0):
    net.fit(x, y, epochs=epochs, initial_epoch=first, batch_size=8, verbose=False)
    return net


def layers():
    return nn.Sequential(
        nn.Conv2d(3, 6, 3), nn.BatchNorm2d(6), nn.PReLU(6), nn.Dropout(0.2), nn.Flatten(), nn.LazyLinear(3)
    )  # fmt: skip


@pytest.mark.parametrize("network", [layers, lambda: models.resnet20(3)])
def test_training_goes_on_after_a_reload(tmp_path, network):
    x, y = RNG.standard_normal((24, 3, 8, 8)).astype(np.float32), RNG.integers(0, 3, 24)

    def make():
        sc.manual_seed(1)
        return network().compile(optimizer=optim.Adam(1e-2)).build((3, 8, 8))

    straight = trained(make(), x, y, 4)
    net = trained(make(), x, y, 2)
    net.save(tmp_path / "net.onnx")
    net.save_checkpoint(tmp_path / "net.npz")
    again = sc.load(tmp_path / "net.onnx").compile(optimizer=optim.Adam(1e-2))
    again.load_checkpoint(tmp_path / "net.npz")
    trained(again, x, y, 4, first=again.epochs_done)
    assert again.epochs_done == 4
    for name, array in straight.state_dict().items():
        assert (again.state_dict()[name] == array).all(), name
    assert (again.predict(x) == straight.predict(x)).all()


def test_copies_and_other_types():
    net = sc.load(convolution(numpy_helper.from_array(W, "w")))
    for other in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        assert (other.predict(X) == net.predict(X)).all()
        next(other.parameters()).data[...] = 0
        assert (other.predict(X) == 0).all() and not (net.predict(X) == 0).all()
    double = copy.deepcopy(net).to("float64")
    assert double.dtype == np.float64
    np.testing.assert_allclose(double.predict(X), net.predict(X), rtol=0, atol=1e-5)  # as in float64 above


def test_inputs_by_name_and_what_does_not_fit():
    nodes = [helper.make_node("Sub", ["a", "b"], ["y"])]
    net = sc.load(model(nodes, ["a", "b"], ["y"]))
    assert net.predict({"b": [1.0], "a": [3.0]}).tolist() == [2.0]
    assert net.predict(([1.0], [3.0])).tolist() == [-2.0]
    with pytest.raises(sc.InvalidArgumentError, match="x must name each input"):
        net.predict({"a": [1.0]})
    with pytest.raises(sc.InvalidArgumentError, match="x must be 2 arrays"):
        net.predict([1.0])


def test_shapes_that_follow_from_numbers():
    """Also where an array of the same shape came before."""
    nodes = [
        helper.make_node("Cast", ["x"], ["n"], to=TensorProto.INT64),
        helper.make_node("Tile", ["x", "n"], ["y"]),
    ]
    net = sc.load(model(nodes, [("x", [1])], [("y", ["n"])]))
    for n in (2, 2, 3, 1, 2):
        assert net.predict(np.array([n], np.float32)).tolist() == n * [n]
    with pytest.raises(sc.ShapeError):
        net.predict(np.ones((1, 1), np.float32))


def test_batches_and_threads():
    net = sc.load(convolution(numpy_helper.from_array(W, "w")))
    x = RNG.standard_normal((11, 3, 6, 5)).astype(np.float32)
    y = net.predict(x)
    assert (net.predict(x, batch_size=4) == y).all()
    results = [None] * 8

    def run(i):
        results[i] = [net.predict(x[: 1 + (i + j) % 11]) for j in range(20)]

    threads = [threading.Thread(target=run, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for i, given in enumerate(results):
        for j, array in enumerate(given):
            assert (array == y[: 1 + (i + j) % 11]).all()
