"""Windows over lines, planes and volumes, resizing and sampling, against onnxruntime: drawn nodes of every family."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper

from compiler.ir.network import Array
from tests.compiler.frontends.onnx.lowered import assert_lowers_to_the_same, one_node

SLOW = [HealthCheck.too_slow]
AUTO = ["NOTSET", "NOTSET", "SAME_UPPER", "SAME_LOWER", "VALID"]


def drawn(data: st.DataObject, rank: int, low: int, high: int) -> list[int]:
    """A number for each axis."""
    return [data.draw(st.integers(low, high)) for _ in range(rank)]


def filters(data: st.DataObject, model_dims: list[Sequence[int]], dims: Sequence[int]) -> list[Array]:
    """A filter of these extents: a constant, or one more input."""
    if data.draw(st.booleans()):
        return [np.random.default_rng(0).normal(size=dims).astype(np.float32)]
    model_dims.append(dims)
    return []


def window(data: st.DataObject, rank: int, kernel: Sequence[int]) -> dict[str, Any]:
    """Strides, dilations, and pads below the kernel's extents or a mode of them."""
    given_: dict[str, Any] = {"strides": drawn(data, rank, 1, 3), "kernel_shape": list(kernel)}
    if (mode := data.draw(st.sampled_from(AUTO))) == "NOTSET":
        given_["pads"] = [data.draw(st.integers(0, k - 1)) for k in (*kernel, *kernel)]
    else:
        given_["auto_pad"] = mode
    return given_


@settings(max_examples=25, suppress_health_check=SLOW, deadline=None)
@given(st.data())
def test_convolutions(data: st.DataObject) -> None:
    rank, group = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2))
    kernel, dims = drawn(data, rank, 1, 3), drawn(data, rank, 5, 7)
    given_ = window(data, rank, kernel) | {"group": group}
    if "pads" in given_:
        given_["dilations"] = drawn(data, rank, 1, 2)
    fed: list[Sequence[int]] = [(data.draw(st.integers(1, 2)), 2 * group, *dims)]
    held = filters(data, fed, (group * data.draw(st.integers(1, 2)), 2, *kernel))
    assert_lowers_to_the_same(one_node("Conv", fed, held, **given_))


@settings(max_examples=25, suppress_health_check=SLOW, deadline=None)
@given(st.data())
def test_transposed_convolutions(data: st.DataObject) -> None:
    rank, group = data.draw(st.integers(1, 3)), data.draw(st.integers(1, 2))
    kernel, dims, strides = drawn(data, rank, 1, 3), drawn(data, rank, 1, 4), drawn(data, rank, 1, 3)
    dilations = [d if s % d or d == 1 else 1 for s, d in zip(strides, drawn(data, rank, 1, 2), strict=True)]
    given_: dict[str, Any] = {"strides": strides, "dilations": dilations, "group": group}
    given_["output_padding"] = [data.draw(st.integers(0, s - 1)) for s in strides]
    natural = [s * (n - 1) + d * (k - 1) + 1 for s, n, d, k in zip(strides, dims, dilations, kernel, strict=True)]
    match data.draw(st.sampled_from(["pads", "output_shape", "auto_pad"])):
        case "pads":
            given_["pads"] = [data.draw(st.integers(0, (n - 1) // 2)) for n in natural] * 2
        case "output_shape":
            given_["output_shape"] = [data.draw(st.integers(1, n)) for n in natural]
        case _:
            given_["auto_pad"] = data.draw(st.sampled_from(AUTO[1:]))
            assume(all(k >= s for k, s in zip(kernel, strides, strict=True)))
    fed: list[Sequence[int]] = [(1, 2 * group, *dims)]
    held = filters(data, fed, (2 * group, data.draw(st.integers(1, 2)), *kernel))
    assert_lowers_to_the_same(one_node("ConvTranspose", fed, held, **given_))


@settings(max_examples=30, suppress_health_check=SLOW, deadline=None)
@given(st.data())
def test_pools(data: st.DataObject) -> None:
    rank, kind = data.draw(st.integers(1, 3)), data.draw(st.sampled_from(["MaxPool", "AveragePool", "LpPool"]))
    kernel, dims = drawn(data, rank, 1, 3), drawn(data, rank, 5, 7)
    given_ = window(data, rank, kernel)
    if "pads" in given_:
        given_["ceil_mode"] = data.draw(st.integers(0, 1)) if kind != "LpPool" else 0
        given_["dilations"] = drawn(data, rank, 1, 2)
    else:
        assume(all(k >= s for k, s in zip(kernel, given_["strides"], strict=True)))
    if kind == "AveragePool":
        given_["count_include_pad"] = data.draw(st.integers(0, 1))
        # Where padding counts onnxruntime weighs the window that ceil_mode adds in a way of its own.
        assume(not (given_.get("ceil_mode") and given_["count_include_pad"]))
    if kind == "LpPool":
        given_["p"] = data.draw(st.integers(1, 3))
    assert_lowers_to_the_same(one_node(kind, [(2, 3, *dims)], opset=19, **given_), tolerance=2e-4)


@settings(max_examples=30, suppress_health_check=SLOW, deadline=None)
@given(st.data())
def test_resizing(data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(["nearest", "linear", "cubic"]))
    coordinates = data.draw(st.sampled_from(["half_pixel", "pytorch_half_pixel", "asymmetric", "align_corners"]))
    dims, sizes = drawn(data, 2, 2, 6), drawn(data, 2, 2, 9)
    given_: dict[str, Any] = {"mode": mode, "coordinate_transformation_mode": coordinates}
    if mode == "nearest":
        given_["nearest_mode"] = "floor"
        # onnxruntime's points are f32: on a whole number it may fall short of it.
        sizes = [n * data.draw(st.sampled_from([1, 2, 4])) for n in dims]
        assume(coordinates != "align_corners")
    if mode == "cubic":
        given_["exclude_outside"] = data.draw(st.integers(0, 1))
    held = [np.zeros(0, np.float32), np.zeros(0, np.float32), np.array([1, 3, *sizes], np.int64)]
    assert_lowers_to_the_same(one_node("Resize", [(1, 3, *dims)], held, opset=18, **given_))


@pytest.mark.parametrize("mode", ["nearest", "linear"])
@pytest.mark.parametrize(("op_type", "opset"), [("Resize", 10), ("Upsample", 9)])
def test_older_resizing(op_type: str, opset: int, mode: str) -> None:
    scales = np.array([1, 1, 2, 1.5], np.float32)
    assert_lowers_to_the_same(one_node(op_type, [(1, 2, 3, 4)], [scales], opset=opset, mode=mode))


def test_nearest_integers_stay_what_they_are() -> None:
    held = [np.zeros(0, np.float32), np.array([1, 1, 2, 1.5], np.float32)]
    given_ = {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"}
    assert_lowers_to_the_same(one_node("Resize", [(1, 2, 3, 4)], held, opset=18, kind=TensorProto.INT32, **given_))


@settings(max_examples=12, suppress_health_check=SLOW, deadline=None)
@given(st.data())
def test_samples_of_a_grid(data: st.DataObject) -> None:
    mode = data.draw(st.sampled_from(["linear", "nearest", "cubic"]))
    rank = data.draw(st.integers(2, 2 if mode == "cubic" else 3))
    padding, aligned = data.draw(st.sampled_from(["zeros", "border", "reflection"])), data.draw(st.integers(0, 1))
    fed = [(2, 3, *drawn(data, rank, 2, 5)), (2, *drawn(data, rank, 1, 3), rank)]
    model = one_node("GridSample", fed, opset=20, mode=mode, padding_mode=padding, align_corners=aligned)
    assert_lowers_to_the_same(model, data.draw(st.integers(0, 9)))


@pytest.mark.parametrize("storage_order", [0, 1])
def test_the_places_of_maxima(storage_order: int) -> None:
    fed = helper.make_tensor_value_info("x", TensorProto.FLOAT, [2, 3, 7, 6])
    pads, node = [1, 0, 0, 1], ["values", "places"]
    pool = helper.make_node(
        "MaxPool", ["x"], node, "node", kernel_shape=[3, 2], strides=[2, 1], pads=pads, storage_order=storage_order
    )
    places = helper.make_tensor_value_info("places", TensorProto.INT64, None)
    graph = helper.make_graph([pool], "one", [fed], [places])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    assert_lowers_to_the_same(model)
