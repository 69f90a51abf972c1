"""Faults planted in a small network are named by its report, and by no other tensor's name."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from compiler.dialects.top.ops import Top
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.ir import files
from compiler.npz import read_npz, write_npz
from compiler.quant_report.blame import AMPLIFIES, blame
from compiler.quant_report.layers import Layer, Stored
from compiler.quant_report.noise import Noise
from compiler.quant_report.notes import notes
from tests.compiler.quant_report.nets import edit_table, lowered, plain, reported


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The report of the network as it is."""
    return reported(lowered(tmp_path_factory.mktemp("sound"), plain()))


def named(told: dict[str, Any], fault: str) -> list[str]:
    return [note["tensor"] for note in told["notes"] if note["fault"] == fault]


def test_a_sound_network_has_no_bad_layer(sound: dict[str, Any]) -> None:
    assert sound["first_bad_layer"] is None
    assert "worst_clipped" not in sound
    assert not {note["fault"] for note in sound["notes"]} & {"dead channels", "noisy", "wide range"}
    assert sound["output_sqnr_db"] > 30


def test_a_tensor_that_is_cut_short_is_the_worst_clipped_and_the_first_bad_layer(
    tmp_path: Path, sound: dict[str, Any]
) -> None:
    root = lowered(tmp_path, plain())
    edit_table(root, lambda line: "two_Conv 30 -137 137\n" if line.startswith("two_Conv") else line)
    told = reported(root)
    assert told["worst_clipped"] == told["first_bad_layer"] == told["noise_arises_at"] == "two_Conv"
    assert named(told, "saturates")[0] == "two_Conv"
    spread = json.loads((root / "quant_report" / "quant_report.json").read_text())
    row = next(row for row in spread["layers"] if row["tensor"] == "two_Conv")
    values = np.abs(_values(root, "two_Conv"))
    assert row["stored"]["clipped"] == told["worst_clip"]
    assert row["stored"]["saturated"] == pytest.approx((values > 30 + 0.5 * 30 / 127).mean(), abs=2e-2)
    assert told["output_sqnr_db"] < sound["output_sqnr_db"] - 10


def test_a_type_that_is_far_too_wide_is_told(tmp_path: Path) -> None:
    root = lowered(tmp_path, plain())
    edit_table(root, lambda line: "one_Conv 400 -400 400\n" if line.startswith("one_Conv") else line)
    told = reported(root)
    assert named(told, "wide range") == ["one_Conv"]
    assert told["first_bad_layer"] == "one_Conv"


def test_a_dead_channel_is_told(tmp_path: Path) -> None:
    weights = plain()
    weights["two"][3] = 0
    told = reported(lowered(tmp_path, weights))
    assert named(told, "dead channels") == ["two_Conv"]
    assert next(note["what"] for note in told["notes"] if note["tensor"] == "two_Conv") == "1 of 6 channels never move"


def test_a_layer_with_wrong_weights_is_the_first_bad_one_and_where_the_noise_arises(tmp_path: Path) -> None:
    root = lowered(tmp_path, plain())
    path = root / "tpu_mlir" / "tpu_weights.npz"
    weights = read_npz(path)
    weights["two_Conv_filter"] = np.roll(weights["two_Conv_filter"], 1, axis=2)
    write_npz(path, weights)
    told = reported(root)
    assert told["first_bad_layer"] == told["noise_arises_at"] == "two_Conv"
    assert named(told, "noisy") == ["two_Conv"]
    trials = json.loads((root / "quant_report" / "quant_report.json").read_text())["trials"]
    exact = {trial["tensor"]: trial["output_db"] for trial in trials}
    assert exact["two_Conv"] > 30 > exact["one_Conv"]


def test_an_op_whose_operands_cancel_amplifies() -> None:
    powers = {"a": (100.0, 0.01, 0.01), "b": (100.0, 0.02, 0.01), "c": (1.0, 0.2, 1e-4)}
    noise = {name: Noise(signal=signal, total=total, local=local) for name, (signal, total, local) in powers.items()}
    reads = {"a": (), "b": ("a",), "c": ("b",)}
    rows = [
        Layer(name, "Softmax", "f32", None, None, 1, 0, n.local_db, n.total_db, 0.0, 0, reads[name], "")
        for name, n in noise.items()
    ]
    found = blame(rows, noise)
    assert found is not None
    assert [origin.tensor for origin in found.path] == ["c", "b", "a"]
    assert found.path[0].kind == AMPLIFIES
    assert found.shares[0][0].tensor == "c"
    assert sum(share for _, share in found.shares) == pytest.approx(1)


def test_what_tables_alone_read_is_no_layer_of_its_own() -> None:
    noise = {"a": Noise(signal=1.0, total=0.9, local=0.9), "b": Noise(signal=1.0, total=1e-4, local=1e-4)}
    held = Stored((0.1, 0.1), 1, 0, -1.0, 1.0, 0.6, 0.6, 1.0, 1.0)

    def row(name: str, reads: tuple[str, ...], inner: bool) -> Layer:
        found = noise[name]
        return Layer(name, "Conv", "i8", held, None, 1, 0, found.local_db, found.total_db, 0.0, 9, reads, "", inner)

    judged = [row("a", (), True), row("b", (), False)]
    assert blame(judged, noise) is None
    assert {note.tensor for note in notes(judged, None, {})} == {"b"}
    plain_rows = [row("a", (), False), row("b", ("a",), False)]
    found = blame(plain_rows, noise)
    assert found is not None
    assert found.first == "a"
    assert "a" in {note.tensor for note in notes(plain_rows, None, {})}


def _values(root: Path, name: str) -> np.ndarray[Any, Any]:
    """What float makes of the first evaluation samples."""
    session = Reference(files.load(root / "canonical_mlir", "canonical", Top), threads=1)
    data = read_npz(root / "evaluation_data" / "evaluation.npz")["x"][:4]
    return np.concatenate([session.run({"x": x[None]})[name] for x in data])
