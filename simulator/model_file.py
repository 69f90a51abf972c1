"""
`sample.model`: what a chip is loaded with, in one file that can be mapped.

Sections, in this order: `tiu` and `gdma` (the records of one core after another), `weights`, `host` (ONNX models, see
`subnets`) and `debug`. The manifest tells how many records each core has, and repeats every number of the chip. There
is no time in it: the same model gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulator.arithmetic.casts import Steps, steps
from simulator.chip import Chip, UnknownChip, chip_named
from simulator.container import Bytes, DamagedModel, read_manifest, read_section, write_sections
from simulator.cores import Streams
from simulator.debug_map import SLICE, Slices, TensorSlice, slice_rows
from simulator.isa.record import RECORD, Records
from simulator.isa.table import DType, Engine
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

SECTIONS: Sequence[str] = ("tiu", "gdma", "weights", "host", "debug")


@dataclass(frozen=True)
class IO:
    """
    A network input or output at `offset` bytes of the IO region; `real = (stored - zero_point) · scale`, by the indices
    of an `axis` where that isn't -1.

    One that only host ops touch lies nowhere: `held` is numpy's name of its type (`object` for texts), `dtype` is NONE,
    and an extent of -1 isn't known until it is there. `declared` is numpy's name of the model's own type, where that
    isn't float32: what is fed and given. One of integers or bools isn't quantised.
    """

    name: str
    shape: tuple[int, ...]
    dtype: DType
    offset: int
    scale: Steps = 1.0
    zero_point: Steps = 0
    held: str = ""
    declared: str = "float32"
    axis: int = -1

    @property
    def bytes(self) -> int:
        """What it takes in the IO region: nothing of one that only host ops touch."""
        return 0 if self.held else prod(self.shape) * self.dtype.itemsize


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
    scale: Steps = 1.0
    zero_point: Steps = 0
    internal: bool = False
    slices: Sequence[TensorSlice] = ()
    folded_into: str = ""
    held: str = ""
    axis: int = -1


@dataclass(frozen=True)
class Model:
    """
    Both record streams, the weights' bytes, the sizes of the other regions, and what names and numbers mean.

    The streams are the first core's; `others` has those of further ones.
    """

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
    """What runs, in order; without any, all streams as they are."""
    others: Sequence[Streams] = ()

    @property
    def cores(self) -> Sequence[Streams]:
        """Every core's streams, one core at least."""
        return (Streams(self.tiu, self.gdma), *self.others)

    @property
    def parts(self) -> Sequence[Subnet]:
        """The subnets, of which there is one at least."""
        if self.subnets:
            return self.subnets
        first, *others = (((0, len(core.tiu)), (0, len(core.gdma))) for core in self.cores)
        return (ChipSubnet(*first, tuple(others)),)

    @property
    def host(self) -> Sequence[HostSubnet]:
        """The ops of the host, in order."""
        return [subnet for subnet in self.subnets if isinstance(subnet, HostSubnet)]


def write(model: Model, path: Path) -> None:
    """Write the file."""
    debug = slice_rows([tensor.slices for tensor in model.tensors])
    models, places = joined_models(model.parts)
    tiu, gdma = (np.concatenate([core.of(engine) for core in model.cores]) for engine in Engine)
    payloads = dict(zip(SECTIONS, (tiu, gdma, model.weights, models, debug), strict=True))
    manifest = _manifest(model) | {"subnets": [described(subnet, places) for subnet in model.parts]}
    write_sections(path, manifest, payloads)


def read(path: Path, chip: Chip | None = None) -> Model:
    """
    The model in a file, its weights mapped (what is written to them never reaches the file), every hash checked.

    `chip` is what it must have been compiled for, by default this installation's preset of the same name.
    Raises DamagedModel, FileNotFoundError.
    """
    raw: Bytes = np.memmap(path, np.uint8, "c") if path.stat().st_size else np.zeros(0, np.uint8)
    manifest, start = read_manifest(path, raw)
    sections: dict[str, Bytes] = {}
    try:
        _check_chip(path, manifest, chip)
        for name in SECTIONS:
            sections[name], start = read_section(path, raw, name, manifest["sections"][name], start)
        if start != raw.size:
            raise DamagedModel(f"{path}: {raw.size - start} bytes follow section debug; build it again")
        return _model(manifest, sections)
    except DamagedModel:
        raise
    except BadSubnets as error:
        raise DamagedModel(f"{path}: {error}; build it again") from error
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        raise DamagedModel(f"{path}: manifest lacks or garbles {error}; build it again") from error


def _manifest(model: Model) -> dict[str, Any]:
    return {
        "chip": asdict(model.chip),
        "chip_digest": model.chip.digest(),
        "mode": model.mode,
        "inputs": [asdict(io) for io in model.inputs],
        "outputs": [asdict(io) for io in model.outputs],
        "cores": [[len(core.tiu), len(core.gdma)] for core in model.cores],
        "activation_bytes": model.activation_bytes,
        "io_bytes": model.io_bytes,
        "layers": list(model.layers),
        "tensors": [
            {
                "name": tensor.name, "shape": tensor.shape, "dtype": tensor.dtype, "scale": tensor.scale,
                "zero_point": tensor.zero_point, "internal": tensor.internal, "folded_into": tensor.folded_into,
                "held": tensor.held, "axis": tensor.axis, "slices": len(tensor.slices),
            }
            for tensor in model.tensors
        ],
    }  # fmt: skip


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
    first, *others = _cores(manifest["cores"], sections["tiu"].view(RECORD), sections["gdma"].view(RECORD))
    subnets = tuple(parsed(entry, sections["host"]) for entry in manifest["subnets"])
    check_ranges(subnets, [(len(core.tiu), len(core.gdma)) for core in (first, *others)])
    return Model(
        Chip(**manifest["chip"]),
        manifest["mode"],
        tuple(_io(entry) for entry in manifest["inputs"]),
        tuple(_io(entry) for entry in manifest["outputs"]),
        first.tiu,
        first.gdma,
        sections["weights"],
        manifest["activation_bytes"],
        manifest["io_bytes"],
        _tensors(manifest["tensors"], rows),
        tuple(manifest["layers"]),
        subnets,
        tuple(others),
    )


def _cores(counts: Sequence[Sequence[int]], tiu: Records, gdma: Records) -> Iterator[Streams]:
    """Each core's part of both sections."""
    if not counts or tuple(map(sum, zip(*counts, strict=True))) != (len(tiu), len(gdma)):
        raise BadSubnets(f"cores: {counts} records of each, the streams have {(len(tiu), len(gdma))}")
    for computes, moves in counts:
        yield Streams(tiu[:computes], gdma[:moves])
        tiu, gdma = tiu[computes:], gdma[moves:]


def _io(entry: Mapping[str, Any]) -> IO:
    shape, dtype = tuple(entry["shape"]), DType(entry["dtype"])
    meaning = steps(entry["scale"]), steps(entry["zero_point"]), entry["held"], entry["declared"], entry["axis"]
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
        steps(entry["scale"]),
        steps(entry["zero_point"]),
        entry["internal"],
        slices,
        entry["folded_into"],
        entry["held"],
        entry["axis"],
    )
