"""
Transformer encoders from the embeddings on (Devlin et al., 2019): attention and two linear layers, norms after sums.

Weights are seeded. Written as exporters write them: heads by Reshape and Transpose, GELU by Erf.
"""

import numpy as np
import onnx
from onnx import TensorProto, helper

from assets.zoo.builders.seeded import RESIDUAL_SCALE, Layers

SEED = 5


def bert_base() -> onnx.ModelProto:
    """BERT-base on 384 tokens: input `embeddings` (1, 384, 768), output `encoded` likewise."""
    return _encoder("bert_base", tokens=384, features=768, heads=12, blocks=12)


def minilm_s128() -> onnx.ModelProto:
    """MiniLM-L6 on 128 tokens: input `embeddings` (1, 128, 384), output `encoded` likewise."""
    return _encoder("minilm_s128", tokens=128, features=384, heads=12, blocks=6)


def _encoder(name: str, tokens: int, features: int, heads: int, blocks: int) -> onnx.ModelProto:
    layers, x = Layers(SEED), "embeddings"
    for block in range(blocks):
        attended = _attention(layers, x, f"block{block}.attention", tokens, features, heads)
        x = layers.norm(layers.graph.add("Add", [x, attended], f"block{block}.sum0"), f"block{block}.norm0", features)
        wide = _gelu(layers, layers.linear(x, f"block{block}.wide", features, 4 * features))
        narrow = layers.linear(wide, f"block{block}.narrow", 4 * features, features, RESIDUAL_SCALE)
        last = "encoded" if block == blocks - 1 else f"block{block}.norm1"
        x = layers.norm(layers.graph.add("Add", [x, narrow], f"block{block}.sum1"), last, features)
    given = helper.make_tensor_value_info("embeddings", TensorProto.FLOAT, [1, tokens, features])
    made = helper.make_tensor_value_info("encoded", TensorProto.FLOAT, [1, tokens, features])
    return layers.graph.model([given], [made], name, 17)


def _attention(layers: Layers, x: str, name: str, tokens: int, features: int, heads: int) -> str:
    graph, depth = layers.graph, features // heads
    split = graph.constant("heads", np.array([1, tokens, heads, depth], np.int64))

    def headed(kind: str, perm: list[int]) -> str:
        made = layers.linear(x, f"{name}.{kind}", features, features)
        apart = graph.add("Reshape", [made, split], f"{name}.{kind}.apart")
        return graph.add("Transpose", [apart], f"{name}.{kind}.heads", perm=perm)

    query, key, value = headed("query", [0, 2, 1, 3]), headed("key", [0, 2, 3, 1]), headed("value", [0, 2, 1, 3])
    scores = graph.add("MatMul", [query, key], f"{name}.products")
    scale = graph.constant("scale", np.array(np.sqrt(depth), np.float32))
    scores = graph.add("Softmax", [graph.add("Div", [scores, scale], f"{name}.scaled")], f"{name}.scores", axis=-1)
    mixed = graph.add("MatMul", [scores, value], f"{name}.mixed")
    turned = graph.add("Transpose", [mixed], f"{name}.mixed.turned", perm=[0, 2, 1, 3])
    whole = graph.constant("whole", np.array([1, tokens, features], np.int64))
    joined = graph.add("Reshape", [turned, whole], f"{name}.mixed.joined")
    return layers.linear(joined, f"{name}.out", features, features, RESIDUAL_SCALE)


def _gelu(layers: Layers, x: str) -> str:
    """X · (1 + erf(x ÷ √2)) ÷ 2"""
    graph = layers.graph
    root, one, half = (
        graph.constant(name, np.array(value, np.float32))
        for name, value in (("root2", np.sqrt(2)), ("one", 1), ("half", 0.5))
    )
    error = graph.add("Erf", [graph.add("Div", [x, root], f"{x}.scaled")], f"{x}.erf")
    doubled = graph.add("Mul", [x, graph.add("Add", [error, one], f"{x}.gate")], f"{x}.doubled")
    return graph.add("Mul", [doubled, half], f"{x}.gelu")
