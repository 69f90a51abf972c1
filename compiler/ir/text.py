"""Reading and writing `.mlir` text that MLIR's own tools also read and write."""

from __future__ import annotations

import re
from io import StringIO

from xdsl.context import Context
from xdsl.dialects.builtin import Builtin, ModuleOp
from xdsl.dialects.func import Func
from xdsl.ir import Dialect
from xdsl.parser import Parser
from xdsl.utils.exceptions import VerifyException

from compiler.ir.printer import MlirPrinter
from compiler.ir.verify import broken

_LOC_ALIAS = re.compile(r"^#loc\d* = loc\(.*\)$", re.MULTILINE)


def read(text: str, *dialects: Dialect, foreign: bool = False, name: str = "<text>") -> ModuleOp:
    """
    Parse and verify a module.

    MLIR prints location aliases after their uses, so they're hoisted first, all onto line 1 so that line numbers in
    errors stay true. `foreign` admits ops and attributes of dialects that aren't registered. `name` is the file that
    errors speak of. Raises `xdsl.utils.exceptions.ParseError` or `VerifyException`.
    """
    context = Context(allow_unregistered=foreign)
    for dialect in (Builtin, Func, *dialects):
        context.load_dialect(dialect)
    aliases = _LOC_ALIAS.findall(text)
    hoisted = " ".join(aliases) + (" " if aliases else "") + _LOC_ALIAS.sub("", text)
    module = Parser(context, hoisted, name).parse_module()
    if problem := broken(module):
        raise VerifyException(problem)
    return module


def write(module: ModuleOp) -> str:
    """The module's text, locations inline, ending in a newline: `mlir-opt --mlir-print-debuginfo`, local scope."""
    out = StringIO()
    MlirPrinter(out, print_debuginfo=True).print_op(module)
    return out.getvalue() + "\n"
