"""Damaged programs under every command: what can't be done is said, and nothing else is raised."""

from dataclasses import replace
from random import Random

import numpy as np
import pytest

from pipeline.debugger import show
from pipeline.debugger.context import Context
from pipeline.debugger.shell import execute
from pipeline.debugger.words import BadCommand
from simulator.debugger.session import Debugger
from simulator.model_file import Model
from simulator.order import Deadlock
from tests.simulator.debugger.compiled import TARGETS, built

LINES = """
step; step 3; step gdma; step core 1 tiu; next; group; continue; until tiu 3; finish; finish NAME; back 4; back break
back tiu 1; run; order time; order gdma; order random 4; break NAME; break CONV; break check; break nan; break overflow
break mismatch; break LOCAL+0:64; break IO+5 write; watch NAME; watch LOCAL+512:8; watch tiu 2.out; delete; disable
print NAME; print NAME[0]; print/r NAME[0,0]; print tiu 2.out; print gdma 4.in[0]; x LOCAL+64%1; x/4f32 IO+8
who LOCAL+96; who ACTIVATION+0:9; info records; info layers; info tensors; info waits; info changes; where; list; dis 4
dis tiu 2; compare; compare NAME; check; set NAME = 1; set/s NAME[0] = 3; set tiu 2.filter = 9; set LOCAL+5 = ff 00
set WEIGHT+34 = 11; unset
"""


def damaged(model: Model, random: Random) -> Model:
    """With some bytes, waits, ops or addresses of a stream changed."""
    stream = random.choice(("tiu", "gdma"))
    records = getattr(model, stream).copy()
    raw = records.view(np.uint8).reshape(len(records), -1)
    for _ in range(random.randint(1, 3)):
        at = random.randrange(len(records))
        match random.randrange(4):
            case 0:
                records["wait"][at] = random.randrange(len(model.tiu) + len(model.gdma))
            case 1:
                raw[at, random.randrange(raw.shape[1])] = random.randrange(256)
            case 2:
                records["op"][at] = random.randrange(256)
            case _:
                records["operands"]["addr"][at, random.randrange(3)] = random.randrange(1 << random.randint(4, 31))
    return replace(model, **{stream: records})


@pytest.mark.parametrize("seed", range(18))
@pytest.mark.filterwarnings("ignore:divide by zero:RuntimeWarning")
def test_any_damage_is_told(seed: int) -> None:
    random = Random(seed)
    made = built(random.choice(list(TARGETS)))
    said: list[str] = []
    try:
        debugger = Debugger(damaged(made.model, random), made.feeds)
    except Deadlock:
        return
    context = Context(debugger, said.append)
    context.lines(show.where(context))
    debugger.hold_against(made.wanted)
    lines = [line.strip() for row in LINES.strip().splitlines() for line in row.split(";")]
    names = [*debugger.tensors.names, *debugger.program.by_layer]
    for line in random.choices(lines, k=25):
        try:
            execute(context, line.replace("NAME", random.choice(names)))
        except BadCommand as error:
            said.append(str(error))
    assert said
