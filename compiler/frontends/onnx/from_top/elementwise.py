"""
Elementwise ops back to ONNX: by ONNX's own op where there is one that means the same, else a node a step.

onnxruntime has few ops for every integer type, but almost all for int64: integers are widened, and the result cast to
its own type, which wraps.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from onnx import TensorProto, helper
from xdsl.dialects.builtin import FloatAttr, IntegerAttr, IntegerType
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.formula import Apply, Constant, Operand, Term, steps, whole_steps
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.from_top.writer import Writer, nodes
from compiler.ir.network import name_of
from compiler.ir.storage import storage

NAMED: dict[type[top.TopOp], str] = {
    top.LogicalAndOp: "And", top.LogicalOrOp: "Or", top.LogicalXorOp: "Xor", top.LogicalNotOp: "Not",
    top.BitwiseAndOp: "BitwiseAnd", top.BitwiseOrOp: "BitwiseOr", top.BitwiseXorOp: "BitwiseXor",
    top.BitwiseNotOp: "BitwiseNot", top.SignOp: "Sign", top.IsNaNOp: "IsNaN", top.IsInfOp: "IsInf",
    top.WhereOp: "Where", top.Pow3Op: "Pow", top.TanOp: "Tan", top.ArcsinOp: "Asin", top.ArccosOp: "Acos",
    top.ArctanOp: "Atan", top.SinhOp: "Sinh", top.CoshOp: "Cosh", top.ArcsinhOp: "Asinh", top.ArccoshOp: "Acosh",
    top.ArctanhOp: "Atanh", top.ShrinkOp: "Shrink", top.ThresholdedReluOp: "ThresholdedRelu",
}  # fmt: skip
"""Ops that ONNX has, with attributes of the same names."""

SPELT = {
    "lt": "Less", "le": "LessOrEqual", "eq": "Equal", "bitand": "BitwiseAnd", "bitor": "BitwiseOr",
    "bitxor": "BitwiseXor", "copy": "Identity", "select": "Where", "mod": "Mod", "fmod": "Mod",
}  # fmt: skip
"""ONNX's op for a step, where that isn't the function's name with a capital."""

FLAGS = frozenset({"lt", "le", "eq"})


@nodes.on(*NAMED)
def by_own_name(op: top.TopOp, out: Writer) -> None:
    attributes = {name: _plain(value) for name, value in op.attributes.items() if name not in ("do_relu", "relu_limit")}
    _close(op, NAMED[type(op)], [_wide(value, i, op, out) for i, value in enumerate(op.operands)], out, attributes)


@nodes.on(top.CompareOp)
def compare(op: top.CompareOp, out: Writer) -> None:
    _close(op, op.mode.data, [_wide(value, i, op, out, bools=True) for i, value in enumerate(op.operands)], out, {})


@nodes.on(top.CastOp)
def cast(op: top.CastOp, out: Writer) -> None:
    out.emit("Cast", [name_of(op.input)], name_of(op), to=_type(op.output))


@nodes.on(top.BitShiftOp)
def shift(op: top.BitShiftOp, out: Writer) -> None:
    """A power of two times as much, or that part of it rounded down; beyond the width the sign is left."""
    name = name_of(op)
    x, distance = (_wide(value, i, op, out) for i, value in enumerate(op.inputs))
    zero, most, two = (out.constant(f"{name}_{n}", n) for n in (0, 62, 2))
    if op.direction.data == "LEFT":
        outside = _outside(distance, zero, out.constant(f"{name}_63", 63), name, out)
        factor = out.emit("Pow", [two, out.emit("Where", [outside, zero, distance], f"{name}_near")], f"{name}_factor")
        made = out.emit("Where", [outside, zero, out.emit("Mul", [x, factor], f"{name}_moved")], f"{name}_kept")
    else:
        outside = _outside(distance, zero, most, name, out)
        factor = out.emit("Pow", [two, out.emit("Where", [outside, most, distance], f"{name}_near")], f"{name}_factor")
        rest = out.emit("Mod", [x, factor], f"{name}_rest")
        made = out.emit("Div", [out.emit("Sub", [x, rest], f"{name}_even"), factor], f"{name}_moved")
    out.emit("Cast", [made], name, to=_type(op.output))


def _outside(distance: str, low: str, high: str, name: str, out: Writer) -> str:
    below = out.emit("Less", [distance, low], f"{name}_below")
    return out.emit("Or", [below, out.emit("Less", [high, distance], f"{name}_above")], f"{name}_outside")


@nodes.on(top.Elementwise)
def by_formula(op: top.Elementwise, out: Writer) -> None:
    """A node a step of the formula; integers are widened before and wrapped behind."""
    walk = _Walk(op, out)
    if not (taken := steps(op.over_operands())):
        out.close(op, [name_of(op.operands[0])], "Identity")
        return
    *before, last = taken
    for i, step in enumerate(before):
        walk.made[step] = walk.step(step, f"{name_of(op)}_step{i}")
    if walk.plain(last):
        out.close(op, [walk.term(t, False) for t in last.terms], _spelt(last))
        return
    out.emit("Cast", [walk.step(last, f"{name_of(op)}_wide")], name_of(op), to=_type(op.output))


class _Walk:
    """The steps of a formula on their way to nodes; `made` has the names of those that are there."""

    def __init__(self, op: top.Elementwise, out: Writer) -> None:
        self.op, self.out = op, out
        self.made = dict[Term, str]()
        self.whole = whole_steps(op.over_operands(), [_is_integer(value) for value in op.operands])

    def plain(self, step: Apply) -> bool:
        """Whether the step's node makes what the op makes, of the operands as they are."""
        return not self.whole[step] and not _is_integer(self.op.output) and step.function not in {*FLAGS, "mod", "fmod"}

    def step(self, step: Apply, name: str) -> str:
        """Append the nodes of a step."""
        whole, out = self.whole[step], self.out
        if step.function == "select":
            condition = out.emit("Cast", [self.term(step.terms[0], False)], f"{name}_flag", to=TensorProto.BOOL)
            return out.emit("Where", [condition, *(self.term(t, whole) for t in step.terms[1:])], name)
        terms = [self.term(t, whole) for t in step.terms]
        if step.function in FLAGS:
            flag = out.emit(_spelt(step), terms, f"{name}_flag")
            return out.emit("Cast", [flag], name, to=TensorProto.INT64 if whole else TensorProto.FLOAT)
        if step.function == "mod" and not whole:
            return self.modulo(terms[0], terms[1], name)
        attributes = {"fmod": int(step.function == "fmod")} if _spelt(step) == "Mod" else {}
        return out.emit(_spelt(step), terms, name, **attributes)

    def modulo(self, x: str, y: str, name: str) -> str:
        """The remainder of floats that has the sign of `y`, which onnxruntime's Mod hasn't."""
        out, zero = self.out, self.out.constant(f"{name}_zero", 0.0, np.float32)
        rest = out.emit("Mod", [x, y], f"{name}_rest", fmod=1)
        signs = [out.emit("Less", [value, zero], f"{name}_sign{i}") for i, value in enumerate((rest, y))]
        differ = out.emit("Xor", signs, f"{name}_differ")
        none = out.emit("Equal", [rest, zero], f"{name}_none")
        kept = out.emit("Or", [none, out.emit("Not", [differ], f"{name}_alike")], f"{name}_kept")
        return out.emit("Where", [kept, rest, out.emit("Add", [rest, y], f"{name}_moved")], name)

    def term(self, term: Term, whole: bool) -> str:
        """The name of a term as int64, or as a float."""
        match term:
            case Operand(index):
                name, own = name_of(self.op.operands[index]), _is_integer(self.op.operands[index])
            case Constant(value):
                name = f"{name_of(self.op)}_{'whole' if whole else 'real'}{value!r}"
                if not whole:
                    return self.out.constant(name, value, np.float32)
                # As a double, the greatest integer is one too great.
                return self.out.constant(name, min(int(value), 2**63 - 1))
            case _:
                if self.whole[term] == whole:
                    return self.made[term]
                name, own = self.made[term], True
        if not whole and not own:
            return name
        wide, kind = f"{name_of(self.op)}_{name}_{whole}", TensorProto.INT64 if whole else TensorProto.FLOAT
        if wide not in {made for node in self.out.nodes for made in node.output}:
            self.out.emit("Cast", [name], wide, to=kind)
        return wide


def _spelt(step: Apply) -> str:
    """ONNX spells most of the chip's functions with a capital, and means the same."""
    return SPELT.get(step.function, step.function.capitalize())


def _close(op: top.TopOp, kind: str, operands: Sequence[str], out: Writer, attributes: dict[str, Any]) -> None:
    """The node of an op's own name, and the cast back of an integer."""
    if not _is_integer(op.output) or (storage(op.output) == np.bool_ and kind != "Where"):
        out.emit(kind, operands, name_of(op), **attributes)
        return
    out.emit("Cast", [out.emit(kind, operands, f"{name_of(op)}_wide", **attributes)], name_of(op), to=_type(op.output))


def _wide(value: SSAValue, index: int, op: top.TopOp, out: Writer, bools: bool = False) -> str:
    """An operand as onnxruntime's ops take it: integers as int64; bools as they are, but for comparing and choosing."""
    if not _is_integer(value) or storage(value) == np.int64:
        return name_of(value)
    chosen = isinstance(op, top.WhereOp) and index > 0
    if storage(value) == np.bool_ and not bools and not chosen:
        return name_of(value)
    return out.emit("Cast", [name_of(value)], f"{name_of(op)}_wide{index}", to=TensorProto.INT64)


def _is_integer(value: SSAValue) -> bool:
    return isinstance(top.element(value), IntegerType)


def _type(value: SSAValue) -> int:
    return helper.np_dtype_to_tensor_dtype(storage(value))


def _plain(attribute: Attribute) -> Any:
    """An attribute's value; a flag as 1 or 0."""
    match attribute:
        case IntegerAttr():
            return abs(attribute.value.data)
        case FloatAttr():
            return attribute.value.data
        case _:
            raise TypeError(f"no ONNX attribute for {attribute}")
