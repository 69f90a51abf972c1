"""Records by name, so that nobody counts: `loaded: LOAD …`, and in the other engine's stream `wait=@loaded`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

from simulator.isa.parse import Word
from simulator.isa.record import Records
from simulator.isa.table import Engine

Stream = tuple[int, Engine]
"""A core, and one of its engines."""

WAIT = "wait=@"


@dataclass(frozen=True)
class Waiting:
    """The record at `index` of a stream waits for the one of the core's other engine that `word` names."""

    line: int
    word: Word
    stream: Stream
    index: int


class Labels:
    """The names of a program's records, and the waits that mention one."""

    def __init__(self) -> None:
        self._numbers: dict[tuple[Stream, str], int] = {}
        self._waits: list[Waiting] = []

    def taken(self, line: int, words: Sequence[Word], stream: Stream, index: int) -> Sequence[Word]:
        """The words of the record at `index` that is to come next, but for labels. Raises Wrong."""
        head, rest = words[0], list(words)
        if head.text.endswith(":"):
            key = stream, head.text[:-1]
            if key in self._numbers:
                head.fail(f"record {self._numbers[key]} of this stream is called {head.text[:-1]} already")
            self._numbers[key] = index + 1
            rest = rest[1:]
        for word in [word for word in rest if word.text.startswith(WAIT)]:
            self._waits.append(Waiting(line, Word(word.text[len(WAIT) :], word.column + len(WAIT)), stream, index))
            rest.remove(word)
        return rest

    def waits(self) -> Iterator[Waiting]:
        """The waits for names, in the order of their lines."""
        return iter(self._waits)

    def put(self, waiting: Waiting, records: Mapping[Stream, Sequence[Records]]) -> None:
        """Give a record the number that it waits for. Raises Wrong."""
        core, engine = waiting.stream
        other, name = (core, Engine(1 - engine)), waiting.word.text
        known = [label for stream, label in self._numbers if stream == other]
        if name not in known:
            near = get_close_matches(name, known, 1)
            mend = f"is {near[0]} meant?" if near else f"write {name}: before one"
            waiting.word.fail(f"no record of core {core}'s {other[1].name} is called {name}; {mend}")
        records[waiting.stream][waiting.index]["wait"] = self._numbers[other, name]
