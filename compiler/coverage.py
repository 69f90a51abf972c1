"""Which of ONNX's ops run where, in which number format: read off the converters and what answers for their ops."""

from __future__ import annotations

import dis
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from types import CodeType, FunctionType, ModuleType
from typing import Any, cast

from onnx import TensorProto, defs, helper
from xdsl.ir import Operation

from compiler.dialects.top import ops as top
from compiler.frontends.onnx.errors import ModelError
from compiler.frontends.onnx.graph.control import CONTROL
from compiler.frontends.onnx.graph.fold import Known
from compiler.frontends.onnx.graph.sequences import SEQUENCES
from compiler.frontends.onnx.to_top.compose import COMPOSED
from compiler.frontends.onnx.to_top.convert import CONVERTERS
from compiler.frontends.onnx.to_top.definition import OURS
from compiler.frontends.onnx.to_top.read import KINDS
from compiler.frontends.onnx.to_top.reader import Reader
from compiler.lowering.answers import carry, to_float, to_int8

Kinds = Sequence[type[Operation]]
FRONT_END = "compiler.frontends.onnx."
CHIP, HOST, PARTS, GONE = "chip", "host", "as its parts", "at import"
NOTHING = "–"


@dataclass(frozen=True)
class Coverage:
    """
    One ONNX op: what it becomes, whether the chip has rules for that in float modes, and what int8 computes it in.

    `where` is `chip`; `host`; `as its parts` for an op that is spelt out by others; `at import` for one whose result
    follows from shapes, or that control flow and sequences leave nothing of.
    """

    op: str
    becomes: str
    floats: str
    int8: str
    where: str


def coverage() -> Iterator[Coverage]:
    """A row for each op of ONNX's own domain, by name."""
    names = {schema.name for schema in defs.get_all_schemas() if schema.domain == "" and not schema.deprecated}
    for op in sorted(names):
        yield _of(op)


def _of(op: str) -> Coverage:
    if converter := CONVERTERS.get(op) or COMPOSED.get(op):
        (search := _Search(op)).visit(converter)
        kinds = list(search.kinds)
    else:
        kinds = [KINDS[op]] if op in KINDS else []
    if kinds:
        becomes = ", ".join(f"`{kind.name}`" for kind in kinds)
        if not all(map(_is_lowered, kinds)):
            return Coverage(op, becomes, NOTHING, NOTHING, HOST)
        return Coverage(op, becomes, "yes", _in_int8(kinds), CHIP)
    if op in CONTROL or op in SEQUENCES:
        return Coverage(op, "what it decides, repeats or holds", NOTHING, NOTHING, GONE)
    if _follows_from_shapes(op):
        return Coverage(op, "a constant", NOTHING, NOTHING, GONE)
    schema: Any = defs.get_schema(op)
    if op in OURS or schema.has_function or schema.has_context_dependent_function:
        return Coverage(op, "its definition by other ops", NOTHING, NOTHING, PARTS)
    return Coverage(op, "`top.Host`", NOTHING, NOTHING, HOST)


class _Search:
    """
    Goes through what a converter's code names: functions and classes of the front end in their turn, Top ops found.

    A method counts if one of the functions seen calls something by its name. Of a table by op types, only the entry of
    `op` is followed.
    """

    def __init__(self, op: str) -> None:
        self.op = op
        self.kinds = dict[type[Operation], None]()
        self._seen = set[int]()
        self._classes, self._names = list[type](), {"__init__"}

    def visit(self, thing: object) -> None:
        """Follow a thing, once."""
        if id(thing) in self._seen:
            return
        self._seen.add(id(thing))
        if _is_top(thing):
            self.kinds[cast("type[Operation]", thing)] = None
        elif isinstance(thing, dict):
            self._table(cast("dict[object, object]", thing))
        elif isinstance(thing, partial):
            given = cast("partial[object]", thing)
            for part in (given.func, *given.args, *given.keywords.values()):
                self.visit(part)
        elif isinstance(thing, FunctionType) and thing.__module__.startswith(FRONT_END):
            for code in _codes(thing.__code__):
                self._names.update(code.co_names)
                for named in _globals_of(code, thing):
                    self.visit(named)
            self._methods()
        elif isinstance(thing, type) and thing.__module__.startswith(FRONT_END) and thing is not Reader:
            self._classes.append(thing)
            self._methods()

    def _table(self, table: dict[object, object]) -> None:
        by_op = any(isinstance(key, str) and defs.has(key) for key in table)
        for entry in [table[self.op]] if self.op in table else [] if by_op else list(table.values()):
            self.visit(entry)

    def _methods(self) -> None:
        for kind in list(self._classes):
            for name, member in vars(kind).items():
                if name in self._names:
                    self.visit(member.fget if isinstance(member, property) else member)


def _codes(code: CodeType) -> Iterator[CodeType]:
    """A function's code, and that of the functions inside."""
    yield code
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield from _codes(inner)


def _globals_of(code: CodeType, user: FunctionType) -> Iterator[object]:
    """What a function's code gets from its module, and from modules named there."""
    read: object = None
    for step in dis.get_instructions(code):
        if step.opname == "LOAD_GLOBAL":
            read = user.__globals__.get(step.argval)
            yield read
        elif step.opname in ("LOAD_ATTR", "LOAD_METHOD") and isinstance(read, ModuleType):
            read = getattr(read, step.argval, None)
            yield read
        else:
            read = None


def _is_top(thing: object) -> bool:
    return isinstance(thing, type) and issubclass(thing, top.TopOp) and "name" in vars(thing)


def _is_lowered(kind: type[Operation]) -> bool:
    return (carry.answer_of(kind) or to_float.answer_of(kind)) is not None


def _in_int8(kinds: Kinds) -> str:
    quantised = [(carry.answer_of(kind) or to_int8.answer_of(kind)) is not None for kind in kinds]
    if all(quantised):
        return "int8"
    return "int8, parts in f32" if any(quantised) else "f32"


def _follows_from_shapes(op: str) -> bool:
    """Whether one operand's extents are all that an op asks for."""
    schema = defs.get_schema(op)
    if op == "Constant":
        return True
    if not schema.min_input <= 1 <= schema.max_input:
        return False
    known = Known([helper.make_opsetid("", defs.onnx_opset_version())])
    known.types["x"] = helper.make_tensor_type_proto(TensorProto.FLOAT, [2, 3])
    try:
        return known.visit(helper.make_node(op, ["x"], ["y"]))
    except (ModelError, ValueError, TypeError):
        return False
