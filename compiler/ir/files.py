"""A network on disk: `<stem>.mlir` and `<stem>_weights.npz`, side by side in one directory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection
from pathlib import Path

from xdsl.dialects.builtin import ModuleOp, StringAttr
from xdsl.ir import Dialect, Operation
from xdsl.utils.exceptions import ParseError, VerifyException

from compiler.dialects.host import HostOp
from compiler.dialects.structure import WeightOp
from compiler.ir import text
from compiler.ir.network import Network, name_of, shape
from compiler.ir.storage import storage
from compiler.npz import read_npz, write_npz

WEIGHT_FILE = "module.weight_file"


class DamagedFile(Exception):
    """An artifact can't be read; the message names the file and what is wrong with it."""


def save(network: Network, directory: Path, stem: str) -> None:
    """Write both files, the weights and models in the order of their ops and without those no op names."""
    used = [entry for op in network.module.walk() if (entry := _entry(op))]
    write_npz(directory / f"{stem}_weights.npz", {name: network.weights[name] for name in used})
    save_text(network, directory, stem, f"{stem}_weights.npz")


def save_text(network: Network, directory: Path, stem: str, weight_file: str) -> None:
    """Write the `.mlir` alone, naming a weight file that is already there or belongs to the stage before."""
    network.module.attributes[WEIGHT_FILE] = StringAttr(weight_file)
    (directory / f"{stem}.mlir").write_text(text.write(network.module), encoding="utf-8")


def link_weights(source: Path, target: Path) -> None:
    """Make `target` the same file as `source`, by a hard link where the file system has them."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def load(directory: Path, stem: str, *dialects: Dialect, weights_in: Path | None = None) -> Network:
    """
    Read a network back; weights are looked for in `weights_in`, or beside the text.

    Raises DamagedFile where the text isn't sound MLIR of these dialects, or a weight is absent or isn't of the extents
    its op states; DamagedArrays, FileNotFoundError.
    """
    path = directory / f"{stem}.mlir"
    module = _module(path, dialects)
    stated = module.attributes.get(WEIGHT_FILE)
    weight_file = (weights_in or directory) / (stated.data if isinstance(stated, StringAttr) else f"{stem}_weights.npz")
    network = Network(module, {})
    held = read_npz(weight_file)
    for op in module.walk():
        if not (name := _entry(op)):
            continue
        if name not in held:
            raise DamagedFile(f"{weight_file.name}: no weight {name!r}, which {path.name} names")
        if isinstance(op, HostOp):
            network.weights[name] = held[name]
        elif isinstance(op, WeightOp):
            kind = storage(op.output)
            array = held[name].view(kind) if held[name].dtype.kind == "V" else held[name]
            if array.shape != shape(op.output) or array.dtype != kind:
                raise DamagedFile(
                    f"{weight_file.name}: {name!r} is {array.dtype} {array.shape}, "
                    f"{path.name} says {kind} {shape(op.output)}"
                )
            network.weights[name] = array
    return network


def _entry(op: Operation) -> str:
    """The name of the weight file's entry that an op has; empty for an op that has none."""
    match op:
        case WeightOp():
            return name_of(op)
        case HostOp():
            return op.model.data
        case _:
            return ""


def _module(path: Path, dialects: Collection[Dialect]) -> ModuleOp:
    try:
        return text.read(path.read_text(encoding="utf-8"), *dialects, name=path.name)
    except (ParseError, VerifyException, UnicodeDecodeError) as error:
        raise DamagedFile(f"{path} isn't a sound network: {str(error).strip()}") from None
