"""The header, Python's table and the library say the same: functions, structs; and which instructions the functions use."""

from __future__ import annotations

import ctypes
import os
import re
import shutil
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from swiftcnn import _c_api

ROOT = Path(__file__).resolve().parents[2]
STRUCTS = {
    "swiftcnn_tensor": _c_api.Tensor,
    "swiftcnn_window": _c_api.Window,
    "swiftcnn_convolution": _c_api.Convolution,
    "swiftcnn_pooling": _c_api.Pooling,
    "swiftcnn_batch_normalization": _c_api.BatchNormalization,
    "swiftcnn_attribute": _c_api.Attribute,
    "swiftcnn_epoch": _c_api.Epoch,
}
EMBEDDED = ROOT / "build" / "embedded" / "libswiftcnn.so"
WIDE = ("KernelsAVX2", "KernelsAVX512")
# Instructions of x86-64-v3 and later: vectors with three operands, and bit manipulation.
LATER = re.compile(r"^(v(?!err|erw)\w+|shlx|shrx|sarx|rorx|mulx|bzhi|andn|bls[ir]|blsmsk|bextr|pdep|pext|lzcnt|tzcnt|movbe)$")


def fields(struct: type[ctypes.Structure]) -> list[str]:
    """The names of all members, those of the structure that it begins with included."""
    return [field[0] for part in reversed(struct.__mro__) for field in vars(part).get("_fields_", ())]


def tool(*command: str) -> str:
    assert shutil.which(command[0]), f"{command[0]} is missing: install binutils, which the Swift toolchain needs too"
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


# ---- Structs -----------------------------------------------------------------------------------------------------------


def test_structs_are_laid_out_alike_in_c_and_python(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("clang")
    assert compiler, "no C compiler"
    lines = ["#include <stdio.h>", '#include "swiftcnn.h"', "int main(void) {"]
    for name, struct in STRUCTS.items():
        lines.append(f'  printf("{name} %d\\n", (int)sizeof({name}));')
        for field in fields(struct):
            lines.append(f'  printf("{name}.{field} %d\\n", (int)offsetof({name}, {field}));')
    (tmp_path / "layout.c").write_text("\n".join([*lines, "  return 0;", "}"]))
    subprocess.run([compiler, "-std=c99", f"-I{ROOT / 'Include'}", "layout.c", "-o", "layout"], cwd=tmp_path, check=True)
    in_c = dict(line.split() for line in tool(str(tmp_path / "layout")).splitlines())
    in_python = {}
    for name, struct in STRUCTS.items():
        in_python[name] = str(ctypes.sizeof(struct))
        in_python |= {f"{name}.{field}": str(getattr(struct, field).offset) for field in fields(struct)}
    assert in_c == in_python


def test_enum_values_are_unique() -> None:
    header = (ROOT / "Include" / "swiftcnn.h").read_text(encoding="utf-8")
    enums = re.findall(r"typedef enum (\w+) \{(.*?)\}", header, re.DOTALL)
    known = {"swiftcnn_status", "swiftcnn_type", "swiftcnn_attribute_type", "swiftcnn_arrays"}
    assert {name for name, _ in enums} == known
    for name, body in enums:
        values = re.findall(r"SWIFTCNN_\w+ = (\d+)", body)
        assert len(values) == len(set(values)) > 1, name


# ---- Functions ---------------------------------------------------------------------------------------------------------


def test_pythons_table_is_the_headers() -> None:
    header = (ROOT / "Include" / "swiftcnn.h").read_text(encoding="utf-8")
    header = re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)
    declared = {}
    for result, name, arguments in re.findall(r"^([\w ]+[ *])(swiftcnn_\w+)\(([^)]*)\);", header, re.MULTILINE):
        count = 0 if arguments.strip() == "void" else arguments.count(",") + 1
        declared[name] = (count, result.strip() == "void")
    assert declared == {name: (len(given), result is None) for name, (given, result) in _c_api.FUNCTIONS.items()}


# ---- The library as a file -----------------------------------------------------------------------------------------------


def test_no_run_path() -> None:
    assert not re.findall(r"\((?:RUNPATH|RPATH)\).*", tool("readelf", "-d", str(_c_api.LIBRARY_PATH)))


def test_exports_the_headers_functions_and_nothing_else() -> None:
    header = (ROOT / "Include" / "swiftcnn.h").read_text(encoding="utf-8")
    declared = set(re.findall(r"\b(swiftcnn_\w+)\(", re.sub(r"/\*.*?\*/", "", header, flags=re.DOTALL)))
    symbols = tool("nm", "-D", "--defined-only", "--extern-only", str(_c_api.LIBRARY_PATH)).splitlines()
    assert declared == {symbol.split()[-1] for symbol in symbols}


def test_needs_the_systems_own_libraries_only() -> None:
    allowed = {"libc", "libm", "ld-linux-x86-64", "ld-linux-aarch64"}  # the last two are the C library's own loader
    if _c_api.LIBRARY_PATH.resolve() != EMBEDDED:
        allowed |= {"libstdc++", "libgcc_s"}  # what Swift's runtime is written in
    needed = re.findall(r"\(NEEDED\).*\[(.+?)\.so", tool("readelf", "-d", str(_c_api.LIBRARY_PATH)))
    assert "libc" in needed
    assert set(needed) <= allowed


# ---- Instructions ------------------------------------------------------------------------------------------------------
#
# Each instruction set's kernels are a module of their own. Swift also puts weak copies of small helpers (in Embedded Swift of
# the whole runtime) into every module, and the linker keeps any one of them: should it keep one that was compiled for
# AVX-512, older processors would stop there.

# The libraries with their symbols, and where their modules' objects are.
BUILDS = {
    library: ROOT / folder / "release"
    for folder, library in (
        (".build", ROOT / ".build/release/libswiftcnn.so"),
        (".build-embedded", ROOT / ".build-embedded/libswiftcnn.so"),
    )
    if library.exists()
}


def code(library: Path, scratch: Path) -> bytes:
    """The library's instructions, which stripping leaves as they are."""
    tool("objcopy", "-O", "binary", "--only-section=.text", str(library), str(scratch))
    return scratch.read_bytes()


def test_the_library_in_use_is_one_of_these_builds(tmp_path: Path) -> None:
    """Symbols are stripped from the library in use, so its functions are told apart in the build that it was copied from."""
    used = code(_c_api.LIBRARY_PATH, tmp_path / "code")
    assert used
    if not any(code(library, tmp_path / "code") == used for library in BUILDS):
        if os.environ.get("SWIFTCNN_LIBRARY"):
            pytest.skip("SWIFTCNN_LIBRARY names a library that was built elsewhere: its instructions are not checked")
        pytest.fail("python/swiftcnn/lib is not of this checkout's .build: run make build")


def functions(library: Path) -> Iterator[tuple[str, set[str], set[str]]]:
    """The name, mnemonics and registers of every function of `library`."""
    name, mnemonics, registers = "", set[str](), set[str]()
    for line in tool("objdump", "-d", "--no-show-raw-insn", str(library)).splitlines():
        if line.endswith(">:"):
            if name:
                yield name, mnemonics, registers
            name, mnemonics, registers = line.split("<", 1)[1][:-2], set(), set()
        elif "\t" in line:
            instruction = line.split("\t", 1)[1]
            mnemonics.add(instruction.split(None, 1)[0])
            registers.update(re.findall(r"%([yz]mm)", instruction))
    yield name, mnemonics, registers


def code_symbols(folder: Path, modules: list[str]) -> set[str]:
    objects = [str(path) for module in modules for path in (folder / f"{module}.build").glob("**/*.o")]
    assert objects, modules
    lines = tool("nm", "--defined-only", *objects).splitlines()
    return {line.split()[-1] for line in lines if re.search(r" [TtWw] ", line)}


@pytest.mark.parametrize("library", BUILDS, ids=lambda library: library.relative_to(ROOT).parts[0])
def test_wide_instructions_stay_in_their_modules(library: Path) -> None:
    folder = BUILDS[library]
    if os.uname().machine != "x86_64":
        assert not any((folder / f"{module}.build").exists() for module in WIDE), "kernels for another processor"
        return
    others = [path.name[: -len(".build")] for path in folder.glob("*.build") if any(path.glob("**/*.o"))]
    others = [module for module in others if module not in WIDE and not module.startswith("swiftcnnPackage")]
    common = code_symbols(folder, others)
    wide = code_symbols(folder, list(WIDE)) - common
    widest = wide - code_symbols(folder, ["KernelsAVX2"])
    slow = [name for name in common if re.search(r"(F32x16V|F64x8V).*T[Gt]?g?5", name)]  # a template, specialised
    assert not slow, f"kernels of AVX-512 that the linker may take from a module compiled without it: {slow[:3]}"
    used: Counter[str] = Counter()
    for name, mnemonics, registers in functions(library):
        if name in common:
            assert not any(LATER.match(mnemonic) for mnemonic in mnemonics), f"{name}: {sorted(mnemonics)}"
        if "zmm" in registers:
            assert name in widest, f"{name} uses 512-bit registers"
        if "ymm" in registers:
            assert name in wide, f"{name} uses 256-bit registers"
        used.update(registers)
    assert used["zmm"] and used["ymm"], "found no kernels at all: was the library built without symbols?"
