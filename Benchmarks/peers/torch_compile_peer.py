"""torch.compile (inductor); its networks for inference are frozen, with their weights packed."""

from __future__ import annotations

from typing import Any

import torch
import torch._inductor.config as inductor
from harness.workloads import Row

from peers.torch_peer import Peer as Eager


class Peer(Eager):
    def __init__(self, threads: int, variant: str, options: dict[str, str]) -> None:
        super().__init__(threads, variant, options)
        inductor.freezing = True

    def supports(self, row: Row) -> Any:
        return "the kernels of eager" if row.window else None

    def wrap(self, function: Any) -> Any:
        torch._dynamo.reset()
        return torch.compile(function, dynamic=False)
