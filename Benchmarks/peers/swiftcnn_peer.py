"""swiftcnn, through both doors: networks wherever a row can be one, the functions behind `swiftcnn.layers` elsewhere.

A layer forward is a network of one layer, whose weights are packed when it is built; a gradient is the layer's `backward`. In
the variant "layers" forward is the layer's too, which packs the weights at each call, as it must.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import swiftcnn
from harness import networks
from harness.workloads import TRAINING_STEPS, Row
from swiftcnn import layers, models, nn, optim

from peers import Job

TRAINED = {"simple": models.SimpleConvNet, "deep": models.DeepConvNet, "resnet20": models.resnet20}


def flipped(values: Any) -> Any:
    """The book's affine weights are [in][out], ours [out][in]; nothing else has two axes."""
    return values.T if values.ndim == 2 else values


def made(row: Row, params: dict[str, Any], dropout: bool = True) -> tuple[Any, dict[str, Any]]:
    """The network of a train or infer row with these numbers, and its parameters by their names in `networks`."""
    net = TRAINED[row.model]()
    if not dropout and isinstance(net, nn.Sequential):
        net = nn.Sequential(*(layer for layer in net if not isinstance(layer, nn.Dropout)))
    net.build(networks.IMAGE[row.model])
    held = dict(zip(params, net.parameters()))
    for name, parameter in held.items():
        parameter.data = flipped(params[name])
    return net, held


class Peer:
    def __init__(self, threads: int, variant: str, options: dict[str, str]) -> None:
        swiftcnn.set_num_threads(threads)
        self.models, self.by_layer = Path(options["models"]), variant == "layers"
        self.version = f"swiftcnn {swiftcnn.__version__} {swiftcnn.isa()}"

    def supports(self, row: Row) -> Any:
        return "forward of a layer only" if self.by_layer and row.kind not in ("forward", "pool_forward") else None

    def build(self, row: Row, given: dict[str, Any]) -> Job:
        job: Job = getattr(self, row.kind)(row, given)
        return job

    # Layers

    def _layer(self, row: Row, given: dict[str, Any]) -> Any:
        w = row.window
        if not w.filters:
            return layers.Pooling(w.kernel, w.kernel, w.stride, w.pad)
        return layers.Convolution(given["w"], given["b"], w.stride, w.pad, groups=w.groups)

    def forward(self, row: Row, given: dict[str, Any]) -> Job:
        w, x = row.window, given["x"]
        if self.by_layer:
            call = self._layer(row, given).forward
        elif w.filters:
            net = nn.Conv2d(w.channels, w.filters, w.kernel, w.stride, w.pad, groups=w.groups)
            net.weight.data, net.bias.data = given["w"], given["b"]
            call = net.predict
        else:
            call = nn.MaxPool2d(w.kernel, w.stride, w.pad).predict
        call(x)
        return Job(lambda: call(x), lambda: {"y": call(x)})

    pool_forward = forward

    def backward(self, row: Row, given: dict[str, Any]) -> Job:
        layer, dy = self._layer(row, given), given["dy"]
        layer.forward(given["x"])

        def outputs() -> dict[str, Any]:
            dx = layer.backward(dy)
            return {"dx": dx, "dw": layer.dW, "db": layer.db} if row.window.filters else {"dx": dx}

        return Job(lambda: layer.backward(dy), outputs)

    pool_backward = backward

    # Networks

    def infer(self, row: Row, given: dict[str, Any]) -> Job:
        (net, _), x = made(row, given["params"]), given["xs"][0]
        net.predict(x)
        return Job(lambda: net.predict(x), lambda: {"y": net.predict(x)})

    def train(self, row: Row, given: dict[str, Any]) -> Job:
        xs, ts, count = given["xs"], given["ts"], len(given["xs"])

        def start(dropout: bool) -> tuple[Any, dict[str, Any]]:
            net, held = made(row, given["params"], dropout)
            optimizer = optim.Adam(1e-3) if row.optimizer == "adam" else optim.SGD(0.1, momentum=0.9)
            return net.compile("cross_entropy", optimizer), held

        net, _ = start(True)
        step = 0

        def run() -> float:
            nonlocal step
            step += 1
            loss: float = net.train_step(xs[step % count], ts[step % count])
            return loss

        def outputs() -> dict[str, Any]:
            net, held = start(False)
            losses = [net.train_step(xs[i % count], ts[i % count]) for i in range(TRAINING_STEPS)]
            return {"losses": np.array(losses)} | {f"param:{name}": flipped(p.data) for name, p in held.items()}

        run()
        return Job(run, outputs)

    def onnx(self, row: Row, given: dict[str, Any]) -> Job:
        net, x = swiftcnn.load(self.models / f"{row.model}_n{row.n}.onnx"), given["x"]
        net.predict(x)
        return Job(lambda: net.predict(x), lambda: {"y": net.predict(x)})
