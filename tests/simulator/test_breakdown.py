"""Layers and groups share out what the records do, and what layers need is known from the network alone."""

from __future__ import annotations

from dataclasses import replace

import onnx
import pytest
from onnx import TensorProto, helper

from simulator.bound import Contraction, contractions
from simulator.breakdown import HIDDEN, Breakdown, Miscounted, Own, broken_down, check_sums, own_work
from simulator.chip import CHIPS
from simulator.concurrent import run_cores
from simulator.isa.table import DType, Engine
from simulator.model_file import Model, Tensor, TensorSlice
from simulator.onnx_layers import homes
from simulator.profile import profile_of
from tests.simulator.hand_made import copy_twice, local

E8 = CHIPS["e8"]
DIMS = (1, 8, 4, 32)


def parts_of(model: Model, groups: dict[str, str], own: dict[str, Own] | None = None) -> Breakdown:
    timelines = run_cores(model.cores, model.chip)
    costs = profile_of(model, timelines)
    made = broken_down(model, timelines, costs.layers, groups, own or {}, 128)
    check_sums(made, timelines, costs.cycles)
    return made


def test_layers_and_their_group_by_hand() -> None:
    made = parts_of(copy_twice(), {"copy": "both", "store": "both"}, {"copy": Own(70, 6400), "store": Own(960)})
    copies, stores = made.layers
    assert (copies.io_bytes, stores.io_bytes, copies.weight_bytes, copies.in_bytes) == (4096, 4096, 0, 0)
    assert (copies.why, copies.bound, stores.bound) == ("read", 1000, 960)
    (both,) = made.groups
    assert (both.bound, both.start, both.end) == (70 + 960, 0, max(copies.end, stores.end))
    assert both.decides == copies.decides + stores.decides
    assert both.lmem_peak == copies.lmem_peak == 8192 + 4096 + 128


def test_a_layer_of_no_group_stands_for_itself() -> None:
    assert [part.name for part in parts_of(copy_twice(), {}).groups] == ["copy", "store"]


def test_results_made_again_are_told() -> None:
    rows = (0, 3), (2, 4)
    slices = [TensorSlice(Engine.TIU, 1, local(0, DIMS), ((0, 1), (0, 8), span, (0, 32))) for span in rows]
    held = Tensor("copy", DIMS, DType.I8, slices=slices)
    copies, stores = parts_of(replace(copy_twice(), tensors=(held,)), {}).layers
    assert (copies.halo, stores.halo) == (0.25, 0.0)


def test_a_layer_off_the_chain_is_hidden() -> None:
    model = copy_twice()
    tiu = model.tiu.copy()
    tiu["wait"] = 0
    gdma = model.gdma.copy()
    gdma["wait"] = gdma["tag"] = 0
    tiu["tag"] = 1
    found = parts_of(replace(model, tiu=tiu, gdma=gdma), {})
    assert {part.name: part.why for part in found.layers} == {"copy": "read", "store": HIDDEN}


def test_sums_that_differ_are_named() -> None:
    model = copy_twice()
    timelines = run_cores(model.cores, E8)
    made = parts_of(model, {})
    first, *rest = made.layers
    for wrong, what in (
        (replace(made, layers=[replace(first, io_bytes=4095), *rest]), "payload bytes by kind: 8,191"),
        (replace(made, layers=[replace(first, wire_bytes=0), *rest]), "bytes on the bus by layer"),
        (replace(made, resources={**made.resources, "read": 0}), "cycles by resource"),
    ):
        with pytest.raises(Miscounted, match=what):
            check_sums(wrong, timelines, timelines[0].cycles)


def test_what_a_layer_needs_counts_its_weights_and_the_array() -> None:
    work = {"a": Contraction(1, 16, 10, 16, 9, weight="w", elements=2304, outputs=16), "b": Contraction(1, 8, 1, 16, 1)}
    found = own_work(work, {"a": "conv", "b": "conv"}, 1, E8)
    assert found["conv"] == Own(2 * 10 * 9 + 1, 2304 + 12 * 16)


def test_a_result_is_found_in_the_layer_it_was_fused_into() -> None:
    nodes = [
        helper.make_node("MatMul", ["x", "w"], ["product"]),
        helper.make_node("Add", ["product", "b"], ["sum"]),
        helper.make_node("Relu", ["sum"], ["y"]),
        helper.make_node("MatMul", ["y", "w"], ["last"]),
        helper.make_node("Sigmoid", ["last"], ["gate"]),
        helper.make_node("Mul", ["last", "gate"], ["z"]),
    ]
    edges = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4, 4]) for name in "xwbz"]
    model = onnx.shape_inference.infer_shapes(helper.make_model(helper.make_graph(nodes, "g", edges[:3], edges[3:])))
    work = contractions(model)
    assert list(work) == ["product", "last"]
    assert homes(model, work, ["y_Relu", "last_MatMul_rows", "z_Mul"]) == {
        "product": "y_Relu",
        "last": "last_MatMul_rows",
    }
    assert homes(model, work, ["z_Mul"]) == {}, "what several read is nobody's part"
