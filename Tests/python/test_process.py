"""What must hold for the process: same bits however work is divided, threads, fork, memory flat."""

from __future__ import annotations

import os
import sys
import threading

import numpy as np
import pytest
import swiftcnn
from swiftcnn import layers as L


def normal(*shape, dtype="f8", seed=0):
    return np.random.default_rng([seed, *shape]).standard_normal(shape).astype(dtype)


def step(kind: str, dtype: str = "f8", n: int = 9, seed: int = 0) -> list[np.ndarray]:
    """Forward and backward of one layer on n images: (out, dx, parameters' gradients)."""
    x = normal(16, 7, 15, 14, dtype=dtype, seed=seed)[:n]
    layer = {
        "convolution": lambda: L.Convolution(normal(33, 7, 3, 3, dtype=dtype), normal(33, dtype=dtype), 1, 1),
        "strided": lambda: L.Convolution(normal(9, 7, 5, 4, dtype=dtype), 0, 2, 1),
        "depthwise": lambda: L.Convolution(normal(7, 1, 3, 3, dtype=dtype), 0, groups=7),
        "one by one": lambda: L.Convolution(normal(20, 7, 1, 1, dtype=dtype), 0),
        "max pooling": lambda: L.Pooling(3, 3, 2, 1),
        "average pooling": lambda: L.AveragePooling(3, 3, 2, 1),
        "affine": lambda: L.Affine(normal(7 * 15 * 14, 37, dtype=dtype), normal(37, dtype=dtype)),
        "relu": L.Relu,
        "sigmoid": L.Sigmoid,
        "normalization": lambda: L.BatchNormalization(np.ones(7, dtype), np.zeros(7, dtype)),
    }[kind]()
    out = layer.forward(x)
    dx = layer.backward(normal(16, *out.shape[1:], dtype=dtype, seed=5)[:n])
    names = ("dW", "db", "dgamma", "dbeta")
    return [out, dx] + [getattr(layer, name) for name in names if hasattr(layer, name)]


KINDS = ["convolution", "strided", "depthwise", "one by one", "max pooling", "average pooling", "affine", "relu", "sigmoid"]


def assert_same_bits(ours, theirs):
    for a, b in zip(ours, theirs):
        assert a.dtype == b.dtype and a.tobytes() == b.tobytes()


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("kind", [*KINDS, "normalization"])
def test_same_bits_twice_and_for_any_number_of_threads(kind, dtype):
    with swiftcnn.threads(1):
        wanted = step(kind, dtype)
        assert_same_bits(step(kind, dtype), wanted)
    for count in (2, 3, 4, 8):
        with swiftcnn.threads(count):
            assert swiftcnn.get_num_threads() == count
            assert_same_bits(step(kind, dtype), wanted)


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("kind", KINDS)
def test_one_image_has_the_bits_it_has_in_a_batch(kind, dtype):
    out, dx, *_ = step(kind, dtype, n=16)
    for n in (1, 2, 5):
        some, dsome, *_ = step(kind, dtype, n=n)
        assert_same_bits((some, dsome), (out[:n], dx[:n]))


def test_threads_are_restored():
    before = swiftcnn.get_num_threads()
    with pytest.raises(KeyError), swiftcnn.threads(3):
        raise KeyError
    assert swiftcnn.get_num_threads() == before


def test_several_callers_at_once():
    wanted = [{kind: step(kind, seed=i) for kind in ("convolution", "max pooling", "affine")} for i in range(4)]
    failures = []

    def work(i: int) -> None:
        try:
            for _ in range(15):
                for kind, results in wanted[i].items():
                    assert_same_bits(step(kind, seed=i), results)
                with pytest.raises(swiftcnn.ShapeError, match=rf"\({i + 1}, 1\)"):
                    L.im2col(np.ones((i + 1, 1)), 1, 1)
        except BaseException as error:
            failures.append(error)

    with swiftcnn.threads(4):
        callers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert not failures, failures


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork here")
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_calls_after_fork():
    """Both sides go on computing, with threads, also a child of a child."""
    with swiftcnn.threads(4):
        wanted = step("convolution")

        def child(depth: int) -> int:
            pid = os.fork()
            if pid == 0:
                code = 1
                try:
                    assert_same_bits(step("convolution"), wanted)
                    code = child(depth - 1) if depth else 0
                finally:
                    os._exit(code)
            deadline = threading.Timer(60, os.kill, (pid, 9))
            deadline.start()
            status = os.waitpid(pid, 0)[1]
            deadline.cancel()
            return 0 if status == 0 else 1

        assert child(1) == 0, "the forked process hung or got other numbers"
        assert_same_bits(step("convolution"), wanted)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_resident_memory_is_flat():
    def resident() -> int:
        with open("/proc/self/statm") as file:
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def rounds(count: int) -> None:
        for i in range(count):
            for kind in ("convolution", "strided", "max pooling", "affine", "relu", "normalization"):
                step(kind, n=1 + i % 9)
            with pytest.raises(swiftcnn.SwiftCNNError):
                L.im2col(np.ones((1, 1, 2, 2)), 3, 3)

    rounds(30)
    before = resident()
    rounds(150)
    assert resident() - before < 4 << 20
