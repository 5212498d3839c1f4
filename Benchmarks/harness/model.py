"""What a good implementation reaches on a row of a layer, from counting. Per thread:

direct    its products (none for taps on the padding) at 0.90 of the peak of multiply-adds; depthwise at 0.6
winograd  3x3 with stride 1 or 2 and 16 channels or more: F(2x2) or F(4x4), whichever is less. Products at 0.88 of the peak,
          the transforms of 16 channels at 110 and 170 cycles for 36 products; transformed weights read once, from L3 up to
          8 MiB
stream    pooling: its bytes at 0.8 of a copy's rate

and never less than bytes over bandwidth: of L3 up to 16 MiB, of memory beyond.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.workloads import Row

MIB = 1 << 20


def limit(row: Row, peak: float, bandwidth: Mapping[str, float], threads: int) -> tuple[float, str]:
    """Seconds, and how; `peak` in GFLOP/s and `bandwidth` in GB/s, as `Machine` measures them."""
    w = row.window
    assert w

    def moving(size: float) -> float:
        return size / (bandwidth["copy_L3" if size < 16 * MIB else "triad_DRAM"] * 1e9)

    if not w.filters:
        return moving(row.bytes) / 0.8, "stream"
    passes = 2 if row.kind == "backward" else 1
    products, bytes_ = row.flops / passes, moving(row.bytes / passes)
    is_depthwise = w.groups == w.channels > 1
    share = products / 0.6 if is_depthwise else products * w.inside / 0.9
    best, how = max(share / (peak * 1e9), bytes_), "direct"
    if w.kernel == 3 and w.stride <= 2 and w.groups == 1 and w.channels >= 16:
        cycles = peak * 1e9 / 32  # a second, of all threads
        for side in (2, 4):
            # Of a tile: products, and the points of filters (where windows are 2 apart, several products share one).
            cells, points = (w.stride * side + 3 - w.stride) ** 2, (side + 2) ** 2
            tiles = row.n * (-(-w.out // side)) ** 2
            multiplied = 2.0 * cells * tiles * w.channels * w.filters / (0.88 * peak * 1e9)
            transforms = cells / 36 * tiles * (110 * w.channels + 170 * w.filters) / 16 / cycles
            weights = 4.0 * points * w.channels * w.filters
            read = weights / (bandwidth["read_L3" if weights < 8 * MIB else "read_DRAM"] * 1e9)
            seconds = max(multiplied, read) + transforms
            if seconds < best:
                best, how = seconds, f"F({side}x{side})"
    return best * passes, how
