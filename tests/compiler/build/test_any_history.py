"""Whatever is edited or changed in whatever order: plans foretell builds, and builds make what a cold one would."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.build.builder import Builder
from compiler.build.collect import collect
from compiler.build.flow import Settings, Target
from compiler.build.keys import Code
from compiler.build.plan import Action, plan
from compiler.build.store import Store
from tests.compiler.build import toy

EDITS = (
    ("passes/fuse.py", "conv_relu", "conv_relu_fused"),
    ("passes/fuse.py", "def fuse", "# a comment\ndef fuse"),
    ("schedule/groups.py", " groups of", " many groups of"),
    ("schedule/__init__.py", "", "WIDE = True\n"),
    ("chips/presets.toml", "e8 = 8", "e8 = 16"),
    ("stages/codegen.py", "[::-1]", "[::-1].upper()"),
    ("stages/cali.py", "'method': params", "'again': 1, 'method': params"),
)
"""Each made or taken back by a step: some change what a stage makes, some do not."""

TARGETS = ("x64-int8", "e8-int8", "x64-f32")
WEIGHTS = ("lenet", "resnet!")
METHODS = ("kl", "max")


@dataclass
class World:
    """The toy's sources with some of the edits made, its weights and its calibration method."""

    root: Path
    made: set[int] = field(default_factory=set[int])
    method: str = METHODS[0]

    def write(self) -> None:
        for name, text in toy.FILES.items():
            for number in sorted(self.made):
                file, before, after = EDITS[number]
                if file == name:
                    text = text.replace(before, after, 1)
            (self.root / "toy" / name).write_text(text)

    @contextmanager
    def builder(self, store: Path) -> Generator[Builder]:
        """A builder over the sources as they are, as a fresh process would have it."""
        self.write()
        with toy.importable(self.root):
            yield Builder(Store(store), toy.ToyZoo(self.root), Code(("toy",)), toy.FLOW)

    def settings(self) -> Settings:
        return Settings("toy", calibration={"method": self.method})


def step(world: World, kind: str, number: int) -> None:
    match kind:
        case "edit":
            world.made ^= {number % len(EDITS)}
        case "weights":
            (world.root / "model" / "model.txt").write_text(WEIGHTS[number % len(WEIGHTS)])
        case _:
            world.method = METHODS[number % len(METHODS)]


STEPS = st.tuples(st.sampled_from(("edit", "edit", "weights", "method")), st.integers(0, 20), st.sampled_from(TARGETS))


def contents(store: Path, partition: str) -> Mapping[str, bytes]:
    return {path.name: path.read_bytes() for path in (store / partition).iterdir()}


@pytest.fixture(autouse=True)
def compile_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python tells an edited file by its second and size; these edits are quicker than that."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)


@settings(max_examples=30)
@given(st.lists(STEPS, min_size=2, max_size=6), st.booleans())
def test_plans_foretell_builds_and_builds_are_as_if_cold(steps: list[tuple[str, int, str]], tidy: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        world, store = World(Path(folder)), Path(folder, "store")
        toy.write(world.root)
        target = Target.parse(TARGETS[0])
        for kind, number, name in steps:
            step(world, kind, number)
            target = Target.parse(name)
            with world.builder(store) as builder:
                planned = {it.stage: it for it in plan(builder, world.settings(), target)}
                records = builder.build(world.settings(), target)
                ran = {stage for stage, record in records.items() if not record.hit}
                surely = {stage for stage, it in planned.items() if it.action is Action.RUN}
                maybe = {stage for stage, it in planned.items() if it.action is Action.MAYBE}
                assert surely <= ran <= surely | maybe
                assert {it.key for it in planned.values() if it.key} <= {record.key for record in records.values()}
                assert {it.action for it in plan(builder, world.settings(), target)} == {Action.NOTHING}
            if tidy:
                collect(Store(store), verify=True, unused=True, recent=0)
        with world.builder(Path(folder, "cold")) as other:
            other.build(world.settings(), target)
        assert contents(store, f"toy/{target}") == contents(Path(folder, "cold"), f"toy/{target}")
