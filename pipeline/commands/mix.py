"""`tpuflow mix`: the number formats of a mixed network, and the curve of cycles against accuracy."""

import json
import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from assets.workshop import Workshop
from compiler.build.builder import partition_of
from compiler.build.flow import Target
from pipeline.build_bars import BuildBars
from pipeline.display import CONSOLE, bars, table

STAGE = "qtable"


class NoGoal(ValueError):
    """Neither the command nor the model's record says what is to be reached."""


def mix(model: str, text: str, wanted: Mapping[str, float | None], output: Path | None) -> None:
    """
    Search for the model's qtable and print the best of what was measured; write the table, if asked to.

    `wanted` goes before the record's goal and budget. Raises NoGoal, StageFailed.
    """
    builder = Workshop().builder
    target = Target.parse(text if "-" in text else f"{text}-mix")
    settings = builder.zoo.settings(model)
    given = {name: value for name, value in wanted.items() if value is not None}
    settings = replace(settings, mix={**settings.mix, **given})
    if target.mode != "mix" or not {"sqnr", "drop"} & settings.mix.keys():
        raise NoGoal(f"{model}: say what mode mix has to reach: --sqnr in dB, or --drop, of a target <chip>-mix")
    with bars() as display:
        listener = BuildBars(display, len(builder.wanted([STAGE])))
        listener.enter(partition_of(model, target))
        record = builder.build(settings, target, [STAGE], listener)[STAGE]
    told = record.metadata
    rows = [
        row for row in json.loads((record.ref.path / "pareto.json").read_text()) if row["frontier"] or row["chosen"]
    ]
    CONSOLE.print(table([_shown(row) for row in rows], f"{model}: {told['configurations']} configurations measured"))
    CONSOLE.print(
        f"{told['goal']}: {told['sqnr_db']:.2f} dB at {told['cycles']:,} cycles, {told['over_int8']:.3f} of int8's, "
        f"with {told['ops_not_int8']} ops not in int8"
    )
    if output is not None:
        shutil.copyfile(record.ref.path / STAGE, output)
        CONSOLE.print(f"qtable: {output}", soft_wrap=True)


def _shown(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("cycles", "over_int8", "sqnr_db", "drop", "float_ops")
    return {name: row[name] for name in names} | {"": "chosen" if row["chosen"] else ""}
