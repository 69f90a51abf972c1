"""What local memory holds, against a walk over single bytes of single lanes."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

from hypothesis import given
from hypothesis import strategies as st

from simulator.checks.walk import in_lanes, visits
from simulator.concurrent import run_cores
from simulator.cores import Turn
from simulator.events import Timeline
from simulator.isa.record import Command, Operand
from simulator.isa.table import DType, Engine, Flag, Region
from simulator.layout import Frame
from simulator.lifetimes import Use, lifetimes
from simulator.model_file import Model
from tests.simulator.hand_made import E8, copy_twice, far, local, model
from tests.simulator.two_cores import halves

Cell = tuple[int, int]
"""A lane and a byte of it."""


def cells(operand: Operand) -> set[Cell]:
    n, c, h, w = (range(extent) for extent in operand.dims)
    sn, sc, sh, sw = operand.strides
    made = set[Cell]()
    for i, k, j, m in product(n, c, h, w):
        depth, lane = divmod(operand.lane + k, E8.lanes)
        first = operand.addr + i * sn + depth * sc + j * sh + m * sw
        made |= {(lane, byte) for byte in range(first, first + operand.dtype.itemsize)}
    return made


def by_bytes(made: Model, timeline: Timeline) -> tuple[dict[Cell, list[list[int]]], list[Use]]:
    """When each cell is live, and who used what."""
    spans: defaultdict[Cell, list[list[int]]] = defaultdict(list)
    makers, uses = dict[Cell, tuple[Engine, int]](), list[Use]()
    turns = [Turn(0, engine, i) for engine in Engine for i in range(len(timeline.track(engine).start))]
    for visit in visits(made, sorted(turns, key=lambda turn: timeline.track(turn.engine).start[turn.at])):
        track, at = timeline.track(visit.engine), visit.number - 1
        start, end = int(track.start[at]), int(track.end[at])
        for access in (in_lanes(visit.command, access, E8.lanes) for access in visit.accesses):
            touched = cells(access.operand) if access.operand.region == Region.LOCAL else set[Cell]()
            if access.write:
                for cell in touched:
                    if spans[cell]:
                        spans[cell][-1][1] = min(spans[cell][-1][1], start)
                    spans[cell].append([start, end])
                    makers[cell] = (visit.engine, at)
            else:
                found = {makers[cell] for cell in touched & makers.keys()}
                uses += [Use(0, maker, (visit.engine, at)) for maker in found]
                for cell in touched & makers.keys():
                    spans[cell][-1][1] = max(spans[cell][-1][1], end)
    return spans, uses


def compare(made: Model) -> None:
    (timeline,) = run_cores(made.cores, made.chip)
    found, (spans, uses) = lifetimes(made, [timeline]), by_bytes(made, timeline)
    live = found.live[0]
    assert set(found.uses) == set(uses)
    for time, fullest, mean in zip(live.times, live.fullest, live.mean, strict=True):
        lanes = [0] * made.chip.lanes
        for (lane, _), held in spans.items():
            lanes[lane] += any(start <= time < end for start, end in held)
        assert (fullest, mean) == (max(lanes), sum(lanes) / len(lanes))


def test_two_buffers_in_turn() -> None:
    compare(copy_twice())


def test_live_until_the_last_read_and_never_more_than_there_is() -> None:
    made = copy_twice()
    (timeline,) = run_cores(made.cores, made.chip)
    live = lifetimes(made, [timeline]).live[0]
    assert (live.times[0], live.fullest[0]) == (0, 128)
    assert live.fullest[-1] == 0
    assert live.times[-1] == timeline.gdma.end[-2]
    assert live.fullest.max() == 2 * 128, "what a record reads, and what it makes of it"


def test_each_core_has_its_own() -> None:
    made = halves()
    found = lifetimes(made, run_cores(made.cores, made.chip))
    assert [live.fullest.max() for live in found.live] == [3 * 64, 3 * 64]
    assert {use.core for use in found.uses} == {0, 1}


@st.composite
def operands(draw: st.DrawFn) -> Operand:
    """A local one, of any strides that keep its elements apart or repeat them."""
    dims: Frame = draw(st.tuples(*(st.integers(1, most) for most in (2, 17, 3, 4))))
    kind = draw(st.sampled_from([DType.I8, DType.I32]))
    gap = draw(st.sampled_from([1, 1, 2]))
    sw = kind.itemsize * gap
    sh = sw * dims[3] * draw(st.sampled_from([1, 1, 2]))
    sc = sh * dims[2] * draw(st.sampled_from([1, 1, 2]))
    strides = (sc * 4, sc, sh, sw)
    return Operand(64 * draw(st.integers(0, 12)), kind, dims, strides, lane=draw(st.sampled_from([0, 0, 3])))


@given(st.lists(st.tuples(st.sampled_from(["LOAD", "STORE", "COPY"]), operands(), operands()), min_size=1, max_size=7))
def test_any_operands(drawn: list[tuple[str, Operand, Operand]]) -> None:
    tiu, gdma = list[Command](), list[Command]()
    for op, a, b in drawn:
        there = far(Region.IO, 0, a.dims, a.dtype)
        if op == "COPY":
            tiu.append(Command(op, {"out": a, "in": b}, wait=len(gdma)))
        elif op == "LOAD":
            gdma.append(Command(op, {"out": a, "in": there}, wait=len(tiu)))
        else:
            gdma.append(Command(op, {"out": there, "in": a}, wait=len(tiu)))
    compare(model(tiu, gdma))


def test_accumulators_live_from_the_first_slice_to_the_last() -> None:
    pixels, made, sums = local(0, (1, 8, 2, 2)), local(4096, (1, 8, 2, 2)), local(8192, (1, 8, 2, 2), DType.I32)
    weights = local(12288, (1, 8, 8, 1))
    held = {"in": pixels, "filter": weights, "acc": sums, "out": made}
    tiu = [
        Command("CONV", held, {"kh": 1, "kw": 1}, flags=Flag.ACC_OUT, wait=2),
        Command("CONV", held, {"kh": 1, "kw": 1}, flags=Flag.ACC_IN),
    ]
    loads = [
        Command("LOAD", {"out": operand, "in": far(Region.WEIGHT, 0, operand.dims)}) for operand in (pixels, weights)
    ]
    compare(model(tiu, loads))
    (timeline,) = run_cores(model(tiu, loads).cores, E8)
    found = lifetimes(model(tiu, loads), [timeline])
    assert Use(0, (Engine.TIU, 0), (Engine.TIU, 1)) in found.uses
    while_last = found.live[0].times == timeline.tiu.start[1]
    assert found.live[0].fullest[while_last] == 4 + 8 + 16 + 4


def test_a_table_is_read_in_every_lane() -> None:
    table, pixels, result = local(0, (1, 8, 1, 256)), local(4096, (1, 8, 2, 2)), local(8192, (1, 8, 2, 2))
    first = local(0, (1, 1, 1, 256))
    loads = [Command("LOAD", {"out": operand, "in": far(Region.IO, 0, operand.dims)}) for operand in (table, pixels)]
    made = model([Command("LUT", {"out": result, "in": pixels, "table": first}, wait=2)], loads)
    compare(made)
    (timeline,) = run_cores(made.cores, E8)
    live = lifetimes(made, [timeline]).live[0]
    during = live.times == timeline.tiu.start[0]
    assert (live.fullest[during], live.mean[during]) == (256 + 4 + 4, 256 + 4 + 4)
