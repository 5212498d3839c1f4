"""Images and their classes, from the places where they usually lie: nothing is ever downloaded.

`load()` gives scikit-learn's handwritten digits; `load(path)` reads a folder of IDX files (MNIST's format, gzipped or not), a
folder of images (``class/name.png``), or an ``.npz`` file. What is missing or broken is a `DatasetError` that names the file.
"""

from __future__ import annotations

import gzip
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import SwiftCNNError

Array = npt.NDArray[Any]
IMAGE_SUFFIXES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".ppm", ".pgm"}
IDX_NAMES = {
    "x_train": "train-images-idx3-ubyte",
    "t_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "t_test": "t10k-labels-idx1-ubyte",
}


class DatasetError(SwiftCNNError, ValueError):
    """A file of a data set is missing or not what it should be; the message names it."""


@dataclass(frozen=True)
class Dataset:
    """x_*[N][C][H][W] float32 from 0 to 1 and t_*[N] int64, to train with and held out; class_names[K]."""

    name: str
    x_train: Array
    t_train: Array
    x_test: Array
    t_test: Array
    class_names: list[str]


def load(path: str | Path | None = None, seed: int = 0) -> Dataset:
    """The data set at `path`, or scikit-learn's digits. Where there is no test part, a fifth of each class is held out.

    >>> load().x_train.shape[1:]
    (1, 8, 8)
    """
    if path is None:
        return _digits(seed)
    place = Path(path)
    if not place.exists():
        raise DatasetError(f"{place}: no such file or folder")
    if place.is_file():
        if place.suffix != ".npz":
            raise DatasetError(f"{place}: wanted an .npz file, or a folder of IDX files or of images")
        return _npz(place, seed)
    if any(_idx_path(place, stem) for stem in IDX_NAMES.values()):
        return _idx(place)
    return _image_folder(place, seed)


def _digits(seed: int) -> Dataset:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DatasetError("the built-in digits need scikit-learn: pip install scikit-learn") from error
    bunch = load_digits()
    x = (bunch.images[:, None] / 16).astype(np.float32)
    return _held_out("digits", x, bunch.target.astype(np.int64), [str(i) for i in range(10)], seed)


def _held_out(name: str, x: Array, t: Array, class_names: list[str], seed: int) -> Dataset:
    """Every class gives a fifth of its images to the test part."""
    rng = np.random.default_rng(seed)
    test = np.zeros(len(t), bool)
    for label in range(len(class_names)):
        members = rng.permutation(np.flatnonzero(t == label))
        test[members[: len(members) // 5]] = True
    if not test.any():
        raise DatasetError(f"{name}: wanted at least five images of a class, to hold one out")
    return Dataset(name, x[~test], t[~test], x[test], t[test], class_names)


# ---- IDX ---------------------------------------------------------------------------------------------------------------


def _idx_path(folder: Path, stem: str) -> Path | None:
    for name in (stem, stem + ".gz", stem.replace("-idx", ".idx"), stem.replace("-idx", ".idx") + ".gz"):
        if (folder / name).is_file():
            return folder / name
    return None


def _idx(folder: Path) -> Dataset:
    arrays = {}
    for key, stem in IDX_NAMES.items():
        path = _idx_path(folder, stem)
        if path is None:
            raise DatasetError(f"{folder / stem}: no such file, gzipped or not")
        arrays[key] = (path, _read_idx(path, 3 if key.startswith("x") else 1))
    for part in ("train", "test"):
        (image_path, images), (label_path, labels) = arrays["x_" + part], arrays["t_" + part]
        if len(images) != len(labels):
            raise DatasetError(f"{label_path}: has {len(labels)} labels, {image_path.name} has {len(images)} images")
    classes = int(max(arrays["t_train"][1].max(), arrays["t_test"][1].max())) + 1
    x_train, x_test = (_scaled(arrays[key][1][:, None]) for key in ("x_train", "x_test"))
    t_train, t_test = (arrays[key][1].astype(np.int64) for key in ("t_train", "t_test"))
    return Dataset(folder.name, x_train, t_train, x_test, t_test, [str(i) for i in range(classes)])


def _read_idx(path: Path, rank: int) -> Array:
    """One IDX file: 0, 0, type 8 (unsigned byte), rank, then big-endian extents, then the bytes."""
    try:
        data = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DatasetError(f"{path}: cannot be read: {error}") from error
    if data[:4] != bytes([0, 0, 8, rank]):
        raise DatasetError(
            f"{path}: wanted an IDX file of {rank} axes of bytes (magic 00 00 08 0{rank}), got {data[:4].hex(' ')}"
        )
    if len(data) < 4 + 4 * rank:
        raise DatasetError(f"{path}: ends inside its header")
    shape = tuple(int(n) for n in np.frombuffer(data, ">u4", rank, 4))
    wanted = int(np.prod(shape, dtype=object))
    if len(data) - 4 - 4 * rank != wanted:
        raise DatasetError(f"{path}: wanted {wanted} bytes for {shape}, got {len(data) - 4 - 4 * rank}")
    if wanted == 0:
        raise DatasetError(f"{path}: holds nothing, its shape is {shape}")
    return np.frombuffer(data, np.uint8, wanted, 4 + 4 * rank).reshape(shape)


def _scaled(x: Array) -> Array:
    return x.astype(np.float32) / 255 if x.dtype.kind in "ui" else x.astype(np.float32)


# ---- Folders of images, and .npz ---------------------------------------------------------------------------------------


def _image_folder(folder: Path, seed: int) -> Dataset:
    if (folder / "train").is_dir() and (folder / "test").is_dir():
        names = _class_names(folder / "train")
        x_train, t_train = _images(folder / "train", names)
        x_test, t_test = _images(folder / "test", names, x_train.shape[1:])
        return Dataset(folder.name, x_train, t_train, x_test, t_test, names)
    names = _class_names(folder)
    return _held_out(folder.name, *_images(folder, names), names, seed)


def _class_names(folder: Path) -> list[str]:
    names = sorted(p.name for p in folder.iterdir() if p.is_dir() and not p.name.startswith("."))
    if len(names) < 2:
        raise DatasetError(f"{folder}: wanted IDX files, or at least two folders of images, class/name.png; got {names}")
    return names


def _images(folder: Path, names: list[str], wanted: tuple[int, ...] | None = None) -> tuple[Array, Array]:
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError as error:
        raise DatasetError(f"{folder}: reading images needs Pillow: pip install pillow") from error
    x: list[Array] = []
    t = []
    for label, name in enumerate(names):
        paths = (
            sorted(p for p in (folder / name).iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
            if (folder / name).is_dir()
            else []
        )
        if not paths:
            raise DatasetError(f"{folder / name}: no images")
        for path in paths:
            try:
                with Image.open(path) as image:
                    gray = image.mode in ("1", "L", "I", "I;16", "F", "LA")
                    pixels = np.asarray(image.convert("L" if gray else "RGB"))
            except (UnidentifiedImageError, OSError, SyntaxError) as error:
                raise DatasetError(f"{path}: cannot be read as an image: {error}") from error
            planes = pixels[None] if pixels.ndim == 2 else pixels.transpose(2, 0, 1)
            wanted = wanted or planes.shape
            if planes.shape != wanted:
                raise DatasetError(
                    f"{path}: wanted (channels, height, width) {wanted} as the images before, got {planes.shape}"
                )
            x.append(_scaled(planes))
            t.append(label)
    return np.stack(x), np.array(t, np.int64)


def _npz(path: Path, seed: int) -> Dataset:
    try:
        with np.load(path, allow_pickle=False) as file:
            arrays = {key: file[key] for key in file.files}
    except Exception as error:
        raise DatasetError(f"{path}: cannot be read as an .npz file of plain arrays: {error}") from error

    def part(x_name: str, t_name: str) -> tuple[Array, Array]:
        x, t = arrays[x_name], arrays[t_name].reshape(-1)
        if x.dtype.kind not in "uif" or t.dtype.kind not in "ui":
            raise DatasetError(f"{path}: wanted numbers in {x_name} and integers in {t_name}, got {x.dtype} and {t.dtype}")
        if x.ndim == 3:
            x = x[:, None]
        elif x.ndim == 4 and x.shape[3] in (1, 3) and x.shape[1] not in (1, 3):
            x = x.transpose(0, 3, 1, 2)
        if x.ndim != 4 or len(x) != len(t) or len(t) == 0:
            raise DatasetError(
                f"{path}: wanted {x_name}[N][C][H][W] (or [N][H][W]) and {t_name}[N], got {x.shape} and {t.shape}"
            )
        return np.ascontiguousarray(_scaled(x)), t.astype(np.int64)

    if {"x_train", "y_train", "x_test", "y_test"} <= arrays.keys():
        (x_train, t_train), (x_test, t_test) = part("x_train", "y_train"), part("x_test", "y_test")
        classes = int(max(t_train.max(), t_test.max())) + 1
        return Dataset(path.stem, x_train, t_train, x_test, t_test, [str(i) for i in range(classes)])
    if {"x", "y"} <= arrays.keys():
        x, t = part("x", "y")
        return _held_out(path.stem, x, t, [str(i) for i in range(int(t.max()) + 1)], seed)
    raise DatasetError(f"{path}: wanted x_train, y_train, x_test, y_test, or x and y; got {sorted(arrays)}")
