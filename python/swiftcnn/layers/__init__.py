"""The layers of the article, and of its book "Deep Learning from Scratch", on the native engine: a drop-in for the
NumPy ones.

Constructors, methods and attributes are theirs, so a program written with them runs after changing its import. What
holds for every layer:

- Inputs are anything that holds real numbers: arrays of any type and layout, lists, tensors of other libraries on the
  CPU.
- float32 stays float32, everything else is computed in float64; mixed inputs follow NumPy's promotion.
- Parameters are the caller's own arrays, read anew at every `forward`: an optimizer may change them in place.
- Outputs are fresh, writable arrays in C order. `backward` overwrites gradients with new arrays and never adds to them,
  does not change `dout`, gives the same when called twice, and raises `ShapeError` if `dout` has not the shape of the
  output.
- A layer holds what its last `forward` left for `backward`: use one layer from one thread at a time. Different layers
  may run in different threads; the GIL is released during the computation.

Where the book's numbers are not the right ones, the layer says so, and ``book=True`` gives the book's.

>>> import numpy as np
>>> convolution, relu, pooling = Convolution(np.ones((2, 1, 3, 3)), 0), Relu(), Pooling(2, 2, stride=2)
>>> out = pooling.forward(relu.forward(convolution.forward(np.ones((5, 1, 6, 6)))))
>>> out.shape
(5, 2, 2, 2)
>>> convolution.backward(relu.backward(pooling.backward(np.ones_like(out)))).shape
(5, 1, 6, 6)
"""

from ._convolution import Convolution, col2im, im2col
from ._dense import Affine, Relu, Sigmoid
from ._loss import SoftmaxWithLoss
from ._pooling import AveragePooling, Pooling
from ._regularization import BatchNormalization, Dropout

__all__ = [
    "Affine",
    "AveragePooling",
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
