"""
Every `.mlir` under filecheck/ is a test, run in this process.

`// RUN:` gives the pipeline, `// WEIGHT: name = [1.0]` the value of a weight (others are drawn from a seed), CHECK
lines what must come out.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest
from filecheck.finput import FInput
from filecheck.matcher import Matcher
from filecheck.options import Options
from filecheck.parser import Parser, pattern_for_opts

from compiler import opt
from compiler.dialects.structure import WeightOp
from compiler.dialects.top.ops import Top
from compiler.ir import text
from compiler.ir.network import Network, name_of, shape

FOLDER = Path(__file__).parent / "filecheck"
WEIGHT = re.compile(r"^// WEIGHT: (\S+) = (.*)$", re.MULTILINE)
RUN = re.compile(r"^// RUN: (.*)$", re.MULTILINE)


def network(source: str) -> Network:
    """The module with its weights: those the text gives, others positive and seeded."""
    rng = np.random.default_rng(0)
    given = {name: np.asarray(json.loads(value), np.float32) for name, value in WEIGHT.findall(source)}
    made = Network(text.read(source, Top), {})
    for op in made.ops:
        if isinstance(op, WeightOp):
            drawn = rng.uniform(0.5, 2.0, shape(op.output)).astype(np.float32)
            made.weights[name_of(op)] = given.get(name_of(op), drawn).reshape(shape(op.output))
    return made


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.mlir")), ids=lambda path: path.stem)
def test_filecheck(path: Path) -> None:
    source = path.read_text()
    under_test = network(source)
    (pipeline,) = RUN.findall(source)
    opt.run(under_test, opt.passes(pipeline))
    output = text.write(under_test.module)
    options = Options(match_filename=str(path))
    with path.open() as stream:
        matcher = Matcher(options, FInput("opt", output), Parser(options, stream, *pattern_for_opts(options)))
        assert matcher.run() == 0, output
    kept = {name_of(op) for op in under_test.ops if isinstance(op, WeightOp)}
    assert kept <= under_test.weights.keys()


def test_every_pass_has_a_file() -> None:
    assert {path.stem.replace("_", "-") for path in FOLDER.glob("*.mlir")} >= opt.PASSES.keys()


def test_a_file_of_passes_is_named_as_its_pass() -> None:
    assert all(kind.__module__ == f"compiler.passes.{name.replace('-', '_')}" for name, kind in opt.PASSES.items())
