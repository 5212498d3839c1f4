"""The header, the library's exports and Python's table of signatures say the same, and the library stands alone."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from swiftcnn import _c_api

ROOT = Path(__file__).resolve().parents[2]
HEADER = re.sub(r"/\*.*?\*/", "", (ROOT / "Include" / "swiftcnn.h").read_text(encoding="utf-8"), flags=re.DOTALL)
SYSTEM = re.compile(r"^(libc|libm|libstdc\+\+|libgcc_s|libpthread|libdl|ld-linux[-a-z0-9_]*)\.so\.\d+$")


def prototypes() -> dict[str, int]:
    """name -> number of arguments."""
    found = re.findall(r"\b(swiftcnn_\w+)\s*\(([^()]*)\)\s*;", HEADER)
    return {name: 0 if arguments.strip() == "void" else arguments.count(",") + 1 for name, arguments in found}


def tool(*command: str) -> str:
    if not shutil.which(command[0]):
        pytest.skip(f"needs {command[0]}")
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def test_python_declares_every_function_with_as_many_arguments() -> None:
    assert {name: len(types) for name, (types, _) in _c_api.FUNCTIONS.items()} == prototypes()


def test_nothing_else_is_exported() -> None:
    lines = [line.split() for line in tool("nm", "-D", "--defined-only", str(_c_api.LIBRARY_PATH)).splitlines()]
    assert {line[-1] for line in lines if line[-2].isupper() and line[-2] != "A"} == set(prototypes())


def test_status_numbers_are_unique() -> None:
    numbers = re.findall(r"SWIFTCNN_\w+\s*=\s*(\d+)", HEADER.split("typedef enum swiftcnn_status")[1].split("}")[0])
    assert len(numbers) == len(set(numbers)) >= 7


def test_the_library_needs_only_the_system() -> None:
    dynamic = tool("readelf", "-d", str(_c_api.LIBRARY_PATH))
    needed = re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    assert needed and all(SYSTEM.match(name) for name in needed), needed
    assert re.findall(r"\(SONAME\).*\[(.*)\]", dynamic) == ["libswiftcnn.so"]
    assert "/" not in "".join(re.findall(r"\((?:RUNPATH|RPATH)\).*\[(.*)\]", dynamic)).replace("$ORIGIN", "")
    stack = re.search(r"GNU_STACK.*\n?.*?(RWE|RW )", tool("readelf", "-lW", str(_c_api.LIBRARY_PATH)))
    assert stack is None or stack.group(1) != "RWE"


def test_abi_versions_agree() -> None:
    match = re.search(r"#define SWIFTCNN_ABI_VERSION (\d+)", HEADER)
    assert match and int(match.group(1)) == _c_api.ABI_VERSION
