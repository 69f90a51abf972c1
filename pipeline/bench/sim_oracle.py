"""
The chip against its second implementation, which is a part of the tests: random commands of every kind, byte for byte.

It runs in processes of its own, so that each may have its own number of threads and level of kernels. Where the tests
aren't there nothing is compared, which is a bar missed.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.sim import Bench
from simulator.arithmetic.processor import VARIABLE, available

ROOT = Path(__file__).parents[2]
RUNNER = "tests/simulator/oracle"

COMMANDS = 10_000
"""Of each op."""
PLENTY = 1_000_000
"""The goal: commands in all."""

CONTRACTIONS = ("CONV", "DWCONV", "MATMUL", "BMATMUL")
"""Ops whose kernels use several threads."""
COMPILED = (*CONTRACTIONS, "POOL", "REDUCE", "RESCALE_ADD", "RESCALE_MUL", "RESAMPLE", "CAST", "UNPACK")
"""Ops whose kernels are made for a level of the processor."""
NONE = Wanted(0, 0, less=True)


class RunnerFailed(RuntimeError):
    """The comparison didn't come to its end; the message is what it printed."""


@dataclass(frozen=True)
class Run:
    """
    One comparison: threads, the level of kernels (the highest if none), ops (all if none).

    Of 0 threads it takes as many as it would for a user; of a number so many, however little there is to do.
    """

    case: str
    threads: int = 0
    level: str = ""
    ops: Sequence[str] = ()


def runs() -> Iterator[Run]:
    """All ops, and those that threads or another level of kernels change."""
    yield Run("oracle")
    yield Run("oracle/1 thread", threads=1, ops=CONTRACTIONS)
    yield Run("oracle/2 threads", threads=2, ops=CONTRACTIONS)
    for level in available()[1:]:
        yield Run(f"oracle/{level.name}", level=level.name, ops=COMPILED)


def rows(bench: Bench) -> Iterator[Judged]:
    """Commands, kinds, and bytes that differ, of each run. Raises RunnerFailed."""
    for run in runs():
        bench.told.at(run.case)
        if not (ROOT / RUNNER / "__main__.py").exists():
            case = f"{run.case}: no {RUNNER} here; run it in a clone"
            yield judged(case, "commands_an_op", 0, "commands", Wanted(COMMANDS, COMMANDS))
            continue
        yield from _told(run, compared(run, COMMANDS))


def compared(run: Run, commands: int, seed: int = 0) -> dict[str, Any]:
    """What the runner says of so many commands of each op. Raises RunnerFailed."""
    ops = [argument for op in run.ops for argument in ("--op", op)]
    threads = ["--threads", str(run.threads)] if run.threads else []
    given = ["--commands", str(commands), "--seed", str(seed), "--json", *threads, *ops]
    command = [sys.executable, "-m", "tests.simulator.oracle", *given]
    environment = {**os.environ, "PYTHONPATH": str(ROOT), **({VARIABLE: run.level} if run.level else {})}
    child = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    if child.returncode not in (0, 1) or not child.stdout:
        raise RunnerFailed(f"{run.case} ended with {child.returncode}: {child.stderr.strip()}")
    return json.loads(child.stdout)


def _told(run: Run, found: dict[str, Any]) -> Iterator[Judged]:
    counts = found["ops"].values()
    yield judged(run.case, "commands_an_op", min(counts, default=0), "commands", Wanted(COMMANDS, PLENTY / len(counts)))
    yield judged(run.case, "commands", found["commands"], "commands")
    yield judged(run.case, "kinds", len(found["kinds"]), "kinds")
    yield judged(run.case, "kinds_left_out", found["kinds_left_out"], "kinds", NONE)
    yield judged(run.case, "mismatching_bytes", found["mismatching_bytes"], "bytes", NONE)
    yield judged(run.case, "cpu_s", found["cpu_s"], "s")
