"""Where cycles and bytes go, on programs small enough to count by hand."""

from __future__ import annotations

import numpy as np
import pytest

from simulator.events import Cycles, Track
from simulator.isa.record import Command
from simulator.isa.table import DType, Flag
from simulator.profile import macs, overlap, profile
from tests.simulator.hand_made import copy_twice, local
from tests.simulator.two_cores import BYTES, halves


def track(*intervals: tuple[int, int]) -> Track:
    times: Cycles = np.array(intervals, np.int64).reshape(-1, 2)
    return Track(times[:, 0], times[:, 1], times[:, 1])


def test_a_program_by_hand() -> None:
    found = profile(copy_twice())
    copies, stores = found.layers
    assert (copies.layer, copies.tiu_records, copies.gdma_records) == ("copy", 4, 4)
    assert (stores.layer, stores.tiu_records, stores.gdma_records) == ("store", 0, 4)
    assert (copies.load_bytes, copies.store_bytes, stores.store_bytes) == (4096, 0, 4096)
    assert found.ddr_bytes == found.total.wire_bytes == 8192
    assert copies.tiu_cycles == 4 * (24 + 16)
    assert found.lmem_peak == 8192 + 4096 + 128
    assert found.cycles / 0.5e9 == found.seconds
    assert found.summary()["load_bytes"] == 4096
    assert [row["layer"] for row in found.rows()] == ["copy", "store"]


def test_sums_are_over_all_cores() -> None:
    found = profile(halves())
    assert (found.total.tiu_records, found.total.gdma_records) == (2 * 2, 2 * 4)
    assert (found.total.load_bytes, found.total.store_bytes) == (4 * BYTES, 4 * BYTES)
    assert found.cycles > found.total.gdma_cycles // 2


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        (track((0, 10)), track((5, 15)), 5),
        (track((0, 10), (20, 30)), track((5, 25)), 10),
        (track((0, 10)), track((10, 20)), 0),
        (track(), track((10, 20)), 0),
    ],
)
def test_overlap(one: Track, other: Track, shared: int) -> None:
    assert overlap(one, other) == overlap(other, one) == shared


def test_macs_of_a_slice_of_the_reduction() -> None:
    operands = {
        "in": local(0, (2, 16, 8, 8)),
        "filter": local(4096, (1, 12, 16, 9)),
        "acc": local(8192, (2, 12, 6, 6), DType.I32),
    }
    assert macs(Command("CONV", operands, {"kh": 3, "kw": 3}, flags=Flag.ACC_OUT)) == 2 * 12 * 36 * 16 * 9
