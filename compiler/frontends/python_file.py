"""A model that a callable in a Python file makes: the file is run, so only when its user says so."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from compiler.frontends.foreign import Foreign, NotConverted, NotTrusted
from compiler.frontends.onnx.errors import UnboundDimension


def named(source: Foreign) -> Any:
    """What `entry` names in the file, which may import what lies beside it. Raises NotTrusted, NotConverted."""
    file = source.file
    if not source.trust:
        raise NotTrusted(f"{file.name} is Python, and converting it runs it: say --trust if you know what it does")
    if source.entry is None:
        raise NotConverted(f"{file.name} is Python: say which callable makes the model, with --entry NAME")
    sys.path.insert(0, str(file.parent.resolve()))
    there = runpy.run_path(str(file), run_name=file.stem)
    if not callable(made := there.get(source.entry)):
        names = ", ".join(name for name, held in there.items() if callable(held) and not name.startswith("_"))
        raise NotConverted(f"{file.name} has no callable {source.entry!r}; there are {names or 'none'}")
    return made


def made_by(source: Foreign) -> Any:
    """What the callable returns. Raises NotTrusted, NotConverted."""
    return named(source)()


def stated_inputs(source: Foreign) -> Mapping[str, Sequence[int]]:
    """The extents of every input. Raises UnboundDimension where nobody says them."""
    if not source.inputs:
        example = "--input x=1,3,224,224"
        raise UnboundDimension(f"{source.file.name} doesn't say what it is fed: give its inputs, such as {example}")
    return source.inputs
