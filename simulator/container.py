"""
The file of a `sample.model` as a container: a manifest and named sections, hashed, in one file that can be mapped.

Layout, little endian: magic (8 bytes), version (u32), length of the manifest (u32), its SHA-256 (32); the manifest,
canonical JSON in UTF-8; then the sections, each on a multiple of `PAGE` with zeros before it. The manifest gives size
and SHA-256 of each section.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

MAGIC = b"tpuflow\x00"
VERSION = 3
PAGE = 4096

_HEADER = struct.Struct("<8sII32s")

Bytes = NDArray[np.uint8]


class DamagedModel(ValueError):
    """A file that isn't a sample.model, is not whole, or was made for another chip; the message names the part."""


def write_sections(path: Path, manifest: Mapping[str, Any], sections: Mapping[str, NDArray[Any]]) -> None:
    """Write the file; the manifest is completed by what it says of the sections."""
    text = _canonical({**manifest, "sections": {name: _described(array) for name, array in sections.items()}})
    with path.open("wb") as file:
        file.write(_HEADER.pack(MAGIC, VERSION, len(text), hashlib.sha256(text).digest()))
        file.write(text)
        for array in sections.values():
            file.write(bytes(-file.tell() % PAGE))
            file.write(_bytes(array))


def read_manifest(path: Path, raw: Bytes) -> tuple[dict[str, Any], int]:
    """The manifest of a mapped file, and where it ends. Raises DamagedModel."""
    if raw.size < _HEADER.size:
        raise DamagedModel(f"{path}: header is not whole, the file has {raw.size} bytes; build it again")
    magic, version, length, digest = _HEADER.unpack(raw[: _HEADER.size].tobytes())
    if magic != MAGIC:
        raise DamagedModel(f"{path}: not a sample.model, it begins with {magic!r}; give one that was built")
    if version != VERSION:
        raise DamagedModel(f"{path}: header says version {version}, this installation reads {VERSION}; build it again")
    stop = _HEADER.size + length
    text = raw[_HEADER.size : stop].tobytes()
    if hashlib.sha256(text).digest() != digest:
        what = "is cut off" if stop > raw.size else "has bytes that differ from its hash"
        raise DamagedModel(f"{path}: manifest {what}; build it again")
    try:
        manifest: dict[str, Any] = json.loads(text)
    except ValueError as error:
        raise DamagedModel(f"{path}: manifest is no JSON: {error}; build it again") from error
    return manifest, stop


def read_section(path: Path, raw: Bytes, name: str, described: Mapping[str, Any], stop: int) -> tuple[Bytes, int]:
    """The bytes of a section that follows what ended at `stop`, and where it ends. Raises DamagedModel."""
    start = stop + -stop % PAGE
    end = start + described["size"]
    if end > raw.size:
        missing = end - raw.size
        raise DamagedModel(f"{path}: section {name} is cut off, {missing} of its bytes are missing; build it again")
    if raw[stop:start].any():
        raise DamagedModel(f"{path}: there are bytes other than zero before section {name}; build it again")
    payload = raw[start:end]
    if hashlib.sha256(payload.data).hexdigest() != described["sha256"]:
        raise DamagedModel(f"{path}: section {name} has bytes that differ from its hash; build it again")
    return payload, end


def _canonical(manifest: Mapping[str, Any]) -> bytes:
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _described(array: NDArray[Any]) -> dict[str, Any]:
    return {"size": array.nbytes, "sha256": hashlib.sha256(_bytes(array)).hexdigest()}


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).view(np.uint8).data
