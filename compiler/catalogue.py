"""
Where an op's knowledge is: the operator tables of the documentation, read off the classes and the interfaces.

`python -m compiler.catalogue` writes `docs/operators.md`.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from xdsl.ir import Operation

from compiler.codegen.emit.answers import emit
from compiler.coverage import CHIP, HOST, coverage
from compiler.dialects.structure import Structure
from compiler.dialects.top.ops import Top
from compiler.dialects.tpu.group import GroupOp, Transfer, YieldOp
from compiler.dialects.tpu.ops import Tpu
from compiler.frontends.onnx.from_top.write import nodes
from compiler.interpreter.answers import evaluate
from compiler.ir.interface import Interface
from compiler.lowering.answers import carry, to_float, to_int8

DOCUMENT = Path(__file__).parents[1] / "docs" / "operators.md"
Question = Interface[..., Any]

TOP = [kind for kind in Top.operations if kind not in Structure.operations]
"""Ops of a network, any chip and number format aside."""
TPU = [kind for kind in Tpu.operations if not issubclass(kind, GroupOp | Transfer | YieldOp)]
"""Ops that the chip computes or moves."""
TOP_QUESTIONS: dict[str, tuple[Question, ...]] = {
    "to ONNX": (nodes,),
    "to f32, bf16, f16": (carry, to_float),
    "to int8": (carry, to_int8),
}
TPU_QUESTIONS: dict[str, tuple[Question, ...]] = {"interpreter": (evaluate,), "commands": (emit,)}

PAGE = """\
# Operators

Written by `python -m compiler.catalogue`.

## ONNX: what a model may hold

*Top* are the ops of Top that a node becomes, or may become, by its attributes and types. *int8* says what an int8
network computes it in; parts in f32 stand between casts. A node *at import* leaves nothing to run: its result follows
from extents, or it only decides, repeats or holds. One that runs *as its parts* is spelt out by other ops, and runs as
these do. Where a converter or a rule refuses a node, its parts or the host run it instead; the `sample_model` stage
says why. See [host.md](host.md).

{onnx}

## Top: what a network means

*Facts* is the file of the op's class, under `compiler/dialects/`; the other
columns name the function that answers for the op, and its file under `compiler/`. A dash in *to int8* is an op that an
int8 network computes in f32, between casts.

{top}

## Tpu: what the chip runs

{tpu}
"""


def document() -> str:
    """The whole page."""
    tables = {"onnx": onnx_table(), "top": table(TOP, TOP_QUESTIONS), "tpu": table(TPU, TPU_QUESTIONS)}
    return PAGE.format(**{name: "\n".join(rows) for name, rows in tables.items()})


def onnx_table() -> Iterator[str]:
    """A Markdown table with a row for each op of ONNX."""
    columns = ["op", "Top", "f32", "bf16, f16", "int8", "runs"]
    yield _row(columns)
    yield _row(["---"] * len(columns))
    for held in coverage():
        where = f"on the {held.where}" if held.where in (CHIP, HOST) else held.where
        yield _row([held.op, held.becomes, held.floats, held.floats, held.int8, where])


def table(kinds: Sequence[type[Operation]], questions: dict[str, tuple[Question, ...]]) -> Iterator[str]:
    """A Markdown table with a row for each op class; a column's first question with an answer is shown."""
    columns = ["op", "meaning", "facts", *questions]
    yield _row(columns)
    yield _row(["---"] * len(columns))
    for kind in kinds:
        cells = [_answer(kind, asked) for asked in questions.values()]
        yield _row([f"`{kind.name}`", _meaning(kind), f"`{_home(kind).removeprefix('dialects/')}`", *cells])


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _meaning(kind: type[Operation]) -> str:
    """The first paragraph of the class's docstring."""
    return " ".join((inspect.getdoc(kind) or "").partition("\n\n")[0].split())


def _answer(kind: type[Operation], asked: Sequence[Question]) -> str:
    for question in asked:
        if answer := question.answer_of(kind):
            return f"{answer.__name__}, `{_home(answer)}`"
    return "–"


def _home(thing: type | Callable[..., Any]) -> str:
    """The file a class or function is written in, relative to `compiler/`."""
    return thing.__module__.removeprefix("compiler.").replace(".", "/") + ".py"


if __name__ == "__main__":
    DOCUMENT.write_text(document(), encoding="utf-8")
