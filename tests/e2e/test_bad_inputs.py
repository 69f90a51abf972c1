"""Whatever is wrong with what comes in: one message that names it, a failing exit code and step, nothing changed."""

import shutil
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import dagster as dg
import numpy as np
import pytest
from typer.testing import CliRunner, Result

from assets import workshop
from assets.partitions import MODELS
from assets.zoo.zoo import InstalledZoo
from compiler.build.builder import Builder
from compiler.build.flow import FLOW, Target
from compiler.build.store import Record, Store
from compiler.stages import tpu_mlir
from pipeline.cli import app
from pipeline.definitions import over
from tests.e2e.bad_zoo import BREAKAGES, SAMPLES, SHAPE, BadZoo, Breakage, network

TARGET = "e8-int8"
PARTITION = f"net/{TARGET}"
STAGES = [stage.name for stage in FLOW]
QUIET: dict[str, Any] = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}

Shown = dict[str, tuple[str, str] | None]


@pytest.fixture(scope="module")
def zoo(tmp_path_factory: pytest.TempPathFactory) -> Generator[BadZoo]:
    """A zoo behind the command line and Dagster, and a store in which its sound model is built."""
    root = tmp_path_factory.mktemp("bad")
    made = BadZoo(root / "zoo")
    made.mend()
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(root)
        patch.setenv("TPUFLOW_STORE", str(root / "build"))
        patch.setenv("DAGSTER_HOME", str(root / "dagster"))
        patch.setattr(workshop, "InstalledZoo", lambda: made)
        built = tpuflow("build", "net", "--target", TARGET)
        assert built.exit_code == 0, built.output
        yield made


@pytest.fixture
def sound(zoo: BadZoo) -> Generator[BadZoo]:
    """The zoo, whole before and after, and the store showing what that makes."""
    yield zoo
    zoo.mend()
    assert tpuflow("build", "net", "--target", TARGET).exit_code == 0


def tpuflow(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def refused(*arguments: str | Path) -> str:
    """The message of a command that has to fail for a reason it tells."""
    result = tpuflow(*arguments)
    assert result.exit_code not in (0, None), result.output
    assert isinstance(result.exception, SystemExit), repr(result.exception)
    assert "Traceback" not in result.output
    return " ".join(result.stderr.split())


def launched(key: str = f"net|{TARGET}", **selected: Any) -> dg.ExecuteInProcessResult:
    """A run of the Dagster job on a partition of the zoo."""
    instance = dg.DagsterInstance.ephemeral()
    instance.add_dynamic_partitions(str(MODELS.name), ["net"])
    job = over(workshop.Workshop()).resolve_job_def("build")
    return job.execute_in_process(
        run_config=QUIET, instance=instance, partition_key=key, raise_on_error=False, **selected
    )


def failures(result: dg.ExecuteInProcessResult) -> dict[str, str]:
    """Each failed step, and the reason it shows in its metadata."""
    told: dict[str, str] = {}
    for event in result.all_events:
        if event.is_step_failure:
            data = event.step_failure_data.user_failure_data
            assert data is not None, event.step_failure_data.error
            reason = data.metadata["reason"].value
            assert data.description == f"{PARTITION}, stage {event.step_key}: {reason}"
            told[str(event.step_key)] = " ".join(str(reason).split())
    return told


def contents() -> dict[Path, bytes]:
    """Every object of the store, by its path."""
    return {path: path.read_bytes() for path in Path("build/.store/cas").rglob("*") if path.is_file()}


def shown(stages: list[str]) -> Shown:
    store = Store(Path("build"))
    return {stage: store.shown(PARTITION, stage) for stage in stages}


def names(breakage: Breakage) -> str:
    return breakage.name


@pytest.mark.parametrize("breakage", BREAKAGES, ids=names)
def test_a_build_says_why_and_changes_nothing(sound: BadZoo, breakage: Breakage) -> None:
    late = STAGES[STAGES.index(breakage.stage) :]
    objects, before = contents(), shown(late)
    breakage.harm(sound)
    message = refused("build", "net", "--target", TARGET)
    assert message.startswith(f"error: {PARTITION}, stage {breakage.stage}: ")
    assert [part for part in breakage.told if part not in message] == [], message
    assert shown(late) == before
    assert contents().items() >= objects.items()
    assert not any(Path("build/.store/tmp").iterdir())


@pytest.mark.parametrize("breakage", BREAKAGES, ids=names)
def test_a_step_of_dagster_says_why_and_changes_nothing(sound: BadZoo, breakage: Breakage) -> None:
    late = STAGES[STAGES.index(breakage.stage) :]
    objects, before = contents(), shown(late)
    breakage.harm(sound)
    result = launched()
    assert not result.success
    told = failures(result)[breakage.stage]
    assert [part for part in breakage.told if part not in told] == [], told
    behind = {stage.name for stage in FLOW if breakage.stage in stage.inputs} | {breakage.stage}
    made = {event.asset_key.path[-1] for event in result.get_asset_materialization_events() if event.asset_key}
    assert not made & behind
    assert {stage: shown(late)[stage] for stage in behind} == {stage: before[stage] for stage in behind}
    assert contents().items() >= objects.items()


@pytest.mark.parametrize("target", ["x99-int8", "e8-int4", "e8"])
def test_an_unknown_chip_or_mode_is_answered_with_those_there_are(zoo: BadZoo, target: str) -> None:
    before = shown(STAGES)
    assert f"no target {target!r}; there are x64-f32, " in refused("build", "net", "--target", target)
    with pytest.raises(dg.DagsterUnknownPartitionError, match=rf"net\|{target}"):
        launched(f"net|{target}")
    assert shown(STAGES) == before


def test_an_unknown_model_or_stage_is_answered_with_those_there_are(
    zoo: BadZoo, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "no stage zzz; there are sample_onnx, " in refused("build", "net", "--target", TARGET, "--goal", "zzz")
    monkeypatch.setattr(workshop, "InstalledZoo", InstalledZoo)
    assert "no model 'nonet'; there are ddddocr_det, " in refused("build", "nonet", "--target", TARGET)


@pytest.mark.parametrize("part", [0.0, 0.001, 0.05, 0.9])
def test_a_truncated_model_is_named_with_what_is_cut(zoo: BadZoo, part: float) -> None:
    whole = Path("build", PARTITION, "sample.model").read_bytes()
    Path("cut.model").write_bytes(whole[: int(part * len(whole))])
    np.savez("x.npz", x=SAMPLES[:1])
    for command in (("inspect", "cut.model"), ("run", "cut.model", "--input", "x.npz")):
        message = refused(*command)
        assert "cut.model: " in message
        assert "build it again" in message


def test_a_model_truncated_in_the_store_fails_the_step_that_runs_it_and_is_made_again(sound: BadZoo) -> None:
    file = Path("build", PARTITION, "sample.model").resolve()
    whole, before = file.read_bytes(), shown(STAGES)
    file.chmod(0o644)
    file.write_bytes(whole[:-100])
    sound.evaluation(x=SAMPLES[1:])
    told = failures(launched(asset_selection=[dg.AssetKey("chip_results")]))["chip_results"]
    assert "sample.model: section debug is cut off, 100 of its bytes are missing; build it again" in told
    assert shown(STAGES) == before
    sound.mend()
    assert tpuflow("build", "net", "--target", TARGET).exit_code == 0
    assert file.read_bytes() == whole
    assert shown(STAGES) == before


@pytest.mark.parametrize(
    ("arrays", "told"),
    [
        ({"image": SAMPLES}, "feeds.npz has no x; it holds image"),
        ({"x": SAMPLES[:, :1]}, "input 'x': shape (4, 1, 6, 6) isn't (1, 2, 6, 6)"),
        ({"x": SAMPLES[0]}, "input 'x': shape (2, 6, 6) isn't (1, 2, 6, 6)"),
        ({"x": SAMPLES.astype(np.float64)}, "input 'x': type float64 isn't float32 or, as stored, uint8"),
        ({"x": np.full(SHAPE, "a")}, "feeds.npz: array 'x' holds <U1, not numbers"),
        ({"x": np.array([None])}, "feeds.npz: array 'x' can't be read"),
    ],
)
def test_feeds_that_do_not_fit_are_named(zoo: BadZoo, arrays: dict[str, Any], told: str) -> None:
    np.savez("feeds.npz", **arrays)
    assert told in refused("run", Path("build", PARTITION, "sample.model"), "--input", "feeds.npz")


def test_files_that_are_something_else_are_named(zoo: BadZoo) -> None:
    folder = Path("build", PARTITION)
    model, results = folder / "sample.model", folder / "chip_results.npz"
    Path("foreign").write_bytes(b"hello there")
    np.save("x.npy", SAMPLES)
    np.savez("other.npz", other=SAMPLES)
    assert "foreign: header is not whole" in refused("inspect", "foreign")
    assert "origin.mlir: not a sample.model" in refused("inspect", folder / "origin.mlir")
    assert "foreign isn't an .npz" in refused("run", model, "--input", "foreign")
    assert "x.npy isn't an .npz" in refused("run", model, "--input", "x.npy")
    assert "foreign isn't an .npz" in refused("compare", "foreign", results)
    assert "no partner in other: 'x'" in refused("compare", results, "other.npz")
    assert "does not exist" in refused("compare", results, "absent.npz")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("return", "", "bad.mlir:"),
        ("top.Conv", "top.Conf", "Operation top.Conf is not registered"),
        ("4x2x3x3", "4x2x3x4", "top.Conv at 't0_Conv': the filter is (3, 4), the kernel (3, 3)"),
        ('"k0"', '"k9"', "origin_weights.npz: no weight 'k9', which bad.mlir names"),
        ("module", "\udcff", "bad.mlir isn't a sound network"),
    ],
)
def test_a_broken_network_is_named_with_the_place(zoo: BadZoo, old: str, new: str, told: str) -> None:
    folder = Path("build", PARTITION)
    shutil.copyfile(folder / "origin_weights.npz", "origin_weights.npz")
    text = (folder / "origin.mlir").read_text().replace(old, new)
    Path("bad.mlir").write_text(text, errors="surrogateescape")
    message = refused("opt", "canonicalize", "bad.mlir")
    assert told in message
    assert "bad.mlir" in message
    assert len(message) < 1000
    assert "no pass 'nothing'; there are shape-infer, " in refused("opt", "nothing", folder / "origin.mlir")


def test_a_store_that_cannot_be_written_is_named(zoo: BadZoo, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("occupied").write_text("")
    monkeypatch.setenv("TPUFLOW_STORE", "occupied")
    assert "occupied" in refused("build", "net", "--target", TARGET)


def test_an_interrupted_build_leaves_nothing_half_written(sound: BadZoo, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shown(STAGES)

    def interrupted(inputs: object, params: object, out: Path, progress: object) -> dict[str, Any]:
        (out / "tpu.mlir").write_text("half")
        raise KeyboardInterrupt

    sound.model(network(activation="Sigmoid").SerializeToString())
    with monkeypatch.context() as patch:
        patch.setattr(tpu_mlir, "run", interrupted)
        assert tpuflow("build", "net", "--target", TARGET).exit_code == 130
    late = STAGES[STAGES.index("tpu_mlir") :]
    assert {stage: before[stage] for stage in late} == shown(late)
    assert not any(Path("build/.store/tmp").iterdir())
    assert tpuflow("build", "net", "--target", TARGET).exit_code == 0


def test_two_builds_at_once_make_each_stage_once(sound: BadZoo) -> None:
    sound.model(network(activation="Tanh").SerializeToString())

    def build(builder: Builder) -> dict[str, Record]:
        return builder.build(sound.settings("net"), Target.parse(TARGET))

    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(build, [workshop.Workshop().builder for _ in range(2)])
    for stage in ("sample_onnx", "cali_table", "tpu_mlir", "sample_model", "chip_results"):
        assert {first[stage].hit, second[stage].hit} == {False, True}
        assert first[stage].ref == second[stage].ref
