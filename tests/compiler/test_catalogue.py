from __future__ import annotations

from xdsl.ir import Operation

from compiler.catalogue import DOCUMENT, TOP, TPU, document
from compiler.codegen.emit.answers import emit
from compiler.coverage import coverage
from compiler.dialects.top.base import PassesValues
from compiler.frontends.onnx.from_top.write import nodes
from compiler.interpreter.answers import evaluate
from compiler.lowering.answers import carry, to_float, to_int8

PASSING = [kind for kind in TOP if kind.has_trait(PassesValues)]
COMPUTING = [kind for kind in TOP if kind not in PASSING]
FLOAT_ONLY = [
    "top.Softmax", "top.LayerNorm", "top.RMSNorm", "top.GroupNorm", "top.LRN", "top.Arg", "top.TopK",
]  # fmt: skip
"""Top ops that an int8 network always computes in f32."""


def test_every_top_op_can_be_exported_and_lowered() -> None:
    assert nodes.missing(TOP) == []
    assert carry.missing(PASSING) == []
    assert to_float.missing(COMPUTING) == []
    assert to_int8.missing(COMPUTING) == FLOAT_ONLY


def test_every_tpu_op_can_be_evaluated_and_emitted() -> None:
    assert evaluate.missing(TPU) == []
    assert emit.missing(TPU) == []


def test_every_op_says_what_it_is() -> None:
    silent: list[type[Operation]] = [kind for kind in (*TOP, *TPU) if not kind.__doc__]
    assert [kind.name for kind in silent] == []


def test_the_document_is_up_to_date() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `python -m compiler.catalogue`"


def test_the_table_of_onnx_says_what_becomes_of_a_node() -> None:
    rows = {row.op: row for row in coverage()}
    assert {op: rows[op].where for op in ("Relu", "NonZero", "LSTM", "Shape", "If", "Split")} == {
        "Relu": "chip", "NonZero": "host", "LSTM": "as its parts", "Shape": "at import", "If": "at import",
        "Split": "chip",
    }  # fmt: skip
    assert (rows["Elu"].becomes, rows["Elu"].int8) == ("`top.Elu`", "int8")
    assert (rows["ReduceL1"].becomes, rows["Sum"].becomes) == ("`top.Abs`, `top.Mul`, `top.Reduce`", "`top.Add`")
    assert rows["Softmax"].int8 == "int8, parts in f32"
