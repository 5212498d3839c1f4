"""PyTorch, eager: NCHW, or channels_last (arrays of layers then come and go as NHWC). In the variant float64 it is what all
others are held against."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from harness import networks
from harness.workloads import TRAINING_STEPS, Row

from peers import Job


class Ops:
    def __init__(self, model: str, params: dict[str, Any], training: bool) -> None:
        self.params, self.training = params, training
        names = [name[:-6] for name in params if name.endswith(".gamma")]
        self.statistics = {n: (torch.zeros_like(params[f"{n}.beta"]), torch.ones_like(params[f"{n}.beta"])) for n in names}

    def conv(self, name: str, x: Any, filters: int, kernel: int, stride: int, pad: int, bias: bool = True) -> Any:
        return F.conv2d(x, self.params[f"{name}.w"], self.params[f"{name}.b"] if bias else None, stride, pad)

    def affine(self, name: str, x: Any, units: int) -> Any:
        return torch.addmm(self.params[f"{name}.b"], x.flatten(1), self.params[f"{name}.w"])

    def batch_norm(self, name: str, x: Any) -> Any:
        mean, variance = self.statistics[name]
        gamma, beta = self.params[f"{name}.gamma"], self.params[f"{name}.beta"]
        return F.batch_norm(x, mean.detach(), variance.detach(), gamma, beta, self.training, 0.1, 1e-5)

    def relu(self, x: Any) -> Any:
        return F.relu(x)

    def add(self, a: Any, b: Any) -> Any:
        return a + b

    def pool(self, x: Any, kernel: int, stride: int) -> Any:
        return F.max_pool2d(x, kernel, stride)

    def global_average(self, x: Any) -> Any:
        return x.mean((2, 3))

    def dropout(self, x: Any, p: float) -> Any:
        return F.dropout(x, p, self.training)


class Peer:
    def __init__(self, threads: int, variant: str, options: dict[str, str]) -> None:
        torch.set_num_threads(threads)
        self.models = Path(options["models"])
        self.type = torch.float64 if variant == "float64" else torch.float32
        self.layout = torch.channels_last if variant == "channels_last" else torch.contiguous_format
        self.version = f"torch {torch.__version__}"

    def supports(self, row: Row) -> Any:
        return None

    def wrap(self, function: Any) -> Any:
        """Where torch.compile comes in."""
        return function

    def tensor(self, array: Any) -> Any:
        made = torch.from_numpy(array)
        made = made.to(self.type) if made.is_floating_point() else made
        return made.contiguous(memory_format=self.layout) if made.dim() == 4 else made

    def build(self, row: Row, given: dict[str, Any]) -> Job:
        job: Job = getattr(self, row.kind)(row, given)
        return job

    def _job(self, names: str, call: Any) -> Job:
        """Of a function that returns as many tensors as there are names."""

        def run() -> Any:
            with torch.inference_mode():
                return call()

        return Job(run, lambda: {name: value.numpy() for name, value in zip(names.split(), run())})

    def forward(self, row: Row, given: dict[str, Any]) -> Job:
        w, (x, weight, bias) = row.window, (self.tensor(given[name]) for name in "xwb")
        return self._job("y", lambda: (F.conv2d(x, weight, bias, w.stride, w.pad, 1, w.groups),))

    def backward(self, row: Row, given: dict[str, Any]) -> Job:
        w, (x, weight, dy) = row.window, (self.tensor(given[name]) for name in ("x", "w", "dy"))
        how = ([w.filters], [w.stride] * 2, [w.pad] * 2, [1, 1], False, [0, 0], w.groups, [True] * 3)
        return self._job("dx dw db", lambda: torch.ops.aten.convolution_backward(dy, x, weight, *how))

    def pool_forward(self, row: Row, given: dict[str, Any]) -> Job:
        w, x = row.window, self.tensor(given["x"])
        return self._job("y", lambda: (F.max_pool2d(x, w.kernel, w.stride, w.pad),))

    def pool_backward(self, row: Row, given: dict[str, Any]) -> Job:
        w, x, dy = row.window, self.tensor(given["x"]), self.tensor(given["dy"])
        how = ([w.kernel] * 2, [w.stride] * 2, [w.pad] * 2, [1, 1], False)
        _, winners = torch.ops.aten.max_pool2d_with_indices(x, *how)
        return self._job("dx", lambda: (torch.ops.aten.max_pool2d_with_indices_backward(dy, x, *how, winners),))

    def _inference(self, function: Any, x: Any) -> Job:
        def run() -> Any:
            with torch.inference_mode():
                return function(self.tensor(x)).numpy()

        run()
        return Job(run, lambda: {"y": run()})

    def infer(self, row: Row, given: dict[str, Any]) -> Job:
        ops = Ops(row.model, {name: self.tensor(value) for name, value in given["params"].items()}, training=False)
        return self._inference(self.wrap(lambda x: networks.forward(row.model, ops, x)), given["xs"][0])

    def onnx(self, row: Row, given: dict[str, Any]) -> Job:
        from export_models import make

        net = make(row.model)
        net.load_state_dict(torch.load(self.models / f"{row.model}.pt"))
        return self._inference(self.wrap(net.to(self.type).eval().to(memory_format=self.layout)), given["x"])

    def train(self, row: Row, given: dict[str, Any]) -> Job:
        xs, ts, count = given["xs"], given["ts"], len(given["xs"])

        def start(dropout: bool) -> tuple[Any, dict[str, Any]]:
            params = {name: self.tensor(value).clone().requires_grad_() for name, value in given["params"].items()}
            ops = Ops(row.model, params, training=True)
            if row.optimizer == "adam":
                optimizer: Any = torch.optim.Adam(params.values(), lr=1e-3, fused=True)
            else:
                optimizer = torch.optim.SGD(params.values(), lr=0.1, momentum=0.9, fused=True)
            loss_of = self.wrap(lambda x, t: F.cross_entropy(networks.forward(row.model, ops, x, dropout), t))

            def step(x: Any, t: Any) -> float:
                optimizer.zero_grad(set_to_none=True)
                loss = loss_of(self.tensor(x), torch.from_numpy(t))
                loss.backward()
                optimizer.step()
                return float(loss.item())

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
            return {"losses": np.array(losses)} | {f"param:{name}": p.detach().numpy() for name, p in params.items()}

        for _ in range(3):
            run()
        return Job(run, outputs)
