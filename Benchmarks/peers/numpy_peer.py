"""NumPy in the way of the book: im2col and a product of matrices. In the variant "article" convolution and pooling are the
article's own, from the tests' oracle, whose columns are float64; else all is float32."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from harness import networks
from harness.workloads import TRAINING_STEPS, Row

from peers import Job


def columns(x: Any, kernel: int, stride: int) -> Any:
    """x[n][c][h][w] -> [n*oh*ow][c*kernel*kernel]."""
    out = (x.shape[2] - kernel) // stride + 1
    cells = np.empty((*x.shape[:2], kernel, kernel, out, out), x.dtype)
    for i, j in np.ndindex(kernel, kernel):
        cells[:, :, i, j] = x[:, :, i : i + stride * out : stride, j : j + stride * out : stride]
    return cells.transpose(0, 4, 5, 1, 2, 3).reshape(x.shape[0] * out * out, -1)


def image(cells: Any, shape: Any, kernel: int, stride: int, pad: int) -> Any:
    """The adjoint, without the padding."""
    n, c, h, w = shape
    out = (h - kernel) // stride + 1
    cells = cells.reshape(n, out, out, c, kernel, kernel).transpose(0, 3, 4, 5, 1, 2)
    x = np.zeros(shape, cells.dtype)
    for i, j in np.ndindex(kernel, kernel):
        x[:, :, i : i + stride * out : stride, j : j + stride * out : stride] += cells[:, :, i, j]
    return x[:, :, pad : h - pad, pad : w - pad]


def padded(x: Any, pad: int, value: float) -> Any:
    return np.pad(x, [(0, 0), (0, 0), (pad, pad), (pad, pad)], constant_values=value) if pad else x


class Convolution:
    def __init__(self, W: Any, b: Any, stride: int, pad: int) -> None:
        self.W, self.b, self.stride, self.pad = W, b, stride, pad

    def forward(self, x: Any) -> Any:
        x, filters = padded(x, self.pad, 0), len(self.W)
        self.shape, self.col = x.shape, columns(x, self.W.shape[2], self.stride)
        y = self.col @ self.W.reshape(filters, -1).T + self.b
        out = (x.shape[2] - self.W.shape[2]) // self.stride + 1
        return y.reshape(-1, out, out, filters).transpose(0, 3, 1, 2)

    def backward(self, dy: Any) -> Any:
        filters = len(self.W)
        rows = dy.transpose(0, 2, 3, 1).reshape(-1, filters)
        self.db, self.dW = rows.sum(0), (self.col.T @ rows).T.reshape(self.W.shape)
        return image(rows @ self.W.reshape(filters, -1), self.shape, self.W.shape[2], self.stride, self.pad)


class Pooling:
    def __init__(self, height: int, width: int, stride: int, pad: int = 0) -> None:
        self.kernel, self.stride, self.pad = height, stride, pad

    def forward(self, x: Any) -> Any:
        x = padded(x, self.pad, -np.inf)
        self.shape, out = x.shape, (x.shape[2] - self.kernel) // self.stride + 1
        windows = columns(x, self.kernel, self.stride).reshape(-1, self.kernel**2)
        self.winners = windows.argmax(1)
        return windows.max(1).reshape(len(x), out, out, -1).transpose(0, 3, 1, 2)

    def backward(self, dy: Any) -> Any:
        windows = np.zeros((dy.size, self.kernel**2), dy.dtype)
        windows[np.arange(dy.size), self.winners] = dy.transpose(0, 2, 3, 1).ravel()
        return image(windows, self.shape, self.kernel, self.stride, self.pad)


class Affine:
    def __init__(self, W: Any, b: Any) -> None:
        self.W, self.b = W, b

    def forward(self, x: Any) -> Any:
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        return self.x @ self.W + self.b

    def backward(self, dy: Any) -> Any:
        self.dW, self.db = self.x.T @ dy, dy.sum(0)
        return (dy @ self.W.T).reshape(self.shape)


class Relu:
    def forward(self, x: Any) -> Any:
        self.mask = x > 0
        return x * self.mask

    def backward(self, dy: Any) -> Any:
        return dy * self.mask


class Dropout:
    def __init__(self, p: float) -> None:
        self.p = p

    def forward(self, x: Any) -> Any:
        self.mask = (np.random.rand(*x.shape) > self.p).astype(np.float32) / np.float32(1 - self.p)
        return x * self.mask

    def backward(self, dy: Any) -> Any:
        return dy * self.mask


class Peer:
    def __init__(self, threads: int, variant: str, options: dict[str, str]) -> None:
        self.version, self.is_article = f"numpy {np.__version__}", variant == "article"
        self.convolution, self.pooling = Convolution, Pooling
        if self.is_article:
            sys.path.append(str(Path(__file__).resolve().parents[2] / "Tests" / "python"))
            import oracle

            self.convolution, self.pooling = oracle.Convolution, oracle.Pooling

    def supports(self, row: Row) -> Any:
        if row.kind == "onnx" or row.model == "resnet20":
            return "not written for NumPy"
        if row.window and self.is_article and not row.window.name.startswith("article"):
            return "the article's rows only"
        return "no groups" if row.window and row.window.groups > 1 else None

    def build(self, row: Row, given: dict[str, Any]) -> Job:
        if not row.window:
            return self.infer(row, given) if row.kind == "infer" else self.train(row, given)
        w, x = row.window, given["x"]
        if w.filters:
            layer = self.convolution(given["w"], given["b"], w.stride, w.pad)
        else:
            layer = self.pooling(w.kernel, w.kernel, w.stride, w.pad)
        layer.forward(x)
        if row.kind.endswith("forward"):
            return Job(lambda: layer.forward(x), lambda: {"y": layer.forward(x)})

        def outputs() -> dict[str, Any]:
            dx = layer.backward(given["dy"])
            return {"dx": dx, "dw": layer.dW, "db": layer.db} if w.filters else {"dx": dx}

        return Job(lambda: layer.backward(given["dy"]), outputs)

    def _network(self, model: str, params: dict[str, Any], dropout: bool) -> tuple[list[Any], dict[str, Any]]:
        """The layers, and those with parameters by name."""
        body: list[Any] = []
        trained: dict[str, Any] = {}
        for operator, *arguments in networks.named(model):
            if operator in ("conv", "affine"):
                name, *rest = arguments
                weight, bias = params[f"{name}.w"], params[f"{name}.b"]
                layer = self.convolution(weight, bias, *rest[2:]) if operator == "conv" else Affine(weight, bias)
                body.append(layer)
                trained[name] = layer
            elif operator == "pool":
                body.append(self.pooling(arguments[0], *arguments))
            elif operator == "relu":
                body.append(Relu())
            elif dropout:
                body.append(Dropout(*arguments))
        return body, trained

    def infer(self, row: Row, given: dict[str, Any]) -> Job:
        body, _ = self._network(row.model, given["params"], dropout=False)

        def run() -> Any:
            x = given["xs"][0]
            for layer in body:
                x = layer.forward(x)
            return x

        return Job(run, lambda: {"y": run()})

    def train(self, row: Row, given: dict[str, Any]) -> Job:
        xs, ts, count = given["xs"], given["ts"], len(given["xs"])

        def start(dropout: bool) -> tuple[Any, dict[str, Any]]:
            params = {name: value.copy() for name, value in given["params"].items()}
            body, trained = self._network(row.model, params, dropout)
            moments = {name: (np.zeros_like(value), np.zeros_like(value)) for name, value in params.items()}
            taken = 0

            def step(x: Any, t: Any) -> float:
                nonlocal taken
                taken += 1
                for layer in body:
                    x = layer.forward(x)
                shifted, rows = x - x.max(1, keepdims=True), np.arange(len(t))
                powers = np.exp(shifted)
                sums = powers.sum(1, keepdims=True)
                gradient = powers / sums
                gradient[rows, t] -= 1
                gradient /= len(t)
                for layer in reversed(body):
                    gradient = layer.backward(gradient)
                root = np.sqrt(1 - 0.999**taken)
                rate, epsilon = np.float32(1e-3 * root / (1 - 0.9**taken)), np.float32(1e-8 * root)
                for name, layer in trained.items():
                    for suffix, g in (("w", layer.dW), ("b", layer.db)):
                        m, v = moments[f"{name}.{suffix}"]
                        m += np.float32(0.1) * (g - m)
                        v += np.float32(0.001) * (g * g - v)
                        params[f"{name}.{suffix}"] -= rate * m / (np.sqrt(v) + epsilon)
                return float((np.log(sums[:, 0]) - shifted[rows, t]).mean())

            return step, params

        step, _ = start(True)
        taken = 0

        def run() -> float:
            nonlocal taken
            taken += 1
            loss: float = step(xs[taken % count], ts[taken % count])
            return loss

        def outputs() -> dict[str, Any]:
            step, params = start(False)
            losses = [step(xs[i % count], ts[i % count]) for i in range(TRAINING_STEPS)]
            return {"losses": np.array(losses)} | {f"param:{name}": value for name, value in params.items()}

        run()
        return Job(run, outputs)
