"""Files of named arrays: NumPy's ``.npz``, or ``.safetensors`` by its library, with a little text beside.

They are written under another name in the same folder and then renamed, so that a crash at any moment leaves the old file
or the new one, whole.
"""

from __future__ import annotations

import json
import os
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Union

import numpy as np

from .._arrays import Array
from ..errors import InvalidArgumentError

_NOTES = "__swiftcnn__"  # the name of the text among the arrays of an .npz


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError as error:
        raise ImportError(".safetensors files need safetensors: pip install safetensors; .npz files do not") from error
    return safetensors


def _suffix(path: Union[str, Path]) -> str:
    suffix = Path(path).suffix.lower()
    if suffix not in (".npz", ".safetensors"):
        raise InvalidArgumentError(f"path must end in .npz or .safetensors, got {str(path)!r}")
    return suffix


def write(path: Union[str, Path], arrays: Mapping[str, Array], notes: Mapping[str, Any]) -> None:
    """Writes arrays, and notes that JSON can hold."""
    suffix, target = _suffix(path), Path(path)
    text = json.dumps(dict(notes))
    library = _library() if suffix == ".safetensors" else None
    handle, name = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".new", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as file:
            if library is not None:
                plain = {key: np.ascontiguousarray(array) for key, array in arrays.items()}
                file.write(library.numpy.save(plain, {"swiftcnn": text}))
            else:
                named: dict[str, Any] = {**arrays, _NOTES: np.array(text)}
                np.savez(file, **named)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o666 & ~_umask())
        os.replace(name, target)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    folder = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the renaming itself
    finally:
        os.close(folder)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def read(path: Union[str, Path]) -> tuple[dict[str, Array], dict[str, Any]]:
    """The arrays and the notes. Nothing in a file is executed."""
    if _suffix(path) == ".safetensors":
        library = _library()
        try:
            with library.safe_open(str(path), "numpy") as file:
                notes = (file.metadata() or {}).get("swiftcnn", "{}")
                return {name: file.get_tensor(name) for name in file.keys()}, json.loads(notes)  # noqa: SIM118
        except library.SafetensorError as error:
            raise InvalidArgumentError(f"path: {path} is not a whole .safetensors file: {error}") from error
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
    except (ValueError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise InvalidArgumentError(f"path: {path} is not a whole .npz file: {error}") from error
    return arrays, json.loads(str(arrays.pop(_NOTES, "{}")))
