"""
`sample.model`: what a chip is loaded with, in one file that can be mapped.

Layout, little endian: magic (8 bytes), version (u32), length of the manifest (u32), its SHA-256 (32); the manifest,
canonical JSON in UTF-8; then the sections `tiu`, `gdma`, `weights`, `host` (ONNX models, see `subnets`) and `debug`, in
this order, each on a multiple of `PAGE` with zeros before it. The manifest gives size and SHA-256 of each section, and
repeats every number of the chip. There is no time in it: the same model gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.chip import Chip, UnknownChip, chip_named
from simulator.debug_map import SLICE, Slices, TensorSlice, slice_rows
from simulator.isa.record import RECORD, Records
from simulator.isa.table import DType
from simulator.subnets import (
    BadSubnets,
    ChipSubnet,
    HostSubnet,
    Subnet,
    check_ranges,
    described,
    joined_models,
    parsed,
)

MAGIC = b"tpuflow\x00"
VERSION = 2
PAGE = 4096
SECTIONS = ("tiu", "gdma", "weights", "host", "debug")

_HEADER = struct.Struct("<8sII32s")

Bytes = NDArray[np.uint8]


class DamagedModel(ValueError):
    """A file that isn't a sample.model, is not whole, or was made for another chip; the message names the part."""


@dataclass(frozen=True)
class IO:
    """
    A network input or output at `offset` bytes of the IO region; `real = (stored - zero_point) · scale`.

    One that only host ops touch lies nowhere: `held` is numpy's name of its type (`object` for texts), `dtype` is NONE,
    and an extent of -1 isn't known until it is there. `declared` is numpy's name of the model's own type, where that
    isn't float32: what is fed and given. One of integers or bools isn't quantised.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    offset: int
    scale: float = 1.0
    zero_point: int = 0
    held: str = ""
    declared: str = "float32"


@dataclass(frozen=True)
class Tensor:
    """
    A tensor of `tpu.mlir` in the debug map: where the records leave its parts.

    `folded_into` names a tensor that has the same bytes in another shape; such a tensor has no slices of its own.
    `internal` marks one that lowering introduced. `held` is numpy's name of the type of one that the host makes, or
    alone reads: the host has it, so that it needs no slices.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    scale: float = 1.0
    zero_point: int = 0
    internal: bool = False
    slices: Sequence[TensorSlice] = ()
    folded_into: str = ""
    held: str = ""


@dataclass(frozen=True)
class Model:
    """Both record streams, the weights' bytes, the sizes of the other regions, and what names and numbers mean."""

    chip: Chip
    mode: str
    inputs: Sequence[IO]
    outputs: Sequence[IO]
    tiu: Records
    gdma: Records
    weights: Bytes
    activation_bytes: int
    io_bytes: int
    tensors: Sequence[Tensor] = ()
    layers: Sequence[str] = ()
    """Names that the records' tags count into."""
    subnets: Sequence[Subnet] = ()
    """What runs, in order; without any, both streams as they are."""

    @property
    def parts(self) -> Sequence[Subnet]:
        """The subnets, of which there is one at least."""
        return self.subnets or (ChipSubnet((0, len(self.tiu)), (0, len(self.gdma))),)

    @property
    def host(self) -> Sequence[HostSubnet]:
        """The ops of the host, in order."""
        return [subnet for subnet in self.subnets if isinstance(subnet, HostSubnet)]


def write(model: Model, path: Path) -> None:
    """Write the file."""
    debug = slice_rows([tensor.slices for tensor in model.tensors])
    models, places = joined_models(model.parts)
    payloads = dict(zip(SECTIONS, (model.tiu, model.gdma, model.weights, models, debug), strict=True))
    manifest = _manifest(model) | {"subnets": [described(subnet, places) for subnet in model.parts]}
    manifest["sections"] = {name: _described(array) for name, array in payloads.items()}
    text = _canonical(manifest)
    with path.open("wb") as file:
        file.write(_HEADER.pack(MAGIC, VERSION, len(text), hashlib.sha256(text).digest()))
        file.write(text)
        for array in payloads.values():
            file.write(bytes(-file.tell() % PAGE))
            file.write(_bytes(array))


def read(path: Path, chip: Chip | None = None) -> Model:
    """
    The model in a file, its weights mapped (what is written to them never reaches the file), every hash checked.

    `chip` is what it must have been compiled for, by default this installation's preset of the same name.
    Raises DamagedModel, FileNotFoundError.
    """
    size = path.stat().st_size
    if size < _HEADER.size:
        raise DamagedModel(f"{path}: header is not whole, the file has {size} bytes; build it again")
    raw: Bytes = np.memmap(path, np.uint8, "c")
    manifest, start = _read_manifest(path, raw)
    sections: dict[str, Bytes] = {}
    try:
        _check_chip(path, manifest, chip)
        for name in SECTIONS:
            sections[name], start = _section(path, raw, name, manifest["sections"][name], start)
        if start != size:
            raise DamagedModel(f"{path}: {size - start} bytes follow section debug; build it again")
        return _model(manifest, sections)
    except DamagedModel:
        raise
    except BadSubnets as error:
        raise DamagedModel(f"{path}: {error}; build it again") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DamagedModel(f"{path}: manifest lacks or garbles {error}; build it again") from error


def _canonical(manifest: Mapping[str, Any]) -> bytes:
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _described(array: NDArray[Any]) -> dict[str, Any]:
    return {"size": array.nbytes, "sha256": hashlib.sha256(_bytes(array)).hexdigest()}


def _bytes(array: NDArray[Any]) -> memoryview:
    return np.ascontiguousarray(array).view(np.uint8).data


def _manifest(model: Model) -> dict[str, Any]:
    return {
        "chip": asdict(model.chip),
        "chip_digest": model.chip.digest(),
        "mode": model.mode,
        "inputs": [asdict(io) for io in model.inputs],
        "outputs": [asdict(io) for io in model.outputs],
        "activation_bytes": model.activation_bytes,
        "io_bytes": model.io_bytes,
        "layers": list(model.layers),
        "tensors": [
            {
                "name": tensor.name, "shape": tensor.shape, "dtype": tensor.dtype, "scale": tensor.scale,
                "zero_point": tensor.zero_point, "internal": tensor.internal, "folded_into": tensor.folded_into,
                "held": tensor.held, "slices": len(tensor.slices),
            }
            for tensor in model.tensors
        ],
    }  # fmt: skip


def _read_manifest(path: Path, raw: Bytes) -> tuple[dict[str, Any], int]:
    """The manifest and where it ends."""
    magic, version, length, digest = _HEADER.unpack(raw[: _HEADER.size].tobytes())
    if magic != MAGIC:
        raise DamagedModel(f"{path}: not a sample.model, it begins with {magic!r}")
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


def _section(path: Path, raw: Bytes, name: str, described: Mapping[str, Any], stop: int) -> tuple[Bytes, int]:
    """The bytes of a section that follows what ended at `stop`, and where it ends."""
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


def _check_chip(path: Path, manifest: Mapping[str, Any], expected: Chip | None) -> None:
    name = manifest["chip"]["name"]
    try:
        chip = expected or chip_named(name)
    except UnknownChip as error:
        raise DamagedModel(f"{path}: made for another chip, {error}; build it again") from error
    if chip.digest() != manifest["chip_digest"]:
        ours = asdict(chip)
        differing = [f"{key} {value}, not {ours[key]}" for key, value in manifest["chip"].items() if value != ours[key]]
        what = "; ".join(differing) or "other arithmetic"
        raise DamagedModel(f"{path}: made for another {chip.name} ({what}); build it again")


def _model(manifest: Mapping[str, Any], sections: Mapping[str, Bytes]) -> Model:
    rows: NDArray[Any] = sections["debug"].view(SLICE)
    tiu, gdma = sections["tiu"].view(RECORD), sections["gdma"].view(RECORD)
    subnets = tuple(parsed(entry, sections["host"]) for entry in manifest["subnets"])
    check_ranges(subnets, len(tiu), len(gdma))
    return Model(
        Chip(**manifest["chip"]),
        manifest["mode"],
        tuple(_io(entry) for entry in manifest["inputs"]),
        tuple(_io(entry) for entry in manifest["outputs"]),
        tiu,
        gdma,
        sections["weights"],
        manifest["activation_bytes"],
        manifest["io_bytes"],
        _tensors(manifest["tensors"], rows),
        tuple(manifest["layers"]),
        subnets,
    )


def _io(entry: Mapping[str, Any]) -> IO:
    shape, dtype = tuple(entry["shape"]), DType(entry["dtype"])
    meaning = entry["scale"], entry["zero_point"], entry["held"], entry["declared"]
    return IO(entry["name"], shape, dtype, entry["offset"], *meaning)


def _tensors(entries: Sequence[Mapping[str, Any]], rows: NDArray[Any]) -> tuple[Tensor, ...]:
    tensors: list[Tensor] = []
    first = 0
    for entry in entries:
        last = first + entry["slices"]
        tensors.append(_tensor(entry, Slices(rows[first:last])))
        first = last
    return tuple(tensors)


def _tensor(entry: Mapping[str, Any], slices: Slices) -> Tensor:
    return Tensor(
        entry["name"],
        tuple(entry["shape"]),
        DType(entry["dtype"]),
        entry["scale"],
        entry["zero_point"],
        entry["internal"],
        slices,
        entry["folded_into"],
        entry["held"],
    )
