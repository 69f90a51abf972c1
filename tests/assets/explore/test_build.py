"""Artifacts by name, and experiments that leave what is shown alone."""

import numpy as np
import pytest

from assets.explore import compare
from assets.explore.artifacts import NotMade, UnknownRun
from assets.explore.build import Build, NotMixed, UnknownSetting, UnknownTensor, load, shown
from assets.workshop import Workshop
from compiler.build.flow import Target, UnknownStage
from compiler.comparison import compare as compared
from compiler.ir.network import name_of

LATER = ["tpu_mlir", "lg_mlir", "addr_mlir", "sample_model"]


def test_every_artifact_is_read_by_its_name(net: Build) -> None:
    networks = {name: getattr(net, name) for name in ("origin", "canonical", "calibrated", "tpu", "lg", "addr")}
    assert networks["canonical"].weights.keys() == networks["calibrated"].weights.keys()
    assert len(net.ops("canonical")) < len(net.ops("origin"))
    assert list(net.ops("tpu").columns) == ["op", "type"]
    assert [output.name for output in net.sample.graph.output]
    tensors = {name_of(op) for op in net.tpu.ops if op.results}
    assert set(net.results("tpu").arrays) <= tensors
    assert {tensor.name for tensor in net.model.tensors} == set(net.results("chip").arrays)
    assert set(net.thresholds.index) <= set(net.results("top").arrays)
    assert len(net.comparison) == len(net.compared)
    assert net.profile["macs"].sum() == net.record("canonical_mlir").metadata["macs"]


def test_the_figures_are_those_of_the_records(net: Build) -> None:
    costs, likeness = net.record("profile").metadata, net.record("comparison").metadata
    scored = net.record("accuracy").metadata
    held = {**costs, **likeness, **scored, "model_bytes": net.record("sample_model").metadata["model_bytes"]}
    assert len(net.figures) == 12
    assert net.figures == {name: held[name] for name in net.figures}


def test_a_threshold_changes_what_follows_from_it_and_nothing_that_is_shown(net: Build) -> None:
    name = net.thresholds.index[1]
    tight = net.with_thresholds({name: 0.125})
    changed = tight.thresholds.compare(net.thresholds)
    assert list(changed.index) == [name]
    assert tight.thresholds.loc[name, "threshold"] == 0.125
    same = set(compare.stages(net, tight).query("same").index)
    assert not same & {"cali_table", "cali_mlir", *LATER, "tpu_results", "chip_results"}
    assert same >= {"sample_onnx", "origin_mlir", "canonical_mlir", "onnx_results", "top_results"}
    assert compared(tight.results("chip"), tight.results("tpu"), ("chip", "tpu"))
    assert tight.figures["mismatched_bytes"] == 0
    assert tight.figures["sqnr_db"] < net.figures["sqnr_db"]
    assert net.builder.store.refs("lenet/e8-int8") == {}


def test_the_same_edit_again_is_found(net: Build) -> None:
    name = net.thresholds.index[1]
    first = net.with_thresholds({name: 0.25})
    path = first.path("sample_model", "sample.model")
    again = net.with_thresholds({name: 0.25})
    assert again.record("sample_model").hit
    assert again.path("sample_model", "sample.model") == path


def test_an_edit_starts_from_what_another_setting_makes(net: Build) -> None:
    name = net.thresholds.index[-1]
    both = net.with_thresholds({name: 0.5}).changed(calibration={"method": "kl"})
    assert both.settings.calibration == {**net.settings.calibration, "method": "kl"}
    kl = net.changed(calibration={"method": "kl"})
    assert list(both.thresholds.compare(kl.thresholds).index) == [name]


def test_a_qtable_makes_one_op_compute_otherwise(net: Build) -> None:
    last = net.thresholds.index[-1]
    mixed = net.on("e8-mix").with_qtable({last: "BF16"})
    kinds = [f"{build.ops('tpu').loc[last, 'type']}" for build in (mixed, net)]
    assert ["bf16" in kind for kind in kinds] == [True, False]
    assert mixed.figures["mismatched_bytes"] == 0
    assert mixed.settings.qtable == {last: "BF16"}
    assert net.settings.qtable == {}


def test_another_chip_gives_the_same_bytes_at_another_cost(net: Build) -> None:
    large = net.on("x64-int8")
    for name, array in net.results("chip").arrays.items():
        np.testing.assert_array_equal(array, large.results("chip").arrays[name])
    assert large.figures["cycles"] < net.figures["cycles"]
    assert len(compare.layers(net, large).query("change < 0")) > 0


def test_the_chip_runs_many_samples(net: Build) -> None:
    feeds, labels = net.samples(5)
    assert labels is not None
    assert len(labels) == 5
    (scores,) = net.run(feeds).values()
    assert scores.shape == (5, 10)
    rows = net.accuracy["predictions"][:5]
    assert [int(best) for best in scores.argmax(axis=1)] == [row["chip"] for row in rows]


def test_what_is_shown_is_read_as_it_is(lenet: Workshop) -> None:
    with pytest.raises(LookupError, match="e8-f16 has no sample_model yet: build it first"):
        _ = shown("lenet", "e8-f16", lenet).model
    built = lenet.builder.build(lenet.builder.zoo.settings("lenet"), Target.parse("e8-f16"))
    seen = shown("lenet", "e8-f16", lenet)
    assert seen.folders["comparison"] == built["comparison"].ref.path
    assert seen.figures == load("lenet", "e8-f16", lenet).figures


def test_what_cannot_be_asked_for_says_so(net: Build) -> None:
    with pytest.raises(UnknownSetting, match=r"no setting method; there are shapes, calibration, qtable"):
        net.changed(method="kl")
    with pytest.raises(NotMixed, match=r"\.on\('e8-mix'\)"):
        net.with_qtable({"x": "BF16"})
    with pytest.raises(UnknownTensor, match="no threshold of 'absent'"):
        _ = net.with_thresholds({"absent": 1.0}).tpu
    with pytest.raises(UnknownStage, match="no stage calibration"):
        net.edited("calibration", lambda folder: None)
    with pytest.raises(UnknownRun, match="onnx, top, tpu, chip"):
        net.results("gpu")
    plain = net.on("e8-f32")
    with pytest.raises(NotMade, match="has no use for cali_table"):
        _ = plain.thresholds
    with pytest.raises(NotMade, match="has no cali_table to edit"):
        _ = plain.with_thresholds({"x": 1.0}).thresholds
    assert repr(plain) == "Build(lenet/e8-f32)"
