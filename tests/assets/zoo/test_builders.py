"""Models written from weights inside packages, and checkpoints read without the framework."""

import pickle
import struct

import numpy as np
import onnx
import pytest

from assets.zoo.builders.catalogue import BUILDERS, UnknownBuilder, built
from assets.zoo.builders.g2p import END, GRAPHEMES, list_of, phonemes
from assets.zoo.builders.torch_file import MAGIC, BadCheckpoint, arrays
from assets.zoo.packages import PackageUnavailable
from compiler.frontends.onnx.session import Session
from compiler.metrics.sequences import to_end

SAID = {"cat": ["K", "AE1", "T"], "network": ["N", "EH1", "T", "W", "ER2", "K"]}


def made(name: str) -> onnx.ModelProto:
    try:
        return built(name)
    except PackageUnavailable as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("word", SAID)
def test_a_word_is_said_as_the_dictionary_says_it(word: str) -> None:
    ids = np.zeros((1, 16), np.int64)
    ids[0, : len(word) + 1] = [*(GRAPHEMES.index(letter) for letter in word), END]
    scores = Session(made("g2p")).run({"ids": ids})["logits"]
    assert [phonemes()[number] for number in to_end(scores[0].argmax(-1))] == SAID[word]


def test_letters_after_the_end_change_nothing() -> None:
    session = Session(made("g2p"))
    ids = np.zeros((2, 1, 16), np.int64)
    ids[:, 0, :4] = [*(GRAPHEMES.index(letter) for letter in "cat"), END]
    ids[1, 0, 4:] = 7
    first, second = (session.run({"ids": one})["logits"] for one in ids)
    np.testing.assert_array_equal(first, second)


def test_an_enlarged_picture_is_near_the_small_one() -> None:
    small = np.random.default_rng(0).integers(100, 140, (1, 3, 8, 8)).repeat(8, 2).repeat(8, 3).astype(np.float32)
    (large,) = Session(made("upscaler")).run({"LR": small}).values()
    assert large.shape == (1, 3, 128, 128)
    assert np.abs(large[:, :, ::2, ::2] - small).mean() < 3


def test_an_unknown_builder_lists_those_there_are() -> None:
    with pytest.raises(UnknownBuilder, match="no builder 'resnet'; there are bert_base, efficientnet_lite0"):
        built("resnet")
    assert list(BUILDERS) == sorted(BUILDERS)


def test_lists_are_read_not_run() -> None:
    assert list_of('["a"] + ["b", "c"]') == ["a", "b", "c"]
    with pytest.raises(ValueError, match="malformed"):
        list_of("list(open('x'))")


def text(value: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<i", len(value)) + value.encode()


def number(value: int) -> bytes:
    return pickle.BININT + struct.pack("<i", value)


def checkpoint(module: str = "collections", name: str = "OrderedDict") -> bytes:
    """A checkpoint of one tensor `w` whose storage holds 0..5 in columns; made of opcodes, since torch isn't here."""
    storage = pickle.MARK + text("storage") + b"ctorch\nFloatStorage\n" + text("7") + text("cpu") + number(6)
    storage += pickle.NONE + pickle.TUPLE + pickle.BINPERSID
    hooks = b"ccollections\nOrderedDict\n" + pickle.EMPTY_TUPLE + pickle.REDUCE
    tensor = (
        b"ctorch._utils\n_rebuild_tensor_v2\n"
        + pickle.MARK
        + storage
        + number(0)
        + number(2)
        + number(3)
        + pickle.TUPLE2
        + number(1)
        + number(2)
        + pickle.TUPLE2
    )
    tensor += pickle.NEWFALSE + hooks + pickle.TUPLE + pickle.REDUCE
    state = f"c{module}\n{name}\n".encode() + pickle.EMPTY_TUPLE + pickle.REDUCE + text("w") + tensor + pickle.SETITEM
    heads = pickle.dumps(MAGIC, 2) + pickle.dumps(1001, 2) + pickle.dumps({"little_endian": True}, 2)
    numbers = struct.pack("<q", 6) + np.arange(6, dtype="<f4").tobytes()
    return heads + b"\x80\x02" + state + pickle.STOP + pickle.dumps(["7"], 2) + numbers


def test_a_checkpoint_is_read_with_its_steps() -> None:
    assert arrays(checkpoint())["w"].tolist() == [[0, 2, 4], [1, 3, 5]]


def test_a_checkpoint_that_would_run_something_is_refused() -> None:
    with pytest.raises(BadCheckpoint, match=r"asks for os\.system; only arrays are read"):
        arrays(checkpoint("os", "system"))
