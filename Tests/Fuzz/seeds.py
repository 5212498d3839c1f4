"""Writes small models of ONNX's own tests into a folder: what the fuzzer begins with, beside networks of ours.

seeds.py FOLDER
"""

from __future__ import annotations

import sys
from pathlib import Path

from onnx.backend.test.loader import load_model_tests


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    taken: set[tuple[str, ...]] = set()
    for case in load_model_tests(kind="node") + load_model_tests(kind="pytorch-converted"):
        if case.model is not None:
            model, operators = case.model.SerializeToString(), tuple(node.op_type for node in case.model.graph.node)
        elif case.model_dir is not None:
            model, operators = (Path(case.model_dir) / "model.onnx").read_bytes(), (case.name,)
        else:
            continue
        if len(model) <= 4096 and operators not in taken:
            taken.add(operators)
            (folder / f"{case.name}.onnx").write_bytes(model)


if __name__ == "__main__":
    main()
