"""What README.md shows must run: its Python lines, its C program, and its Swift lines in a package that depends on this one."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def snippets(language: str) -> list[str]:
    found = re.findall(rf"^```{language}\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
    assert found, f"README.md has no {language} snippet"
    return found


def expected(text: str, comment: str) -> list[str]:
    """What the comments behind printing lines say that they print."""
    return re.findall(rf"(?:print|printf)\(.*{comment} ?(.*?)(?: \*/)?$", text, re.MULTILINE)


def test_python(tmp_path: Path) -> None:
    code = "\n".join(snippets("python"))
    run = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == expected(code, "#")


def test_c(tmp_path: Path) -> None:
    compiler = shutil.which("cc") or shutil.which("clang")
    assert compiler, "no C compiler"
    library = ROOT / "python" / "swiftcnn" / "lib"
    for text in snippets("c"):
        (tmp_path / "first.c").write_text(text)
        strict = ["-std=c99", "-Wall", "-Wextra", "-Werror", "-pedantic", f"-I{ROOT / 'Include'}"]
        link = [f"-L{library}", "-lswiftcnn", f"-Wl,-rpath,{library}"]
        subprocess.run([compiler, *strict, "first.c", "-o", "first", *link], cwd=tmp_path, check=True)
        run = subprocess.run(["./first"], cwd=tmp_path, capture_output=True, text=True, check=True)
        assert run.stdout.splitlines() == expected(text, r"/\*")


def test_swift(tmp_path: Path) -> None:
    code = "\n".join(snippets("swift"))
    source = tmp_path / "Sources" / "First"
    source.mkdir(parents=True)
    (source / "main.swift").write_text(code)
    (tmp_path / "Package.swift").write_text(
        "// swift-tools-version: 6.2\nimport PackageDescription\nlet package = Package(\n"
        f'  name: "First", dependencies: [.package(name: "swiftcnn", path: "{ROOT}")],\n'
        '  targets: [.executableTarget(name: "First", dependencies: [.product(name: "SwiftCNN", package: "swiftcnn")])])\n'
    )
    environment = {name: value for name, value in os.environ.items() if name not in ("CC", "CXX")}
    # Modules are compiled by the commands of the package's own build: where that has been, they are not compiled again.
    command = ["swift", "run", "-c", "release", "--scratch-path", str(ROOT / ".build"), "First"]
    run = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    wanted = expected(code, "//")
    assert run.stdout.splitlines()[-len(wanted) :] == wanted
