"""Whether a model's files can be built from, before anything is built: the record, its data sets, its own files."""

from pathlib import Path

from assets.zoo import record
from assets.zoo.builders import catalogue as builders
from assets.zoo.complaint import Fault, Faulty, of_field, shown
from assets.zoo.datasets.catalogue import UnknownDataSet, check
from assets.zoo.datasets.samples import NotInDataSet, Part
from assets.zoo.fields import Record
from assets.zoo.foreign import onnx_of
from assets.zoo.look import Look, look
from assets.zoo.make import FileOutside, fed
from assets.zoo.origins import Built, ForeignModel, OwnModel
from compiler.feeds import BadData
from compiler.frontends.onnx.errors import ModelError
from compiler.npz import DamagedArrays
from compiler.passes.network_pass import PassError

PARTS: tuple[Part, ...] = ("calibration", "evaluation")


def examine(path: Path) -> Record:
    """The record in the file, if it and the files beside it are sound. Raises Faulty, FileNotFoundError."""
    held = record.read_file(path)
    text = path.read_text()
    for part in PARTS:
        use = held.calibration if part == "calibration" else held.evaluation
        field = f"{part}.file" if use.file else f"{part}.dataset"
        try:
            if use.file is not None:
                fed(held, part)
            else:
                check(str(use.dataset))
        except (UnknownDataSet, NotInDataSet, BadData, DamagedArrays) as error:
            raise Faulty(of_field(path, text, field, str(error))) from None
    if isinstance(held.source, Built):
        try:
            builders.check(held.source.builder)
        except builders.UnknownBuilder as error:
            raise Faulty(of_field(path, text, "source.builder", str(error))) from None
    if isinstance(held.source, OwnModel | ForeignModel):
        try:
            look_at(held.source, held)
        except Faulty as error:
            raise Faulty(*(of_field(path, text, "source.file", fault.reason) for fault in error.faults)) from None
    return held


def look_at(source: OwnModel | ForeignModel, held: Record) -> Look:
    """What a model's file says of itself, with the extents that its record says. Raises Faulty."""
    try:
        file = source.file if isinstance(source, OwnModel) else onnx_of(source, held.inputs)
        return look(file, held.inputs)
    except (ModelError, PassError, FileOutside) as error:
        raise Faulty(Fault(shown(source.file), 0, "", str(error))) from None


def faults(path: Path) -> tuple[Fault, ...]:
    """All that is wrong with the record in a file, and with what it names; nothing where it is sound."""
    try:
        examine(path)
    except Faulty as error:
        return error.faults
    except OSError as error:
        return (Fault(shown(path), 0, "", str(error)),)
    return ()
