"""`sample.model` gives back what was written, and any damage is named."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from simulator.chip import CHIPS, variant
from simulator.container import MAGIC, DamagedModel
from simulator.debug_map import TensorSlice
from simulator.isa.record import Command, Operand, encode
from simulator.isa.table import DType, Engine, Region
from simulator.model_file import IO, Model, Tensor, read, write
from simulator.onnx_host import Form
from simulator.subnets import ChipSubnet, HostSubnet, HostValue

SLICE = TensorSlice(
    Engine.TIU,
    1,
    Operand(64, DType.I8, (1, 3, 4, 5), (64, 64, -5, 1), Region.LOCAL, 2),
    ((0, 1), (3, 6), (0, 4), (0, 5)),
)
TENSORS = (
    Tensor("conv_Conv", (1, 6, 4, 5), DType.I8, 0.1, 3, False, (SLICE, replace(SLICE, record=7), SLICE)),
    Tensor("view", (120,), DType.I8, 0.1, 3, True, (), "conv_Conv"),
)
MODEL = Model(
    CHIPS["x64"],
    "int8",
    (IO("x", (1, 3, 4, 5), DType.U8, 0, 0.1, 3),),
    (IO("ŷ", (), DType.F32, 64), IO("where", (4, -1), DType.NONE, 0, held="int64")),
    encode([Command("NOP"), Command("END", wait=2)]),
    encode([Command("DMA_END", tag=1)]),
    np.arange(5000, dtype=np.uint8),
    100,
    128,
    TENSORS,
    ("first", "second"),
    (
        ChipSubnet((0, 2), (0, 1)),
        HostSubnet(
            "NonZero",
            "there is no Top op for it",
            7,
            (HostValue("conv_Conv", (1, 6, 4, 5), Form("int8", 0.1, 3), Region.ACTIVATION, 64),),
            (HostValue("where", (4, -1), Form("int64")),),
            np.arange(77, dtype=np.uint8),
        ),
    ),
)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("model") / "sample.model"
    write(MODEL, path)
    return path


def damaged(whole: Path, raw: bytes) -> str:
    """What reading these bytes says."""
    path = whole.with_name("damaged.model")
    path.write_bytes(raw)
    with pytest.raises(DamagedModel) as caught:
        read(path)
    return str(caught.value)


def test_what_is_read_is_what_was_written(whole: Path) -> None:
    model = read(whole)
    for name in ("chip", "mode", "inputs", "outputs", "activation_bytes", "io_bytes", "layers"):
        assert getattr(model, name) == getattr(MODEL, name), name
    for name in ("tiu", "gdma", "weights"):
        assert np.array_equal(getattr(model, name), getattr(MODEL, name)), name
    for mine, theirs in zip(model.tensors, TENSORS, strict=True):
        assert tuple(mine.slices) == tuple(theirs.slices)
        assert replace(mine, slices=()) == replace(theirs, slices=())
    assert tuple(model.tensors[0].slices[1:]) == TENSORS[0].slices[1:]
    assert model.parts[0] == MODEL.parts[0]
    (mine,), (theirs,) = model.host, MODEL.host
    assert np.array_equal(mine.model, theirs.model)
    assert replace(mine, model=theirs.model) == theirs


def test_weights_are_mapped_and_the_file_stays_as_it_is(whole: Path) -> None:
    before = whole.read_bytes()
    weights = base = read(whole).weights
    while isinstance(base.base, np.ndarray):
        base = base.base
    assert isinstance(base, np.memmap)
    weights[:] = 0
    assert whole.read_bytes() == before


def test_same_model_same_bytes(whole: Path) -> None:
    again = whole.with_name("again.model")
    write(read(whole), again)
    assert again.read_bytes() == whole.read_bytes()


def test_a_model_without_weights_and_debug_map(tmp_path: Path) -> None:
    write(replace(MODEL, weights=np.zeros(0, np.uint8), tensors=()), tmp_path / "m")
    assert read(tmp_path / "m").weights.size == 0


@settings(max_examples=200)
@given(st.data())
def test_a_cut_file_is_damaged(whole: Path, data: st.DataObject) -> None:
    raw = whole.read_bytes()
    damaged(whole, raw[: data.draw(st.integers(0, len(raw) - 1))])


@settings(max_examples=300)
@given(st.data())
def test_a_flipped_bit_is_damage(whole: Path, data: st.DataObject) -> None:
    raw = bytearray(whole.read_bytes())
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    damaged(whole, bytes(raw))


def test_damage_is_named(whole: Path) -> None:
    raw = whole.read_bytes()
    at = {name: raw.index(array.tobytes()) for name, array in (("tiu", MODEL.tiu), ("weights", MODEL.weights))}
    at["host"] = raw.index(MODEL.host[0].model.tobytes(), at["weights"] + MODEL.weights.size)
    for name, start in at.items():
        flipped = bytearray(raw)
        flipped[start + 20] ^= 1
        assert f"section {name} has bytes" in damaged(whole, bytes(flipped))
        assert f"section {name} is cut off" in damaged(whole, raw[: start + 20])
    assert "not a sample.model" in damaged(whole, b"\x7fELF" + raw)
    assert "header" in damaged(whole, b"")
    assert "manifest" in damaged(whole, raw[:100])
    assert "version 1" in damaged(whole, raw[:8] + b"\x01" + raw[9:])
    assert "follow section debug" in damaged(whole, raw + b"\0")
    assert raw.startswith(MAGIC)


def test_an_op_of_the_host_twice_is_stored_once(tmp_path: Path) -> None:
    host = replace(MODEL.host[0], model=np.frombuffer(b"ONNX" * 5000, np.uint8))
    write(replace(MODEL, subnets=(MODEL.parts[0], host, replace(host, kind="Unique"))), tmp_path / "m")
    assert (tmp_path / "m").read_bytes().count(b"ONNX" * 5000) == 1
    assert [subnet.kind for subnet in read(tmp_path / "m").host] == ["NonZero", "Unique"]


def test_subnets_that_leave_records_out_are_named(tmp_path: Path) -> None:
    for ranges in (((0, 1), (0, 1)), ((0, 2), (0, 2)), ((1, 2), (0, 1))):
        write(replace(MODEL, subnets=(ChipSubnet(*ranges),)), tmp_path / "m")
        with pytest.raises(DamagedModel, match="subnets: "):
            read(tmp_path / "m")


def test_another_chip_is_refused(tmp_path: Path) -> None:
    other = variant(CHIPS["x64"], lanes=32)
    write(replace(MODEL, chip=other), tmp_path / "m")
    with pytest.raises(DamagedModel, match="lanes 32, not 64"):
        read(tmp_path / "m")
    assert read(tmp_path / "m", other).chip == other
    write(replace(MODEL, chip=replace(other, name="x99")), tmp_path / "m")
    with pytest.raises(DamagedModel, match="made for another chip, no chip named 'x99'"):
        read(tmp_path / "m")
