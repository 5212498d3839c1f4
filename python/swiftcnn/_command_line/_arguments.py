"""The options of ``python -m swiftcnn``, and their help."""

from __future__ import annotations

import argparse
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Callable, Optional, Union

from .. import __version__
from . import _evaluate, _onnx, _predict, _summary, _train
from ._networks import MODELS, SUFFIXES

DATA = """data:
  without --data   scikit-learn's digits, 1797 scans of 8 by 8
  a folder         with IDX files (MNIST's train-images-idx3-ubyte and so on, gzipped or not)
  a folder         with a folder of images for each class (class/name.png), or with train and test that hold such folders
  a file           .npz with x_train, y_train, x_test, y_test, or x and y
Where there is no test part, a fifth of each class is held out for it, always the same.
"""
TRAIN = f"""Trains a network on labelled images, tests it after each epoch, and keeps it in a file.

{DATA}
Ctrl-C ends the training early; what was learned until then is tested, kept and drawn.
"""
EXAMPLES = """examples:
  python -m swiftcnn train --save digits.npz --plot digits.png
  python -m swiftcnn evaluate digits.npz
  python -m swiftcnn predict digits.npz scan.png --top 3
  python -m swiftcnn summary digits.npz
  python -m swiftcnn predict resnet50.onnx cat.jpg --labels imagenet.txt --top 5
  python -m swiftcnn bench resnet50.onnx --against onnxruntime
  python -m swiftcnn train --data mnist --model deep --epochs 12 --rate 0.002 --schedule one-cycle --save mnist.npz

SWIFTCNN_NUM_THREADS sets the number of threads; by default all processors are used that this process may use.
exit status: 0 if all went well, 1 if something failed, 2 for arguments that cannot be, 130 after Ctrl-C
"""


def parse(arguments: Optional[Sequence[str]]) -> argparse.Namespace:
    """What the command line says; ``run`` is the function of its command. Exits as argparse does."""
    parser = argparse.ArgumentParser(
        prog="python -m swiftcnn",
        description="Convolutional neural networks on the CPU: train them on images, test them, use them.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"swiftcnn {__version__}")
    commands = parser.add_subparsers(title="commands (each has its own --help)", metavar="COMMAND", required=True)
    train = _command(commands, "train", "train a network on labelled images and keep it", TRAIN, _train.train)
    _add_train(train)
    about = f"Tests a network that train kept.\n\n{DATA}"
    _add_evaluate(_command(commands, "evaluate", "test a network on labelled images", about, _evaluate.evaluate))
    about = "Says what a network that train kept, or one in an ONNX file, sees on images."
    _add_predict(_command(commands, "predict", "say what is on images", about, _predict.predict))
    about = "Shows the layers of a network: shapes, parameters, multiply-adds, memory."
    _add_summary(_command(commands, "summary", "show the layers of a network", about, _summary.summary))
    about = "Times an ONNX file: loading, the first prediction, and the next ones; beside other libraries that read such files."
    _add_bench(_command(commands, "bench", "time an ONNX file", about, _onnx.bench))
    options = parser.parse_args(arguments)
    if options.run is _train.train and options.momentum is not None and options.optimizer != "sgd":
        train.error(f"argument --momentum: it is for --optimizer sgd, got {options.optimizer}")
    return options


def _command(commands: Any, name: str, line: str, about: str, run: Callable[..., int]) -> argparse.ArgumentParser:
    made: argparse.ArgumentParser = commands.add_parser(
        name, help=line, description=about, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    made.set_defaults(run=run)
    return made


def _add_train(parser: argparse.ArgumentParser) -> None:
    _add_data(parser)
    model = parser.add_argument_group("network").add_mutually_exclusive_group()
    about = f"{', '.join(MODELS)}; default simple, the article's network"
    model.add_argument("--model", metavar="NAME", choices=MODELS, default="simple", help=about)
    about = "go on from the numbers of a kept network instead"
    model.add_argument("--start", metavar="FILE", type=_old_network, help=about)
    training = parser.add_argument_group("training")
    few = f"with fewer than {_train.FEW:,} images"
    about = f"passes over the images; default {_train.EPOCHS}, {few} {_train.EPOCHS_OF_FEW}"
    training.add_argument("--epochs", metavar="N", type=_whole(1), help=about)
    about = f"images in a step; default {_train.BATCH}, {few} {_train.BATCH_OF_FEW}"
    training.add_argument("--batch", metavar="N", type=_whole(1), help=about)
    about = f"{', '.join(_train.OPTIMIZERS)}; default adam"
    training.add_argument("--optimizer", metavar="NAME", choices=_train.OPTIMIZERS, default="adam", help=about)
    about = "learning rate; default 0.001, for sgd, adagrad and rmsprop 0.01"
    training.add_argument("--rate", metavar="R", type=_number(), help=about)
    training.add_argument("--momentum", metavar="M", type=_number(below=1), help="of sgd; default 0.9")
    training.add_argument("--weight-decay", metavar="D", type=_number(), help="default 0; 0.01 for adamw")
    about = """how the learning rate goes: constant (default); step, a tenth after each third; cosine, along half a cosine to 0;
        one-cycle, up to it and then to 0; plateau, a tenth when the loss stays"""
    training.add_argument("--schedule", metavar="NAME", choices=_train.SCHEDULES, default="constant", help=about)
    about = "share of each label that is spread over all classes; default 0"
    training.add_argument("--label-smoothing", metavar="SHARE", type=_number(below=1), default=0.0, help=about)
    about = "shift each image by up to so many pixels, another way in each epoch; default 0"
    training.add_argument("--shift", metavar="PIXELS", type=_whole(0), default=0, help=about)
    about = "mirror half of the images, others in each epoch: for things that may look either way"
    training.add_argument("--flip", action="store_true", help=about)
    about = "cut each image out of itself with so many dark pixels around, elsewhere in each epoch; default 0"
    training.add_argument("--crop", metavar="PIXELS", type=_whole(0), default=0, help=about)
    about = "darken a square of this side somewhere in each image; default 0"
    training.add_argument("--cutout", metavar="PIXELS", type=_whole(0), default=0, help=about)
    about = "mix each image and its label with another's, by a share from Beta(A, A); default 0, not"
    training.add_argument("--mixup", metavar="A", type=_number(), default=0.0, help=about)
    about = "test and keep an average of the weights, of which this share stays at each step, such as 0.999; default: none"
    training.add_argument("--ema", metavar="SHARE", type=_number(below=1), help=about)
    training.add_argument("--seed", metavar="N", type=_whole(0, 2**64 - 1), default=0, help="of weights and order; default 0")
    about = "hold this share of the training images out and test on them instead, to choose settings by; default 0"
    training.add_argument("--validation", metavar="SHARE", type=_number(below=1), default=0.0, help=about)
    results = parser.add_argument_group("results")
    about = f"""keep all that training needs here ({" or ".join(SUFFIXES)}), after each epoch, and go on from there if there is
        such a file, as if training had never stopped"""
    results.add_argument("--checkpoint", metavar="FILE", type=_new_file(*SUFFIXES), help=about)
    about = f"keep the network here ({' or '.join(SUFFIXES)}), after each epoch"
    results.add_argument("--save", metavar="FILE", type=_new_file(*SUFFIXES), help=about)
    about = "draw curves, filters and mistakes here (needs matplotlib)"
    results.add_argument("--plot", metavar="PNG", type=_new_file(".png"), help=about)
    results.add_argument("--quiet", action="store_true", help="no progress; only errors and the last lines")


def _add_evaluate(parser: argparse.ArgumentParser) -> None:
    _add_network(parser)
    _add_data(parser)
    _add_batch(parser)
    _add_json(parser)


def _add_predict(parser: argparse.ArgumentParser) -> None:
    about = "a file that train --save wrote, or an ONNX file"
    parser.add_argument("network", metavar="NETWORK", type=_predicting_network, help=about)
    parser.add_argument("images", metavar="IMAGE", type=Path, nargs="+", help="files that Pillow reads: .png, .jpg, …")
    parser.add_argument("--top", metavar="K", type=_whole(1), default=1, help="show the K likeliest classes; default 1")
    parser.add_argument("--resize", action="store_true", help="scale images to the size that the network takes")
    about = "swap light and dark: for dark digits on light paper and a network that learned light on dark"
    parser.add_argument("--invert", action="store_true", help=about)
    onnx = parser.add_argument_group(
        "ONNX files", "images are scaled, cut out around the centre and normalised as torchvision does"
    )
    onnx.add_argument("--labels", metavar="FILE", type=Path, help="the names of classes, one on each line; default: numbers")
    about = "pixels of the shorter side before the centre is cut out; default: that of the network by 0.875"
    onnx.add_argument("--shorter-side", metavar="PIXELS", type=_whole(1), help=about)
    about = "of pixels from 0 to 1, such as 0.5,0.5,0.5; default for colour ImageNet's, for gray 0 and 1"
    onnx.add_argument("--mean", metavar="NUMBERS", type=_numbers, help=about)
    onnx.add_argument("--std", metavar="NUMBERS", type=_numbers, help=about)
    _add_batch(parser)
    _add_json(parser)


def _add_bench(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="FILE", type=_onnx_file, help="an ONNX file")
    about = f"libraries with commas between: {', '.join(_onnx.PEERS)} (TorchScript, FILE.pt beside it); default none"
    parser.add_argument("--against", metavar="LIBRARIES", type=_peers, default=[], help=about)
    parser.add_argument("--batch", metavar="N", type=_whole(1), default=1, help="images at a time; default 1")
    about = "of an image, where the file leaves it open; default 3x224x224"
    parser.add_argument("--shape", metavar="CxHxW", type=_shape, help=about)
    parser.add_argument("--seconds", metavar="S", type=_number(), default=3.0, help="for each library; default 3")
    parser.add_argument("--profile", action="store_true", help="say of each step what it takes here")
    _add_json(parser)


def _add_summary(parser: argparse.ArgumentParser) -> None:
    about = f"a file that train --save wrote, an ONNX file, or one of {', '.join(MODELS)}"
    parser.add_argument("network", metavar="NETWORK", type=_network, help=about)
    about = "of an image, for a network given by its name; default 1x28x28"
    parser.add_argument("--shape", metavar="CxHxW", type=_shape, default=(1, 28, 28), help=about)
    about = "for a network given by its name; default 10"
    parser.add_argument("--classes", metavar="N", type=_whole(1), default=10, help=about)


def _add_network(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", metavar="NETWORK", type=_old_network, help="a file that train --save wrote")


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="PATH", type=Path, help="default: scikit-learn's digits")


def _add_batch(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--batch", metavar="N", type=_whole(1), default=100, help="images at a time; default 100")


def _add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print JSON")


# What an option may be: functions that argparse calls with its text.


def _whole(least: int, most: float = math.inf) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not (text.isascii() and text.isdecimal() and least <= int(text) <= most):
            limit = "" if most == math.inf else f" and at most {most}"
            raise argparse.ArgumentTypeError(f"wanted a whole number of at least {least}{limit}, got {text}")
        return int(text)

    return read


def _number(below: float = math.inf) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if not 0 <= number < below:
            limit = "" if below == math.inf else f" and below {below}"
            raise argparse.ArgumentTypeError(f"wanted a number of at least 0{limit}, got {text}")
        return number

    return read


def _shape(text: str) -> tuple[int, int, int]:
    extents = text.lower().split("x")
    if len(extents) != 3 or not all(extent.isascii() and extent.isdecimal() and int(extent) for extent in extents):
        raise argparse.ArgumentTypeError(f"wanted channels x height x width, such as 3x32x32, got {text}")
    return int(extents[0]), int(extents[1]), int(extents[2])


def _numbers(text: str) -> tuple[float, ...]:
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError:
        raise argparse.ArgumentTypeError(f"wanted numbers with commas between, got {text}") from None


def _peers(text: str) -> list[str]:
    peers = [part for part in text.split(",") if part]
    unknown = [peer for peer in peers if peer not in _onnx.PEERS]
    if unknown:
        raise argparse.ArgumentTypeError(f"wanted some of {', '.join(_onnx.PEERS)}, got {', '.join(unknown)}")
    return peers


def _onnx_file(text: str) -> Path:
    if Path(text).suffix.lower() != ".onnx":
        raise argparse.ArgumentTypeError(f"wanted a file name that ends in .onnx, got {text}")
    return Path(text)


def _predicting_network(text: str) -> Path:
    return _onnx_file(text) if Path(text).suffix.lower() == ".onnx" else _old_network(text)


def _old_network(text: str) -> Path:
    if Path(text).suffix.lower() not in SUFFIXES:
        raise argparse.ArgumentTypeError(f"wanted a file name that ends in {' or '.join(SUFFIXES)}, got {text}")
    return Path(text)


def _network(text: str) -> Union[str, Path]:
    """A model's name, or a kept network."""
    suffixes = (*SUFFIXES, ".onnx")
    if text not in MODELS and Path(text).suffix.lower() not in suffixes:
        wanted = f"a file name that ends in {' or '.join(suffixes)}, or one of {', '.join(MODELS)}"
        raise argparse.ArgumentTypeError(f"wanted {wanted}, got {text}")
    return text if text in MODELS else Path(text)


def _new_file(*suffixes: str) -> Callable[[str], Path]:
    """A place to write to: better known before the training than after it."""

    def read(text: str) -> Path:
        place = Path(text)
        if place.suffix.lower() not in suffixes or place.is_dir():
            raise argparse.ArgumentTypeError(f"wanted a file name that ends in {' or '.join(suffixes)}, got {text}")
        if not place.parent.is_dir():
            raise argparse.ArgumentTypeError(f"no such folder: {place.parent}")
        # Networks are written beside the place and then renamed, so that folder must allow it.
        if not os.access(place.parent, os.W_OK) or (place.exists() and not os.access(place, os.W_OK)):
            raise argparse.ArgumentTypeError(f"{text} cannot be written")
        return place

    return read
