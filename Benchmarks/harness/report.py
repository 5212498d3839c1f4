"""Tables from what `rounds` measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from peers import OURS, PEERS

from harness import model
from harness.workloads import ROWS, Row


class Ratio(NamedTuple):
    """The other's time over ours: of all calls' medians, and of the rounds' the least and the most."""

    value: float
    least: float
    most: float


def ratio(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> Ratio:
    rounds = [b / a for a, b in zip(ours["rounds"], theirs["rounds"])]
    return Ratio(theirs["median"] / ours["median"], min(rounds), max(rounds))


def measured(entry: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """The peers that have times on a row."""
    return {peer: figures for peer, figures in entry["peers"].items() if "median" in figures}


def best_peer(entry: Mapping[str, Any]) -> Optional[str]:
    others = {peer: figures["median"] for peer, figures in measured(entry).items() if peer not in OURS}
    return min(others, key=lambda peer: others[peer]) if others else None


def in_order(rows: Mapping[str, Any]) -> list[Row]:
    return [row for row in ROWS if row.id in rows]


def milliseconds(seconds: float) -> str:
    value = seconds * 1e3
    return f"{value:.4f}" if value < 0.1 else f"{value:.3g}" if value < 1000 else f"{value:.0f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join([_line(header), _line(["---"] * len(header)), *map(_line, rows)]) + "\n"


def ratios(run: Mapping[str, Any]) -> str:
    """A line a row: we, the best peer, the ratio and its spread, the goal, the share of the peak, the error."""
    header = ["row", "ms", "best peer", "its ms", "ratio", "of rounds", "goal", "GFLOP/s", "of peak", "limit ms", "error"]
    lines = []
    for row in in_order(run["rows"]):
        entry = run["rows"][row.id]
        found, best = measured(entry), best_peer(entry)
        if "swiftcnn" not in found:
            lines.append([row.id, entry["peers"].get("swiftcnn", {}).get("error", "not measured")[:60], *[""] * 9])
            continue
        ours = found["swiftcnn"]
        cells = [row.id, milliseconds(ours["median"])]
        if best:
            r, goal = ratio(ours, found[best]), row.goal
            mark = "" if goal is None or r.value >= goal else " -"
            spread = f"{r.least:.2f}..{r.most:.2f}"
            cells += [best, milliseconds(found[best]["median"]), f"{r.value:.2f}{mark}", spread, f"{goal or ''}"]
        else:
            cells += ["", "", "", "", f"{row.goal or ''}"]
        rate = row.flops / ours["median"] * 1e-9
        cells += [f"{rate:.0f}", f"{100 * rate / entry['peak']:.0f} %"] if row.flops else ["", ""]
        cells.append(_limit(row, run, entry))
        error = ours.get("error_of_output")
        cells.append("" if error is None else f"{error:.1e}")
        lines.append(cells)
    return table(header, lines)


def _limit(row: Row, run: Mapping[str, Any], entry: Mapping[str, Any]) -> str:
    if not row.window:
        return ""
    seconds, how = model.limit(row, entry["peak"], run["bandwidth"], len(run["cpus"]))
    return f"{milliseconds(seconds)} {how}"


def everything(run: Mapping[str, Any]) -> str:
    """Every peer's median, and its least time in brackets; the best of each row bold."""
    present = {peer for entry in run["rows"].values() for peer in measured(entry)}
    peers = [peer for peer in PEERS if peer in present]
    lines = []
    for row in in_order(run["rows"]):
        found = measured(run["rows"][row.id])
        if not found:
            continue
        best = min(found, key=lambda peer: found[peer]["median"])
        cells = [row.id]
        for peer in peers:
            figures = found.get(peer)
            text = f"{milliseconds(figures['median'])} ({milliseconds(figures['min'])})" if figures else ""
            cells.append(f"**{text}**" if peer == best else text)
        lines.append(cells)
    return table(["median ms (least)", *peers], lines)


def errors(run: Mapping[str, Any]) -> str:
    """What each peer's outputs were off on each row, of the row's largest output."""
    present = {peer for entry in run["rows"].values() for peer in measured(entry)}
    peers = [peer for peer in PEERS if peer in present]
    lines = []
    for row in in_order(run["rows"]):
        found = measured(run["rows"][row.id])
        off = [found.get(peer, {}).get("error_of_output") for peer in peers]
        lines.append([row.id, *("" if error is None else f"{error:.0e}" for error in off)])
    return table(["largest error", *peers], lines)


def misses(run: Mapping[str, Any]) -> int:
    """Rows on which we are slower than the goal, or than the best peer where there is none."""
    count = 0
    for row in in_order(run["rows"]):
        found, best = measured(run["rows"][row.id]), best_peer(run["rows"][row.id])
        if best and "swiftcnn" in found:
            count += ratio(found["swiftcnn"], found[best]).value < (row.goal or 1)
    return count


def text(run: Mapping[str, Any]) -> str:
    """All of a run with as many threads as it says."""
    rates = ", ".join(f"{name} {rate:.0f}" for name, rate in run["bandwidth"].items())
    versions = ", ".join(sorted({version for peer, version in run["versions"].items() if version}))
    about = f"{len(run['cpus'])} thread(s), on processor {', '.join(map(str, run['cpus']))}; GB/s: {rates}. {versions}."
    return "\n".join([about, "", ratios(run), everything(run), errors(run)])
