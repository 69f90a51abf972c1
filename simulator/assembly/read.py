"""The program that a text is; `simulator.assembly.write` says what its lines are."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from simulator.assembly.labels import Labels, Stream
from simulator.assembly.lines import box, fields, frame, name
from simulator.assembly.write import PORT_FIELDS, TENSOR_FIELDS, weights_hash
from simulator.chip import CHIPS, VARIANTS, Chip, chip_named
from simulator.container import MAGIC, Bytes, DamagedModel
from simulator.cores import Streams
from simulator.debug_map import TensorSlice, in_order
from simulator.isa.parse import AssemblyError, Word, Wrong, chosen, member, operand, record, whole, words
from simulator.isa.record import Operand, Records, decode, encode
from simulator.isa.table import Engine
from simulator.isa.text import RAW
from simulator.model_file import IO, Model, Tensor, read
from simulator.subnets import ChipSubnet, HostSubnet, Subnet


def assembled(lines: Iterable[str], source: Path, chip: str = "", data: Path | None = None) -> Model:
    """
    The program of a text that came from the file `source`, from whose folder paths in it count.

    `chip` and `data` take the places of the text's own. Raises AssemblyError.
    """
    reading = _Reading(source.parent, data)
    if chip:
        reading.chip = _preset(Word(chip, 0))
    for number, line in enumerate(lines, 1):
        try:
            if line_words := words(line):
                reading.enter(number, line_words)
        except Wrong as wrong:
            raise AssemblyError(f"{source}: ", number, wrong.column, str(wrong)) from wrong
    for waiting in reading.labels.waits():
        try:
            reading.labels.put(waiting, reading.records)
        except Wrong as wrong:
            raise AssemblyError(f"{source}: ", waiting.line, wrong.column, str(wrong)) from wrong
    if reading.chip is None:
        raise AssemblyError(f"{source}: ", 1, 1, "no line names the chip; begin with .chip x64, or pass --chip x64")
    return reading.model(reading.chip)


class _Reading:
    """What the lines so far have said."""

    def __init__(self, folder: Path, data: Path | None) -> None:
        self.chip: Chip | None = None
        self.labels = Labels()
        self._folder = folder
        self._given_data = data is not None
        self._weights: Bytes = np.zeros(0, np.uint8)
        self._hosts: Sequence[HostSubnet] = ()
        self._mode = "int8"
        self._sizes = {".activation_bytes": 0, ".io_bytes": 0}
        self._ports: dict[str, list[IO]] = {".input": [], ".output": []}
        self._layers: list[str] = []
        self._tensors: dict[str, Tensor] = {}
        self._slices: defaultdict[str, list[TensorSlice]] = defaultdict(list)
        self.records: defaultdict[Stream, list[Records]] = defaultdict(list)
        self._stream: Stream | None = None
        self._parts: list[HostSubnet | dict[Stream, int]] = []
        """Host ops, and for each chip subnet the records that its streams have reached at its end."""
        self._open = False
        self._directives = {
            ".chip": self._chip, ".mode": self._name_mode, ".data": self._data, ".activation_bytes": self._size,
            ".io_bytes": self._size, ".input": self._port, ".output": self._port, ".layer": self._layer,
            ".tensor": self._tensor, ".slice": self._slice, ".subnet": self._subnet, ".core": self._core,
            ".host": self._host,
        }  # fmt: skip
        if data is not None:
            self._load(Word(str(data), 0), data)

    def enter(self, number: int, line: Sequence[Word]) -> None:
        """A line that isn't empty, and its number. Raises Wrong."""
        head = line[0]
        if head.text.startswith(".") and head.text != RAW:
            self._directives[chosen(head, self._directives, "directive")](line)
        elif self._stream is None:
            head.fail("a record belongs to a core's engine; write .core 0 TIU or .core 0 GDMA above it")
        else:
            made = self.records[self._stream]
            if rest := self.labels.taken(number, line, self._stream, len(made)):
                made.append(record(rest))

    def model(self, chip: Chip) -> Model:
        """The program, all lines having been read."""
        self._close()
        count = 1 + max((core for core, _ in self.records), default=0)
        streams = [Streams(*(self._joined((core, engine)) for engine in Engine)) for core in range(count)]
        first, *others = streams
        return Model(
            chip, self._mode, self._ports[".input"], self._ports[".output"], first.tiu, first.gdma, self._weights,
            self._sizes[".activation_bytes"], self._sizes[".io_bytes"],
            [replace(tensor, slices=in_order(self._slices[tensor.name])) for tensor in self._tensors.values()],
            self._layers, list(self._subnets(count)), others,
        )  # fmt: skip

    def _chip(self, line: Sequence[Word]) -> None:
        (word,) = _takes(line, "the chip's name")
        made = _preset(word)
        self.chip = self.chip or made

    def _name_mode(self, line: Sequence[Word]) -> None:
        (word,) = _takes(line, "a mode such as int8")
        self._mode = word.text

    def _data(self, line: Sequence[Word]) -> None:
        word, *rest = _takes(line, "a file in quotes, and sha256=…", more=True)
        if self._given_data:
            return
        self._load(word, self._folder / name(word))
        for key, told in (each.split("=") for each in rest):
            if chosen(key, ("sha256",), "field here") and told.text != weights_hash(self._weights):
                told.fail(
                    f"{name(word)} has other weights, {weights_hash(self._weights)}: it was built anew; "
                    "disassemble it again, or leave sha256 if they are meant"
                )

    def _load(self, word: Word, path: Path) -> None:
        """Weights and host ops of a sample.model, or a file of weights."""
        try:
            with path.open("rb") as file:
                whole_model = file.read(len(MAGIC)) == MAGIC
            model = read(path) if whole_model else None
        except OSError as error:
            word.fail(f"{path} can't be read ({error.strerror}); write its path from the text's folder, or pass --data")
        except DamagedModel as error:
            word.fail(str(error))
        self._weights = np.fromfile(path, np.uint8) if model is None else model.weights
        self._hosts = () if model is None else model.host

    def _size(self, line: Sequence[Word]) -> None:
        (word,) = _takes(line, "a number of bytes")
        self._sizes[line[0].text] = whole(word, "u32")

    def _port(self, line: Sequence[Word]) -> None:
        called, form, *rest = _takes(line, "a name, type(extents)+byte, and fields", 2, more=True)
        dtype, shape, offset = frame(form, placed=True)
        self._ports[line[0].text].append(IO(name(called), shape, dtype, offset, **fields(rest, PORT_FIELDS)))

    def _layer(self, line: Sequence[Word]) -> None:
        (called,) = _takes(line, "a layer's name")
        self._layers.append(name(called))

    def _tensor(self, line: Sequence[Word]) -> None:
        called, form, *rest = _takes(line, "a name, type(extents), and fields", 2, more=True)
        dtype, shape, _ = frame(form, placed=False)
        if name(called) in self._tensors:
            called.fail(f"there is a tensor {name(called)} already")
        self._tensors[name(called)] = Tensor(name(called), shape, dtype, **fields(rest, TENSOR_FIELDS))

    def _slice(self, line: Sequence[Word]) -> None:
        called, part, *where = _takes(line, "a tensor's name, a box, and where it lies", 2, more=True)
        if self._stream is None:
            line[0].fail("a slice follows the record that finishes it, below .core")
        tensor = chosen(Word(name(called), called.column), self._tensors, "tensor")
        core, engine = self._stream
        ranges = box(part)
        place = operand(where[0]) if where else self._out(line[0])
        made = TensorSlice(engine, len(self.records[self._stream]), place, ranges, core)
        self._slices[tensor].append(made)

    def _out(self, word: Word) -> Operand:
        """Where the record before leaves its result."""
        assert self._stream is not None
        before = self.records[self._stream]
        out = decode(before[-1][0]).operands.get("out") if before else None
        if out is None:
            word.fail("no record with an `out` is above it; end the line with where the slice lies, as an operand")
        return out

    def _core(self, line: Sequence[Word]) -> None:
        number, engine = _takes(line, "a core and an engine, such as 0 TIU", 2)
        self._stream = whole(number, "u8"), member(Engine, engine)
        self.records[self._stream] += []
        self._open = True

    def _subnet(self, line: Sequence[Word]) -> None:
        _takes(line, "nothing more", 0)
        self._close()
        self._open = True

    def _host(self, line: Sequence[Word]) -> None:
        (word,) = _takes(line, "the number of a host op")
        number = whole(word, "u32")
        if not 0 < number <= len(self._hosts):
            word.fail(
                f"the .data model has {len(self._hosts)} host ops, counted from 1; name a model that has this one"
            )
        self._close()
        self._parts.append(self._hosts[number - 1])

    def _close(self) -> None:
        """The chip's subnet ends, if one has begun."""
        if self._open:
            self._parts.append({stream: len(records) for stream, records in self.records.items()})
        self._open, self._stream = False, None

    def _joined(self, stream: Stream) -> Records:
        return np.concatenate([encode([]), *self.records[stream]])

    def _subnets(self, cores: int) -> Iterable[Subnet]:
        reached: dict[Stream, int] = {}
        for part in self._parts:
            if isinstance(part, HostSubnet):
                yield part
                continue
            ranges = [
                tuple((reached.get(stream, 0), part.get(stream, 0)) for stream in ((core, engine) for engine in Engine))
                for core in range(cores)
            ]
            (tiu, gdma), *others = ranges
            yield ChipSubnet(tiu, gdma, tuple((a, b) for a, b in others))
            reached = part


def _preset(word: Word) -> Chip:
    return chip_named(chosen(word, (*CHIPS, *VARIANTS), "chip"))


def _takes(line: Sequence[Word], what: str, count: int = 1, more: bool = False) -> Sequence[Word]:
    """What follows a directive, of which it takes so many words, or more. Raises Wrong."""
    rest = line[1:]
    if len(rest) < count or (len(rest) > count and not more):
        line[0].fail(f"{line[0].text} takes {what}; {len(rest)} words follow it")
    return rest
