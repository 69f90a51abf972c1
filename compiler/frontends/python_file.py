"""A model that a callable in a Python file makes: the file is run, so only when its user says so."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from compiler.frontends.foreign import Foreign, NotConverted, NotTrusted
from compiler.frontends.onnx.errors import UnboundDimension


def check(source: Foreign) -> None:
    """Raise NotTrusted or NotConverted where the file may not be run, or nobody says what of it is meant."""
    file = source.file
    if not source.trust:
        raise NotTrusted(f"{file.name} is Python, and converting it runs it: say --trust if you know what it does")
    if source.entry is None:
        raise NotConverted(f"{file.name} is Python: say which callable makes the model, with --entry NAME")


def named(source: Foreign) -> Any:
    """The callable that `entry` names; the file may import what lies beside it. Raises NotTrusted, NotConverted."""
    check(source)
    file, entry = source.file, str(source.entry)
    sys.path.insert(0, str(file.parent.resolve()))
    there = runpy.run_path(str(file), run_name=file.stem)
    if not callable(made := there.get(entry)):
        names = ", ".join(name for name, held in there.items() if callable(held) and not name.startswith("_"))
        raise NotConverted(f"{file.name} has no callable {entry!r}; there are {names or 'none'}")
    return made


def stated_inputs(source: Foreign) -> Mapping[str, Sequence[int]]:
    """The extents of every input. Raises UnboundDimension where nobody says them."""
    if not source.inputs:
        example = "--input x=1,3,224,224"
        raise UnboundDimension(f"{source.file.name} doesn't say what it is fed: give its inputs, such as {example}")
    return source.inputs
