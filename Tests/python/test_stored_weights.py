"""Large weights stay in the file that they were loaded from until somebody asks for them: the same numbers as when they are
read at once, and a clear error where the file was written over."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import numpy as np
import pytest
import swiftcnn as sc

onnx = pytest.importorskip("onnx", reason="onnx is not installed")
from onnx import TensorProto, helper, numpy_helper  # noqa: E402

RNG = np.random.default_rng(11)
WEIGHTS = {
    "w1": RNG.standard_normal((512, 32, 1, 1)).astype(np.float32) / 6,
    "w2": RNG.standard_normal((64, 512, 1, 1)).astype(np.float32) / 23,
    "w3": RNG.standard_normal((32, 64, 3, 3)).astype(np.float32) / 24,
    "w4": RNG.standard_normal((1152, 24)).astype(np.float32) / 34,
}
X = RNG.standard_normal((2, 32, 8, 8)).astype(np.float32)


def model(kind=TensorProto.FLOAT):
    """A small network of weights that are large enough to stay where they are; a node that prepares nothing reads w1 too."""
    nodes = [
        helper.make_node("Conv", ["x", "w1"], ["a"]),
        helper.make_node("Conv", ["a", "w2"], ["b"]),
        helper.make_node("Conv", ["b", "w3"], ["c"]),
        helper.make_node("Flatten", ["c"], ["d"]),
        helper.make_node("Gemm", ["d", "w4"], ["e"]),
        helper.make_node("ReduceMean", ["w1"], ["m"], axes=[0, 1, 2, 3], keepdims=0),
        helper.make_node("Add", ["e", "m"], ["y"]),
    ]
    info = helper.make_tensor_value_info
    tensors = []
    for name, array in WEIGHTS.items():
        given = {TensorProto.FLOAT16: np.float16, TensorProto.DOUBLE: np.float64}.get(kind, np.float32)
        tensors.append(numpy_helper.from_array(array.astype(given), name))
        if kind == TensorProto.BFLOAT16:
            bits = (array.view(np.uint32) >> 16).astype(np.uint16)
            tensors[-1] = TensorProto(data_type=kind, dims=array.shape, name=name, raw_data=bits.tobytes())
    shapes = ["n", 32, 8, 8], ["n", 24]
    ports = [info("x", TensorProto.FLOAT, shapes[0])], [info("y", TensorProto.FLOAT, shapes[1])]
    return helper.make_model(helper.make_graph(nodes, "test", *ports, tensors), opset_imports=[helper.make_opsetid("", 13)])


@pytest.fixture
def path(tmp_path) -> Path:
    path = tmp_path / "model.onnx"
    path.write_bytes(model().SerializeToString())
    return path


def from_bytes(made=None):
    return sc.load((made or model()).SerializeToString())


@pytest.mark.parametrize("kind", [TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.BFLOAT16, TensorProto.DOUBLE])
@pytest.mark.parametrize("dtype", [None, np.float64])
def test_the_same_numbers_as_read_at_once(tmp_path, kind, dtype):
    made, path = model(kind), tmp_path / "model.onnx"
    path.write_bytes(made.SerializeToString())
    stored, read = sc.load(path, dtype), sc.load(made.SerializeToString(), dtype)
    for x in (X, X[:1], X[:, :, ::-1]):
        assert (stored.predict(x) == read.predict(x)).all()
    for (name, one), (_, other) in zip(stored.state_dict().items(), read.state_dict().items()):
        assert (one == other).all(), name


def test_external_data(tmp_path):
    path = tmp_path / "model.onnx"
    onnx.save(model(), path, save_as_external_data=True, location="weights.bin", size_threshold=0)
    assert (sc.load(path).predict(X) == from_bytes().predict(X)).all()


def test_what_is_written_to_weights_is_computed_with(path):
    stored, read = sc.load(path), from_bytes()
    for net in (stored, read):
        net.predict(X)
        net.load_state_dict({**net.state_dict(), "w3": 2 * WEIGHTS["w3"]})
        next(net.parameters()).data[0] = 3
    assert (stored.predict(X) == read.predict(X)).all()
    assert (stored.predict(X) != from_bytes().predict(X)).any()


def test_training_from_a_file(path):
    t, losses = np.arange(2), []
    for net in (sc.load(path), from_bytes()):
        net.compile("cross_entropy", sc.optim.SGD(0.1))
        losses.append([net.train_step(X, t) for _ in range(3)] + [net.predict(X).sum()])
    assert losses[0] == losses[1]


def test_threads_that_predict_first(path):
    wanted, found = from_bytes().predict(X), []
    for _ in range(20):
        net = sc.load(path)
        crew = [threading.Thread(target=lambda net=net: found.append(net.predict(X))) for _ in range(4)]
        for thread in crew:
            thread.start()
        for thread in crew:
            thread.join()
    assert len(found) == 80 and all((y == wanted).all() for y in found)


def test_a_file_may_be_replaced_and_removed(path):
    first, second, third = sc.load(path), sc.load(path), sc.load(path)
    wanted = from_bytes().predict(X)
    first.save(path)
    assert (second.predict(X) == wanted).all()
    path.unlink()
    assert (third.predict(X) == wanted).all()
    assert (third.state_dict()["w2"] == WEIGHTS["w2"]).all()


@pytest.mark.parametrize("change", ["longer", "shorter", "other"])
def test_a_file_that_is_written_over(path, change):
    net, late = sc.load(path), sc.load(path)
    late.predict(X)
    content = path.read_bytes()
    with open(path, "r+b") as file:
        if change == "shorter":
            file.truncate(1000)
        else:
            file.seek(len(content) - (0 if change == "longer" else 100))
            file.write(bytes(100))
        os.utime(file.fileno(), ns=(1, 1))  # clocks of files may be coarse
    with pytest.raises(sc.FileAccessError, match=r"model\.onnx: has been changed since the network was loaded"):
        net.predict(X)
    # What is read already stays.
    assert (late.predict(X) == from_bytes().predict(X)).all()
    with pytest.raises(sc.FileAccessError, match="has been changed"):
        late.state_dict()


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="needs /proc")
def test_loading_reads_no_weights(tmp_path):
    """Nor does anything that only looks at names and shapes."""
    weight = numpy_helper.from_array(np.ones((2048, 4096), np.float32), "w")
    info = helper.make_tensor_value_info
    graph = helper.make_graph(
        [helper.make_node("MatMul", ["x", "w"], ["y"])],
        "test",
        [info("x", TensorProto.FLOAT, ["n", 2048])],
        [info("y", TensorProto.FLOAT, ["n", 4096])],
        [weight],
    )
    path = tmp_path / "model.onnx"
    onnx.save(helper.make_model(graph), path)
    from_bytes().predict(X)

    def resident():
        return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    before = resident()
    net = sc.load(path)
    net.summary()
    assert [p.shape for p in net.parameters()] == [(2048, 4096)]
    assert resident() - before < weight.ByteSize() / 4
    assert net.predict(np.ones((1, 2048), np.float32)).max() == 2048
