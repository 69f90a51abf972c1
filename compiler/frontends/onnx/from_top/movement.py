"""Top ops that move values, by shape or by index, back to ONNX."""

from __future__ import annotations

from onnx import TensorProto

from compiler.dialects.fields import numbers
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.from_top.writer import Writer, nodes
from compiler.ir.network import name_of, shape, tensor
from compiler.ir.storage import dtype_of


@nodes.on(top.SliceOp)
def cut(op: top.SliceOp, out: Writer) -> None:
    taken, name, dims = op.ranges(), name_of(op), shape(op.input)
    bounds = {
        "starts": [r.start for r in taken],
        "ends": [-n - 1 if r.stop < 0 else r.stop for n, r in zip(dims, taken, strict=True)],
        "axes": list(range(len(taken))),
        "steps": [r.step for r in taken],
    }
    out.close(op, [name_of(op.input), *(out.constant(f"{name}_{key}", v) for key, v in bounds.items())], "Slice")


@nodes.on(top.PadOp)
def pad(op: top.PadOp, out: Writer) -> None:
    """Onnxruntime pads no bools and not all integers: these go as the bytes or the 32 bits that hold them."""
    name, kind = name_of(op), dtype_of(tensor(op.input).element_type)
    pads, mode = out.constant(f"{name}_pads", numbers(op.paddings)), op.mode.data
    value = [out.constant(f"{name}_val", op.val.value.data, kind.type)] if mode == "constant" else []
    out.close(op, [name_of(op.input), pads, *value], "Pad", mode=mode)


@nodes.on(top.ExpandOp)
def expand(op: top.ExpandOp, out: Writer) -> None:
    out.close(op, [name_of(op.input), out.constant(f"{name_of(op)}_shape", numbers(op.target))], "Expand")


@nodes.on(top.TileOp)
def tile(op: top.TileOp, out: Writer) -> None:
    out.close(op, [name_of(op.input), out.constant(f"{name_of(op)}_tile", numbers(op.tile))], "Tile")


@nodes.on(top.GatherOp, top.GatherElementsOp)
def gather(op: top.GatherOp | top.GatherElementsOp, out: Writer) -> None:
    kind = op.name.removeprefix("top.")
    out.close(op, [name_of(op.input), name_of(op.indices)], kind, axis=op.axis.value.data)


@nodes.on(top.GatherNDOp)
def gather_nd(op: top.GatherNDOp, out: Writer) -> None:
    out.close(op, [name_of(op.input), name_of(op.indices)], "GatherND", batch_dims=op.batch_dims.value.data)


@nodes.on(top.Putting)
def scatter(op: top.Putting, out: Writer) -> None:
    axis = {"axis": op.axis.value.data} if isinstance(op, top.ScatterElementsOp) else {}
    operands = [name_of(value) for value in (op.input, op.indices, op.updates)]
    out.close(op, operands, op.name.removeprefix("top."), reduction=op.reduction.data, **axis)


@nodes.on(top.ArgOp)
def arg(op: top.ArgOp, out: Writer) -> None:
    flags = {"keepdims": int(bool(op.keepdims)), "select_last_index": int(bool(op.select_last_index))}
    out.close(op, [name_of(op.input)], op.mode.data, axis=op.axis.value.data, **flags)


@nodes.on(top.TopKOp)
def top_k(op: top.TopKOp, out: Writer) -> None:
    """The second result alone. onnxruntime orders no unsigned integers, so they go as signed ones."""
    name, x = name_of(op), name_of(op.input)
    count = out.constant(f"{name}_K", [op.count.value.data])
    if dtype_of(tensor(op.input).element_type).kind == "u":
        x = out.emit("Cast", [x], f"{name}_signed", to=TensorProto.INT64)
    out.close(op, [x, count], "TopK", axis=op.axis.value.data, largest=int(bool(op.largest)))
    out.nodes[-1].output[:] = [f"{name}_values", name]


@nodes.on(top.ReverseSequenceOp)
def reverse_sequence(op: top.ReverseSequenceOp, out: Writer) -> None:
    axes = {"batch_axis": op.batch_axis.value.data, "time_axis": op.time_axis.value.data}
    out.close(op, [name_of(op.input), name_of(op.sequence_lens)], "ReverseSequence", **axes)
