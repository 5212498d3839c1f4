"""Writes the networks of the "onnx" rows into a folder: torchvision's architectures with random weights (nothing is
downloaded), and statistics of normalizations that fit them.

  export_models.py FOLDER [NAME ...]

NAME.pt (PyTorch's state), NAME_n1.onnx and NAME_n8.onnx; for ncnn NAME.ncnn.param and .bin,
where pnnx is installed. What is there is not made again.
"""

from __future__ import annotations

import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import torch
from harness.workloads import MODELS


@cache
def _architectures() -> Any:
    """torchvision's models. Its compiled operators do not load when it was built for another PyTorch; no network here needs
    them, so the names that its Python files register something for are declared, and nothing more."""
    library = torch.library.Library("torchvision", "FRAGMENT")
    while True:
        try:
            import torchvision

            torchvision.declared = library  # which lives as long
            return torchvision.models
        except RuntimeError as error:
            missing = re.search(r"operator torchvision::(\w+) does not exist", str(error))
            if not missing:
                raise
            library.define(f"{missing[1]}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            for name in [name for name in sys.modules if name.startswith("torchvision")]:
                del sys.modules[name]


def make(name: str) -> Any:
    """torchvision's network of that name, untrained."""
    return getattr(_architectures(), name)(weights=None)


def calibrated(name: str) -> Any:
    """With running statistics of one batch of noise, so that values stay of a sensible size through all layers."""
    torch.manual_seed(0)
    net = make(name)
    normalizations = [module for module in net.modules() if isinstance(module, torch.nn.BatchNorm2d)]
    for module in normalizations:
        module.momentum = None
    if normalizations:
        with torch.no_grad():
            net.train()(torch.randn(8, 3, 224, 224))
    return net.eval()


def export_ncnn(net: Any, name: str, folder: Path) -> None:
    try:
        import pnnx
    except ImportError:
        return
    program = Path(pnnx.__file__).parent / "bin" / "pnnx"
    scratch = folder / f"pnnx_{name}"
    scratch.mkdir(exist_ok=True)
    torch.jit.trace(net, torch.randn(1, 3, 224, 224)).save(scratch / f"{name}.pt")
    command = [str(program if program.exists() else pnnx.EXEC_PATH), f"{name}.pt", "inputshape=[1,3,224,224]", "fp16=0"]
    subprocess.run(command, check=True, cwd=scratch, stdout=subprocess.DEVNULL)
    for part in ("param", "bin"):
        (scratch / f"{name}.ncnn.{part}").replace(folder / f"{name}.ncnn.{part}")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or MODELS:
        if (folder / f"{name}.pt").exists():
            continue
        net = calibrated(name)
        for n in (1, 8):
            torch.onnx.export(
                net,
                (torch.randn(n, 3, 224, 224),),
                folder / f"{name}_n{n}.onnx",
                input_names=["x"],
                output_names=["y"],
                opset_version=18,
                external_data=False,
                dynamo=True,
                verbose=False,
            )
        export_ncnn(net, name, folder)
        torch.save(net.state_dict(), folder / f"{name}.pt")
        print(name, flush=True)


if __name__ == "__main__":
    main()
