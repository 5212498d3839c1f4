"""Writes figures into the documentation: `make bench-document` after runs of `run.py`, `memory.py` and `growth.py`.

What they left in build/bench is shortened into docs/figures.json; from that come the tables between
`<!-- figures: NAME -->` and `<!-- end -->` in README.md and docs/performance.md, and the pictures beside it. A test holds the
pages and the file together.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from harness import report
from harness.processes import BENCHMARKS
from harness.workloads import ROWS

ROOT = BENCHMARKS.parent
FIGURES, PAGES = ROOT / "docs" / "figures.json", (ROOT / "README.md", ROOT / "docs" / "performance.md")
Figures = Mapping[str, Any]

# Rows of the README, by what a reader calls them.
CHOSEN = {
    "train/simple/n100": "training step, SimpleConvNet, batch 100",
    "train/deep/n100": "training step, DeepConvNet, batch 100",
    "train/resnet20/n64": "training step, ResNet-20, batch 64",
    "infer/simple/n1": "inference, SimpleConvNet",
    "onnx/resnet18/n1": "inference, ResNet-18",
    "onnx/resnet50/n1": "inference, ResNet-50",
    "onnx/vgg16/n1": "inference, VGG-16",
    "onnx/mobilenet_v2/n1": "inference, MobileNetV2",
    "onnx/squeezenet1_1/n1": "inference, SqueezeNet 1.1",
}
PEERS = {"torch": "PyTorch", "jax": "JAX", "ort": "ONNX Runtime", "openvino": "OpenVINO", "ncnn": "ncnn", "mnn": "MNN"}


def shortened(run: Mapping[str, Any], memory: Mapping[str, Any], growth: Mapping[str, Any]) -> dict[str, Any]:
    """What the pages need, with four digits."""
    runs = {}
    for threads, entry in run["runs"].items():
        rows = {name: {**row, "peers": _peers(row["peers"])} for name, row in entry["rows"].items()}
        rows = {name: {key: row[key] for key in ("flops", "bytes", "peak", "commit", "peers")} for name, row in rows.items()}
        rates = {name: round(rate, 1) for name, rate in entry["bandwidth"].items()}
        runs[threads] = {**entry, "bandwidth": rates, "rows": rows}
    return {"runs": runs, "memory": memory, "growth": growth}


def joined(kept: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    """What was not measured now stays as it was: rows, where machine and versions are the same; memory and growth."""
    runs = {**new["runs"]}
    for threads, entry in kept.get("runs", {}).items():
        now = runs.get(threads)
        if now and all(now[key] == entry[key] for key in ("machine", "versions")):
            runs[threads] = {**now, "rows": {**entry["rows"], **now["rows"]}}
    return {"runs": runs, **{part: new[part] or kept.get(part, {}) for part in ("memory", "growth")}}


def _peers(peers: Mapping[str, Any]) -> dict[str, Any]:
    kept = ("median", "min", "calls", "rounds", "error_of_output", "error_of_parameters")
    made = {}
    for peer, figures in peers.items():
        if "median" in figures:
            made[peer] = {key: _rounded(figures[key]) for key in kept if figures.get(key) is not None}
    return made


def _rounded(value: Any) -> Any:
    if isinstance(value, list):
        return [_rounded(item) for item in value]
    return float(f"{value:.4g}") if isinstance(value, float) else value


def written(value: Any, depth: int = 0) -> str:
    """JSON with a row of a run a line, so that a change can be read."""
    if depth == 4 or not isinstance(value, dict) or not value:
        return json.dumps(value)
    indent = "\n" + " " * (depth + 1)
    inside = ",".join(f"{indent}{json.dumps(name)}: {written(item, depth + 1)}" for name, item in value.items())
    return f"{{{inside}\n{' ' * depth}}}"


def machine(figures: Figures) -> str:
    run = figures["runs"]["1"]
    m, rates = run["machine"], run["bandwidth"]
    peak = max(row["peak"] for row in run["rows"].values())
    versions = sorted({version for peer, version in run["versions"].items() if version and not version.startswith("swiftcnn")})
    commits = sorted({row["commit"] for row in run["rows"].values()})
    return (
        f"{m['processor']} ({m['widest']}; {m['caches']}), {m['processors']} cores, {m['system']}. A core multiplies and adds "
        f"{peak:.0f} GFLOP/s in float32; it copies {rates['copy_L2']:.0f} GB/s in its second cache, {rates['copy_L3']:.0f} in "
        f"the third, {rates['copy_DRAM']:.0f} in memory. Peers: {', '.join(versions)}. Commit {', '.join(commits)}.\n"
    )


def speed(figures: Figures) -> str:
    """The README's table: milliseconds of the best layout of each framework."""
    rows = figures["runs"]["1"]["rows"]
    lines = []
    for name, title in CHOSEN.items():
        if name not in rows:
            continue
        found = report.measured(rows[name])
        if {"torch", "torch_cl"} <= set(found):
            found["torch"] = min((found["torch"], found["torch_cl"]), key=lambda f: f["median"])
        best = report.best_peer(rows[name])
        times = [report.milliseconds(found[peer]["median"]) if peer in found else "" for peer in ("swiftcnn", *PEERS)]
        times[0] = f"**{times[0]}**"
        ratio = report.ratio(found["swiftcnn"], report.measured(rows[name])[best]).value if best else 0
        lines.append([title, *times, f"{ratio:.2f}"])
    return report.table(["ms, one core", "swiftcnn", *PEERS.values(), "best of all / ours"], lines)


def scaling(figures: Figures) -> str:
    """Our own time with one thread over that with two."""
    one, two = (figures["runs"].get(threads, {"rows": {}})["rows"] for threads in "12")
    lines = []
    for row in ROWS:
        medians = [report.measured(rows[row.id]).get("swiftcnn", {}).get("median") for rows in (one, two) if row.id in rows]
        if len(medians) == 2 and all(medians):
            lines.append([row.id, *map(report.milliseconds, medians), f"{medians[0] / medians[1]:.2f}"])
    return report.table(["row", "ms, one thread", "two", "times"], lines)


def memory(figures: Figures) -> str:
    from memory import goals

    found = figures["memory"]["mib"]
    allowed = goals(found)
    lines = [[case, f"{mib:.0f}", f"{allowed[case]:.0f}" if case in allowed else ""] for case, mib in found.items()]
    return report.table(["peak of resident memory", "MiB", "goal: at most"], lines)


def growth(figures: Figures) -> str:
    lines = []
    for name, ways in figures["growth"].items():
        found = [", ".join(f"{size:g}: {times:.2f} times {other:g}" for size, other, times in ways[way]) for way in ways]
        lines.append([name, *found])
    return report.table(["series", "prediction", "training step"], lines)


SECTIONS = {
    "machine": machine,
    "speed": speed,
    "scaling": scaling,
    "memory": memory,
    "growth": growth,
    "ratios 1": lambda figures: report.ratios(figures["runs"]["1"]),
    "ratios 2": lambda figures: report.ratios(figures["runs"]["2"]),
    "times 1": lambda figures: report.everything(figures["runs"]["1"]),
    "times 2": lambda figures: report.everything(figures["runs"]["2"]),
    "errors": lambda figures: report.errors(figures["runs"]["1"]),
}


def filled(text: str, figures: Figures) -> str:
    """A page with its tables made anew."""

    def section(match: re.Match[str]) -> str:
        try:
            table = SECTIONS[match[2]](figures)
        except KeyError:
            table = "Not measured yet.\n"
        return f"{match[1]}\n{table}{match[3]}"

    return re.sub(r"(<!-- figures: ([\w ]+) -->)\n.*?(<!-- end -->)", section, text, flags=re.DOTALL)


def plot_ratios(figures: Figures, path: Path) -> None:
    """The best peer's time over ours on each row, its spread over the rounds, and the goal. Dark blue: reached; light blue:
    faster than the best peer; red: not."""
    from matplotlib.figure import Figure

    runs = {threads: run for threads, run in figures["runs"].items() if run["rows"]}
    drawing = Figure(figsize=(6 * len(runs) + 2, 12), layout="constrained")
    for (threads, run), axes in zip(runs.items(), drawing.subplots(1, len(runs), squeeze=False)[0]):
        rows = [row for row in report.in_order(run["rows"]) if "swiftcnn" in report.measured(run["rows"][row.id])][::-1]
        for place, row in enumerate(rows):
            found, best = report.measured(run["rows"][row.id]), report.best_peer(run["rows"][row.id])
            if best is None:
                continue
            ratio = report.ratio(found["swiftcnn"], found[best])
            reached = (ratio.value >= 1) + (ratio.value >= (row.goal or 1))
            axes.barh(place, ratio.value, color=("#c1666b", "#90bcd8", "#2a6f97")[reached])
            axes.plot([ratio.least, ratio.most], [place, place], color="black", linewidth=1)
            axes.plot(row.goal, place, "|", color="black", markersize=9)
            axes.annotate(f" {best}", (max(ratio.value, ratio.most), place), fontsize=6, va="center")
        axes.set_yticks(range(len(rows)), [row.id for row in rows], fontsize=7)
        axes.set(xscale="log", title=f"best peer's time / ours, {threads} thread(s)", ylim=(-1, len(rows)))
        ticks = [0.25, 0.5, 1, 2, 4, 8]
        axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
        axes.minorticks_off()
        axes.axvline(1, color="black", linewidth=0.8)
    drawing.savefig(path, dpi=90)


def main() -> None:
    import growth as growth_module

    folder = ROOT / "build" / "bench"
    if "--pages" not in sys.argv:
        found = json.loads((folder / "growth.json").read_text()) if (folder / "growth.json").exists() else {}
        cliffs = {name: {way: list(growth_module.cliffs(f)) for way, f in ways.items()} for name, ways in found.items()}
        kept = folder / "memory.json"
        memory = json.loads(kept.read_text()) if kept.exists() else {}
        run = json.loads((folder / "run.json").read_text())
        before = json.loads(FIGURES.read_text()) if FIGURES.exists() else {}
        FIGURES.write_text(written(joined(before, shortened(run, memory, cliffs))) + "\n")
        if found:
            growth_module.plot(found, ROOT / "docs" / "growth.png")
    figures = json.loads(FIGURES.read_text())
    for page in PAGES:
        page.write_text(filled(page.read_text(), figures))
    plot_ratios(figures, ROOT / "docs" / "ratios.png")


if __name__ == "__main__":
    main()
