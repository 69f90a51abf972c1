"""How an element type lies in memory."""

from __future__ import annotations

from typing import Any

import ml_dtypes
import numpy as np
from numpy.typing import NDArray
from xdsl.dialects.builtin import (
    BFloat16Type,
    Float16Type,
    Float32Type,
    IntegerType,
    NoneType,
    Signedness,
    TensorType,
    f32,
    i1,
)
from xdsl.ir import Attribute, SSAValue

from compiler.dialects.host import StringType
from compiler.dialects.quant import CalibratedType, UniformType
from compiler.ir.network import tensor

BF16 = np.dtype(ml_dtypes.bfloat16)
FLOATS = frozenset({"float16", "bfloat16", "float32", "float64"})
"""Names of the float types of models. In a network they are all f32: the mode decides how numbers are stored."""


def dtype_of(element: Attribute) -> np.dtype[Any]:
    """The numpy type of an element type. Raises TypeError for one that no artifact stores."""
    match element:
        case UniformType(storage=IntegerType() as held):
            return np.dtype(np.uint8 if held.signedness.data is Signedness.UNSIGNED else np.int8)
        case IntegerType(width=width, signedness=sign):
            if width.data == 1:
                return np.dtype(np.bool_)
            return np.dtype(f"{'u' if sign.data is Signedness.UNSIGNED else 'i'}{width.data // 8}")
        case BFloat16Type():
            return BF16
        case Float16Type():
            return np.dtype(np.float16)
        case Float32Type() | CalibratedType():
            return np.dtype(np.float32)
        case StringType():
            return np.dtype(object)
        case _:
            raise TypeError(f"no storage for element type {element}")


def element_of(kind: np.dtype[Any]) -> Attribute:
    """
    The element type of a network's tensor that a model holds in numpy type `kind`.

    f32 for every float, i1 for bool, `si8` … `ui64` for integers. Raises TypeError for any other type.
    """
    if kind.name in FLOATS:
        return f32
    if kind == np.bool_:
        return i1
    if kind.kind not in "iu":
        raise TypeError(f"a network has no {kind.name} elements")
    return IntegerType(kind.itemsize * 8, Signedness.SIGNED if kind.kind == "i" else Signedness.UNSIGNED)


def is_float(value: SSAValue) -> bool:
    """Whether the value's elements are floating-point numbers, calibrated ones included."""
    element = tensor(value).element_type
    return isinstance(element, BFloat16Type | Float16Type | Float32Type | CalibratedType)


def storage(value: SSAValue) -> np.dtype[Any]:
    """The numpy type that holds a value's elements: float32, bfloat16, float16, int8, uint8, int32."""
    return dtype_of(tensor(value).element_type)


def itemsize(value: SSAValue) -> int:
    """Bytes an element; 0 for an absent operand."""
    return 0 if isinstance(value.type, NoneType) else storage(value).itemsize


def is_quantised(value: SSAValue) -> bool:
    """Whether the value's elements are quantised integers."""
    return isinstance(value.type, TensorType) and isinstance(tensor(value).element_type, UniformType)


def uniform(value: SSAValue) -> UniformType:
    """The quantised element type of a value that must have one."""
    element = tensor(value).element_type
    assert isinstance(element, UniformType), element
    return element


def scale(value: SSAValue) -> float:
    """The real value of one step of a quantised value. Raises PerAxis where an axis' indices differ in it."""
    return scale_of(uniform(value))


def zero_point(value: SSAValue) -> int:
    """The stored integer that means 0.0; 0 for a value that isn't quantised. Raises PerAxis where it isn't one."""
    return zero_of(uniform(value)) if is_quantised(value) else 0


def scale_of(element: UniformType) -> float:
    """The real value of one step. Raises PerAxis for a type by axis."""
    if element.is_per_axis:
        raise PerAxis(f"one scale is wanted, not those of axis {element.axis.data}")
    return element.scales.data[0].data


def scales_of(element: UniformType) -> NDArray[np.float64]:
    """The real values of one step: (1), or one for each index of the type's axis."""
    return np.array([each.data for each in element.scales])


def zero_of(element: UniformType) -> int:
    """The stored integer that means 0.0. Raises PerAxis where the indices of an axis differ in it."""
    zeros = {each.data for each in element.zero_points}
    if len(zeros) != 1:
        raise PerAxis(f"one zero point is wanted, axis {element.axis.data} has {len(zeros)}")
    return zeros.pop()


class PerAxis(ValueError):
    """One number is asked of a type whose axis' indices have one each."""
