"""Formats chosen for a real network: what is said of a configuration is what its program does."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.build.flow import FLOW, Settings, Target
from compiler.ir import files
from compiler.ir.network import Network
from compiler.lowering.walk import lower
from compiler.mixed.choose import Goal, choose
from compiler.mixed.search import OutOfReach
from compiler.mixed.trial import Trial, Trials
from compiler.stages import addr_mlir, lg_mlir, sample_model
from simulator.chip import chip_named
from simulator.profile import profile
from simulator.runtime import PyRuntime
from tests.compiler.lowering.networks import reference
from tests.compiler.lowering.test_wide import X, convolutions


def trials() -> Trials:
    return Trials(convolutions, chip_named("e8"), {}, [{"x": X}], [reference(convolutions(), {"x": X})], 40)


def test_a_goal_between_int8_and_float_is_reached_in_fewer_cycles_than_by_all_of_float() -> None:
    measure = trials()
    int8 = measure({})
    choice = choose(measure, Goal(int8.sqnr_db + 10), "toy")
    whole = max(measure.made.values(), key=lambda trial: len(trial.formats))
    assert choice.best.sqnr_db >= int8.sqnr_db + 10
    assert choice.best.cycles <= whole.cycles
    assert all(trial.cycles >= choice.best.cycles for trial in measure.made.values() if _reaches(trial, int8))


def _reaches(trial: Trial, int8: Trial) -> bool:
    return trial.sqnr_db >= int8.sqnr_db + 10


def test_int8_that_reaches_the_goal_has_no_exceptions() -> None:
    measure = trials()
    assert not choose(measure, Goal(10.0), "toy").best.formats
    assert len(measure.made) == 1


def test_a_goal_beyond_float_names_what_is_reached() -> None:
    with pytest.raises(OutOfReach, match=r"toy: the goal is out of reach; the nearest found is \d+\.\d\d dB"):
        choose(trials(), Goal(500.0), "toy")


def test_cycles_are_those_of_the_program_that_is_built(tmp_path: Path) -> None:
    formats = {"t1": "W8F16"}
    network: Network = convolutions()
    lower(network, "mix", formats)
    files.save(network, tmp_path, "tpu")
    made = dict.fromkeys(("tpu_mlir", "lg_mlir", "addr_mlir"), tmp_path)
    for stage in (lg_mlir, addr_mlir, sample_model):
        stage.run(made, {"chip": "e8", "effort": 2, "seed": None}, tmp_path)
    assert trials()(formats).cycles == profile(PyRuntime(tmp_path / sample_model.FILE).model).cycles


def test_nothing_is_searched_for_without_a_goal_or_in_another_mode() -> None:
    stage = next(stage for stage in FLOW if stage.name == "qtable")
    with_goal, without = Settings("net", mix={"sqnr": 30.0}), Settings("net", qtable={"conv": "F16"})
    assert stage.params(with_goal, Target("x64", "mix")) is not None
    assert stage.params(with_goal, Target("x64", "int8")) is None
    assert stage.params(without, Target("x64", "mix")) is None
