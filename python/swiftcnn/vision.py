"""Images as networks that were trained on ImageNet want them: torchvision's preprocessing, through Pillow.

>>> import numpy as np
>>> from PIL import Image
>>> preprocess(Image.new("RGB", (320, 240), "white")).shape
(3, 224, 224)
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Optional, Union

import numpy as np

from ._arrays import Array
from .datasets import DatasetError, read_image
from .errors import InvalidArgumentError, ShapeError

__all__ = ["IMAGENET_MEAN", "IMAGENET_STD", "preprocess", "top_classes"]

#: Of the pixels of ImageNet's images, from 0 to 1, for red, green and blue.
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def preprocess(
    image: Any,
    size: Sequence[int] = (224, 224),
    shorter_side: Optional[int] = None,
    mean: Sequence[float] = IMAGENET_MEAN,
    std: Sequence[float] = IMAGENET_STD,
) -> Array:
    """``x[C][H][W]``, float32: the image scaled so that its shorter side has `shorter_side` pixels, bilinearly and with
    antialiasing, cut out around its centre, taken from 0 to 1, and normalised: ``(x - mean) / std``.

    image : a file, or an image of Pillow. size : (H, W) of the result. Default (224, 224).
    shorter_side : default: the larger of `size` by 0.875, 256 for 224. mean, std : for each channel, three (default ImageNet's)
        for colour, one for grayscale.

    Raises `DatasetError` for a file that is no image, `InvalidArgumentError` for sizes and statistics that cannot be.

    Source: torchvision.transforms: Resize, CenterCrop, ToTensor, Normalize.
    """
    if len(size) != 2 or min(size) < 1:
        raise InvalidArgumentError(f"size must be (H, W), got {tuple(size)}")
    if len(mean) != len(std) or len(mean) not in (1, 3) or min(std) <= 0:
        raise InvalidArgumentError(f"mean and std must have 1 or 3 numbers, and std positive ones, got {mean} and {std}")
    height, width = size
    short = round(max(size) / 0.875) if shorter_side is None else shorter_side
    if short < 1:
        raise InvalidArgumentError(f"shorter_side must be at least 1, got {short}")
    pixels = np.asarray(_scaled(_opened(image, gray=len(mean) == 1), short))
    planes = pixels.reshape(*pixels.shape[:2], len(mean)).transpose(2, 0, 1)
    # Cut out, with black pixels where the image is smaller.
    rows, columns = planes.shape[1:]
    above, left = max(height - rows, 0) // 2, max(width - columns, 0) // 2
    below, right = max(height - rows, 0) - above, max(width - columns, 0) - left
    planes = np.pad(planes, ((0, 0), (above, below), (left, right)))
    top, start = round((planes.shape[1] - height) / 2.0), round((planes.shape[2] - width) / 2.0)
    cut = planes[:, top : top + height, start : start + width].astype(np.float32) / np.float32(255)
    centre, spread = (np.asarray(values, np.float32)[:, None, None] for values in (mean, std))
    return np.ascontiguousarray((cut - centre) / spread)


def _opened(image: Any, gray: bool) -> Any:
    """An image of Pillow, of one channel or of three."""
    try:
        from PIL import Image
    except ImportError as error:
        raise DatasetError("reading images needs Pillow: pip install pillow") from error
    if not isinstance(image, Image.Image):
        pixels = read_image(image, gray=gray)
        image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    return image.convert("L" if gray else "RGB")


def _scaled(image: Any, short: int) -> Any:
    from PIL import Image

    width, height = image.size
    wanted = (short, int(short * height / width)) if width <= height else (int(short * width / height), short)
    return image if wanted == image.size else image.resize(wanted, Image.Resampling.BILINEAR)


def top_classes(probabilities: Any, k: int = 5, names: Optional[Sequence[str]] = None) -> list[list[tuple[str, float]]]:
    """For each row of ``probabilities[N][K]`` its `k` largest, the largest first, with the names of their classes.

    >>> top_classes([[0.1, 0.7, 0.2]], 2, ["cat", "dog", "bird"])
    [[('dog', 0.7), ('bird', 0.2)]]
    """
    rows = np.asarray(probabilities)
    if rows.ndim != 2:
        raise ShapeError(f"probabilities must have 2 axes, [N][K], got shape {rows.shape}")
    called = [str(i) for i in range(rows.shape[1])] if names is None else list(names)
    if len(called) != rows.shape[1]:
        raise InvalidArgumentError(f"names must be {rows.shape[1]}, one for each class, got {len(called)}")
    order = np.argsort(-rows, axis=1, kind="stable")[:, :k]
    return [[(called[i], float(row[i])) for i in best] for row, best in zip(rows, order)]


def read_names(file: Union[str, Path]) -> list[str]:
    """The lines of a text file: the name of class 0 first."""
    return [line.strip() for line in Path(file).read_text(encoding="utf-8").splitlines() if line.strip()]
