"""The calibration table: exact to f32, the same bytes each time, TPU-MLIR's files too, and damage named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from compiler.quantization.table import DamagedTable, Entry, Table, read

EXCHANGED = Path(__file__).parents[4] / "shared" / "data" / "tpu-mlir"
FINITE = st.floats(width=32, allow_nan=False, allow_infinity=False)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("table")


@given(st.dictionaries(st.text("abc/._:-0", min_size=1), st.tuples(FINITE, FINITE, FINITE), min_size=1, max_size=5))
def test_numbers_survive(folder: Path, numbers: dict[str, tuple[float, ...]]) -> None:
    entries = {name: Entry(abs(t), min(a, b), max(a, b)) for name, (t, a, b) in numbers.items()}
    path = folder / "cali_table"
    Table(entries, "canonical.mlir", "mse", 2048, 20).write(path)
    found = read(path)
    assert list(found) == list(entries)
    for name, entry in entries.items():
        assert np.array_equal(_numbers(found[name]), _numbers(entry))


def _numbers(entry: Entry) -> list[np.float32]:
    return [np.float32(value) for value in (entry.threshold, entry.low, entry.high, *entry.range)]


@given(FINITE, FINITE, FINITE, FINITE)
def test_what_is_kept_survives(folder: Path, a: float, b: float, c: float, d: float) -> None:
    """A range that a threshold says has no line of its own."""
    low, first, last, high = sorted([a, b, c, d])
    path = folder / "cali_table"
    entries = {"x": Entry.keeping(first, last, (low, high)), "y": Entry.keeping(low, high, (low, high))}
    Table(entries, "canonical.mlir", "mse", 2048, 20).write(path)
    found = read(path)
    assert [np.float32(end) for end in found["x"].range] == [np.float32(first), np.float32(last)]
    assert found["y"] == replace(found["y"], cut=None)


def test_the_text_is_tpu_mlirs(tmp_path: Path) -> None:
    table = Table({"data": Entry(2.6355782, -0.5, 2.6355782)}, "canonical.mlir", "kl", 2048, 20)
    table.write(tmp_path / "cali_table")
    assert (tmp_path / "cali_table").read_text().splitlines()[1:] == [
        "# mlir: canonical.mlir",
        "# quantization threshold calculation method: ['kl']",
        "# histogram number: 2048",
        "# sample number: 20",
        "###",
        "# op_name    threshold    min    max",
        "data 2.6355782 -0.5000000 2.6355782",
    ]


@pytest.mark.skipif(not EXCHANGED.exists(), reason="TPU-MLIR's files aren't here")
@pytest.mark.parametrize(
    ("file", "tensor", "entry"),
    [
        ("squeezenet/squeezenet_cali_table", "r1_Relu", (8.7049627, 0.0, 8.7976484)),
        ("ppocr_cls/ppocr_cls_cali_table", "x", (0.9999952, -0.9999952, 0.9999952)),
    ],
)
def test_tpu_mlirs_tables_are_read(file: str, tensor: str, entry: tuple[float, float, float]) -> None:
    found = read(EXCHANGED / file)
    assert found[tensor] == Entry(*entry)
    assert all(np.isfinite(e.threshold) for e in found.values())


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a 1 2", r"cali_table, line 1: 'a 1 2' isn't"),
        ("# fine\na 1 0 one", r"line 2: 'a 1 0 one' isn't"),
        ("a 1 0 1 9", r"line 1: .* isn't"),
        ("a nan 0 1", r"line 1: 'a' has no sound range"),
        ("a 1 2 -1", r"line 1: 'a' has no sound range"),
        ("a 1 0 1\na 2 0 2", r"line 2: 'a' is there a second time"),
        ("# only a comment", r"no entry"),
    ],
)
def test_damage_is_named(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "cali_table").write_text(text)
    with pytest.raises(DamagedTable, match=message):
        read(tmp_path / "cali_table")


def test_a_name_with_a_space_is_refused(tmp_path: Path) -> None:
    table = Table({"a b": Entry(1, 0, 1)}, "n", "max", 256, 1)
    with pytest.raises(ValueError, match="'a b'"):
        table.write(tmp_path / "cali_table")
