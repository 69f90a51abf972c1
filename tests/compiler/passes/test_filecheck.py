"""Every `.mlir` under filecheck/ is a test of a pipeline of passes."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler import opt
from compiler.dialects.structure import WeightOp
from compiler.ir import text
from compiler.ir.network import name_of
from tests.compiler.filecheck import assert_matches, command, network

FOLDER = Path(__file__).parent / "filecheck"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.mlir")), ids=lambda path: path.stem)
def test_filecheck(path: Path) -> None:
    source = path.read_text()
    under_test = network(source)
    opt.run(under_test, opt.passes(command(source)))
    assert_matches(path, text.write(under_test.module))
    kept = {name_of(op) for op in under_test.ops if isinstance(op, WeightOp)}
    assert kept <= under_test.weights.keys()


def test_every_pass_has_a_file() -> None:
    assert {path.stem.replace("_", "-") for path in FOLDER.glob("*.mlir")} >= opt.PASSES.keys()


def test_a_file_of_passes_is_named_as_its_pass() -> None:
    assert all(kind.__module__ == f"compiler.passes.{name.replace('-', '_')}" for name, kind in opt.PASSES.items())
