"""Text in and out, against LLVM's own reader and printer."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from xdsl.utils.exceptions import ParseError, VerifyException

from compiler.dialects.quant import Quant
from compiler.dialects.top.ops import Top
from compiler.ir import text
from compiler.ir.network import name_of
from compiler.ir.numbers import spell
from tests.compiler.ir.mlir_opt import needs_mlir_opt, printed

TPU_MLIR = Path(__file__).parents[4] / "shared" / "data" / "tpu-mlir"
FILES = sorted(TPU_MLIR.glob("*/*.mlir"))
needs_tpu_mlir = pytest.mark.skipif(not FILES, reason="the files of TPU-MLIR aren't beside the repository")


@needs_tpu_mlir
@needs_mlir_opt
@pytest.mark.parametrize("path", FILES or [None], ids=lambda p: f"{p.parent.name}-{p.stem}" if p else "none")
def test_a_file_of_tpu_mlir_prints_as_mlir_opt_prints_it(path: Path) -> None:
    """Our Top dialect takes TPU-MLIR's attributes; its Tpu dialect is another chip's, so unregistered."""
    source = path.read_text()
    ours = text.write(text.read(source, Top, Quant, foreign=True, name=path.name))
    assert ours == printed(source)


@needs_tpu_mlir
def test_names_of_a_file_with_aliases_reach_the_ops() -> None:
    module = text.read((TPU_MLIR / "squeezenet" / "squeezenet.mlir").read_text(), Top, Quant)
    names = [name_of(op) for op in module.walk() if op.name == "top.Conv"]
    assert names[:2] == ["r1_Relu", "r4_Relu"]


def doubles() -> list[float]:
    """Round numbers, which LLVM's truncation makes the hardest, powers of two, and any bits."""
    rng = np.random.default_rng(7)
    short = [round(float(x), int(n)) for x, n in zip(rng.uniform(-20, 20, 2000), rng.integers(0, 7, 2000), strict=True)]
    powers = [2.0**n for n in range(-1074, 1024, 7)]
    any_bits = rng.integers(-(2**63), 2**63 - 1, 2000, np.int64).view(np.float64)
    return [0.0, -0.0, 5e-324, 1.7976931348623157e308, *short, *powers, *map(float, any_bits[np.isfinite(any_bits)])]


@needs_mlir_opt
def test_a_double_is_spelt_as_llvm_spells_it() -> None:
    values = doubles()
    ops = [f'"t.x"() {{v = 0x{struct.pack(">d", v).hex().upper()} : f64}} : () -> ()' for v in values]
    lines = printed("module {\n" + "\n".join(ops) + "\n}").splitlines()[1:-1]
    assert [line.split("v = ")[1].split(" : f64")[0] for line in lines] == list(map(spell, values))


@pytest.mark.parametrize(
    ("value", "spelling"),
    [(0.0078, "7.800000e-03"), (-1.0, "-1.000000e+00"), (7.6484, "7.6483999999999996"), (1e30, "1.000000e+30")],
)
def test_a_double_is_read_back_from_its_spelling(value: float, spelling: str) -> None:
    assert spell(value) == spelling
    assert float(spelling) == value


REGIONS = """
module {
  func.func @main(%x: tensor<2xf32>) -> tensor<2xf32> {
    %a = "t.one"(%x) : (tensor<2xf32>) -> tensor<2xf32> loc("a")
    %b:2 = "t.two"(%a) ({
      %c = "t.one"(%x) : (tensor<2xf32>) -> tensor<2xf32>
      %d = "t.one"(%c) {k = [1, 2], f = [1.0, 0.1], s = 3 : si32} : (tensor<2xf32>) -> tensor<2xf32>
      "t.yield"(%d) : (tensor<2xf32>) -> ()
    }, {
      %c = "t.one"(%a) : (tensor<2xf32>) -> tensor<2xf32>
    }) {z = 1 : i64, a = "t"} : (tensor<2xf32>) -> (tensor<2xf32>, tensor<2xf32>) loc(fused["b", "c"])
    %e = "t.one"(%b#1) : (tensor<2xf32>) -> tensor<2xf32>
    return %e : tensor<2xf32>
  }
}
"""


@needs_mlir_opt
def test_values_are_numbered_as_mlir_numbers_them() -> None:
    ours = text.write(text.read(REGIONS, foreign=True))
    assert "%1:2 = " in ours
    assert ours == printed(ours)


def test_errors_name_the_file() -> None:
    with pytest.raises(ParseError, match=r"lenet\.mlir:1"):
        text.read("module { nonsense", Top, name="lenet.mlir")


def test_an_op_nobody_knows_is_refused() -> None:
    with pytest.raises(ParseError, match=r"top\.Frobnicate"):
        text.read('"top.Frobnicate"() : () -> ()', Top)


def test_a_result_that_contradicts_its_operands_is_refused() -> None:
    source = """
    func.func @main(%0: tensor<2x3xf32>) -> tensor<3x3xf32> {
      %1 = "top.Relu"(%0) : (tensor<2x3xf32>) -> tensor<3x3xf32>
      return %1 : tensor<3x3xf32>
    }"""
    with pytest.raises(VerifyException, match=r"states \[3, 3\], but its operands make \[2, 3\]"):
        text.read(source, Top)
