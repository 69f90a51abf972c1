"""`shape-infer`: give every result its extents, and write out what attributes leave to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from xdsl.dialects.builtin import TensorType
from xdsl.rewriter import Rewriter
from xdsl.utils.exceptions import VerifyException

from compiler.dialects.top import ops as top
from compiler.ir.network import Network, name_of
from compiler.passes.network_pass import NetworkPass, PassError


@dataclass(frozen=True)
class ShapeInfer(NetworkPass):
    """From the inputs on, op by op; the function's result types follow."""

    name: ClassVar[str] = "shape-infer"

    def rewrite(self, network: Network) -> None:
        for op in network.ops:
            if isinstance(op, top.TopOp):
                try:
                    op.settle()
                    made = op.infer_shape()
                except VerifyException as error:
                    raise PassError(f"{op.name} at {name_of(op)!r}: {error}") from None
                if 0 in made and not isinstance(op, top.IdentityOp):
                    raise PassError(f"{op.name} at {name_of(op)!r}: makes {list(made)}, a tensor without elements")
                Rewriter.replace_value_with_new_type(op.output, TensorType(op.output.type.element_type, made))
        network.main.update_function_type()
