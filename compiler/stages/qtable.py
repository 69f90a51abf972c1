"""
`qtable`: which ops of a mixed network aren't int8, chosen for the fewest cycles that reach a goal.

Inputs: `canonical_mlir`, `cali_mlir`, `calibration_data`. Parameters: `chip`; the goal, `sqnr` (dB, of the network's
last result) or `drop` (the share of answers that may differ from float's), or both; `budget`, how many configurations
are measured at most; `samples`, how many the choice is judged by; `calibrated`, how many the ranges are from: samples
behind these are taken where there are enough, else the last; `qtable`, entries that stay as they are; `io`.

Writes `qtable` (TPU-MLIR's format, the given entries included), `pareto.json` and `pareto.csv` (a row for each
configuration measured: cycles, SQNR, ops that aren't int8; whether none beats it both ways; whether it was chosen), and
`noise.csv` (what each tensor in 8 bits and the weights of each op bring in by themselves, as dB of the result).
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from math import inf
from pathlib import Path
from typing import Any

from compiler.dialects.quant import Quant
from compiler.dialects.top.ops import Top
from compiler.feeds import samples_for
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.ir import files
from compiler.ir.network import Array, Network
from compiler.mixed.choose import Choice, Goal, choose
from compiler.mixed.search import frontier
from compiler.mixed.trial import Qtable, Trials, decibels
from compiler.quantization import qtable_file
from compiler.quantization.balance import load as balances
from compiler.quantization.samples import batches
from compiler.shown import ROWS
from compiler.stages.progress import Progress, silent
from simulator.chip import chip_named

FILE = "qtable"


def run(
    inputs: Mapping[str, Path], params: Mapping[str, Any], out: Path, progress: Progress = silent
) -> dict[str, Any]:
    """
    Choose and write; the metadata has the curve. Raises OutOfReach, BadQtable, BadData.

    `over_int8` are the cycles over those of int8 alone.
    """
    goal, given = Goal(params.get("sqnr"), params.get("drop")), dict(params.get("qtable") or {})
    network = files.load(inputs["canonical_mlir"], "canonical", Top)
    session = Reference(network, threads=1)
    feeds = list(_kept(inputs["calibration_data"] / "calibration.npz", session, params))
    exact = [{**fed, **session.run(fed)} for fed in feeds]

    def load() -> Network:
        return files.load(inputs["cali_mlir"], "cali", Top, Quant, weights_in=inputs["canonical_mlir"])

    chip, io = chip_named(str(params["chip"])), str(params.get("io") or "computed")
    balance = balances(inputs["cali_mlir"] / "balance.npz")
    trials = Trials(load, chip, given, feeds, exact, int(params["budget"]), io, balance, progress)
    choice = choose(trials, goal, _told(goal))
    measured = list(trials.made.values())
    rows = list(_rows(measured, choice))
    _write(choice, given, rows, out)
    return {
        "goal": _told(goal),
        "cycles": choice.best.cycles,
        "cycles_int8": choice.int8.cycles,
        "over_int8": choice.best.cycles / max(choice.int8.cycles, 1),
        "sqnr_db": choice.best.sqnr_db,
        "sqnr_db_int8": choice.int8.sqnr_db,
        "drop": choice.best.drop,
        "ops_not_int8": len({**choice.best.formats, **given}),
        "configurations": len(measured),
        "samples": len(feeds),
        "table": [row for row in rows if row["frontier"]][:ROWS],
    }


def _kept(path: Path, session: Reference, params: Mapping[str, Any]) -> Iterator[dict[str, Array]]:
    """The batches that the choice is judged by. Raises BadData."""
    held = samples_for(path, session.inputs)
    size = max((dims[0] for dims in session.inputs.values() if dims), default=1)
    total, every = batches(path, session.inputs, min(map(len, held.values()), default=0))
    wanted = max(int(params["samples"]) // size, 1)
    behind = int(params.get("calibrated") or 0) // size
    first = behind if behind + wanted <= total else max(total - wanted, 0)
    for i, batch in enumerate(every):
        if first <= i < first + wanted:
            yield batch


def _told(goal: Goal) -> str:
    told = [] if goal.sqnr_db is None else [f"SQNR of {goal.sqnr_db:g} dB"]
    told += [] if goal.drop is None else [f"drop of {goal.drop:g}"]
    return " and ".join(told)


def _rows(measured: Sequence[Any], choice: Choice) -> Iterator[dict[str, Any]]:
    best = frontier(measured)
    for trial in sorted(measured, key=lambda trial: (trial.cycles, -trial.sqnr_db)):
        yield {
            "cycles": trial.cycles,
            "over_int8": trial.cycles / max(choice.int8.cycles, 1),
            "sqnr_db": trial.sqnr_db,
            "drop": trial.drop,
            "float_ops": len(trial.formats),
            "frontier": trial in best,
            "chosen": trial == choice.best,
            "formats": dict(trial.formats),
        }


def _write(choice: Choice, given: Qtable, rows: Sequence[Mapping[str, Any]], out: Path) -> None:
    best = choice.best
    notes = (
        f"{best.sqnr_db:.2f} dB at {best.cycles} cycles; int8: {choice.int8.sqnr_db:.2f} dB at {choice.int8.cycles}",
        f"number of ops: {len(best.formats)}",
    )
    (out / FILE).write_text(qtable_file.written({**best.formats, **given}, notes), encoding="utf-8")
    (out / "pareto.json").write_text(json.dumps([_plain(row) for row in rows], indent=1) + "\n", encoding="utf-8")
    shown = [{key: value for key, value in row.items() if key != "formats"} for row in rows]
    _table(out / "pareto.csv", shown)
    noise = [
        {"tensor": name, "what": what, "alone_db": decibels(1.0, float(shares.max()))}
        for what, held in (("activation", choice.noises.activations), ("weights", choice.noises.weights))
        for name, shares in held.items()
    ]
    _table(out / "noise.csv", sorted(noise, key=lambda row: row["alone_db"]))


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row in JSON, where no number is infinite."""
    return {key: None if value in (inf, -inf) else value for key, value in row.items()}


def _table(path: Path, rows: Sequence[Mapping[str, Any]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]) if rows else [], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
