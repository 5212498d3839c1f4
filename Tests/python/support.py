"""What the tests share: how close is close enough, and arrays in every type and memory layout."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import strategies as st

tally: Counter[str] = Counter()

# ---- How close -------------------------------------------------------------------------------------------------------
#
# A sum of n products, taken in any order with or without fused multiply-add, is off by at most about n*u times the
# sum of the terms' absolute values, u being half the distance from 1 to the next number. That sum of absolute values
# is what the oracle gives for absolute inputs, and the bound here is TOLERANCE times it, element by element. It is
# tight where terms do not cancel, and allows what no implementation can avoid where they do. The shapes drawn have n
# < 2000, so n*u is below 3e-13 in float64, and the usual sqrt(n)*u below 3e-6 in float32.

TOLERANCE = {np.dtype(np.float64): 1e-12, np.dtype(np.float32): 1e-5}


def assert_within(actual, expected, terms, what: str, exact: bool = False, factor: float = 1.0, dtype=None) -> None:
    """|actual - expected| <= TOLERANCE * terms everywhere; or equal. NaN must meet NaN.

    The tolerance is that of `dtype`, the least precise type on the way; by default that of `actual`.
    """
    assert isinstance(actual, np.ndarray), f"{what}: got a {type(actual).__name__}"
    assert actual.shape == np.shape(expected), f"{what}: shape {actual.shape}, wanted {np.shape(expected)}"
    tally["arrays"] += 1
    if exact:
        np.testing.assert_array_equal(actual, expected, err_msg=what)
        return
    allowed = factor * TOLERANCE[np.dtype(dtype or actual.dtype)] * np.asarray(terms, float) + np.finfo(actual.dtype).tiny
    with np.errstate(invalid="ignore"):
        off = np.abs(actual.astype(float) - expected)
    wrong = ~((off <= allowed) | (actual == expected) | (np.isnan(actual) & np.isnan(expected)))
    if wrong.any():
        at = tuple(int(i) for i in np.argwhere(wrong)[0])
        raise AssertionError(
            f"{what}: {wrong.sum()} of {wrong.size} elements off; first at {at}: got {actual[at]!r}, wanted "
            f"{expected[at]!r}, allowed {allowed[at]:.3g} ({actual.dtype})"
        )


def doubles(*arrays) -> list[np.ndarray]:
    """What the oracle gets: the same values in float64, in C order."""
    return [np.array(array, np.float64, order="C") for array in arrays]


# ---- Arrays ----------------------------------------------------------------------------------------------------------

DTYPES = ["f8", "f8", "f4", "f4", ">f8", ">f4", "f2", "i8", "i4", "i2", "u1", "?"]


def is_single(*arrays) -> bool:
    """Whether the engine computes with these in float32: only if all of them are float32, of any byte order."""
    return all(array.dtype.kind == "f" and array.dtype.itemsize == 4 for array in arrays)


def computed(*arrays) -> np.dtype:
    return np.dtype(np.float32 if is_single(*arrays) else np.float64)


def _sliced(array: np.ndarray) -> np.ndarray:
    host = np.zeros([2 * extent + 1 for extent in array.shape], array.dtype)
    view = host[tuple(slice(1, None, 2) for _ in array.shape)]
    view[...] = array
    return view


def _transposed(array: np.ndarray) -> np.ndarray:
    axes = (*range(2, array.ndim), *range(min(2, array.ndim)))  # for images: channels last but for the batch
    return np.ascontiguousarray(array.transpose(axes)).transpose(np.argsort(axes))


def _reversed(array: np.ndarray) -> np.ndarray:
    flip = tuple(slice(None, None, -1) for _ in array.shape)
    return np.ascontiguousarray(array[flip])[flip]


def _read_only(array: np.ndarray) -> np.ndarray:
    array = array.copy()
    array.flags.writeable = False
    return array


def _unaligned(array: np.ndarray) -> np.ndarray:
    raw = np.zeros(array.nbytes + 1, np.uint8)[1:]
    view = raw.view(array.dtype).reshape(array.shape) if array.size else array
    view[...] = array
    return view


LAYOUTS = {
    "C": lambda array: np.ascontiguousarray(array).copy(),
    "Fortran": np.asfortranarray,
    "sliced": _sliced,
    "transposed": _transposed,
    "reversed": _reversed,
    "read-only": _read_only,
    "unaligned": _unaligned,
}


class Maker:
    """Draws arrays: one kind of values for the whole case, a type and a layout for each array."""

    def __init__(self, draw, rng: np.random.Generator, whole: bool, dtype: str | None):
        self.draw, self.rng, self.whole, self.dtype = draw, rng, whole, dtype

    def __call__(self, *shape: int) -> np.ndarray:
        dtype = self.dtype or self.draw(st.sampled_from(DTYPES))
        values = self.rng.integers(-4, 5, shape) if self.whole else self.rng.standard_normal(shape)
        if np.dtype(dtype).kind in "iub":
            values = np.abs(np.rint(4 * values)) if dtype in ("u1", "?") else np.rint(4 * values)
        return LAYOUTS[self.draw(st.sampled_from(sorted(LAYOUTS)))](values.astype(dtype))


@st.composite
def makers(draw) -> Maker:
    """Half of all cases hold small integers, whose sums are exact in either type; half are of one type throughout."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    return Maker(draw, rng, draw(st.booleans()), draw(st.sampled_from([None, "f4", "f8"])))
