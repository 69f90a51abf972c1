"""The command line on a committed model: builds, models, and messages for bad input."""

import csv
import gzip
import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from compiler import members
from pipeline.cli import app
from simulator.isa.record import Command
from simulator.model_file import write
from tests.offline_zoo import TOLERANCE
from tests.simulator.hand_made import local
from tests.simulator.hand_made import model as hand_made

BUILD = ("build", "lenet", "--target", "e8-int8")


def tpuflow(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


def figures(*more: str) -> dict[str, Any]:
    result = tpuflow(*BUILD, "--json", *more)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)[0]


def test_builds_once_then_nothing_then_only_what_changed(offline: Path) -> None:
    first = figures()
    assert first["mismatched_bytes"] == 0
    assert first["cycles_over_bound"] >= 1
    assert first["ran"] == 17
    second = figures()
    assert second["ran"] == 0
    assert {name: second[name] for name in ("cycles", "accuracy", "sqnr_db")} == {
        name: first[name] for name in ("cycles", "accuracy", "sqnr_db")
    }
    assert "up to date" in tpuflow(*BUILD, "--explain").stdout
    other = " ".join(tpuflow("build", "lenet", "--target", "e8-f32", "--explain").stdout.split())
    assert "tpu_mlir run never built" in other
    assert "origin_mlir re-point" in other


def test_a_build_that_misses_a_tolerance_is_shown_and_is_a_failure(
    offline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(TOLERANCE, "cosine", 1.1)
    result = tpuflow(*BUILD, "--goal", "comparison", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)[0]["mismatched_bytes"] == 0
    assert "lenet/e8-int8: check comparison:similar_enough does not hold (passed False, cosine" in result.stderr


def test_a_profile_says_what_the_cycles_go_to(offline: Path) -> None:
    told = json.loads(tpuflow("profile", "lenet", "e8-int8", "--json").stdout)
    assert sum(told["resources"].values()) == told["totals"]["cycles"]
    assert (offline / "lenet" / "e8-int8" / "groups.csv").is_file()
    shown = tpuflow("profile", "lenet", "e8-int8", "--rows", "1")
    assert shown.exit_code == 0, shown.output
    most = max(told["groups"], key=lambda part: part["decides"] - part["bound"])
    assert f"the groups with the most to gain, of {len(told['groups'])}" in shown.stdout
    assert most["name"] in shown.stdout


def test_a_profile_is_written_for_other_tools(offline: Path, tmp_path: Path) -> None:
    trace, rows, png = (str(tmp_path / name) for name in ("trace.json.gz", "layers.csv", "timeline.png"))
    said = tpuflow(
        "profile", "lenet", "e8-int8", "--json", "--trace", trace, "--csv", rows, "--png", png, "--width", "900"
    )
    assert said.exit_code == 0, said.output
    cycles = json.loads(said.stdout)["totals"]["cycles"]
    assert json.loads(gzip.decompress(Path(trace).read_bytes()))["otherData"]["cycles"] == cycles
    with open(rows, newline="") as file:
        assert sum(int(row["decides"]) for row in csv.DictReader(file)) == cycles
    with Image.open(png) as picture:
        assert (picture.format, picture.width) == ("PNG", 900)


def test_a_quantisation_report_says_where_the_error_comes_from(offline: Path) -> None:
    shown = tpuflow("quant-report", "lenet", "e8-int8")
    assert shown.exit_code == 0, shown.output
    page = offline / "lenet" / "e8-int8" / "quant_report.html"
    assert shown.stdout.split()[-2:] == [str(page), str(page.with_suffix(".md"))]
    assert "<title>Quantisation of lenet in int8</title>" in page.read_text()
    assert "output_sqnr_db" in shown.stdout
    refused = tpuflow("quant-report", "lenet", "e8-bf16")
    assert refused.exit_code == 1
    assert "bf16 quantises nothing; the modes that do are int8, int8a, mix" in refused.stderr


def test_a_built_model_runs_and_can_be_looked_into(offline: Path) -> None:
    figures("--goal", "sample_model")
    model = offline / "lenet" / "e8-int8" / "sample.model"
    np.savez("x.npz", x=np.zeros((1, 1, 28, 28), np.float32))
    ran = tpuflow("run", str(model), "--input", "x.npz", "--output", "y.npz")
    assert ran.exit_code == 0, ran.output
    with np.load("y.npz") as held:
        assert [held[name].shape for name in held.files] == [(1, 10)]
    shown = tpuflow("inspect", str(model), "--trace", "trace.json").stdout
    told = json.loads(Path("trace.json").read_text())["traceEvents"]
    assert {event["args"].get("group") for event in told if event["ph"] == "X"} & set(members.beside(model).values())
    assert "CONV" in shown
    assert "28×28" in shown


def test_a_built_model_is_taken_apart_and_put_together(offline: Path) -> None:
    figures("--goal", "sample_model")
    model = offline / "lenet" / "e8-int8" / "sample.model"
    text = tpuflow("dis", "--plain", str(model)).stdout
    assert "LOAD out=u8(1,1,28,28)@LOCAL" in text
    Path("lenet.tpuasm").write_text(text)
    made = tpuflow("asm", "lenet.tpuasm", "-o", "made.model")
    assert made.exit_code == 0, made.output
    assert Path("made.model").read_bytes() == model.read_bytes()
    Path("lenet.tpuasm").write_text(text.replace("LOAD", "LAOD", 1))
    wrong = tpuflow("asm", "lenet.tpuasm", "-o", "made.model")
    line = 1 + text[: text.index("LOAD")].count("\n")
    assert (wrong.exit_code, wrong.stderr) == (
        1, f"error: lenet.tpuasm: line {line}, column 1: no op is called LAOD; is LOAD meant?\n",
    )  # fmt: skip
    Path("lenet.tpuasm").write_bytes(b"NOP\nEND \xff")
    wrong = tpuflow("asm", "lenet.tpuasm", "-o", "made.model")
    assert wrong.exit_code == 1
    assert wrong.stderr.startswith("error: lenet.tpuasm: line 2, column 5: that isn't UTF-8; ")


def test_checks_pass_a_built_model_and_find_what_is_cut_out_of_it(offline: Path) -> None:
    figures("--goal", "sample_model")
    model = offline / "lenet" / "e8-int8" / "sample.model"
    np.savez("x.npz", x=np.zeros((1, 1, 28, 28), np.float32))
    shown = json.loads(tpuflow("check", str(model), "--waits", "--json").stdout)
    assert {(wait["kind"], wait["least"] == wait["until"]) for wait in shown["waits"]} == {("necessary", True)}
    assert shown["bank_conflict_cycles"] == {}
    assert tpuflow("run", str(model), "--input", "x.npz", "--checked").exit_code == 0
    text = tpuflow("dis", "--plain", str(model)).stdout
    first = next(line for line in text.splitlines() if line.startswith("CONV"))
    Path("racy.tpuasm").write_text(text.replace(first, re.sub(r"wait=\d+ ", "", first)))
    assert tpuflow("asm", "racy.tpuasm", "-o", "racy.model").exit_code == 0
    told = tpuflow("check", "racy.model", "--json")
    assert told.exit_code == 1
    found = json.loads(told.stdout)["findings"]
    assert {(one["check"], one["kind"], one["engine"], one["other_command"].partition(" ")[0]) for one in found} >= {
        ("races", "RAW", "TIU", "LOAD")
    }
    for shown in (tpuflow("inspect", "racy.model"), tpuflow("run", "racy.model", "--input", "x.npz", "--checked")):
        assert shown.exit_code == 1
        assert "RAW: CONV reads LOCAL bytes" in shown.stdout


def test_layers_whose_operands_share_a_bank_are_told(offline: Path) -> None:
    shared = Command("COPY", {name: local(addr, (1, 8, 4, 32)) for name, addr in (("out", 0), ("in", 512))})
    write(hand_made([shared], [], ["copied"]), Path("shared.model"))
    told = json.loads(tpuflow("check", "shared.model", "--json").stdout)
    assert told["bank_conflict_cycles"] == {"copied": told["summary"]["bank_conflict_cycles"]}
    assert told["summary"]["bank_conflict_cycles"] > 0


def test_a_listing_has_tensors_and_groups(offline: Path) -> None:
    figures("--goal", "sample_model")
    model = offline / "lenet" / "e8-int8" / "sample.model"
    head, columns, *rows = tpuflow("dis", "--cycles", "--engine", "gdma", str(model)).stdout.splitlines()
    assert head == "core 0 GDMA"
    assert columns.split() == ["record", "start", "cycles", "wait", "op", "layer", "group", "operands"]
    assert "in=x u8(1,1,28,28)@IO+0" in rows[0]
    for options, message in (
        (["--layer", "none"], "error: no layer is called 'none'; none is near it"),
        (["--plain", "--core", "0"], "--plain is a whole program"),
        (["--engine", "tpu"], "no engine is called TPU; is TIU meant?"),
    ):
        wrong = tpuflow("dis", *options, str(model))
        assert (wrong.exit_code, message in wrong.stderr) == (1, True), wrong.stderr


def test_passes_by_name_and_runs_compared(offline: Path) -> None:
    figures("--goal", "tpu_results", "--goal", "top_results")
    folder = offline / "lenet" / "e8-int8"
    whole = tpuflow("opt", "canonicalize", str(folder / "origin.mlir"))
    assert whole.stdout.count("top.Relu") == 0
    assert tpuflow("opt", "dead-code", str(folder / "origin.mlir")).stdout.count("top.Relu") > 0
    assert tpuflow("opt", "canonicalize", str(folder / "origin.mlir"), "-o", "made.mlir").exit_code == 0
    assert Path("made_weights.npz").is_file()
    told = tpuflow("compare", str(folder / "tpu_results.npz"), str(folder / "top_results.npz"), "--worst", "3").stdout
    assert "logits_Gemm" in told
    assert "tensors compared" in told
    unknown = tpuflow("opt", "fuse-nothing", str(folder / "origin.mlir"))
    assert unknown.exit_code == 1
    assert "there is no pass 'fuse-nothing'" in unknown.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("build", "lenet", "--target", "x99-int8"), "no target 'x99-int8'; there are x64-f32"),
        (("build", "lenet", "--target", "x64-int8", "--goal", "nonsense"), "no stage nonsense"),
    ],
)
def test_bad_arguments_are_named(offline: Path, arguments: tuple[str, ...], message: str) -> None:
    result = tpuflow(*arguments)
    assert result.exit_code == 1
    assert message in result.stderr
    assert "Traceback" not in result.output


def test_a_damaged_model_file_is_an_error_that_changes_nothing(offline: Path) -> None:
    figures("--goal", "origin_mlir")
    shown = (offline / "lenet/e8-int8/origin.mlir").read_text()
    file = offline.parent / "zoo/model_file/model.onnx"
    file.write_bytes(file.read_bytes()[:1000])
    result = tpuflow(*BUILD)
    assert result.exit_code == 1
    assert "lenet/e8-int8, stage sample_onnx: " in result.stderr
    assert "model.onnx" in result.stderr
    assert "Traceback" not in result.output
    assert (offline / "lenet/e8-int8/origin.mlir").read_text() == shown


def test_calibration_with_nan_is_an_error(offline: Path) -> None:
    np.savez(
        offline.parent / "zoo/calibration_data/calibration.npz", x=np.full((8, 1, 28, 28), np.nan, dtype=np.float32)
    )
    result = tpuflow(*BUILD)
    assert result.exit_code == 1
    assert "stage cali_table: " in result.stderr
    assert "Traceback" not in result.output


def test_a_truncated_model_is_named(offline: Path) -> None:
    figures("--goal", "sample_model")
    whole = (offline / "lenet/e8-int8/sample.model").read_bytes()
    Path("cut.model").write_bytes(whole[: len(whole) // 2])
    for command in (("inspect", "cut.model"), ("run", "cut.model", "--input", "cut.model")):
        result = tpuflow(*command)
        assert result.exit_code == 1
        assert "Traceback" not in result.output
    assert "cut.model" in tpuflow("inspect", "cut.model").stderr


def test_collecting_keeps_what_is_shown(offline: Path) -> None:
    figures("--goal", "sample_model")
    assert tpuflow("store", "gc", "--verify", "--unused").exit_code == 0
    assert figures("--goal", "sample_model")["ran"] == 0


def test_help_imports_nothing_slow() -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from pipeline.cli import app;"
        "CliRunner().invoke(app, ['--help']);"
        "print([m for m in ('dagster', 'numpy', 'onnx', 'xdsl', 'numba', 'grimp') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"
