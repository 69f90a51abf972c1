"""`python -m tests.simulator.oracle`: random commands of every kind, engine against oracle, every byte of memory."""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from random import Random
from time import process_time
from typing import Any, TypeVar

from simulator.arithmetic import threads
from tests.simulator.oracle.comparison import Mismatch, Tally
from tests.simulator.oracle.drawing.kind import Kind
from tests.simulator.oracle.drawing.table import DRAWINGS, KINDS, page_of

T = TypeVar("T")

SHOWN = 5
"""Mismatches of which the command is printed."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, print, and say by the exit code whether any byte differs."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulator.oracle", description=__doc__)
    parser.add_argument(
        "--commands", type=int, default=1000, help="of each op; its functions and their kinds take turns"
    )
    parser.add_argument("--seed", type=int, default=0, help="what to draw by")
    parser.add_argument("--op", choices=tuple(DRAWINGS), action="append", help="only this op; may be given again")
    parser.add_argument("--json", action="store_true", help="print every kind, as JSON")
    parser.add_argument("--threads", type=int, help="so many, however little there is to do; default as for a user")
    given = parser.parse_args(arguments)
    start = process_time()
    ops = given.op or tuple(DRAWINGS)
    if given.threads:
        threads.WORTHWHILE = 0.0
    with threads.limited(given.threads):
        tally = run(given.commands, given.seed, ops)
    found = report(tally, ops, process_time() - start)
    if given.json:
        print(json.dumps(found, indent=1))
    else:
        show(found)
    return 1 if tally.mismatches else 0


def run(commands: int, seed: int, ops: Iterable[str]) -> Tally:
    """So many commands of each op, mixed: its functions take turns, and so do the kinds of each."""
    random, tally, left = Random(seed), Tally(), list[Kind]()
    for op in ops:
        functions = sorted({kind.function for kind in KINDS if kind.op == op})
        for function, turns in Counter(_turns(random, functions, commands)).items():
            left += _turns(random, [kind for kind in KINDS if (kind.op, kind.function) == (op, function)], turns)
    random.shuffle(left)
    while left:
        tally.add(page_of(random, left))
    return tally


def _turns(random: Random, those: list[T], count: int) -> list[T]:
    """So many, each as often as any other, or once more."""
    rounds, rest = divmod(count, len(those))
    return those * rounds + random.sample(those, rest)


def report(tally: Tally, ops: Iterable[str], seconds: float) -> dict[str, Any]:
    """Commands and mismatching bytes in all, of each op and of each kind, and the first commands that differ."""
    kinds = [kind for kind in KINDS if kind.op in ops]
    of_op = {op: sum(tally.commands.get(str(kind), 0) for kind in kinds if kind.op == op) for op in ops}
    wrong = dict[str, int]()
    for mismatch in tally.mismatches:
        wrong[str(mismatch.kind)] = wrong.get(str(mismatch.kind), 0) + mismatch.bytes
    return {
        "commands": sum(tally.commands.values()),
        "mismatching_bytes": sum(wrong.values()),
        "ops": of_op,
        "kinds_left_out": sum(str(kind) not in tally.commands for kind in kinds),
        "cpu_s": round(seconds, 2),
        "kinds": [{"kind": k, "commands": n, "mismatching_bytes": wrong.get(k, 0)} for k, n in tally.commands.items()],
        "first": [_told(mismatch) for mismatch in tally.mismatches[:SHOWN]],
    }


def show(found: dict[str, Any]) -> None:
    """A line for each op and function, one for each kind that differs, and what differs first."""
    sums = dict[str, list[int]]()
    for row in found["kinds"]:
        name = " ".join(part for part in row["kind"].split()[:2] if ":" not in part)
        held = sums.setdefault(name, [0, 0, 0])
        held[:] = held[0] + 1, held[1] + row["commands"], held[2] + row["mismatching_bytes"]
    print(f"{'op':32}{'kinds':>8}{'commands':>10}{'mismatching bytes':>20}")
    for name, (kinds, commands, wrong) in sorted(sums.items()):
        print(f"{name:32}{kinds:8}{commands:10}{wrong:20}")
    for row in found["kinds"]:
        if row["mismatching_bytes"]:
            print(f"{row['kind']}: {row['mismatching_bytes']} bytes in {row['commands']} commands")
    for first in found["first"]:
        print(first)
    print(f"{found['commands']} commands, {found['mismatching_bytes']} mismatching bytes, {found['cpu_s']} s of CPU")


def _told(mismatch: Mismatch) -> str:
    return "\n    ".join((f"{mismatch.kind}: {mismatch.command}", *mismatch.places))


if __name__ == "__main__":
    sys.exit(main())
