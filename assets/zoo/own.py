"""A user's own files by content: read once, and again only when identity, size or time of change say so."""

import json
import os
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from assets.zoo import packages
from compiler.build import hashes
from compiler.build.remembered import SETTLED
from compiler.frontends.foreign import files_of


@dataclass(frozen=True)
class Content:
    """A file's SHA-256, and the files (paths from its folder) that an ONNX model's external data lie in."""

    sha256: str
    external: tuple[str, ...] = ()


def content(path: Path) -> Content:
    """What is known of the file, from the cache where it hasn't changed since. Raises OSError."""
    status = path.stat()
    state = [status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns]
    held = packages.cache() / "own" / f"{hashes.of_bytes(str(path.resolve()).encode())[:32]}.json"
    if held.is_file():
        known = json.loads(held.read_text())
        if known["state"] == state:
            return Content(known["sha256"], tuple(known["external"]))
    made = Content(hashes.of_file(path), _external(path) if path.suffix == ".onnx" else ())
    if time.time() - status.st_mtime > SETTLED:
        _write(held, json.dumps({"state": state, **asdict(made)}))
    return made


def files(path: Path) -> list[Path]:
    """The file and those that its external data lie in; what a folder holds. Raises OSError."""
    external = content(path).external if path.is_file() else ()
    return [*files_of(path), *(path.parent / name for name in external)]


def digest(path: Path) -> list[str]:
    """Hashes of the files that a path stands for, as far as they are there, with their names if it is a folder."""
    return [told for file in files(path) if file.is_file() for told in _told(file, path)]


def _told(file: Path, path: Path) -> list[str]:
    inside = [file.relative_to(path).as_posix()] if path.is_dir() else []
    return [*inside, content(file).sha256]


def _external(path: Path) -> tuple[str, ...]:
    """Where a model's external data lie; nothing for what isn't a model, of which the first stage says so."""
    import onnx
    from google.protobuf.message import DecodeError
    from onnx import external_data_helper

    from compiler.frontends.onnx.load import external_tensors

    try:
        model = onnx.load_model(path, load_external_data=False)
    except DecodeError:
        return ()
    return tuple(sorted({external_data_helper.ExternalDataInfo(t).location for t in external_tensors(model)}))


def _write(path: Path, text: str) -> None:
    """Write aside and rename: readers never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".making-")
    with os.fdopen(handle, "w") as file:
        file.write(text)
    os.replace(name, path)
