"""The wrapper around a stage, on the toy compiler: hits, versions, checks, failures."""

import sys
from collections.abc import Generator
from pathlib import Path

import dagster as dg
import pytest

from assets.about import About
from assets.checks import Check
from assets.partitions import MODELS, key_of
from assets.resources import resources
from assets.sources import FILE_ASSETS
from assets.stage import stage_asset
from assets.workshop import Workshop
from compiler.build.flow import Target
from compiler.build.keys import Code
from tests.compiler.build import toy

ENOUGH = Check("few_cycles", "Under 2,000.", lambda m, tolerance: m["cycles"] < 2000, ("cycles",))
TOO_MANY = Check("very_few_cycles", "Under 1,000.", lambda m, tolerance: m["cycles"] < 1000, ("cycles",))


class Bench:
    """The toy's assets over a store of their own."""

    def __init__(self, root: Path, home: Path) -> None:
        self.code = Code(("toy",))
        self.workshop = Workshop(home / "build", toy.ToyZoo(root), self.code, toy.FLOW)
        self.instance = dg.DagsterInstance.ephemeral()
        self.instance.add_dynamic_partitions(str(MODELS.name), ["toy"])
        checks = {"codegen": (ENOUGH, TOO_MANY), "cali": (ENOUGH,)}
        self.assets = [
            stage_asset(stage, self.code, About("toy", {"text"}, "A stage.", checks=checks.get(stage.name, ())))
            for stage in toy.FLOW
        ]

    def run(
        self, target: str = "x64-f32", *, only: str | None = None, raise_on_error: bool = True
    ) -> dg.ExecuteInProcessResult:
        return dg.materialize(
            [*FILE_ASSETS.values(), *self.assets],
            selection=[asset.key for asset in self.assets if only in (None, asset.key.path[-1])],
            partition_key=key_of("toy", Target.parse(target)),
            resources=resources(self.workshop),
            instance=self.instance,
            raise_on_error=raise_on_error,
        )


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> Generator[Path]:
    root = tmp_path_factory.mktemp("toy")
    toy.write(root)
    sys.path.insert(0, str(root))
    yield root
    sys.path.remove(str(root))


@pytest.fixture
def bench(sources: Path, tmp_path: Path) -> Bench:
    return Bench(sources, tmp_path)


def materializations(result: dg.ExecuteInProcessResult) -> dict[str, dg.AssetMaterialization]:
    found = (event.step_materialization_data.materialization for event in result.get_asset_materialization_events())
    return {event.asset_key.path[-1]: event for event in found}


def test_a_second_run_hits_with_the_same_versions_and_metadata(bench: Bench) -> None:
    first, second = materializations(bench.run()), materializations(bench.run())
    ran = {event.tags["tpuflow/cache"] for name, event in first.items() if event.tags and name != "cali"}
    assert ran == {"miss"}
    for name, event in second.items():
        assert event.tags is not None
        assert event.tags["tpuflow/cache"] == "hit"
        assert event.tags["dagster/data_version"] == (first[name].tags or {})["dagster/data_version"]
        assert set(event.metadata) == set(first[name].metadata)
    assert second["codegen"].metadata["cycles"].value == 1234


def test_checks_speak_from_the_record_and_unwanted_stages_pass(bench: Bench) -> None:
    bench.run()
    verdicts = {check.check_name: check.passed for check in bench.run().get_asset_check_evaluations()}
    assert verdicts == {"few_cycles": True, "very_few_cycles": False}


def test_code_version_is_the_hash_of_the_code(bench: Bench) -> None:
    lower = next(asset for asset in bench.assets if asset.key.path[-1] == "lower")
    assert lower.code_versions_by_key[lower.key] == bench.code.digest("toy.stages.lower")[:16]


def test_a_failing_stage_says_why_and_shows_nothing(bench: Bench, sources: Path) -> None:
    (sources / "model" / "model.txt").rename(sources / "model" / "away")
    try:
        result = bench.run(raise_on_error=False)
    finally:
        (sources / "model" / "away").rename(sources / "model" / "model.txt")
    assert not result.success
    failure = next(event for event in result.all_events if event.is_step_failure)
    assert "toy/x64-f32, stage origin: " in str(failure.step_failure_data.user_failure_data)
    assert bench.workshop.builder.store.shown("toy/x64-f32", "origin") is None


def test_one_stage_alone_is_made_from_what_the_partition_shows(bench: Bench) -> None:
    first = materializations(bench.run())
    alone = materializations(bench.run(only="lower"))
    assert set(alone) == {"lower"}
    assert (alone["lower"].tags or {})["dagster/data_version"] == (first["lower"].tags or {})["dagster/data_version"]


def test_one_stage_alone_says_what_it_lacks(bench: Bench) -> None:
    result = bench.run(only="lower", raise_on_error=False)
    failure = next(event for event in result.all_events if event.is_step_failure)
    told = failure.step_failure_data.user_failure_data
    assert told is not None
    assert told.description == "toy/x64-f32 has no canonical yet: build it first"
