"""Labelled images from the places where they usually lie, ready for a convolutional network; nothing is downloaded.

`load()` gives scikit-learn's handwritten digits, `load(path)` a folder of IDX files (MNIST's format), a folder of
images (``class/name.png``), or an ``.npz``. What is missing or broken raises `DatasetError`, which names the file, what
was wanted and what came.
"""

from __future__ import annotations

import gzip
import math
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np
import numpy.typing as npt

from .errors import SwiftCNNError

__all__ = ["Dataset", "DatasetError", "load"]

Array = npt.NDArray[Any]
Part = tuple[Array, Array]  # x[N][C][H][W], t[N]


class DatasetError(SwiftCNNError, ValueError):
    """A file of a data set is missing, broken, or does not fit the others; the message names it."""


@dataclass(frozen=True)
class Dataset:
    """Labelled images to train with, and others held out for the test.

    Images are ``x[N][C][H][W]``, float32 from 0 to 1; labels ``t[N]``, int64, are positions in `class_names`.
    """

    name: str
    x_train: Array
    t_train: Array
    x_test: Array
    t_test: Array
    class_names: list[str]

    def validation(self, share: float, seed: int = 0) -> Dataset:
        """To choose settings by, so that the test stays fair: this share of each class of the training images is held out,
        drawn by `seed`, and stands in the test's place.

        >>> data = load()
        >>> held_out = data.validation(0.25)
        >>> len(held_out.x_train) + len(held_out.x_test) == len(data.x_train)
        True
        """
        train, rest = _split(self.name, self.x_train, self.t_train, share, seed)
        return Dataset(self.name, *train, *rest, self.class_names)


def load(path: Optional[Union[str, os.PathLike[str]]] = None, seed: int = 0) -> Dataset:
    """Reads a data set.

    Parameters
    ----------
    path : where it is:

        - None: scikit-learn's digits, 1797 scans of 8 by 8.
        - A folder with ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the same of ``t10k``, each gzipped
          (``.gz``) or not.
        - A folder with a folder of images for each class, or with ``train`` and ``test`` that hold such folders.
          Images are grayscale or colour, all of one size.
        - An ``.npz`` with x_train, y_train, x_test, y_test, or with x and y. x is ``[N][H][W]``, ``[N][C][H][W]`` or
          ``[N][H][W][C]``, bytes or numbers that the extremes of the training images scale to 0..1. y is ``[N]``,
          numbers or names of classes.
    seed : where the data set has no test part, a fifth of each class is drawn for it, by this seed.

    Raises `DatasetError` if a file, or the package that reads it, is missing or cannot be used.

    >>> data = load()
    >>> data.x_train.shape[1:], len(data.x_train) + len(data.x_test)
    ((1, 8, 8), 1797)
    """
    if path is None:
        return _digits(seed)
    place = Path(path)
    try:
        if place.is_dir():
            return _idx(place, seed) if any(place.glob("*idx[13]-ubyte*")) else _image_folder(place, seed)
        if place.suffix.lower() == ".npz" and place.exists():
            return _npz(place, seed)
        found = "a file" if place.exists() else "nothing there"
    except (OSError, MemoryError) as error:
        reason = getattr(error, "strerror", None) or "not enough memory"
        raise DatasetError(f"{getattr(error, 'filename', None) or place}: cannot be read: {reason}") from error
    raise DatasetError(f"{place}: wanted an .npz file, a folder of IDX files or a folder of images, got {found}")


# ---- What all data sets have in common -------------------------------------------------------------------------------


def _dataset(place: Path, name: str, train: Part, test: Optional[Part], class_names: Sequence[str], seed: int) -> Dataset:
    """Checks the parts against each other; draws the test part if there is none."""
    for title, part in (("training", train), ("test", test)):
        if part is None:
            continue
        x, t = part
        if len(x) != len(t):
            raise DatasetError(f"{place}: wanted a label for each of {len(x)} {title} images, got {len(t)}")
        if x.size == 0:
            raise DatasetError(f"{place}: wanted {title} images, got an array of shape {x.shape}")
        if x.shape[1:] != train[0].shape[1:]:
            wanted = train[0].shape[1:]
            raise DatasetError(f"{place}: wanted {title} images of shape {wanted} as in training, got {x.shape[1:]}")
    known = np.unique(train[1])
    if len(known) < 2:
        raise DatasetError(f"{place}: wanted images of at least 2 classes, got {len(known)}")
    if test is None:
        train, test = _split(place, *train, 1 / 5, seed)
    elif not np.isin(test[1], known).all():
        stray = class_names[int(test[1][~np.isin(test[1], known)][0])]
        raise DatasetError(f"{place}: wanted test labels that occur in training, got {stray}")
    return Dataset(name, *train, *test, list(class_names))


def _split(place: Union[Path, str], x: Array, t: Array, share: float, seed: int) -> tuple[Part, Part]:
    """Holds out a share of each class."""
    generator = np.random.default_rng(seed)
    held_out = np.zeros(len(t), np.bool_)
    for label in np.unique(t):
        members = generator.permutation(np.flatnonzero(t == label))
        held_out[members[: round(len(members) * share)]] = True
    if not held_out.any() or held_out.all():
        least = math.ceil(0.5 / share) if share > 0 else "no"
        raise DatasetError(f"{place}: wanted at least {least} images of a class, to hold out {share:.0%} of each")
    return (x[~held_out], t[~held_out]), (x[held_out], t[held_out])


def from_bytes(x: Array) -> Array:
    """Bytes as float32 from 0 to 1."""
    scaled: Array = x.astype(np.float32) * np.float32(1 / 255)
    return scaled


def _digits(seed: int) -> Dataset:
    try:
        from sklearn.datasets import load_digits
    except ImportError as error:
        raise DatasetError("digits: they come with scikit-learn: pip install scikit-learn") from error
    digits = load_digits()
    x = (digits.images[:, np.newaxis] / 16).astype(np.float32)
    return _dataset(Path("digits"), "digits", (x, digits.target.astype(np.int64)), None, "0123456789", seed)


# ---- IDX -------------------------------------------------------------------------------------------------------------


def _idx(folder: Path, seed: int) -> Dataset:
    train, test = _idx_part(folder, "train"), _idx_part(folder, "t10k")
    count = int(max(train[1].max(initial=0), test[1].max(initial=0))) + 1
    return _dataset(folder, folder.resolve().name, train, test, [str(i) for i in range(count)], seed)


def _idx_part(folder: Path, part: str) -> Part:
    images_file, labels_file = _idx_file(folder, f"{part}-images-idx3"), _idx_file(folder, f"{part}-labels-idx1")
    images, labels = _read_idx(images_file, 3), _read_idx(labels_file, 1)
    if len(images) != len(labels):
        raise DatasetError(
            f"{labels_file}: wanted {len(images)} labels, one for each image of {images_file.name}, got {len(labels)}"
        )
    return from_bytes(images[:, np.newaxis]), labels.astype(np.int64)


def _idx_file(folder: Path, stem: str) -> Path:
    for name in (stem, stem.replace("-idx", ".idx")):
        for end in ("-ubyte", "-ubyte.gz"):
            if (folder / (name + end)).is_file():
                return folder / (name + end)
    raise DatasetError(f"{folder / stem}-ubyte: no such file, gzipped (.gz) or not")


def _read_idx(file: Path, rank: int) -> Array:
    """The bytes of an IDX file: 0, 0, 8 for bytes, rank; then big-endian extents; then the elements."""
    with open(file, "rb") as plain:
        gzipped = plain.read(2) == b"\x1f\x8b"
    if file.suffix == ".gz" and not gzipped:
        raise DatasetError(f"{file}: wanted a gzip file, got something else")
    try:
        with gzip.open(file) if gzipped else open(file, "rb") as stream:
            head = stream.read(4 + 4 * rank)
            if head[:4] != bytes((0, 0, 8, rank)):
                came = head[:4].hex(" ") or "an empty file"
                raise DatasetError(f"{file}: wanted IDX bytes of {rank} axes (magic 00 00 08 0{rank}), got {came}")
            if len(head) < 4 + 4 * rank:
                raise DatasetError(f"{file}: wanted a header of {4 + 4 * rank} bytes, got {len(head)}")
            shape = tuple(int.from_bytes(head[i : i + 4], "big") for i in range(4, len(head), 4))
            wanted, data = math.prod(shape), bytearray()
            # In pieces: what the header of a broken file asks for may be beyond any memory.
            while piece := stream.read(min(1 << 22, wanted + 1 - len(data))):
                data += piece
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DatasetError(f"{file}: wanted a whole gzip file, got a broken one: {error}") from error
    if len(data) != wanted:
        came = "more" if len(data) > wanted else str(len(data))
        raise DatasetError(f"{file}: wanted {wanted} bytes after the header, which says {shape}, got {came}")
    return np.frombuffer(data, np.uint8).reshape(shape)


# ---- Folders of images -----------------------------------------------------------------------------------------------


def _image_folder(root: Path, seed: int) -> Dataset:
    split = (root / "train").is_dir() and (root / "test").is_dir()
    train_root = root / "train" if split else root
    names = [folder.name for folder in _entries(train_root) if folder.is_dir()]
    if len(names) < 2:
        wanted = "IDX files, or a folder of images for each of at least 2 classes"
        raise DatasetError(f"{train_root}: wanted {wanted}, got {', '.join(names) or 'none'}")
    files = _labelled(train_root, names)
    test_files = _labelled(root / "test", names) if split else []
    x = _read_images([file for file, _ in files + test_files])
    t = np.array([label for _, label in files + test_files], np.int64)
    count = len(files)
    return _dataset(root, root.resolve().name, (x[:count], t[:count]), (x[count:], t[count:]) if split else None, names, seed)


def _entries(folder: Path) -> list[Path]:
    return sorted(entry for entry in folder.iterdir() if not entry.name.startswith(".") and entry.name != "Thumbs.db")


def _labelled(root: Path, names: Sequence[str]) -> list[tuple[Path, int]]:
    files: list[tuple[Path, int]] = []
    for folder in filter(Path.is_dir, _entries(root)):
        if folder.name not in names:
            raise DatasetError(f"{folder}: wanted one of the training classes, {', '.join(names)}, got {folder.name}")
        found = [(file, names.index(folder.name)) for file in _entries(folder)]
        if not found:
            raise DatasetError(f"{folder}: wanted images of the class {folder.name}, got an empty folder")
        files += found
    return files


def _read_images(files: Sequence[Path]) -> Array:
    """``x[N][C][H][W]``; C is 1 if all images are grayscale, else 3."""
    planes: list[Array] = []
    for file in files:
        pixels = read_image(file)
        if planes and pixels.shape[:2] != planes[0].shape[:2]:
            (height, width), (h, w) = planes[0].shape[:2], pixels.shape[:2]
            raise DatasetError(f"{file}: wanted {width} x {height} pixels, as {files[0].name} has, got {w} x {h}")
        planes.append(pixels)
    channels = max(plane.shape[2] for plane in planes)
    full = [np.broadcast_to(plane, (*plane.shape[:2], channels)).transpose(2, 0, 1) for plane in planes]
    return from_bytes(np.stack(full))


def read_image(file: Union[str, os.PathLike[str]], gray: bool = False, size: Optional[tuple[int, int]] = None) -> Array:
    """An image file as bytes ``[H][W][C]``; C is 1 if it is grayscale, else 3. What is transparent becomes white.

    gray : makes colour images grayscale. size : (H, W) to scale it to. Default: as it is.

    Raises `DatasetError` if the file cannot be read, or Pillow, which reads it, is missing.
    """
    try:
        from PIL import Image
    except ImportError as error:
        raise DatasetError(f"{file}: reading images needs Pillow: pip install pillow") from error
    try:
        with Image.open(file) as opened:
            image: Image.Image = opened
            if image.mode.startswith("I"):  # 16 bits, which Pillow would cut off at 255
                image = Image.fromarray((np.asarray(image).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8))
            plain = "L" if gray or image.mode in ("1", "L", "LA") else "RGB"
            if "A" in image.mode or "transparency" in image.info:
                layer = image.convert("RGBA")
                image = Image.alpha_composite(Image.new("RGBA", layer.size, "white"), layer)
            image = image.convert(plain)
            if size is not None and image.size != size[::-1]:
                image = image.resize(size[::-1], Image.Resampling.BICUBIC)
            pixels = np.asarray(image)
    except Exception as error:  # Pillow raises many kinds, among them SyntaxError and struct.error
        reason = "not an image" if type(error).__name__ == "UnidentifiedImageError" else error
        raise DatasetError(f"{file}: wanted an image, got a file that cannot be read as one: {reason}") from error
    return pixels.reshape(*pixels.shape[:2], -1)


# ---- NumPy archives --------------------------------------------------------------------------------------------------


def _npz(file: Path, seed: int) -> Dataset:
    try:
        with np.load(file, allow_pickle=False) as archive:
            arrays = {str(key): np.asarray(archive[key]) for key in archive.files}
    except OSError as error:
        if error.errno is not None:
            raise
        raise DatasetError(f"{file}: wanted an .npz of plain arrays, got a broken one: {error}") from error
    except Exception as error:  # zipfile, zlib and the reader of headers raise their own kinds
        raise DatasetError(f"{file}: wanted an .npz of plain arrays, got another file: {error}") from error
    wanted = ("x", "y") if "x" in arrays else ("x_train", "y_train", "x_test", "y_test")
    missing = [key for key in wanted if key not in arrays]
    if missing:
        came = ", ".join(arrays) or "nothing"
        raise DatasetError(f"{file}: wanted {', '.join(wanted)} (or x, y), got {came}")
    xs = [_pixels(file, key, arrays[key]) for key in wanted[::2]]
    ys = [_labels(file, key, arrays[key]) for key in wanted[1::2]]
    names = np.unique(np.concatenate(ys))
    low, high = (0.0, 255.0) if xs[0].dtype == np.uint8 else (xs[0].min(initial=0), xs[0].max(initial=1))
    parts = [
        (((x.astype(np.float64) - low) / (high - low)).astype(np.float32), np.searchsorted(names, y).astype(np.int64))
        for x, y in zip(xs, ys)
    ]
    test = parts[1] if len(parts) == 2 else None
    return _dataset(file, file.stem, parts[0], test, [str(name) for name in names], seed)


def _pixels(file: Path, key: str, x: Array) -> Array:
    """``[N][C][H][W]``, in the array's own type."""
    if x.dtype.kind not in "fiub":
        raise DatasetError(f"{file}: wanted numbers in {key}, got {x.dtype}")
    if x.ndim == 3:
        x = x[:, np.newaxis]
    elif x.ndim == 4 and x.shape[3] in (1, 3) and x.shape[1] not in (1, 3):
        x = x.transpose(0, 3, 1, 2)
    if x.ndim != 4:
        raise DatasetError(f"{file}: wanted {key} of shape [N][H][W] or [N][C][H][W], got {x.shape}")
    if not np.isfinite(x).all():
        raise DatasetError(f"{file}: wanted finite numbers in {key}, got NaN or infinity")
    return np.ascontiguousarray(x)


def _labels(file: Path, key: str, y: Array) -> Array:
    """``[N]``, integers or text."""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DatasetError(f"{file}: wanted {key} of shape [N], got {y.shape}")
    if y.dtype.kind == "f" and np.array_equal(y, np.floor(y)):
        y = y.astype(np.int64)
    if y.dtype.kind not in "iubU":
        raise DatasetError(f"{file}: wanted integers or names of classes in {key}, got {y.dtype}")
    return y
