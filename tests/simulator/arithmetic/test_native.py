"""Kernels as machine code in files: made once, found again, and never run when a file isn't what was written."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from simulator.arithmetic import machine_code, making, native
from simulator.arithmetic.kinds import ArrayKind
from simulator.arithmetic.processor import LEVELS, NoSuchLevel, available, level

Array = NDArray[Any]
pytestmark = pytest.mark.skipif(not native.readable(), reason="numba keeps the code on this system")


def scaled(x: Array, factor: float, by: tuple[int, int], made: Array) -> int:
    """`made[i, j] = x[i, j] · factor + by`, and the elements; every kind of argument."""
    for i in range(x.shape[0]):
        for j in range(x.shape[1]):
            made[i, j] = x[i, j] * factor + by[0] - by[1]
    return x.size


def holding(made: Array) -> None:
    made[0] = np.zeros(3)[1]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(native, "_folder", lambda: tmp_path)
    return tmp_path


def run(x: Array) -> Array:
    made = np.zeros(x.shape, np.float32)
    assert native.native(scaled)(x, np.float32(0.5), (7, 2), made) == x.size
    return made


def test_arrays_of_any_strides_and_type(folder: Path) -> None:
    wide = np.arange(48, dtype=np.float32).reshape(6, 8)
    for x in (wide, wide[::2, 1::3], wide.T, wide[::-1], wide.astype(np.int8), wide.astype(np.float64)):
        assert np.array_equal(run(x), x * np.float32(0.5) + 5)
    assert len(list(folder.iterdir())) == 4, "contiguous or not, and two further types"


def test_code_is_found_again(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = np.ones((2, 3), np.float32)
    run(x)
    monkeypatch.setattr(making, "made", None)
    assert (run(x) == 5.5).all()


def test_code_of_another_maker_is_not_found(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of an older form could end the process when LLVM loads it."""
    maker: Any = native.__dict__["_maker"]
    run(np.ones((2, 3), np.float32))
    monkeypatch.setattr(native, "MAKERS", native.MAKERS[1:])
    maker.cache_clear()
    run(np.ones((2, 3), np.float32))
    maker.cache_clear()
    assert len(list(folder.iterdir())) == 2


def test_code_of_a_file_that_was_edited_since_its_import_is_not_kept(folder: Path, tmp_path: Path) -> None:
    """Else the old code would be found, for ever, under the name of the new."""
    source = tmp_path / "edited" / "edited.py"
    source.parent.mkdir()
    source.write_text("def filled(made):\n    made[0] = 1\n")
    os.utime(source, ns=(0, 0))
    names: dict[str, Any] = {}
    exec(compile(source.read_text(), source, "exec"), names)
    kernel = native.native(names["filled"])
    source.write_text("def filled(made):\n    made[0] = 2\n")
    made = np.zeros(1)
    kernel(made)
    assert made[0] == 1
    assert list(folder.iterdir()) == [source.parent]


@pytest.mark.parametrize("damage", ["cut", "changed", "empty"])
def test_a_damaged_file_is_made_anew(folder: Path, damage: str) -> None:
    x = np.ones((2, 3), np.float32)
    run(x)
    (file,) = folder.iterdir()
    held = bytearray(file.read_bytes())
    held[len(held) // 2] ^= 1
    file.write_bytes({"cut": held[:-1], "changed": held, "empty": b""}[damage])
    with pytest.raises(machine_code.BadCode):
        machine_code.unpacked(file.read_bytes(), "")
    assert (run(x) == 5.5).all()
    machine_code.unpacked(file.read_bytes(), "")


def test_a_folder_that_cannot_be_written_only_costs_time(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setattr(native, "_folder", lambda: tmp_path / "file")
    assert (run(np.ones((2, 3), np.float32)) == 5.5).all()


def test_code_that_needs_more_than_its_arguments_is_numbas(folder: Path) -> None:
    made = np.ones(1)
    with pytest.raises(making.NotAlone, match="holding calls NRT"):
        making.made(holding, [ArrayKind("d", 1, True, True)], "holding")
    native.native(holding)(made)
    assert made[0] == 0
    assert not list(folder.iterdir())


def test_where_arrays_look_otherwise_numba_calls_the_code(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(native, "readable", lambda: False)
    assert (run(np.ones((2, 3), np.float32)) == 5.5).all()
    assert not list(folder.iterdir())


def test_the_highest_level_there_is_unless_another_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TPUFLOW_KERNELS", raising=False)
    assert level.__wrapped__() == available()[0]
    monkeypatch.setenv("TPUFLOW_KERNELS", "plain")
    assert level.__wrapped__() == LEVELS["plain"]
    monkeypatch.setenv("TPUFLOW_KERNELS", "abacus")
    with pytest.raises(NoSuchLevel, match=r"TPUFLOW_KERNELS=abacus: this processor has .*plain"):
        level.__wrapped__()


@pytest.mark.parametrize(
    ("module", "slow"),
    [
        ("simulator.runtime", ("onnx", "onnxruntime", "concurrent.futures", "numpy.random", "simulator.events")),
        ("simulator.checks.session", ()),
    ],
)
def test_a_session_starts_without_what_makes_code(module: str, slow: tuple[str, ...]) -> None:
    told = f"import sys, {module}; print([name for name in {('numba', *slow)} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", told], stdout=subprocess.PIPE, text=True, check=True).stdout == "[]\n"
