"""The conformance bench on cases of its own: what passes, is refused, is wrong, breaks, dies or hangs, and the CSV."""

import csv
import os
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import parser

from compiler.frontends.onnx.to_top import convert
from pipeline.bench import conformance, conformance_columns, conformance_crew
from pipeline.bench.conformance_columns import COLUMNS, OURS, Outcome
from pipeline.bench.conformance_operands import specialised
from pipeline.bench.conformance_suite import Case, cases, category

X = np.array([[1, -2, 3]], np.float32)


def case(body: str, expected: object, inputs: str = "float[1,3] x", output: str = "float[1,3]", *more: Any) -> Case:
    text = f'<ir_version: 10, opset_import: ["" : 21]> g ({inputs}) => ({output} y) {{ {body} }}'
    wanted = np.asarray(expected, np.float32)
    return Case("case", "core-float32", parser.parse_model(text).SerializeToString(), [([X, *more], [wanted])], 1e-3, 0)


def by_column(of: Case) -> dict[str, Outcome]:
    return {outcome.column: outcome for outcome in conformance_columns.outcomes(of)}


def test_a_case_passes_in_every_column() -> None:
    found = by_column(case("y = Relu(x)", [[1, 0, 3]]))
    assert {column: outcome.outcome for column, outcome in found.items()} == dict.fromkeys(COLUMNS, "passed")


def test_an_op_on_the_host_is_refused_in_the_column_that_has_none_and_counted_by_its_cause() -> None:
    found = by_column(case("y = Unique(x)", [-2, 1, 3], output="float[n]"))
    refused = {column for column, outcome in found.items() if outcome.outcome == "refused"}
    assert refused == {"x64-f32-nohost"}
    (cause,) = conformance.refusals(found.values())
    reason = "Unique on the host: the extents of … depend on data"
    assert (cause.column, cause.reason, cause.cases, cause.alone) == ("x64-f32-nohost", reason, 1, 1)


def test_a_wrong_result_is_told_from_a_right_one_of_another_column(monkeypatch: pytest.MonkeyPatch) -> None:
    def planted(reader: convert.Reader, node: onnx.NodeProto) -> None:
        convert.convert_by_name(reader, node, convert.top.AbsOp)

    monkeypatch.setitem(convert.CONVERTERS, "Relu", planted)
    found = by_column(case("y = Relu(x)", [[1, 0, 3]]))
    assert found["ort"].outcome == "passed"
    assert {found[column].outcome for column in OURS} == {"wrong"}
    assert found["x64-f32"].reason == "output 0: 1 of 3 elements, first 2.0 for 0.0 at [0, 1]"
    assert len(conformance.defects(found.values())) == len(OURS)


def test_an_exception_that_is_no_refusal_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: object) -> None:
        raise KeyError("axis")

    monkeypatch.setattr(conformance_columns.lg_mlir, "run", broken)
    found = by_column(case("y = Relu(x)", [[1, 0, 3]]))
    assert found["top"].outcome == "passed"
    assert found["e8-f32"] == replace(found["top"], column="e8-f32", outcome="crashed", reason="KeyError: 'axis'")


@pytest.mark.parametrize("expected", [[[1, 0, 3.1]], [[1, 0, 3, 0]], [1, 0, 3]])
def test_values_and_extents_count(expected: object) -> None:
    assert by_column(case("y = Relu(x)", expected))["ort"].outcome == "wrong"


def dies_or_hangs(task: int) -> Iterator[int]:
    yield task
    if task == 1:
        os.abort()
    if task == 2:
        time.sleep(600)
    yield -task


@pytest.mark.parametrize("workers", [1, 2])
def test_a_crash_and_a_hang_cost_one_task_each(workers: int) -> None:
    found = {done.task: done for done in conformance_crew.outcomes(range(5), dies_or_hangs, workers, 2.0)}
    assert {task: done.results for task, done in found.items()} == {0: [0, 0], 1: [1], 2: [2], 3: [3, -3], 4: [4, -4]}
    assert found[1].lost == "the process ended with signal 6"
    assert found[2].lost == "not done after 2 s"
    assert [found[task].lost for task in (0, 3, 4)] == [""] * 3


def test_the_suite_sorts_into_scope() -> None:
    names = {case.name: case.category for case in cases("^test_(relu|add_uint8|lstm_defaults|nonzero_example|if)$")}
    assert names == {"test_relu": "core-float32", "test_add_uint8": "core-int/bool", "test_lstm_defaults": "rnn"}


def test_the_first_rule_names_the_category() -> None:
    text = '<ir_version: 10, opset_import: ["" : 21]> g (float16[N] x) => (int64[M,K] y) { y = NonZero(x) }'
    assert category(parser.parse_model(text)) == "data-dependent-shape"


def test_parameters_are_bound_and_data_is_fed() -> None:
    of = case("y = Reshape(x, s)", X, "float[1,3] x, int64[2] s", "float[1,3]", np.array([1, 3]))
    model, feeds = specialised(onnx.ModelProto.FromString(of.model), of.samples[0][0])
    assert list(feeds) == ["x"]
    assert [value.name for value in model.graph.initializer] == ["s"]
    both = case("t = Reshape(x, s) f = Cast<to=1>(s) y = Add(t, f)", X, "float[1,3] x, int64[2] s", "float[1,3]", 0)
    assert list(specialised(onnx.ModelProto.FromString(both.model), both.samples[0][0])[1]) == ["x", "s"]


def test_rows_and_csv(tmp_path: Path) -> None:
    found = list(by_column(case("y = Relu(x)", [[1, 0, 3]])).values())
    rows = {(row.case, row.metric): row.value for row in conformance.rows(found)}
    assert rows["x64-f32-nohost", "passed_in_scope"] == rows["ort", "in_scope"] == 1
    assert rows["top", "wrong_answers"] == rows["top", "crashed"] == 0
    conformance.write(found, tmp_path / "list.csv")
    listed = list(csv.DictReader((tmp_path / "list.csv").open()))
    assert [row["column"] for row in listed] == list(COLUMNS)
    assert listed[0] == {
        "case": "case",
        "category": "core-float32",
        "column": "ort",
        "outcome": "passed",
        "reason": "",
    }
