"""Trains the article's CNN on handwritten digits and draws what it learned.

    python Examples/python/train_digits.py                      scikit-learn's digits
    python Examples/python/train_digits.py --data path          IDX files (MNIST), class/name.png, or an .npz

Ctrl-C ends the training early; what was learned until then is still tested and drawn.
"""

from __future__ import annotations

import argparse
import math
import os
import sys
import time
from pathlib import Path

# Read by NumPy's BLAS when it loads. Without them it chooses what suits the processor: the comparison is with that.
for name in ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE"):
    os.environ.pop(name, None)

import numpy as np  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
FEW = 10_000  # with fewer images than this, each epoch sees them deformed anew


class Parser(argparse.ArgumentParser):
    def error(self, message):
        raise SystemExit(fail(message))


def arguments():
    def count(text):
        if not text.isdecimal() or int(text) < 1:
            raise argparse.ArgumentTypeError(f"wanted a whole number of at least 1, got {text}")
        return int(text)

    def seed(text):
        if not text.isdecimal():
            raise argparse.ArgumentTypeError(f"wanted a whole number of at least 0, got {text}")
        return int(text)

    def picture(text):
        place = Path(text)
        if place.suffix.lower() != ".png" or place.is_dir():
            raise argparse.ArgumentTypeError(f"wanted a file name that ends in .png, got {text}")
        if not place.parent.is_dir():
            raise argparse.ArgumentTypeError(f"no such folder: {place.parent}")
        if not os.access(place if place.exists() else place.parent, os.W_OK):
            raise argparse.ArgumentTypeError(f"{text} cannot be written")
        return place

    parser = Parser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", metavar="PATH", help="folder of IDX files, folder of class/name.png, or .npz")
    parser.add_argument("--epochs", type=count, help=f"default 40; 3 with {FEW} images or more")
    parser.add_argument("--batch", type=count, help=f"images in a step; default 50; 100 with {FEW} images or more")
    parser.add_argument("--seed", type=seed, default=0, help="of weights and order; default 0")
    parser.add_argument("--out", metavar="PNG", type=picture, default=Path("demo.png"), help="default demo.png")
    parser.add_argument("--dtype", choices=("float32", "float64"), default="float32")
    return parser.parse_args()


def train(network, data, epochs, batch, seed):
    """Trains in place. Returns the history that swiftcnn.plot draws."""
    from network import deform
    from swiftcnn import callbacks, optim
    from tqdm import tqdm

    class Progress(callbacks.Callback):
        def on_batch_end(self, done, batches, loss):
            bar.set_postfix_str(f"loss {loss:.3f}", refresh=False)
            bar.update()

    count = len(data.x_train)
    few = count < FEW
    steps = epochs * math.ceil(count / batch)
    rate = 5e-3 if few else 2e-3
    optimizer = optim.AdamW(rate, eps=1e-7, weight_decay=0.1)
    optim.lr_scheduler.OneCycleLR(optimizer, rate, steps, pct_start=0.1)
    network.compile("cross_entropy", optimizer, metrics=["accuracy"])
    generator = np.random.default_rng([seed, 1])
    history = {"loss": [], "accuracy": [], "test_accuracy": []}
    quiet = 0.1 if sys.stderr.isatty() else 2.0
    line = "{desc} |{bar}| {n_fmt}/{total_fmt} [{elapsed}<{remaining}{postfix}]"
    with tqdm(total=steps, bar_format=line, ncols=96, mininterval=quiet) as bar:
        try:
            for epoch in range(epochs):
                bar.set_description(f"epoch {epoch + 1}/{epochs}", refresh=False)
                images = deform(data.x_train, generator) if few else data.x_train
                part = network.fit(
                    *(images, data.t_train, epoch + 1, batch, (data.x_test, data.t_test), [Progress()]),
                    initial_epoch=epoch,
                    verbose=False,
                )
                if part.stopped:
                    raise KeyboardInterrupt
                history["loss"] += part.steps
                history["accuracy"] += part["accuracy"]
                history["test_accuracy"] += part["val_accuracy"]
        except KeyboardInterrupt:
            bar.set_description("ended early")
    return history


def compare(network, data, batch, dtype):
    """The median seconds of a training step of the same network and batch: ours, with the update, and the oracle's, forward
    and backward alone."""
    sys.path.insert(0, str(ROOT / "Tests" / "python"))
    try:
        import oracle
    except ImportError:
        return None
    from network import LayerByLayer

    x, t = data.x_train[:batch], data.t_train[:batch]
    theirs = LayerByLayer(network, oracle, "float64")  # the article's code computes in float64
    cases = [(network.train_step, x.astype(dtype), []), (theirs.step, x.astype("float64"), [])]
    begin = time.perf_counter()
    # The first round only warms up. Rounds alternate, so a machine that slows down does so for both.
    for done in range(16):
        for step, images, seconds in cases:
            start = time.perf_counter()
            step(images, t)
            seconds.append(time.perf_counter() - start)
        if done >= 3 and time.perf_counter() - begin > 5:
            break
    return [float(np.median(seconds[1:])) for _, _, seconds in cases]


def run(options):
    import swiftcnn
    from network import make_network
    from swiftcnn import datasets, plot

    data = datasets.load(options.data)
    shape, count = data.x_train.shape[1:], len(data.x_train)
    epochs = options.epochs or (40 if count < FEW else 3)
    batch = min(options.batch or (50 if count < FEW else 100), count)
    print(f"{data.name}: {count} images to train with, {len(data.x_test)} held out for the test,", end=" ")
    print(f"{'x'.join(map(str, shape))}, {len(data.class_names)} classes")
    print(f"swiftcnn {swiftcnn.__version__}: {options.dtype}, {swiftcnn.isa()}, {swiftcnn.get_num_threads()} threads")

    swiftcnn.manual_seed(options.seed)
    network = make_network(shape, len(data.class_names)).to(options.dtype)
    start = time.perf_counter()
    history = train(network, data, epochs, batch, options.seed)
    seconds = time.perf_counter() - start

    probabilities = network.predict_proba(data.x_test)
    predicted, certainty = probabilities.argmax(axis=1), probabilities.max(axis=1)
    right = int((predicted == data.t_test).sum())
    accuracy = f"{right / len(predicted):.2%}"
    print(f"test accuracy  {accuracy} ({right} of {len(predicted)})")
    done = len(history["loss"])
    print(f"training       {seconds:.1f} s for {done} epoch{'s' * (done != 1)}, the test after each included")
    filters = network[0].weight.data.copy()
    medians = compare(network, data, batch, options.dtype)  # trains it on, so what was learned is taken before
    if medians:
        ours, numpys = medians
        print(f"a step         {ours * 1e3:.2f} ms for {batch} images; the NumPy oracle's {numpys * 1e3:.2f} ms", end="")
        print(f" (float64, as the article): {numpys / ours:.1f} times faster")

    wrong = np.flatnonzero(predicted != data.t_test)
    wrong = wrong[np.argsort(-certainty[wrong], kind="stable")]  # the surest mistakes first
    plot.report(
        history,
        filters,
        data.x_test[wrong],
        [data.class_names[label] for label in data.t_test[wrong]],
        [data.class_names[label] for label in predicted[wrong]],
        title=f"{data.name}: {accuracy} of {len(predicted)} test images read correctly",
    ).savefig(options.out)
    print(f"picture        {options.out}")


def fail(error):
    """One line that says what is wrong; the exit status."""
    print(f"train_digits: {' '.join(str(error).split()) or type(error).__name__}", file=sys.stderr)
    return 2


def main():
    options = arguments()
    sys.path.insert(0, str(ROOT / "python"))
    try:
        run(options)
    except (ImportError, OSError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        return fail(error)
    except KeyboardInterrupt:
        print("train_digits: ended by Ctrl-C", file=sys.stderr)
        return 130
    return 0


if __name__ == "__main__":
    sys.exit(main())
