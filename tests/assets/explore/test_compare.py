"""Two builds side by side."""

import math

import pytest

from assets.explore import compare
from assets.explore.build import Build
from compiler.comparison import Incomplete
from compiler.results import Results


def test_two_builds_have_a_change_and_three_do_not(net: Build) -> None:
    plain = net.on("e8-f32")
    two = compare.figures({"int8": net, "f32": plain})
    assert list(two.columns) == ["int8", "f32", "change"]
    cycles = plain.figures["cycles"] / net.figures["cycles"] - 1
    assert two.loc["cycles", "change"] == pytest.approx(cycles)
    assert two.loc["mismatched_bytes", "change"] == 0
    assert list(compare.figures({"int8": net, "f32": plain, "again": net}).columns) == ["int8", "f32", "again"]


def test_from_nothing_to_something_is_an_endless_change(net: Build) -> None:
    class Leaky(Build):
        @property
        def figures(self) -> dict[str, float]:
            return {**super().figures, "mismatched_bytes": 3, "drop": 0}

    assert (net.figures["mismatched_bytes"], net.figures["drop"]) == (0, 0)
    found = compare.figures({"before": net, "after": Leaky(net.builder, net.settings, net.target)})
    assert found.loc["mismatched_bytes", "change"] == math.inf
    assert found.loc["drop", "change"] == 0


def test_tensors_that_only_one_run_has_are_left_out(net: Build) -> None:
    chip, top = net.results("chip"), net.results("top")
    name = next(iter(top.arrays))
    fewer = Results({key: array for key, array in top.arrays.items() if key != name}, top.meanings)
    rows = compare.tensors(chip, fewer)
    assert name not in rows.index
    assert len(rows) == len(compare.tensors(chip, top)) - 1
    with pytest.raises(Incomplete, match="0 compared"):
        compare.tensors(chip, Results({}, {}))
