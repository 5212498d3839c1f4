"""torchvision's networks, with random weights, run by swiftcnn from ONNX files, beside PyTorch and ONNX Runtime.

  torchvision_networks.py [--folder FOLDER] [NAME ...]

Exports each network once, for any number of images, and prints for batches of 1 and 8 the largest difference from the
others' numbers as a share of the largest, whether the five likeliest classes come in the same order, and how many
milliseconds loading and the first prediction take together. Needs torch and torchvision, and onnxruntime for its columns;
nothing is downloaded.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import swiftcnn as sc
import torch
import torchvision
from torch import nn

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


def make(name: str) -> nn.Module:
    """With running statistics of some noise, so that numbers stay of a sensible size through all layers."""
    torch.manual_seed(0)
    more = {"init_weights": True} if name in ("googlenet", "inception_v3") else {}
    net = unet() if name == "unet" else getattr(torchvision.models, name)(weights=None, **more)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    with torch.no_grad():
        net.train()(torch.randn(4, 3, size(name), size(name)))
    return net.eval()


def export(net: nn.Module, name: str, file: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            net,
            (torch.randn(1, 3, size(name), size(name)),),
            file,
            input_names=["x"],
            output_names=["y"],
            dynamic_axes={"x": {0: "N"}},
            opset_version=18,
            dynamo=False,
        )
        # For `python -m swiftcnn bench NAME.onnx --against torch`.
        torch.jit.trace(net, torch.randn(1, 3, size(name), size(name))).save(file.with_suffix(".pt"))


def first_prediction(library: str, file: Path) -> float:
    """Seconds of loading and the first prediction, in a process of its own that has the library already."""
    load = {
        "swiftcnn": "import swiftcnn as sc, swiftcnn.nn; sc.isa(); run = lambda: sc.load(file).predict(x)",
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


def predictions(net: nn.Module, file: Path, x: np.ndarray) -> dict[str, np.ndarray]:
    """What each library makes of x."""
    found = {"swiftcnn": sc.load(file).predict(x)}
    with torch.inference_mode():
        found["PyTorch"] = net(torch.from_numpy(x)).numpy()
    try:
        import onnxruntime
    except ImportError:
        return found
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    return {**found, "ONNX Runtime": session.run(None, {"x": x})[0]}


def likeliest(y: np.ndarray) -> np.ndarray:
    return np.argsort(-y, 1, kind="stable")[:, :5]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", metavar="NAME", nargs="*", default=NAMES, help=f"of {', '.join(NAMES)}; default all")
    about = "where the files are, or will be; default %(default)s"
    parser.add_argument("--folder", type=Path, default=Path("build/torchvision"), help=about)
    options = parser.parse_args()
    options.folder.mkdir(parents=True, exist_ok=True)
    for name in options.names:
        if name not in NAMES:
            parser.error(f"NAME: wanted one of {', '.join(NAMES)}, got {name}")
        file, net = options.folder / f"{name}.onnx", make(name)
        if not file.exists():
            export(net, name, file)
        line, same = name.ljust(20), True
        for batch in (1, 8):
            x = np.random.default_rng(batch).standard_normal((batch, 3, size(name), size(name))).astype(np.float32)
            found = predictions(net, file, x)
            ours = found.pop("swiftcnn")
            same &= all((likeliest(ours) == likeliest(theirs)).all() for theirs in found.values())
            errors = [f"{who} {np.abs(ours - theirs).max() / np.abs(theirs).max():.1e}" for who, theirs in found.items()]
            line += f" batch {batch}: {', '.join(errors)};"
        times = [f"{1000 * first_prediction(who, file):.0f}" for who in ["swiftcnn"] + ["onnxruntime"] * (len(found) > 1)]
        print(f"{line} order {'same' if same else 'other'}; first {', '.join(times)} ms", flush=True)


if __name__ == "__main__":
    main()
