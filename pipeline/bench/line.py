"""Stages of the flow through a store, without a partition that shows them: random tilings aren't for people."""

from collections.abc import Collection
from pathlib import Path

from assets.zoo.zoo import InstalledZoo
from compiler.build.builder import QUIET, Builder, Listener
from compiler.build.flow import SOURCES, Settings, Target, needed
from compiler.build.kernels import keep_kernels
from compiler.build.keys import Code
from compiler.build.store import Record, Ref, Store


def builder_in(root: Path) -> Builder:
    """A builder over the store at `root` and the zoo, numba's kernels kept in the store too."""
    store, code = Store(root), Code()
    keep_kernels(code, store.inner / "numba")
    return Builder(store, InstalledZoo(), code)


def make(
    builder: Builder, settings: Settings, target: Target, goals: Collection[str], listener: Listener = QUIET
) -> dict[str, Record]:
    """The records of all stages that lead to `goals`. Raises StageFailed."""
    refs: dict[str, Ref] = {}
    records: dict[str, Record] = {}
    for stage in needed(builder.flow, goals):
        listener.started(stage.name)
        for name in stage.inputs:
            if name in SOURCES and name not in refs:
                refs[name] = builder.source(settings.name, name)
        record = builder.run(stage, settings, target, {name: refs[name] for name in stage.inputs})
        refs[stage.name], records[stage.name] = record.ref, record
        listener.finished(stage.name, record)
    return records
