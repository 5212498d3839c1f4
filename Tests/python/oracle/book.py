"""The book's other layers and its Adam, written for this project: the book's names, attributes and formulas.

Kept as they are in the book, because programs may depend on them: Relu.backward writes into its argument, the loss
adds 1e-7 inside the logarithm, backward of the loss takes no notice of its argument, normalization of images is per
pixel and adds 10e-7 to the variance, dropout scales when it predicts and not when it trains.
"""

from __future__ import annotations

import numpy as np


class Affine:
    """out = x . W + b; x of more than two axes is flattened to rows first."""

    def __init__(self, W, b):
        self.W, self.b = W, b
        self.x = self.original_x_shape = None
        self.dW = self.db = None

    def forward(self, x):
        self.original_x_shape = x.shape
        self.x = x.reshape(x.shape[0], -1)
        return np.dot(self.x, self.W) + self.b

    def backward(self, dout):
        self.dW = np.dot(self.x.T, dout)
        self.db = dout.sum(axis=0)
        return np.dot(dout, self.W.T).reshape(self.original_x_shape)


class Relu:
    def __init__(self):
        self.mask = None

    def forward(self, x):
        self.mask = x <= 0
        out = x.copy()
        out[self.mask] = 0
        return out

    def backward(self, dout):
        dout[self.mask] = 0
        return dout


class Sigmoid:
    def __init__(self):
        self.out = None

    def forward(self, x):
        self.out = 1 / (1 + np.exp(-x))
        return self.out

    def backward(self, dout):
        return dout * (1.0 - self.out) * self.out


class SoftmaxWithLoss:
    """Mean cross entropy of softmax(x) against t, class numbers or one-hot rows."""

    def __init__(self):
        self.loss = self.y = self.t = None

    def forward(self, x, t):
        powers = np.exp(x - x.max(axis=-1, keepdims=True))
        self.y = powers / powers.sum(axis=-1, keepdims=True)
        self.t = t
        rows = np.arange(len(x))
        labels = t.argmax(axis=1) if t.size == x.size else t
        self.loss = -np.log(self.y[rows, labels] + 1e-7).sum() / len(x)
        return self.loss

    def backward(self, dout=1):
        wanted = self.t
        if wanted.size != self.y.size:
            wanted = np.eye(self.y.shape[1])[wanted]
        return (self.y - wanted) / len(self.y)


class BatchNormalization:
    """Every column of x (images flattened to rows) to mean 0 and variance 1, then gamma and beta."""

    epsilon = 10e-7

    def __init__(self, gamma, beta, momentum=0.9, running_mean=None, running_var=None):
        self.gamma, self.beta, self.momentum = gamma, beta, momentum
        self.running_mean, self.running_var = running_mean, running_var
        self.input_shape = self.batch_size = None
        self.xc = self.xn = self.std = None
        self.dgamma = self.dbeta = None

    def forward(self, x, train_flg=True):
        self.input_shape = x.shape
        rows = x.reshape(x.shape[0], -1)
        if self.running_mean is None:
            self.running_mean, self.running_var = np.zeros(rows.shape[1]), np.zeros(rows.shape[1])
        if train_flg:
            mean = rows.mean(axis=0)
            self.xc = rows - mean
            variance = (self.xc**2).mean(axis=0)
            self.std = np.sqrt(variance + self.epsilon)
            self.xn = normal = self.xc / self.std
            self.batch_size = len(rows)
            self.running_mean = self.momentum * self.running_mean + (1 - self.momentum) * mean
            self.running_var = self.momentum * self.running_var + (1 - self.momentum) * variance
        else:
            normal = (rows - self.running_mean) / np.sqrt(self.running_var + self.epsilon)
        return (self.gamma * normal + self.beta).reshape(x.shape)

    def backward(self, dout):
        rows = dout.reshape(dout.shape[0], -1)
        self.dbeta = rows.sum(axis=0)
        self.dgamma = (rows * self.xn).sum(axis=0)
        # d(xn)/dx takes out of the gradient its mean and its part along xn.
        through = rows - self.dbeta / self.batch_size - self.xn * self.dgamma / self.batch_size
        return (self.gamma / self.std * through).reshape(self.input_shape)


class Dropout:
    def __init__(self, dropout_ratio=0.5):
        self.dropout_ratio = dropout_ratio
        self.mask = None

    def forward(self, x, train_flg=True):
        if not train_flg:
            return x * (1.0 - self.dropout_ratio)
        self.mask = np.random.rand(*x.shape) > self.dropout_ratio
        return x * self.mask

    def backward(self, dout):
        return dout * self.mask


class Adam:
    """Adam, with the two bias corrections folded into the rate; params change in place."""

    def __init__(self, lr=0.001, beta1=0.9, beta2=0.999):
        self.lr, self.beta1, self.beta2 = lr, beta1, beta2
        self.iter = 0
        self.m = self.v = None

    def update(self, params, grads):
        if self.m is None:
            self.m = {name: np.zeros_like(value) for name, value in params.items()}
            self.v = {name: np.zeros_like(value) for name, value in params.items()}
        self.iter += 1
        rate = self.lr * np.sqrt(1.0 - self.beta2**self.iter) / (1.0 - self.beta1**self.iter)
        for name, parameter in params.items():
            self.m[name] += (1 - self.beta1) * (grads[name] - self.m[name])
            self.v[name] += (1 - self.beta2) * (grads[name] ** 2 - self.v[name])
            parameter -= rate * self.m[name] / (np.sqrt(self.v[name]) + 1e-7)
