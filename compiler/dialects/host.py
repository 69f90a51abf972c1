"""Ops that run beside the chip, as the ONNX nodes they came as."""

from __future__ import annotations

from collections.abc import Sequence

from xdsl.dialects.builtin import ArrayAttr, NoneType, StringAttr, TensorType, UnrankedTensorType
from xdsl.ir import Attribute, ParametrizedAttribute, SSAValue, TypeAttribute
from xdsl.irdl import (
    BaseAttr,
    IRDLOperation,
    attr_def,
    irdl_attr_definition,
    irdl_op_definition,
    traits_def,
    var_operand_def,
    var_result_def,
)
from xdsl.traits import Pure
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.fields import Int, integer

AnyValue = BaseAttr(TensorType) | BaseAttr(UnrankedTensorType)


@irdl_attr_definition
class StringType(ParametrizedAttribute, TypeAttribute):
    """Elements that are texts; only the host has them."""

    name = "top.string"


@irdl_op_definition
class HostOp(IRDLOperation):
    """
    ONNX nodes that onnxruntime runs on the host, because the chip can't, or the network has no op for them.

    `model` names an entry of the weight file: the bytes of an ONNX model whose inputs and outputs are the operands and
    results by position. It works on real values, converted to the types it states; its constants lie inside. `kind`
    lists the nodes' op types, `names` the results' tensor names, `reason` says why the chip doesn't run it, and `macs`
    is how many multiply-accumulates it does. An extent of a result may be unknown (`?`); only host ops read such a one.

    ```mlir
    %3 = "top.Host"(%2) {kind = "NonZero", model = "Y_onnx", names = ["Y_NonZero"], reason = "…", macs = 0 : i64}
         : (tensor<3x4xf32>) -> tensor<2x?xsi64>
    ```
    """

    name = "top.Host"
    inputs = var_operand_def(AnyValue)
    outputs = var_result_def(AnyValue)
    kind = attr_def(StringAttr)
    model = attr_def(StringAttr)
    result_names = attr_def(ArrayAttr[StringAttr], attr_name="names")
    reason = attr_def(StringAttr)
    macs = attr_def(Int)
    traits = traits_def(Pure())

    @classmethod
    def of(
        cls, operands: Sequence[SSAValue], results: Sequence[tuple[str, Attribute]], kind: str, model: str, reason: str,
        macs: int = 0,
    ) -> HostOp:  # fmt: skip
        """The op with these operands; `results` are tensor names and types, `model` the weight file's entry."""
        attributes: dict[str, Attribute] = {
            "kind": StringAttr(kind),
            "model": StringAttr(model),
            "names": ArrayAttr([StringAttr(name) for name, _ in results]),
            "reason": StringAttr(reason),
            "macs": integer(macs),
        }
        return cls(operands=[operands], result_types=[[kind for _, kind in results]], attributes=attributes)

    def verify_(self) -> None:
        if len(self.result_names) != len(self.outputs):
            raise VerifyException(f"{len(self.result_names)} names for {len(self.outputs)} results")


def is_dynamic(value: SSAValue) -> bool:
    """Whether an extent of a value isn't known until it is there."""
    return not isinstance(value.type, NoneType | UnrankedTensorType) and not (
        isinstance(value.type, TensorType) and value.type.has_static_shape()
    )
