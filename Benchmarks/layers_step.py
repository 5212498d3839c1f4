"""Times a training step of the article's classes against the NumPy oracle, layer by layer, side by side on one core.

The book's small network: convolution 30 5x5, ReLU, pooling 2x2/2, affine 100, ReLU, affine 10, softmax loss; batch 100 of
1x28x28. Forward and backward with every layer's dx, as the article computes it; the oracle in float64 as always, swiftcnn in
float64 and float32. Rounds are interleaved, so a machine that speeds up or slows down does so for all. In a round each takes a
few steps in a row, as in training; the first of them is not counted, since its arrays were pushed out of the caches by the
other's.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "SWIFTCNN_NUM_THREADS": "1"}


def one_thread() -> None:
    """Starts this program anew with one thread for all and no forced BLAS kernels: both are read when NumPy loads."""
    forced = [name for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE") if name in os.environ]
    if forced or any(os.environ.get(name) != value for name, value in ONE_THREAD.items()):
        environment = {name: value for name, value in os.environ.items() if name not in forced} | ONE_THREAD
        os.execve(sys.executable, [sys.executable, *sys.argv], environment)
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def network(layers, dtype):
    """The layers before the loss, and the loss, of module `layers`."""
    import numpy as np

    draw = np.random.default_rng(0).standard_normal

    def weight(*shape):
        return (0.01 * draw(shape)).astype(dtype)

    body = [
        layers.Convolution(weight(30, 1, 5, 5), np.zeros(30, dtype)),
        layers.Relu(),
        layers.Pooling(2, 2, stride=2),
        layers.Affine(weight(4320, 100), np.zeros(100, dtype)),
        layers.Relu(),
        layers.Affine(weight(100, 10), np.zeros(10, dtype)),
    ]
    return body, layers.SoftmaxWithLoss()


def step(body, loss, x, t, times):
    """One forward and backward; appends each layer's seconds to `times`."""
    clock = time.perf_counter

    def timed(key, function, *arguments):
        start = clock()
        result = function(*arguments)
        times.setdefault(key, []).append(clock() - start)
        return result

    for i, layer in enumerate(body):
        x = timed((i, "forward"), layer.forward, x)
    timed((len(body), "forward"), loss.forward, x, t)
    dout = timed((len(body), "backward"), loss.backward, 1)
    for i in reversed(range(len(body))):
        dout = timed((i, "backward"), body[i].backward, dout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--steps", type=int, default=4, help="steps in a row that count, in each round; default 4")
    parser.add_argument("--layers", action="store_true", help="also print each layer's share")
    options = parser.parse_args()
    one_thread()
    sys.path[:0] = [str(ROOT / "python"), str(ROOT / "Tests" / "python")]
    import numpy as np
    import oracle
    import swiftcnn.layers

    rng = np.random.default_rng(1)
    x, t = rng.random((100, 1, 28, 28)), rng.integers(0, 10, 100)
    cases = {
        "oracle float64": (*network(oracle, np.float64), x),
        "swiftcnn float64": (*network(swiftcnn.layers, np.float64), x),
        "swiftcnn float32": (*network(swiftcnn.layers, np.float32), x.astype(np.float32)),
    }
    totals: dict = {name: [] for name in cases}
    times: dict = {name: {} for name in cases}
    for _ in range(options.rounds):
        for name, (body, loss, images) in cases.items():
            step(body, loss, images, t, {})
            for _ in range(options.steps):
                start = time.perf_counter()
                step(body, loss, images, t, times[name])
                totals[name].append(time.perf_counter() - start)
    medians = {name: float(np.median(values)) for name, values in totals.items()}
    print(f"{'step':<18}{'median ms':>11}{'min ms':>9}{'oracle / it':>13}")
    for name, median in medians.items():
        ratio = medians["oracle float64"] / median
        print(f"{name:<18}{median * 1e3:>11.2f}{min(totals[name]) * 1e3:>9.2f}{ratio:>13.2f}")
    if options.layers:
        names = ["Convolution", "Relu", "Pooling", "Affine", "Relu", "Affine", "SoftmaxWithLoss"]
        print(f"\n{'median ms':<28}" + "".join(f"{name:>18}" for name in cases))
        for i, layer in enumerate(names):
            for way in ("forward", "backward"):
                row = "".join(f"{np.median(times[name][(i, way)]) * 1e3:>18.3f}" for name in cases)
                print(f"{layer + ' ' + way:<28}{row}")


if __name__ == "__main__":
    main()
