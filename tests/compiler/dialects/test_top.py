"""Facts of Top ops: extents, settled attributes, counts, formulas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper, shape_inference
from xdsl.dialects.builtin import FloatAttr, NoneType, StringAttr, TensorType, UnrankedTensorType, f32, f64
from xdsl.ir import Attribute, SSAValue
from xdsl.irdl import VarOperandDef
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import FALSE, TRUE, integer, ints, numbers
from compiler.dialects.formula import evaluate
from compiler.dialects.structure import NoneOp, WeightOp
from compiler.dialects.top import ops as top
from compiler.ir.network import Shape


def value(dims: Sequence[int] | None) -> SSAValue:
    if dims is None:
        return NoneOp(result_types=[NoneType()]).output
    return WeightOp(result_types=[TensorType(f32, dims)]).output


def make(
    kind: type[top.TopOp], *shapes: Sequence[int] | None, attributes: Mapping[str, Attribute] | None = None
) -> top.TopOp:
    """An op on operands of these extents, of unknown result."""
    values = [value(dims) for dims in shapes]
    variadic = isinstance(kind.get_irdl_definition().operands[0][1], VarOperandDef)
    operands = [values] if variadic else values
    return kind(operands=operands, result_types=[UnrankedTensorType(f32)], attributes=attributes or {})


def inferred(kind: type[top.TopOp], *shapes: Sequence[int] | None, **attributes: Attribute) -> Shape:
    op = make(kind, *shapes, attributes=attributes)
    op.settle()
    op.verify(verify_nested_ops=False)
    return op.infer_shape()


def axis(n: int) -> Attribute:
    return top.axis_attribute(n)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (inferred(top.AddOp, (2, 1, 4), (3, 1)), (2, 3, 4)),
        (inferred(top.ConcatOp, (2, 3), (2, 5), axis=axis(-1)), (2, 8)),
        (inferred(top.MatMulOp, (7, 2, 3), (3, 5), None), (7, 2, 5)),
        (inferred(top.MatMulOp, (4, 2, 3), (4, 5, 3), None, right_transpose=TRUE), (4, 2, 5)),
        (inferred(top.ReshapeOp, (2, 3, 4), shape=ints(0, -1)), (2, 12)),
        (inferred(top.SqueezeOp, (1, 3, 1), axes=ints()), (3,)),
        (inferred(top.SqueezeOp, (1, 3, 1), axes=ints(-1)), (1, 3)),
        (inferred(top.UnsqueezeOp, (3, 4), axes=ints(0, -1)), (1, 3, 4, 1)),
        (inferred(top.PermuteOp, (2, 3, 4), order=ints()), (4, 3, 2)),
        (inferred(top.SliceOp, (5, 6), offset=ints(-4), ends=ints(99), steps=ints(2), axes=ints(1)), (5, 2)),
        (inferred(top.PadOp, (2, 3), paddings=ints(1, 0, 0, 2)), (3, 5)),
        (inferred(top.ReduceOp, (2, 3, 4), axes=ints(-1), mode=StringAttr("ReduceSum"), keepdims=FALSE), (2, 3)),
        (inferred(top.ReduceOp, (2, 3, 4), axes=ints(), mode=StringAttr("ReduceMax")), (1, 1, 1)),
        (inferred(top.SoftmaxOp, (2, 3), axis=axis(-1)), (2, 3)),
    ],
)
def test_extents(made: Shape, expected: Shape) -> None:
    assert made == expected


@pytest.mark.parametrize(
    ("kind", "shapes", "attributes", "message"),
    [
        (top.AddOp, [(2, 3), (2, 4)], {}, "don't broadcast"),
        (top.MatMulOp, [(2, 3), (4, 5), None], {}, "3 columns meet 4 rows"),
        (top.MatMulOp, [(3,), (3, 5), None], {}, "MatMul of a vector"),
        (top.ReshapeOp, [(2, 3)], {"shape": ints(4)}, r"\[2, 3\] doesn't fill \[4\]"),
        (top.ReshapeOp, [(2, 3)], {"shape": ints(-1, -1)}, "says too little"),
        (top.ConcatOp, [(2, 3), (3, 3)], {"axis": axis(1)}, "differ beside axis 1"),
        (top.PermuteOp, [(2, 3)], {"order": ints(0, 0)}, "isn't a permutation"),
        (top.SliceOp, [(5,)], {"offset": ints(4), "ends": ints(0), "steps": ints(0)}, "hold a 0"),
        (top.PadOp, [(2, 3)], {"paddings": ints(1, 1)}, "pads 1 axes of a tensor that has 2"),
        (top.PadOp, [(2,)], {"paddings": ints(-1, 0)}, "crop with a Slice"),
        (top.PadOp, [(2,)], {"paddings": ints(1, 0), "mode": StringAttr("mirror")}, "mode is constant, edge"),
        (top.ReduceOp, [(2,)], {"axes": ints(0), "mode": StringAttr("ReduceL2")}, "not 'ReduceL2'"),
        (top.GELUOp, [(2,)], {"approx_mode": StringAttr("sigm")}, "not 'sigm'"),
        (top.ConvOp, [(1, 4, 5, 5), (4, 4, 1, 1), None], {"kernel_shape": ints(1, 1), "group": integer(2)}, "groups"),
        (top.ConvOp, [(1, 4, 5, 5), (4, 4, 1, 1), None], {"kernel_shape": ints(1)}, "two kernel extents"),
        (top.ConvOp, [(1, 4, 5, 5), (4, 4, 3, 1), None], {"kernel_shape": ints(1, 1)}, "the kernel"),
        (top.MatMulOp, [(2, 3), (3, 5), None], {"left_transpose": TRUE}, "left_transpose = .*isn't supported"),
        (top.ConcatOp, [(2, 3), (2, 3)], {"do_relu": TRUE}, "do_relu = .*isn't supported"),
        (top.MaxPoolOp, [(1, 4, 5, 5)], {"kernel_shape": ints(2, 2), "strides": ints(0, 1)}, "are positive"),
    ],
)
def test_what_does_not_fit_is_refused(
    kind: type[top.TopOp], shapes: Sequence[Shape | None], attributes: Mapping[str, Attribute], message: str
) -> None:
    with pytest.raises(VerifyException, match=message):
        inferred(kind, *shapes, **attributes)


@dataclass(frozen=True)
class Column:
    """A pool of one column: the height of the image, and the rows of the window."""

    height: int
    kernel: int
    stride: int
    auto_pad: str
    ceil: bool
    above: int
    below: int

    def fits(self) -> bool:
        """Whether ONNX allows it: a window that is filled, and pads smaller than it."""
        padding = self.above + self.below if self.auto_pad == "NOTSET" else 0
        filled = self.height + padding >= self.kernel or self.auto_pad.startswith("SAME")
        return filled and max(self.above, self.below) < self.kernel


columns = st.builds(
    Column,
    st.integers(1, 12), st.integers(1, 4), st.integers(1, 4),
    st.sampled_from(["NOTSET", "VALID", "SAME_UPPER", "SAME_LOWER"]), st.booleans(),
    st.integers(0, 2), st.integers(0, 2),
).filter(Column.fits)  # fmt: skip


def onnx_height(c: Column) -> int:
    """The rows of the result as ONNX's own shape inference has them."""
    explicit = c.auto_pad == "NOTSET"
    node = helper.make_node("MaxPool", ["x"], ["y"], kernel_shape=[c.kernel, 1], strides=[c.stride, 1])
    node.attribute.append(helper.make_attribute("auto_pad", c.auto_pad))
    node.attribute.append(helper.make_attribute("ceil_mode", int(c.ceil and explicit)))
    if explicit:
        node.attribute.append(helper.make_attribute("pads", [c.above, 0, c.below, 0]))
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1, c.height, 1])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    model = helper.make_model(helper.make_graph([node], "g", [x], [y]), opset_imports=[helper.make_opsetid("", 22)])
    (made,) = shape_inference.infer_shapes(model, strict_mode=True).graph.output
    return made.type.tensor_type.shape.dim[2].dim_value


@settings(max_examples=300)
@given(columns)
@example(Column(2, 3, 4, "NOTSET", ceil=True, above=2, below=2))
def test_a_settled_window_has_the_extents_that_onnx_infers(c: Column) -> None:
    explicit = c.auto_pad == "NOTSET"
    attributes: dict[str, Attribute] = {
        "kernel_shape": ints(c.kernel, 1),
        "strides": ints(c.stride, 1),
        "auto_pad": StringAttr(c.auto_pad),
        "ceil_mode": TRUE if c.ceil and explicit else FALSE,
        "pads": ints(c.above, 0, c.below, 0) if explicit else ints(0, 0, 0, 0),
    }
    assert inferred(top.MaxPoolOp, (1, 1, c.height, 1), **attributes) == (1, 1, onnx_height(c), 1)


def test_settling_writes_shorthand_out() -> None:
    op = make(top.AvgPoolOp, (1, 3, 5, 7), attributes={"kernel_shape": ints(), "strides": ints(), "pads": ints()})
    assert isinstance(op, top.AvgPoolOp)
    op.settle()
    assert (numbers(op.kernel_shape), numbers(op.strides), numbers(op.pads)) == ((5, 7), (1, 1), (0, 0, 0, 0))
    assert op.covers_plane


def test_a_relu_is_part_of_the_term() -> None:
    attributes = {"const_val": FloatAttr(1.0, f64), "do_relu": TRUE, "relu_limit": FloatAttr(6.0, f64)}
    op = make(top.AddConstOp, (4,), attributes=attributes)
    assert isinstance(op, top.AddConstOp)
    assert str(op.term) == "min(max((x0 + 1.0), 0.0), 6.0)"
    assert str(op.over_operands()) == "(x0 + 1.0)"


def test_more_than_two_operands_fold_from_the_left() -> None:
    op = make(top.AddOp, (4,), (4,), (4,))
    assert isinstance(op, top.AddOp)
    assert str(op.term) == "((x0 + x1) + x2)"


DEFAULTS: Mapping[str, Attribute] = {"zero_point": integer(3), "minimum": integer(0), "maximum": integer(255)} | {
    name: FloatAttr(number, f64)
    for name, number in {"alpha": 0.3, "beta": 0.4, "const_val": 1.5, "min": -1.0, "max": 2.0, "exponent": 3.0,
                         "bias": 0.5, "lambd": 1.0, "scale": 0.25}.items()
}  # fmt: skip
WITHIN: dict[type[top.TopOp], slice] = {
    **dict.fromkeys((top.SqrtOp, top.LogOp), slice(5, None)), top.ArccoshOp: slice(7, None),
    **dict.fromkeys((top.ArcsinOp, top.ArccosOp, top.ArctanhOp), slice(3, 8)),
}  # fmt: skip
"""The numbers below that an op is defined for, if not for all."""
UNARY = [kind for kind in top.Top.operations if issubclass(kind, top.Unary)]


@pytest.mark.parametrize("kind", UNARY, ids=lambda kind: kind.name)
def test_no_finite_number_gives_nan(kind: type[top.Unary]) -> None:
    """But for a quotient outside its domain."""
    known = kind.get_irdl_definition().attributes
    op = make(kind, (4,), attributes={name: v for name, v in DEFAULTS.items() if name in known})
    assert isinstance(op, top.Unary)
    x = np.array([-3e38, -1e4, -50.0, -1.0, -1e-30, 0.0, 1e-30, 1.0, 50.0, 1e4, 3e38])
    with np.errstate(all="ignore"):
        made = evaluate(op.term, [x[WITHIN.get(kind, slice(None))]])
    assert not np.isnan(made).any()
