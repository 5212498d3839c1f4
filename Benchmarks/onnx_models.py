"""torchvision's networks with random weights through ONNX files: what swiftcnn makes of them beside ONNX Runtime.

  onnx_models.py FOLDER [NAME ...]

Exports each network once, with any number of images, and prints for batches of 1 and 8 the largest difference from ONNX
Runtime as a share of the largest output, whether the classes come in the same order, and how long loading and the first
prediction take together.
"""

from __future__ import annotations

import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

NAMES = [
    "resnet18",
    "resnet50",
    "mobilenet_v2",
    "mobilenet_v3_small",
    "efficientnet_b0",
    "densenet121",
    "squeezenet1_1",
    "vgg16",
    "shufflenet_v2_x1_0",
    "googlenet",
    "inception_v3",
    "regnet_y_400mf",
    "convnext_tiny",
    "unet",
]


def size(name: str) -> int:
    return 299 if name == "inception_v3" else 224


def unet() -> Any:
    """The U of convolutions and skips, with transposed convolutions upwards."""
    import torch
    from torch import nn

    def double(a: int, b: int) -> Any:
        return nn.Sequential(
            *(nn.Conv2d(a, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()),
            *(nn.Conv2d(b, b, 3, padding=1), nn.BatchNorm2d(b), nn.ReLU()),
        )

    class UNet(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList([double(3, 16), double(16, 32), double(32, 64)])
            self.up = nn.ModuleList([nn.ConvTranspose2d(64, 32, 2, 2), nn.ConvTranspose2d(32, 16, 2, 2)])
            self.join = nn.ModuleList([double(64, 32), double(32, 16)])
            self.head = nn.Conv2d(16, 2, 1)

        def forward(self, x: Any) -> Any:
            a = self.down[0](x)
            b = self.down[1](nn.functional.max_pool2d(a, 2))
            c = self.down[2](nn.functional.max_pool2d(b, 2))
            b = self.join[0](torch.cat([self.up[0](c), b], 1))
            return self.head(self.join[1](torch.cat([self.up[1](b), a], 1)))

    return UNet()


def export(name: str, file: Path) -> None:
    import torch
    from export_models import _architectures

    torch.manual_seed(0)
    if name == "unet":
        net = unet()
    else:
        more = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
        net = getattr(_architectures(), name)(weights=None, **more)
    # Statistics that fit, so that numbers stay of a sensible size through all layers.
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        net.train()(torch.randn(4, 3, size(name), size(name)))
    net.eval()
    example = torch.randn(1, 3, size(name), size(name))
    torch.onnx.export(
        net,
        (example,),
        file,
        input_names=["x"],
        output_names=["y"],
        dynamic_axes={"x": {0: "N"}},
        opset_version=18,
        dynamo=False,
    )


def first_prediction(library: str, file: Path) -> float:
    """Seconds of loading and the first prediction, in a process of its own that has the library already."""
    load = {
        "swiftcnn": "import swiftcnn as sc; sc.isa(); run = lambda: sc.load(file).predict(x)",
        "onnxruntime": "import onnxruntime as ort; options = ort.SessionOptions(); options.intra_op_num_threads = 2\n"
        "run = lambda: ort.InferenceSession(file, options, providers=['CPUExecutionProvider']).run(None, {'x': x})",
    }[library]
    side = size(file.stem)
    program = (
        f"import time, numpy as np; file = {str(file)!r}; x = np.zeros((1, 3, {side}, {side}), np.float32)\n{load}\n"
        "open(file, 'rb').read(); start = time.perf_counter(); run(); print(time.perf_counter() - start)"
    )
    times = [
        float(subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout)
        for _ in range(3)
    ]
    return min(times)


def main() -> None:
    import onnxruntime
    import swiftcnn as sc

    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    print(f"{'':20} {'batch 1':>9} {'batch 8':>9} {'order':>6} {'first, ms':>10} {'ONNX Runtime':>13}", flush=True)
    for name in sys.argv[2:] or NAMES:
        file = folder / f"{name}.onnx"
        if not file.exists():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                export(name, file)
        session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
        net = sc.load(file)
        errors, same = [], True
        for batch in (1, 8):
            x = np.random.default_rng(batch).standard_normal((batch, 3, size(name), size(name))).astype(np.float32)
            (theirs,) = session.run(None, {"x": x})
            ours = net.predict(x)
            errors.append(np.abs(ours - theirs).max() / np.abs(theirs).max())
            same &= bool((np.argsort(-ours, 1, kind="stable")[:, :5] == np.argsort(-theirs, 1, kind="stable")[:, :5]).all())
        mine, other = first_prediction("swiftcnn", file), first_prediction("onnxruntime", file)
        order = "same" if same else "other"
        print(f"{name:20} {errors[0]:9.1e} {errors[1]:9.1e} {order:>6} {1000 * mine:10.0f} {1000 * other:13.0f}", flush=True)


if __name__ == "__main__":
    main()
