"""Trains the article's network, layer by layer, and shows what it learned.

Without --data it reads scikit-learn's handwritten digits; --data takes a folder of IDX files (MNIST's format), of images
(class/name.png), or an .npz file. Ctrl-C ends the training early and still draws.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):  # read when NumPy loads; they would slow the oracle down
    os.environ.pop(name, None)

import numpy as np  # noqa: E402
import swiftcnn  # noqa: E402
import swiftcnn.layers  # noqa: E402
from convnet import Adam, Network, cosine_rate  # noqa: E402
from swiftcnn import datasets, plot  # noqa: E402


def accuracy(network, x, t):
    return float((network.predict(x)[0] == t).mean())


def jittered(x, rng):
    """x[N][C][H][W], each image moved by a fraction of a pixel down and across, and a little noise: no image comes twice."""
    for axis in (2, 3):
        shift = rng.uniform(-0.6, 0.6, (len(x), 1, 1, 1)).astype(x.dtype)
        before, after = np.zeros_like(x), np.zeros_like(x)
        inner, outer = (slice(None),) * axis + (slice(1, None),), (slice(None),) * axis + (slice(None, -1),)
        before[inner], after[outer] = x[outer], x[inner]
        x = (1 - np.abs(shift)) * x + np.maximum(shift, 0) * before + np.maximum(-shift, 0) * after
    return np.clip(x + 0.1 * rng.standard_normal(x.shape, np.float32), 0, 1).astype(x.dtype, copy=False)


def train(network, data, epochs, batch, seed):
    """Trains in place. Returns the losses of all steps, the accuracies of all epochs by part, and the seconds of training."""
    from tqdm import tqdm

    optimizer = Adam(network.parameters)
    steps = epochs * -(-len(data.x_train) // batch)
    losses, parts = [], {"a training sample": [], "held out": []}
    sample = np.random.default_rng(seed).permutation(len(data.x_train))[:1000]
    order, seconds = np.random.default_rng(seed), 0.0
    bar = tqdm(total=steps, unit="step", dynamic_ncols=True)
    with bar, contextlib.suppress(KeyboardInterrupt):
        for _ in range(epochs):
            start = time.perf_counter()
            shuffled = order.permutation(len(data.x_train))
            for first in range(0, len(shuffled), batch):
                rows = shuffled[first : first + batch]
                loss, _ = network.step(jittered(data.x_train[rows], order), data.t_train[rows])
                optimizer.update(network.gradients, cosine_rate(len(losses), steps, 0.003))
                losses.append(loss)
                bar.update()
                bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            seconds += time.perf_counter() - start
            parts["a training sample"].append(accuracy(network, data.x_train[sample], data.t_train[sample]))
            parts["held out"].append(accuracy(network, data.x_test, data.t_test))
            bar.set_postfix_str(f"loss {loss:.3f}, held out {parts['held out'][-1]:.2%}")
    optimizer.use_average()
    return losses, parts, seconds


def times_faster(data, dtype, batch, rounds=9):
    """How many times a training step takes longer with the NumPy oracle: medians of interleaved rounds, same batch."""
    sys.path.insert(0, str(ROOT / "Tests" / "python"))
    import oracle

    shape, classes = data.x_train.shape[1:], len(data.class_names)
    x, t = data.x_train[:batch], data.t_train[:batch]
    ours, theirs = Network(swiftcnn.layers, shape, classes, dtype=dtype), Network(oracle, shape, classes, dtype=np.float64)
    seconds = {ours: [], theirs: []}
    for _ in range(rounds + 1):
        for network, times in seconds.items():
            start = time.perf_counter()
            network.step(x.astype(network.parameters.dtype), t)
            times.append(time.perf_counter() - start)
    return tuple(float(np.median(seconds[network][1:])) for network in (ours, theirs))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", help="a folder of IDX files or of images, or an .npz file (default: scikit-learn's digits)")
    parser.add_argument(
        "--epochs", type=int, help="how often to go through the data (default: 25, or 3 for more than 20,000 images)"
    )
    parser.add_argument("--batch", type=int, default=0, help="images a step (default: 32, or 100 for more than 20,000)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    parser.add_argument("--out", default="demo.png", help="the picture (default: demo.png)")
    options = parser.parse_args()
    try:
        data = datasets.load(options.data, options.seed)
        large = len(data.x_train) > 20000
        epochs, batch = options.epochs or (3 if large else 25), options.batch or (100 if large else 32)
        if epochs < 1 or batch < 1:
            raise ValueError(f"--epochs and --batch must be 1 or more, got {epochs} and {batch}")
        if not Path(options.out).resolve().parent.is_dir():
            raise ValueError(f"--out {options.out}: no such folder")
        network = Network(swiftcnn.layers, data.x_train.shape[1:], len(data.class_names), options.seed, options.dtype)
    except (swiftcnn.SwiftCNNError, ValueError) as error:
        print(f"train_digits: {error}", file=sys.stderr)
        sys.exit(2)
    cast = data.x_train.astype(options.dtype, copy=False), data.x_test.astype(options.dtype, copy=False)
    data = datasets.Dataset(data.name, cast[0], data.t_train, cast[1], data.t_test, data.class_names)
    print(f"{data.name}: {len(data.x_train)} images to train with, {len(data.x_test)} held out, {data.x_train.shape[1:]}")
    losses, parts, seconds = train(network, data, epochs, batch, options.seed)

    read, certainty = network.predict(data.x_test)
    wrong = np.flatnonzero(read != data.t_test)
    wrong = wrong[np.argsort(-certainty[wrong])]
    score = 1 - len(wrong) / len(read)
    ours, theirs = times_faster(data, options.dtype, 100)
    print(f"test accuracy    {score:.2%} ({len(wrong)} of {len(read)} wrong)")
    print(f"training         {seconds:.1f} s for {len(losses)} steps of {batch}")
    print(
        f"a step of 100    {ours * 1e3:.2f} ms, with the NumPy oracle {theirs * 1e3:.2f} ms: {theirs / ours:.1f} times faster"
    )
    labels = data.class_names
    plot.report(
        options.out,
        f"{data.name}: {score:.2%} of {len(read)} held-out images read right, after {seconds:.1f} s of training",
        losses,
        parts if parts["held out"] else {},
        network.filters,
        (data.x_test[wrong[:30]], [labels[i] for i in data.t_test[wrong]], [labels[i] for i in read[wrong]], len(wrong)),
    )
    print(f"picture          {options.out}")


if __name__ == "__main__":
    main()
