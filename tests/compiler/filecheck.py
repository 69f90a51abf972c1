"""
Tests written as `.mlir` files, run in this process.

`// RUN:` says what to run, `// WEIGHT: name = [1.0]` the value of a weight (others are drawn from a seed), CHECK lines
what must come out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import Options
from filecheck.parser import Parser, pattern_for_opts

from compiler.dialects.quant import Quant
from compiler.dialects.structure import WeightOp
from compiler.dialects.top.ops import Top
from compiler.ir import text
from compiler.ir.network import Network, name_of, shape

WEIGHT = re.compile(r"^// WEIGHT: (\S+) = (.*)$", re.MULTILINE)
RUN = re.compile(r"^// RUN: (.*)$", re.MULTILINE)


def network(source: str) -> Network:
    """The module with its weights: those the text gives, others positive and seeded."""
    rng = np.random.default_rng(0)
    given = {name: np.asarray(json.loads(value), np.float32) for name, value in WEIGHT.findall(source)}
    made = Network(text.read(source, Top, Quant), {})
    for op in made.ops:
        if isinstance(op, WeightOp):
            drawn = rng.uniform(0.5, 2.0, shape(op.output)).astype(np.float32)
            made.weights[name_of(op)] = given.get(name_of(op), drawn).reshape(shape(op.output))
    return made


def command(source: str) -> str:
    """What the one `// RUN:` line says."""
    (line,) = RUN.findall(source)
    return line


def assert_matches(path: Path, output: str) -> None:
    """Fail unless the CHECK lines of the file hold of `output`."""
    options = Options(match_filename=str(path))
    with path.open() as stream:
        matcher = Matcher(options, FInput("opt", output), Parser(options, stream, *pattern_for_opts(options)))
        assert matcher.run() == 0, output
