"""The article's two functions and two layers, written for this project.

The behaviour is the article's to the bit, so three things here are not free:
  - the memory order of every operand of a product, because BLAS sums in an order that depends on it;
  - the order in which col2im adds overlapping windows: kernel rows outside, kernel columns inside;
  - float64 buffers whatever comes in, and views (not copies) of W and of the outputs' channels-last memory.
Pooling keeps the article's fault too: it forgets the padding when it counts its windows. direct.py has it right.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def _count(extent: int, window: int, stride: int, pad: int) -> int:
    """How many windows fit along one axis."""
    return (extent + 2 * pad - window) // stride + 1


def im2col(input_data, filter_h, filter_w, stride=1, pad=0):
    """Every window of input_data[N][C][H][W] as a row: col[N*OH*OW][C*FH*FW]."""
    n, c, h, w = input_data.shape
    out_h, out_w = _count(h, filter_h, stride, pad), _count(w, filter_w, stride, pad)

    padded = np.pad(input_data, ((0, 0), (0, 0), (pad, pad), (pad, pad)))
    windows = sliding_window_view(padded, (filter_h, filter_w), axis=(2, 3))[:, :, ::stride, ::stride]
    # Kernel cells first, places last: this decides how the rows lie in memory (for N = 1, column by column).
    cells = np.empty((n, c, filter_h, filter_w, out_h, out_w))
    cells[...] = windows.transpose(0, 1, 4, 5, 2, 3)
    return cells.transpose(0, 4, 5, 1, 2, 3).reshape(n * out_h * out_w, -1)


def col2im(col, input_shape, filter_h, filter_w, stride=1, pad=0):
    """The adjoint of im2col: an image in which each cell is the sum of all col elements that were read from it."""
    n, c, h, w = input_shape
    out_h, out_w = _count(h, filter_h, stride, pad), _count(w, filter_w, stride, pad)
    cells = col.reshape(n, out_h, out_w, c, filter_h, filter_w)

    # stride - 1 spare rows and columns keep the slices below inside the buffer.
    image = np.zeros((n, c, h + 2 * pad + stride - 1, w + 2 * pad + stride - 1))
    for i, j in np.ndindex(filter_h, filter_w):
        reached = image[:, :, i : i + stride * out_h : stride, j : j + stride * out_w : stride]
        reached += cells[..., i, j].transpose(0, 3, 1, 2)
    return image[:, :, pad : pad + h, pad : pad + w]


class Convolution:
    """x[N][C][H][W] with W[FN][C][FH][FW] and b[FN] -> out[N][FN][OH][OW]."""

    def __init__(self, W, b, stride=1, pad=0):
        self.W, self.b = W, b
        self.stride, self.pad = stride, pad
        self.x = self.col = self.col_W = None
        self.dW = self.db = None

    def forward(self, x):
        filters, _, filter_h, filter_w = self.W.shape
        n, _, h, w = x.shape
        out_h = _count(h, filter_h, self.stride, self.pad)
        out_w = _count(w, filter_w, self.stride, self.pad)

        self.x = x
        self.col = im2col(x, filter_h, filter_w, self.stride, self.pad)
        self.col_W = self.W.reshape(filters, -1).T
        rows = np.dot(self.col, self.col_W) + self.b
        return rows.reshape(n, out_h, out_w, -1).transpose(0, 3, 1, 2)

    def backward(self, dout):
        filters, _, filter_h, filter_w = self.W.shape
        rows = dout.transpose(0, 2, 3, 1).reshape(-1, filters)

        self.db = rows.sum(axis=0)
        self.dW = np.dot(self.col.T, rows).T.reshape(self.W.shape)
        return col2im(np.dot(rows, self.col_W.T), self.x.shape, filter_h, filter_w, self.stride, self.pad)


class Pooling:
    """The maximum of each pool_h x pool_w window, channel by channel."""

    def __init__(self, pool_h, pool_w, stride=1, pad=0):
        self.pool_h, self.pool_w = pool_h, pool_w
        self.stride, self.pad = stride, pad
        self.x = self.arg_max = None

    def forward(self, x):
        n, c, h, w = x.shape
        out_h = _count(h, self.pool_h, self.stride, 0)  # the padding is missing here, as it is in the article
        out_w = _count(w, self.pool_w, self.stride, 0)

        windows = im2col(x, self.pool_h, self.pool_w, self.stride, self.pad).reshape(-1, self.pool_h * self.pool_w)
        self.x = x
        self.arg_max = windows.argmax(axis=1)
        return windows.max(axis=1).reshape(n, out_h, out_w, c).transpose(0, 3, 1, 2)

    def backward(self, dout):
        n, c, out_h, out_w = dout.shape
        cells = self.pool_h * self.pool_w
        scattered = np.zeros((dout.size, cells))
        scattered[np.arange(len(self.arg_max)), self.arg_max] = dout.transpose(0, 2, 3, 1).ravel()
        rows = scattered.reshape(n * out_h * out_w, c * cells)
        return col2im(rows, self.x.shape, self.pool_h, self.pool_w, self.stride, self.pad)
