"""Pools over lines, planes and volumes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from math import prod

import onnx
from xdsl.dialects.builtin import StringAttr

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.convert import convert_by_name, converts
from compiler.frontends.onnx.to_top.reader import Reader, Unsupported, flag, real
from compiler.frontends.onnx.to_top.spatial import Along, padded, plane_window, viewed, windows
from compiler.frontends.onnx.to_top.unpool import places_of_maxima


@converts("MaxPool", "AveragePool")
def pool(reader: Reader, node: onnx.NodeProto) -> None:
    """
    One op over planes; over lines and volumes, `_pooled`.

    The window that ceil_mode adds to an average that counts padding is of uneven weight: there padding is data.
    """
    given, dims = reader.attributes(node), reader.shape(node.input[0])
    along = _agreed(reader, node, dims[2:])
    if len(node.output) > 1 and reader.is_used(node.output[1]):
        places_of_maxima(reader, node, along)
    kernel, counted = list(given["kernel_shape"]), bool(given.get("count_include_pad", 0))
    kind = top.MaxPoolOp if node.op_type == "MaxPool" else top.AvgPoolOp
    if len(kernel) == 2 and not (counted and given.get("ceil_mode")):
        convert_by_name(reader, node, kind, kernel_shape=kernel)
        return
    made = _pooled(reader, node, kind, node.input[0], dims, along, counted)
    reader.add(node, top.ReshapeOp, [made], {"shape": ints(*dims[:2], *(a.made for a in along))})


@converts("LpPool")
def lp_pool(reader: Reader, node: onnx.NodeProto) -> None:
    """`(Σ |x|ᵖ)^(1/p)`, the sum as an average over zeros too, times the number of taps."""
    given, dims = reader.attributes(node), reader.shape(node.input[0])
    along = _agreed(reader, node, dims[2:])
    terms = powers(reader, node, node.input[0], given["p"])
    mean = _pooled(reader, node, top.AvgPoolOp, terms, dims, [replace(a, ceiling=0) for a in along], True)
    total = {"const_val": real(float(prod(given["kernel_shape"])))}
    made = root(reader, node, reader.step(node, "sum", top.MulConstOp, [mean], total), given["p"])
    reader.add(node, top.ReshapeOp, [made], {"shape": ints(*dims[:2], *(a.made for a in along))})


@converts("GlobalLpPool")
def global_lp_pool(reader: Reader, node: onnx.NodeProto) -> None:
    p, rank = reader.attributes(node)["p"], len(reader.shape(node.input[0]))
    asked = {"axes": ints(*range(2, rank)), "mode": StringAttr("ReduceSum")}
    total = reader.step(node, "sum", top.ReduceOp, [powers(reader, node, node.input[0], p)], asked)
    reader.add(node, top.IdentityOp, [root(reader, node, total, p)], {})


@converts("GlobalAveragePool", "GlobalMaxPool")
def global_pool(reader: Reader, node: onnx.NodeProto) -> None:
    """Over planes the window stays empty until shape inference, as TPU-MLIR has it; else it is a reduction."""
    greatest = node.op_type == "GlobalMaxPool"
    if (rank := len(reader.shape(node.input[0]))) != 4:
        mode = {"axes": ints(*range(2, rank)), "mode": StringAttr("ReduceMax" if greatest else "ReduceMean")}
        reader.add(node, top.ReduceOp, node.input, mode)
        return
    kind = top.MaxPoolOp if greatest else top.AvgPoolOp
    reader.add(node, kind, node.input, dict.fromkeys(("kernel_shape", "strides", "pads"), ints()))


def _agreed(reader: Reader, node: onnx.NodeProto, extents: Sequence[int]) -> list[Along]:
    """The window on each axis. Raises Unsupported where ONNX doesn't say which elements it leaves out."""
    given = reader.attributes(node)
    along = windows(reader, node, extents, given["kernel_shape"])
    mode = given.get("auto_pad", "NOTSET")
    if mode.startswith("SAME") and any((a.made - 1) * a.stride + a.reach < a.extent for a in along):
        raise Unsupported(f"auto_pad = {mode} of a kernel that is shorter than its stride; state pads")
    return along


def powers(reader: Reader, node: onnx.NodeProto, x: str, p: float) -> str:
    """`|x|ᵖ`"""
    if p == 2:
        return reader.step(node, "squares", top.MulOp, [x, x])
    size = reader.step(node, "sizes", top.AbsOp, [x])
    return size if p == 1 else reader.step(node, "powers", top.PowOp, [size], {"exponent": real(float(p))})


def root(reader: Reader, node: onnx.NodeProto, x: str, p: float) -> str:
    """`x^(1/p)` of what isn't negative, by logarithms where it is no square root."""
    if p == 2:
        return reader.step(node, "root", top.SqrtOp, [x])
    if p == 1:
        return x
    share = reader.step(
        node, "share", top.MulConstOp, [reader.step(node, "log", top.LogOp, [x])], {"const_val": real(1.0 / p)}
    )
    return reader.step(node, "root", top.ExpOp, [share])


def _pooled(
    reader: Reader,
    node: onnx.NodeProto,
    kind: type[top.Pool],
    x: str,
    dims: tuple[int, ...],
    along: list[Along],
    counted: bool,
) -> str:
    """
    Pools over one, two or three axes: planes of (n, c, h, w), then along the depth, whose windows weigh alike.

    Padding that counts is put in as zeros, all but `ceiling`, which never does.
    """
    n, c, *_ = dims
    match along:
        case [columns]:
            return _planes(reader, node, kind, x, (n, c, 1, dims[2]), (Along(1, 1), columns), counted, "lines")
        case [rows, columns]:
            return _planes(reader, node, kind, x, (n, c, *dims[2:]), (rows, columns), counted, "planes")
        case [depth, rows, columns]:
            flat = (n, c * dims[2], *dims[3:])
            x = _planes(reader, node, kind, x, flat, (rows, columns), counted, "planes")
            pixels = rows.made * columns.made
            return _planes(reader, node, kind, x, (n, c, dims[2], pixels), (depth, Along(pixels, 1)), counted, "depth")
        case _:
            raise Unsupported(f"a {len(along)}-D pool; 1-D, 2-D and 3-D ones run")


def _planes(
    reader: Reader,
    node: onnx.NodeProto,
    kind: type[top.Pool],
    x: str,
    dims: tuple[int, ...],
    window: tuple[Along, Along],
    counted: bool,
    role: str,
) -> str:
    x = viewed(reader, node, x, f"{role}_in", *dims)
    rows, columns = window
    if counted and kind is top.AvgPoolOp:
        sides = [(a.before, a.after - a.ceiling) for a in window]
        x = padded(reader, node, x, f"{role}_padded", [(0, 0), (0, 0), *sides])
        rows, columns = (replace(a, before=0, after=a.ceiling) for a in window)
    return reader.step(node, role, kind, [x], plane_window(rows, columns) | {"count_include_pad": flag(False)})
