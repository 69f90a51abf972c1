"""What a person looks for in each artifact: the files beside it, and the figures of its metadata."""

from __future__ import annotations

import csv
import json
from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest

from compiler.build.builder import Builder
from compiler.build.flow import Target
from compiler.build.keys import Code
from compiler.build.store import Record, Store
from compiler.frontends.onnx.from_top.browse import array_places
from compiler.npz import read_npz
from compiler.results import Results
from compiler.stages import cali_table, comparison
from simulator.chip import chip_named
from tests.offline_zoo import OfflineZoo
from tests.simulator.trace.schema import check as check_trace

E8 = chip_named("e8")
WAITS = {"tiu": ("data", "drain"), "gdma": ("buffer", "result")}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Record]:
    """LeNet in int8 for the smallest chip."""
    root = tmp_path_factory.mktemp("contents")
    builder = Builder(Store(root / "build"), OfflineZoo(root / "zoo"), Code())
    return builder.build(builder.zoo.settings("lenet"), Target("e8", "int8"))


def rows(record: Record, file: str) -> list[dict[str, str]]:
    with (record.ref.path / file).open(newline="") as text:
        return list(csv.DictReader(text))


def test_canonical_onnx_runs_with_the_weights_that_lie_beside_it(built: dict[str, Record]) -> None:
    folder = built["canonical_mlir"].ref.path
    model = onnx.load(folder / "canonical.onnx")
    weights = read_npz(folder / "canonical_weights.npz")
    held = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in model.graph.initializer}
    assert weights
    for name, array in weights.items():
        assert np.array_equal(held[name], array)
    assert (folder / "canonical.onnx").stat().st_size < sum(array.nbytes for array in weights.values()) / 10
    top = Results.load(built["top_results"].ref.path, "top_results").arrays
    (given,), (wanted,) = model.graph.input, model.graph.output
    runtime: Any = onnxruntime
    session = runtime.InferenceSession(str(folder / "canonical.onnx"))
    (made,) = session.run([wanted.name], {given.name: top[given.name]})
    assert np.allclose(made, top[wanted.name], rtol=1e-5, atol=1e-5)


def test_every_array_of_an_npz_is_found_in_the_file(built: dict[str, Record]) -> None:
    path = built["canonical_mlir"].ref.path / "canonical_weights.npz"
    raw, places = path.read_bytes(), array_places(path)
    for name, array in read_npz(path).items():
        offset, length = places[name]
        assert raw[offset : offset + length] == array.tobytes()


@pytest.mark.parametrize(
    ("stage", "file"),
    [("comparison", "sqnr"), ("profile", "cycles"), ("profile", "ddr_bytes")],
)
def test_node_data_are_of_nodes_of_canonical_onnx(built: dict[str, Record], stage: str, file: str) -> None:
    graph = onnx.load(built["canonical_mlir"].ref.path / "canonical.onnx", load_external_data=False).graph
    data = json.loads((built[stage].ref.path / f"{file}.nodes.json").read_text())
    assert list(data) == [graph.name]
    told = data[graph.name]
    assert all(isinstance(entry["value"], int | float) for entry in told["results"].values())
    assert [stop["stop"] for stop in told["gradient"]] == [0, 1]
    nodes = {node.name for node in graph.node}
    assert nodes == {node.output[0] for node in graph.node}
    matched = nodes & set(told["results"])
    assert len(matched) >= 5


def test_activations_share_no_byte_while_both_are_held(built: dict[str, Record]) -> None:
    held = [row for row in rows(built["addr_mlir"], "global_memory.csv") if row["kind"] == "activation"]
    told = built["addr_mlir"].metadata
    spans = [tuple(int(row[key]) for key in ("begin", "end", "address", "bytes")) for row in held]
    assert spans
    assert max(address + size for _, _, address, size in spans) <= told["activation_bytes"]
    for i, (begin, end, address, size) in enumerate(spans):
        for other_begin, other_end, other, others in spans[:i]:
            together = begin < other_end and other_begin < end
            apart = address + size <= other or other + others <= address
            view = other <= address and address + size <= other + others
            assert not together or apart or view
    assert told["peak_over_lower_bound"] == told["activation_peak_bytes"] / told["activation_lower_bound_bytes"]
    assert told["activation_bytes"] == built["sample_model"].metadata["activation_bytes"]


def test_local_buffers_keep_within_a_lane_and_apart(built: dict[str, Record]) -> None:
    held = rows(built["lg_mlir"], "local_memory.csv")
    tops = [int(row["address"]) + int(row["bytes"]) for row in held]
    assert 0 < max(tops) <= E8.lane_bytes
    assert built["lg_mlir"].metadata["local_peak_bytes"] <= E8.lane_bytes
    assert {row["kind"] for row in held} <= {"loaded", "computed", "carried"}
    assert all(int(row["begin"]) < int(row["end"]) for row in held)


def test_the_models_sections_are_all_of_it(built: dict[str, Record]) -> None:
    told = built["sample_model"].metadata
    sizes = {row["section"]: row["bytes"] for row in told["sections"]}
    assert (
        sum(sizes.values()) == told["model_bytes"] == (built["sample_model"].ref.path / "sample.model").stat().st_size
    )
    assert sizes["weights"] == told["weight_bytes"]
    assert 0 < sizes["manifest and padding"] < 64 << 10
    assert sum(row["count"] for row in told["table"]) == told["commands"]


def test_the_rows_of_layers_add_up_to_the_run(built: dict[str, Record]) -> None:
    told, (*layers, rest) = built["profile"].metadata, rows(built["profile"], "layers.csv")
    groups = rows(built["profile"], "groups.csv")
    assert rest["name"] == "(rest)"
    sums = {name: sum(int(row[name]) for row in (*layers, rest)) for name, value in rest.items() if value.isdecimal()}
    assert sums["decides"] == told["cycles"]
    assert sums["compulsory_bytes"] == told["compulsory_bytes"]
    assert sum(sums[f"{kind}_bytes"] for kind in ("weight", "in", "out", "io")) == told["ddr_bytes"]
    assert (sums["load_bytes"] + sums["store_bytes"], sums["wire_bytes"]) == (told["ddr_bytes"], told["wire_bytes"])
    for engine in ("tiu", "gdma"):
        assert sums[f"{engine}_cycles"] - int(rest[f"{engine}_cycles"]) == told[f"{engine}_cycles"]
        assert 0 <= sums[f"{engine}_cycles"] + sum(sums[f"waits_{why}"] for why in WAITS[engine]) <= told["cycles"]
    for name in ("decides", "tiu_cycles", "macs", "wire_bytes", "conflict_cycles", "compulsory_bytes", "waits_data"):
        assert sum(int(row[name]) for row in groups) == sums[name] - int(rest[name])
    counted = [int(pair.split(":")[1]) for row in (*layers, rest) for pair in row["ops"].split()]
    assert sum(counted) == sums["tiu_records"] + sums["gdma_records"]
    assert sum(float(row["share"]) for row in (*layers, rest)) == pytest.approx(1)


def test_the_trace_says_what_the_profile_says(built: dict[str, Record]) -> None:
    told = json.loads((built["profile"].ref.path / "trace.json").read_text())
    check_trace(told["traceEvents"])
    assert told["otherData"]["cycles"] == built["profile"].metadata["cycles"]
    used = [event["args"]["utilisation"] for event in told["traceEvents"] if "utilisation" in event.get("args", {})]
    assert 0 < max(used) <= 1
    groups = {event["name"] for event in told["traceEvents"] if event.get("cat") == "group"}
    assert groups == {row["name"] for row in rows(built["profile"], "groups.csv")}


def test_shares_of_the_profile_are_shares(built: dict[str, Record]) -> None:
    told = built["profile"].metadata
    for name in ("tiu_busy", "gdma_busy", "mac_utilisation", "overlap"):
        assert 0 < told[name] <= 1, name
    assert told["overlap"] <= min(told["tiu_busy"], told["gdma_busy"])
    assert told["mac_utilisation"] <= told["tiu_busy"]
    assert told["held_up_by"] == max(("tiu", "gdma"), key=lambda engine: told[f"{engine}_cycles"])


def test_passes_say_what_they_took_away(built: dict[str, Record]) -> None:
    steps = built["canonical_mlir"].metadata["passes"]
    assert "-3 Relu" in " ".join(step["change"] for step in steps)
    for before, after in pairwise(steps):
        moved = sum(int(word.split()[0]) for word in after["change"].split(", ") if word)
        assert after["ops"] - before["ops"] == moved


def test_the_worst_cut_tensor_comes_first(built: dict[str, Record], tmp_path: Path) -> None:
    zoo = OfflineZoo(tmp_path / "zoo")
    inputs = {"canonical_mlir": built["canonical_mlir"].ref.path} | dict(zoo.files("lenet"))
    told = cali_table.run(inputs, {"method": "percentile", "samples": 8, "bins": 2048}, tmp_path)
    kept = [row["kept"] for row in told["table"]]
    assert kept[0] < kept[-1] <= 1
    assert kept == sorted(kept)
    assert told["worst_clipped_kept"] == kept[0]
    assert told["saturating"] == sum(share < 1 for share in kept)


PERFECT = np.linspace(-1, 1, 100, dtype=np.float32)


def compare(folder: Path, damaged: Mapping[str, float], differing: str = "") -> dict[str, Any]:
    """Four tensors; to those damaged, noise of that size is added in the TPU's run, and one is changed on the chip."""
    runs = {name: {tensor: PERFECT.copy() for tensor in "abcd"} for name in comparison.RUNS}
    for run in ("tpu", "chip"):
        for tensor, noise in damaged.items():
            runs[run][tensor] += noise * np.where(np.arange(100) % 2, 1, -1).astype(np.float32)
    if differing:
        runs["chip"][differing][7] += 1
    inputs = {f"{name}_results": folder / name for name in runs}
    for name, arrays in runs.items():
        (folder / name).mkdir()
        Results(arrays, {}).save(folder / name, f"{name}_results")
    return comparison.run(inputs, {"tolerance": {"sqnr_db": 20.0}}, folder)


def test_the_first_bad_tensor_is_the_first_below_the_tolerance(tmp_path: Path) -> None:
    told = compare(tmp_path, {"b": 0.01, "c": 0.5, "d": 0.9})
    assert told["first_bad_tensor"] == "c"
    assert told["largest_drop_tensor"] == "b"
    assert (told["worst_tensor"], told["passed"]) == ("d", False)
    assert told["sqnr_db"] == told["output_sqnr_db"] < 20


def test_a_tensor_that_differs_on_the_chip_is_bad_too(tmp_path: Path) -> None:
    told = compare(tmp_path, {"d": 0.9}, differing="b")
    assert told["first_bad_tensor"] == "b"
    assert [arrow["mismatched_bytes"] > 0 for arrow in told["arrows"]] == [False, True, True]


def test_no_tensor_is_bad_where_all_are_good(tmp_path: Path) -> None:
    told = compare(tmp_path, {"b": 0.001, "c": 0.001, "d": 0.001})
    assert told["first_bad_tensor"] is None
    assert told["passed"]
