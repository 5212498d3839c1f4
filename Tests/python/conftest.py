"""pytest's setting for this folder: hypothesis profiles, and what the report says about the machine and the cases run.

Each hypothesis test runs 300 cases; SWIFTCNN_QUICK=1 makes it 30. Cases are drawn anew each time; a failure prints
the line that repeats it.
"""

from __future__ import annotations

import os

import support
import swiftcnn
from hypothesis import HealthCheck, settings

settings.register_profile(
    "full",
    max_examples=300,
    deadline=None,
    derandomize=False,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
settings.register_profile("quick", settings.get_profile("full"), max_examples=30)
settings.load_profile("quick" if os.environ.get("SWIFTCNN_QUICK") == "1" else "full")


def pytest_report_header() -> str:
    return f"swiftcnn: {swiftcnn.__version__}, {swiftcnn.isa()}, {swiftcnn.get_num_threads()} threads"


def pytest_terminal_summary(terminalreporter) -> None:
    tally = support.tally
    if tally["cases"]:
        terminalreporter.write_line(f"parity: {tally['cases']} hypothesis cases, {tally['arrays']} arrays compared")
