"""Convolution and pooling in full generality, from their definition, in float64.

For a window cell (i, j) the places it touches in all windows form one strided slice of the padded image; so a loop
over the cells of the kernel, and nothing cleverer, gives every result. Pairs are (vertical, horizontal); pads are
(top, left, bottom, right). Output extents are PyTorch's and ONNX's: with ceil_mode one more window, which hangs
over the edge, counts if it starts inside the image or its leading pad.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np


class Geometry(NamedTuple):
    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)
    ceil_mode: bool = False

    def output(self, height: int, width: int) -> tuple[int, int]:
        """(OH, OW); 0 where no window fits."""
        return self._count(0, height), self._count(1, width)

    def _count(self, axis: int, extent: int) -> int:
        stride, before, after = self.stride[axis], self.pads[axis], self.pads[axis + 2]
        room = extent + before + after - self.dilation[axis] * (self.kernel[axis] - 1) - 1
        if room < 0:
            return 0
        count = room // stride + 1
        hangs = self.ceil_mode and room % stride != 0 and count * stride < extent + before
        return count + 1 if hangs else count

    def buffer(self, x: np.ndarray, fill: float) -> np.ndarray:
        """x in the middle of its padding, with room below and to the right for windows that hang over the edge."""
        (sh, sw), (dh, dw), (kh, kw) = self.stride, self.dilation, self.kernel
        height, width = x.shape[2:]
        out_h, out_w = self.output(height, width)
        rows = max(height + self.pads[0] + self.pads[2], (out_h - 1) * sh + (kh - 1) * dh + 1)
        columns = max(width + self.pads[1] + self.pads[3], (out_w - 1) * sw + (kw - 1) * dw + 1)
        whole = np.full((*x.shape[:2], rows, columns), fill, np.float64)
        self.inside(whole, x.shape)[...] = x
        return whole

    def inside(self, whole: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
        """The image in a buffer: a view."""
        top, left = self.pads[:2]
        return whole[:, :, top : top + shape[2], left : left + shape[3]]

    def cells(self, whole: np.ndarray, shape: tuple[int, ...]) -> Iterator[tuple[int, int, np.ndarray]]:
        """(i, j, what cell (i, j) of every window sees [N][C][OH][OW], a view)."""
        (sh, sw), (dh, dw) = self.stride, self.dilation
        out_h, out_w = self.output(*shape[2:])
        for i, j in np.ndindex(*self.kernel):
            top, left = i * dh, j * dw
            yield i, j, whole[:, :, top : top + sh * out_h : sh, left : left + sw * out_w : sw]


def _split(array: np.ndarray, groups: int, axis: int) -> list[np.ndarray]:
    return np.split(array, groups, axis=axis)


def convolution(x, weight, bias, geometry: Geometry, groups: int = 1) -> np.ndarray:
    out = np.zeros((x.shape[0], weight.shape[0], *geometry.output(*x.shape[2:])))
    parts = zip(_split(out, groups, 1), _split(geometry.buffer(x, 0), groups, 1), _split(weight, groups, 0))
    for y, whole, w in parts:
        for i, j, seen in geometry.cells(whole, x.shape):
            y += np.einsum("nchw,kc->nkhw", seen, w[:, :, i, j])
    return out + np.reshape(bias, (1, -1, 1, 1))


def convolution_backward(x, weight, dout, geometry: Geometry, groups: int = 1) -> tuple[np.ndarray, ...]:
    """(dx, dW, db)"""
    whole, weight = geometry.buffer(x, 0), np.asarray(weight, float)
    dwhole, dweight = np.zeros_like(whole), np.zeros_like(weight)
    operands = (_split(whole, groups, 1), _split(dwhole, groups, 1), _split(dout, groups, 1))
    for xs, dxs, dy, w, dw in zip(*operands, _split(weight, groups, 0), _split(dweight, groups, 0)):
        for (i, j, seen), (_, _, target) in zip(geometry.cells(xs, x.shape), geometry.cells(dxs, x.shape)):
            dw[:, :, i, j] = np.einsum("nchw,nkhw->kc", seen, dy)
            target += np.einsum("nkhw,kc->nchw", dy, w[:, :, i, j])
    return geometry.inside(dwhole, x.shape), dweight, dout.sum(axis=(0, 2, 3))


def max_pooling(x, geometry: Geometry) -> tuple[np.ndarray, np.ndarray]:
    """(out, winners): winners are i*KW+j, the first of equals; a NaN wins; -1 where a window sees padding only."""
    values = geometry.buffer(x, -np.inf)
    real = geometry.buffer(np.ones(x.shape), 0)
    out = np.full((*x.shape[:2], *geometry.output(*x.shape[2:])), -np.inf)
    winners = np.full(out.shape, -1)
    for (i, j, seen), (_, _, exists) in zip(geometry.cells(values, x.shape), geometry.cells(real, x.shape)):
        better = (seen > out) | (winners < 0) | (np.isnan(seen) & ~np.isnan(out))
        better &= exists > 0
        out[better] = seen[better]
        winners[better] = i * geometry.kernel[1] + j
    return out, winners


def max_pooling_backward(shape, winners, dout, geometry: Geometry) -> np.ndarray:
    whole = geometry.buffer(np.zeros(shape), 0)
    for i, j, target in geometry.cells(whole, shape):
        target += np.where(winners == i * geometry.kernel[1] + j, dout, 0)
    return geometry.inside(whole, shape)


def _divisors(shape, geometry: Geometry, count_include_pad: bool) -> np.ndarray:
    """How many cells each window divides by; 1 where it has none, so that such a window gives 0."""
    top, left, bottom, right = geometry.pads
    counted = geometry.buffer(np.ones(shape), 0)
    if count_include_pad:
        counted[:, :, : shape[2] + top + bottom, : shape[3] + left + right] = 1
    total = np.zeros((*shape[:2], *geometry.output(*shape[2:])))
    for _, _, seen in geometry.cells(counted, shape):
        total += seen
    return np.maximum(total, 1)


def average_pooling(x, geometry: Geometry, count_include_pad: bool = False) -> np.ndarray:
    out = np.zeros((*x.shape[:2], *geometry.output(*x.shape[2:])))
    for _, _, seen in geometry.cells(geometry.buffer(x, 0), x.shape):
        out += seen
    return out / _divisors(x.shape, geometry, count_include_pad)


def average_pooling_backward(shape, dout, geometry: Geometry, count_include_pad: bool = False) -> np.ndarray:
    share = dout / _divisors(shape, geometry, count_include_pad)
    whole = geometry.buffer(np.zeros(shape), 0)
    for _, _, target in geometry.cells(whole, shape):
        target += share
    return geometry.inside(whole, shape)
