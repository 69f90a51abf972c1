"""Verification whose message names the op, where xDSL's own would print the whole module."""

from __future__ import annotations

from xdsl.ir import Operation
from xdsl.utils.exceptions import VerifyException

from compiler.ir.network import name_of


def broken(module: Operation) -> str | None:
    """What doesn't verify, and why: `tpu.Conv at 'y': the filter isn't …`; None where all is well."""
    try:
        module.verify()
    except VerifyException as error:
        return f"{_culprit(module)}: {error.__cause__ or error}"
    return None


def _culprit(module: Operation) -> str:
    for op in module.walk():
        try:
            op.verify(verify_nested_ops=False)
        except VerifyException:
            return f"{op.name} at {name_of(op)!r}"
    return module.name
