"""Qtables as files: what is written is read, and TPU-MLIR's are too."""

from __future__ import annotations

from pathlib import Path

import pytest

from compiler.quantization import qtable_file
from compiler.quantization.qtable import BadQtable


def test_what_is_written_is_read(tmp_path: Path) -> None:
    entries: dict[str, str | float] = {"conv1": "F16", "/l.0/MatMul_output_0": "W8F16", "relu": 3.5}
    path = tmp_path / "qtable"
    path.write_text(qtable_file.written(entries, ["31.2 dB"]))
    assert path.read_text().splitlines()[:3] == ["# 31.2 dB", "# op_name    quantize_mode", "conv1 F16"]
    assert qtable_file.read(path) == entries


def test_one_of_tpu_mlir_is_read(tmp_path: Path) -> None:
    path = tmp_path / "qtable"
    path.write_text("# op_name   quantize_mode\n\nconv_1   F32 # first layer\nsoftmax_2\tbf16\n")
    assert qtable_file.read(path) == {"conv_1": "F32", "softmax_2": "BF16"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("conv1\n", "line 1: 'conv1' isn't a name and a format"),
        ("a F32\na F16\n", "line 2: 'a' is there a second time"),
        ("a INT4\n", "line 1: there is no format 'INT4'; there are F32, BF16, F16, W8F16, INT8"),
    ],
)
def test_a_damaged_one_is_named_with_its_line(text: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "qtable"
    path.write_text(text)
    with pytest.raises(BadQtable, match=message):
        qtable_file.read(path)


def test_a_name_with_a_space_is_refused() -> None:
    with pytest.raises(BadQtable, match="can't name 'my op'"):
        qtable_file.written({"my op": "F16"})
