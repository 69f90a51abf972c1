"""
One look at the records: which are new, changed, gone or faulty, by their files' times first.

A file whose time or size moved since the last look may still be on its way: whatever rests on it waits for the next
one. What was found faulty is looked at again whenever anything in the folder moves, since the mend may be elsewhere.
"""

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from assets.zoo import own, record
from assets.zoo.complaint import Fault, Faulty, shown
from assets.zoo.fields import Record
from assets.zoo.origins import Committed
from compiler.build import hashes
from compiler.frontends.foreign import SAVED_MODEL, files_of
from pipeline.newcomers.memory import Known, Memory, State, listing, state

SECONDS = 20.0
"""How long a tick, which has a minute, may look into models; one is always, the others wait for the next."""

MODELS = (".onnx", ".pt2", ".keras", ".tflite", SAVED_MODEL)
"""How the files end that a record is written of unasked: they say their inputs, and run nothing as they are read."""

RIGHT = {".yml": ".yaml", ".yaml": ".yaml", ".onnx": ".onnx"}
"""What a file of that ending, in whatever letters, has to be called."""

WORD = re.compile(r"[^\s\"',\[\]{}]+")
"""What may be a file's name in the text of a record that isn't YAML."""


@dataclass
class Seen:
    """What a tick found: records that ask for a build with the hash of their content, models that are gone, faults."""

    changed: list[tuple[Record, str]] = field(default_factory=list[tuple[Record, str]])
    sound: list[str] = field(default_factory=list[str])
    removed: list[str] = field(default_factory=list[str])
    faults: list[Fault] = field(default_factory=list[Fault])
    waiting: list[str] = field(default_factory=list[str])


class Tick:
    """A look at the folder and at the repository's records, with what is remembered of the last one."""

    def __init__(self, memory: Memory) -> None:
        self._before = memory
        self._folder = record.own_folder()
        self._now = listing(self._folder)
        self._moved = self._now != memory.listing
        self._until: float | None = None
        self.seen = Seen()
        self.memory = Memory(listing=self._now, orphans=self._orphans(), told=memory.told, began=True)

    def look(self) -> Seen:
        """Look at everything once; `memory` is then what to remember."""
        for model in sorted({*record.committed()} - {*record.optional()}):
            self._committed(record.RECORDS / f"{model}.yaml")
        for path in self._bare():
            self._write(path)
        for path in record.own_records():
            self._own(path.absolute())
        self._missing()
        looked = (*self.memory.known.values(), *self.memory.bare.values())
        self.seen.faults = [*(fault for known in looked for fault in known.faults), *self._misnamed()]
        return self.seen

    def _committed(self, path: Path) -> None:
        """A record of the repository: one that comes is built, one that changes only goes stale."""
        files = {str(path): held} if (held := state(path)) else {}
        before = self._before.known.get(str(path))
        if before and before.files == files:
            self._keep(path, before)
            return
        known = self._judged(path, files)
        self._note(path, known, before, news=self._before.began and before is None)

    def _own(self, path: Path) -> None:
        before = self._before.known.get(str(path))
        if path.stem in record.committed():
            reason = f"the repository has a model {path.stem!r}; rename this one"
            self.memory.known[str(path)] = Known(files={}, faults=[Fault(shown(path), 0, "name", reason)])
            return
        files = self._rests_on(path)
        if before and before.files == files and not (before.faults and self._moved):
            self._keep(path, before)
        elif self._on_the_way(files) or self._late():
            self.seen.waiting.append(path.name)
            if before:
                self.memory.known[str(path)] = before
        else:
            self._note(path, self._judged(path, files), before, news=True)

    def _judged(self, path: Path, files: dict[str, State]) -> Known:
        """The record with all that it rests on, looked into."""
        from assets.zoo.examine import examine

        try:
            held = examine(path)
        except Faulty as error:
            return Known(files=files, faults=list(error.faults))
        except Exception as error:  # whatever one file does to its readers, the others are looked at
            return Known(files=files, faults=[_fault(path, error)])
        return Known(files=files, content=_content(held))

    def _note(self, path: Path, known: Known, before: Known | None, *, news: bool) -> None:
        self._keep(path, known)
        if news and known.content and known.content != (before.content if before else ""):
            self.seen.changed.append((record.read_file(path), known.content))

    def _keep(self, path: Path, known: Known) -> None:
        self.memory.known[str(path)] = known
        if known.content:
            self.seen.sound.append(path.stem)

    def _late(self) -> bool:
        """Whether the next model has to wait for another tick; the clock starts with the first."""
        if self._until is None:
            self._until = time.monotonic() + SECONDS
            return False
        return time.monotonic() > self._until

    def _misnamed(self) -> list[Fault]:
        """Files that would be passed over for their ending."""
        top = [Path(name) for name in self._now if Path(name).parent == self._folder.absolute()]
        right = {path: path.with_suffix(RIGHT.get(path.suffix.lower(), path.suffix)) for path in top}
        return [Fault(shown(path), 0, "", f"rename it to {to.name}") for path, to in right.items() if path != to]

    def _rests_on(self, path: Path) -> dict[str, State]:
        """The record's file and those it names, as they are; the record's alone while it can't be read."""
        named = _named(path)
        whole = [file for name in named for file in files_of(name)]
        settled = [file for file in whole if not self._on_the_way([str(file)])]
        external = [file.parent / name for file in settled for name in own.content(file).external]
        found = {str(file): state(file) for file in (path, *whole, *external)}
        return {name: held for name, held in found.items() if held}

    def _on_the_way(self, names: Iterable[str]) -> bool:
        """Whether one of the files moved since the last look."""
        return any(self._now.get(name) != self._before.listing.get(name) for name in names)

    def _bare(self) -> list[Path]:
        """Models' files in the folder itself that no record is about, and SavedModels' folders."""
        records = [path.absolute() for path in record.own_records()]
        named = {file for path in records for file in _named(path)}
        unread = "\n".join(_text(path) for path in records if not _named(path))
        files = [_model(name) for name in self._now if name.endswith(MODELS)]
        top = [path for path in files if path.parent == self._folder.absolute() and path not in named]
        taken = {*WORD.findall(unread), *(_model(name).name for name in self.memory.orphans)}
        return [path for path in top if path.name not in taken and path.with_suffix(".yaml") not in records]

    def _orphans(self) -> dict[str, State]:
        """Models' files that lost their record, as far as they are still what they were."""
        if not self._folder.is_dir():
            return self._before.orphans
        lost = [known for name, known in self._before.known.items() if not Path(name).exists()]
        files = self._before.orphans | {name: held for known in lost for name, held in known.files.items()}
        return {name: held for name, held in files.items() if self._now.get(name) == held and name.endswith(MODELS)}

    def _write(self, path: Path) -> None:
        """Write a bare model's record, as `tpuflow zoo add` would."""
        before = self._before.bare.get(str(path))
        if before and not self._moved:
            self.memory.bare[str(path)] = before
        elif self._on_the_way(map(str, files_of(path))) or self._late():
            self.seen.waiting.append(path.name)
            if before:
                self.memory.bare[str(path)] = before
        else:
            self._add(path)

    def _add(self, path: Path) -> None:
        from assets.zoo.add import Wishes, add

        try:
            made = add(path, self._folder, Wishes())
        except Exception as error:  # as in `_judged`
            self.memory.bare[str(path)] = Known(files={}, faults=[_fault(path, error)])
            return
        written = str(made.path.absolute())
        self._now[written] = self._before.listing[written] = state(made.path) or (0, 0)

    def _missing(self) -> None:
        """
        Records that were there: gone for good where they were missing on the last look too.

        None is while its whole folder is away, as one that isn't mounted.
        """
        models = set(record.names())
        for name in sorted(self._before.known.keys() - self.memory.known.keys()):
            away = not Path(name).parent.is_dir()
            if name in self._before.gone and not away:
                self.seen.removed += [Path(name).stem] if Path(name).stem not in models else []
            else:
                self.memory.gone.append(name)
                self.memory.known[name] = self._before.known[name].model_copy(update={"faults": []})


def _model(name: str) -> Path:
    """The path that a model goes by of which this file is: a SavedModel goes by its folder."""
    return Path(name).parent if Path(name).name == SAVED_MODEL else Path(name)


def _named(path: Path) -> list[Path]:
    """The files beside a record that it names; none while it can't be read."""
    try:
        return [file.absolute() for file in record.read_file(path).own_files().values()]
    except (Faulty, OSError):
        return []


def _content(held: Record) -> str:
    """A hash of all that the record and its files say."""
    files = list(held.own_files().values())
    if isinstance(held.source, Committed):
        files.append(record.ROOT / held.source.file)
    return hashes.of_value([held.model_dump_json(), [own.digest(path) for path in files]])[:16]


def _fault(path: Path, error: Exception) -> Fault:
    ours = type(error).__module__.partition(".")[0] in ("assets", "compiler") or isinstance(error, OSError)
    return Fault(shown(path), 0, "", str(error) if ours else f"{type(error).__name__}: {error}")


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
