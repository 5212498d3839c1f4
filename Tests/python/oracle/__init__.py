"""The oracle: what the engine's numbers are judged by, in NumPy and nothing else.

article   the article's im2col, col2im, Convolution and Pooling: same names, signatures, attributes and bits
book      the layers of the article's book (Affine, Relu, Sigmoid, SoftmaxWithLoss, BatchNormalization, Dropout), Adam
direct    convolution and pooling in full generality (per-axis stride, four pads, dilation, groups, ceil mode), from
          their definition, sharing no code with the other two

Everything computes in float64. Nothing here checks its arguments: a wrong one fails as NumPy fails.
"""

from oracle.article import Convolution, Pooling, col2im, im2col
from oracle.book import Adam, Affine, BatchNormalization, Dropout, Relu, Sigmoid, SoftmaxWithLoss

__all__ = [
    "Adam",
    "Affine",
    "BatchNormalization",
    "Convolution",
    "Dropout",
    "Pooling",
    "Relu",
    "Sigmoid",
    "SoftmaxWithLoss",
    "col2im",
    "im2col",
]
