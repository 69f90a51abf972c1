"""The maps of memory, read off the addressed network alone, against what the allocator said."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import astuple
from itertools import pairwise
from pathlib import Path

from compiler.schedule import memory_maps
from compiler.schedule.addresses import assign, region_bytes
from compiler.schedule.divide import divide
from compiler.schedule.memory_maps import Held
from simulator.isa.table import Region
from tests.compiler.schedule.test_any_tiling import SMALL, branches


def clashes(held: Sequence[Held]) -> list[tuple[str, str]]:
    """Pairs that are held at one time and share bytes, though neither lies within the other."""
    found: list[tuple[str, str]] = []
    for i, a in enumerate(held):
        for b in held[:i]:
            together = a.begin < b.end and b.begin < a.end
            shared = min(a.address + a.bytes, b.address + b.bytes) - max(a.address, b.address)
            if together and 0 < shared < min(a.bytes, b.bytes):
                found.append((a.tensor, b.tensor))
    return found


def test_activations_fill_their_region_and_never_clash() -> None:
    network = branches()
    divide(network, SMALL, seed=78)
    packing = assign(network)
    held = [row for row in memory_maps.global_tensors(network) if row.kind == "activation"]
    assert len(held) > 3
    assert len({row.address for row in held}) > 1
    assert clashes(held) == []
    top = max(row.address + row.bytes for row in held)
    assert packing.peak - 64 < top <= packing.peak == region_bytes(network, Region.ACTIVATION)


def test_each_tensor_of_the_program_is_held_once_and_weights_throughout() -> None:
    network = branches()
    divide(network, SMALL)
    assign(network)
    held = memory_maps.global_tensors(network)
    last = max(row.end for row in held)
    assert {row.kind for row in held} == {"activation", "io", "weight"}
    assert {(row.begin, row.end) for row in held if row.kind == "weight"} == {(0, last)}
    assert all(0 <= row.begin < row.end <= last for row in held)
    assert all(row.bytes > 0 for row in held)


def test_a_groups_buffers_lie_apart_within_a_lane(tmp_path: Path) -> None:
    network = branches()
    divide(network, SMALL)
    held = list(memory_maps.local_buffers(network))
    groups = {row.group for row in held}
    assert len(groups) > 1
    for before, after in pairwise(sorted(groups)):
        ends = [row.end for row in held if row.group == before]
        assert max(ends) <= min(row.begin for row in held if row.group == after)
    for group in groups:
        assert clashes([row for row in held if row.group == group]) == []
    assert 0 < max(row.address + row.bytes for row in held) <= SMALL.lane_bytes
    memory_maps.write(tmp_path / "map.csv", held)
    with (tmp_path / "map.csv").open(newline="") as file:
        assert [tuple(row.values()) for row in csv.DictReader(file)] == [tuple(map(str, astuple(row))) for row in held]
