"""Pipelines by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import pytest
from xdsl.dialects.builtin import TensorType, f32
from xdsl.rewriter import Rewriter

from compiler import opt
from compiler.dialects.top import ops as top
from compiler.ir import text
from compiler.ir.network import Network
from compiler.passes.constant_fold import ConstantFold
from compiler.passes.network_pass import NetworkPass, PassError

SOURCE = """
func.func @main(%arg0: tensor<2x3xf32>) -> tensor<2x3xf32> {
  %0 = "top.Input"(%arg0) : (tensor<2x3xf32>) -> tensor<2x3xf32> loc("x")
  %1 = "top.Relu"(%0) : (tensor<2x3xf32>) -> tensor<2x3xf32> loc("r_Relu")
  return %1 : tensor<2x3xf32>
}"""


def network() -> Network:
    return Network(text.read(SOURCE, top.Top), {})


def test_a_pipeline_names_passes_and_their_arguments() -> None:
    assert opt.passes("fuse-relu,constant-fold{elements=7}")[1] == ConstantFold(elements=7)
    assert opt.passes("") == []


@pytest.mark.parametrize(
    ("pipeline", "message"),
    [
        ("fuse-everything", "there is no pass 'fuse-everything'; there are shape-infer, "),
        ("constant-fold{size=7}", 'constant-fold: .*"size"'),
        ("fuse-relu{", "isn't a pipeline such as"),
    ],
)
def test_a_pipeline_that_makes_no_sense(pipeline: str, message: str) -> None:
    with pytest.raises(opt.UnknownPass, match=message):
        opt.passes(pipeline)


def test_each_pass_is_reported_once_it_is_through() -> None:
    seen: list[str] = []
    opt.run(network(), opt.passes("fuse-relu,dead-code"), lambda name, _: seen.append(name))
    assert seen == ["fuse-relu", "dead-code"]


@dataclass(frozen=True)
class Careless(NetworkPass):
    """Leaves an op with a result that its operands contradict."""

    name: ClassVar[str] = "careless"

    def rewrite(self, network: Network) -> None:
        (relu,) = (op for op in network.ops if isinstance(op, top.ReluOp))
        Rewriter.replace_value_with_new_type(relu.output, TensorType(f32, [3, 2]))
        network.main.update_function_type()


def test_a_pass_that_leaves_nonsense_is_caught_and_the_op_named() -> None:
    with pytest.raises(PassError, match=r"careless left top\.Relu at 'r_Relu': .*states \[3, 2\]"):
        opt.run(network(), [Careless()])
