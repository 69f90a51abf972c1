"""
The spelling-to-sound network of g2p-en: a GRU reads the letters, another says phonemes until the end.

One graph: the encoder, and STEPS steps of the decoder one after the other, each fed with the phoneme that the last one
found likeliest. The encoder's state is taken where the word ends, so that shorter words can be filled up.
"""

import ast
from functools import cache
from io import BytesIO
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from assets.zoo.builders.graph import Graph
from assets.zoo.packages import Wheel, members

WHEEL = Wheel("g2p-en", "2.1.0", "2a7aabf1fc7f270fcc3349881407988c9245173c2413debbe5432f4a4f31319f")
GRAPHEMES = ("<pad>", "<unk>", "</s>", *"abcdefghijklmnopqrstuvwxyz")
END = GRAPHEMES.index("</s>")
LETTERS, STEPS, WIDTH = 16, 20, 256
"""Most letters and the end of a word; phonemes; numbers of a state."""

START = 2
"""The phoneme that the decoder begins with."""


@cache
def phonemes() -> tuple[str, ...]:
    """The decoder's phonemes in order, as the package's source lists them; it is read, not run."""
    source = _files()["g2p_en/g2p.py"].decode()
    stated = source.split("self.phonemes = ", 1)[1].split("self.g2idx", 1)[0]
    return tuple(list_of(stated))


def list_of(text: str) -> list[str]:
    """A sum of lists of strings, as Python writes it."""

    def value(node: ast.expr) -> list[str]:
        if isinstance(node, ast.BinOp):
            return value(node.left) + value(node.right)
        return list(ast.literal_eval(node))

    return value(ast.parse(text.strip(), mode="eval").body)


def model() -> onnx.ModelProto:
    """
    Input `ids` int64 (1, 16): letters, the end, and padding (0); output `logits` (1, 20, 74), a row a phoneme.

    Raises PackageUnavailable.
    """
    with np.load(BytesIO(_files()["g2p_en/checkpoint20.npz"])) as held:
        weights = {name: array.astype(np.float32) for name, array in held.items()}
    graph = Graph()
    state = _encoder(graph, weights)
    key = graph.constant("start", np.array([START], np.int64))
    rows: list[str] = []
    for step in range(STEPS):
        state, row = _step(graph, weights, key, state, f"step{step}")
        rows.append(graph.add("Unsqueeze", [row, graph.constant("axis1", np.array([1]))], f"step{step}_row"))
        key = graph.add("ArgMax", [row], f"step{step}_key", axis=1, keepdims=0)
    graph.add("Concat", rows, "logits", axis=1)
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, [1, LETTERS])
    made = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, STEPS, len(weights["fc_b"])])
    return graph.model([ids], [made], "g2p", 14)


@cache
def _files() -> dict[str, bytes]:
    return members(WHEEL, ["g2p_en/g2p.py", "g2p_en/checkpoint20.npz"])


def _encoder(graph: Graph, weights: dict[str, NDArray[np.float32]]) -> str:
    """The state after the letter END: states (16, 256), weighted by where that is."""
    letters = graph.add("Gather", [graph.constant("letters", weights["enc_emb"]), "ids"], "embedded")
    steps = graph.add("Transpose", [letters], "by_step", perm=[1, 0, 2])
    graph.add("GRU", [steps, *_gru(graph, weights, "enc")], "last", 2, **_recurrent())
    axes = graph.constant("axis1", np.array([1]))
    states = graph.add("Squeeze", [graph.add("Squeeze", ["last_0", axes], "states_1"), axes], "states")
    ended = graph.add("Equal", ["ids", graph.constant("end", np.array(END))], "ended")
    return graph.add("MatMul", [graph.add("Cast", [ended], "at_end", to=TensorProto.FLOAT), states], "state")


def _step(graph: Graph, weights: dict[str, NDArray[np.float32]], key: str, state: str, name: str) -> tuple[str, str]:
    """The state (1, 256) and the scores (1, 74) after one more phoneme, of key (1,)."""
    axis = graph.constant("axis0", np.array([0]))
    spoken = graph.add("Gather", [graph.constant("spoken", weights["dec_emb"]), key], f"{name}_embedded")
    fed = graph.add("Unsqueeze", [spoken, axis], f"{name}_input")
    before = graph.add("Unsqueeze", [state, axis], f"{name}_before")
    after = graph.add("GRU", [fed, *_gru(graph, weights, "dec"), "", before], f"{name}_gru", 2, **_recurrent())
    after = graph.add("Squeeze", [after, axis], f"{name}_state")
    dense = [graph.constant("dense", weights["fc_w"].T), graph.constant("dense_bias", weights["fc_b"])]
    return after, graph.add("Gemm", [after, *dense], f"{name}_logits")


def _recurrent() -> dict[str, Any]:
    return {"hidden_size": WIDTH, "linear_before_reset": 1}


def _gru(graph: Graph, weights: dict[str, NDArray[np.float32]], side: str) -> list[str]:
    """Weights, recurrent weights and both biases in ONNX's order of gates: update, reset, new."""

    def ordered(name: str) -> NDArray[np.float32]:
        reset, update, new = np.split(weights[f"{side}_{name}"], 3)
        return np.concatenate([update, reset, new])

    biases = np.concatenate([ordered("b_ih"), ordered("b_hh")])
    arrays = {"w": ordered("w_ih"), "r": ordered("w_hh"), "b": biases}
    return [graph.constant(f"{side}_{name}", array[None]) for name, array in arrays.items()]
