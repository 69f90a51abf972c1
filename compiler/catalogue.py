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
from compiler.dialects.structure import Structure
from compiler.dialects.top.ops import Top
from compiler.dialects.tpu.group import GroupOp, Transfer, YieldOp
from compiler.dialects.tpu.ops import Tpu
from compiler.frontends.onnx.write import nodes
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

INTRODUCTION = """\
# Operators

Written by `python -m compiler.catalogue`. *Facts* is the file of the op's class, under `compiler/dialects/`; the other
columns name the function that answers for the op, and its file under `compiler/`. A dash in *to int8* is an op that an
int8 network computes in f32, between casts.
"""


def document() -> str:
    """The whole page."""
    top = "\n".join(table(TOP, TOP_QUESTIONS))
    tpu = "\n".join(table(TPU, TPU_QUESTIONS))
    return f"{INTRODUCTION}\n## Top: what a network means\n\n{top}\n\n## Tpu: what the chip runs\n\n{tpu}\n"


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
