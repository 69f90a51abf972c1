"""What the network means doesn't change on the way from ONNX to canonical.mlir; onnxruntime is the judge."""

from __future__ import annotations

import numpy as np
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from compiler import opt
from compiler.dialects.top import ops as top
from compiler.dialects.top.census import computing_ops
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.to_top.read import read
from compiler.ir import text
from compiler.stages.canonical_mlir import PIPELINE
from tests.compiler.frontends.onnx.graphs import Graph, draw_graph
from tests.compiler.frontends.onnx.reference import assert_near, every_tensor, feeds, run

PHASES = [phase for phase in Phase if phase is not Phase.explain]
"""To explain a failure takes hypothesis many minutes here."""


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
@given(st.data())
def test_a_drawn_graph_keeps_its_results(data: st.DataObject) -> None:
    model = prepare(draw_graph(data), {})
    fed = feeds(model)
    expected = every_tensor(model, fed)
    network = read(model, "drawn")
    opt.run(network, opt.passes("shape-infer"))
    imported = run(network, fed)
    assert imported.keys() == expected.keys()
    assert_near(imported, expected)
    opt.run(network, opt.passes(PIPELINE))
    canonical = run(network, fed)
    assert_near(canonical, expected)
    (output,) = (value.name for value in model.graph.output)
    assert any(name.startswith(f"{output}_") for name in canonical)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow], phases=PHASES)
@given(st.data())
def test_canonical_text_is_a_fixed_point(data: st.DataObject) -> None:
    network = read(prepare(draw_graph(data), {}), "drawn")
    opt.run(network, opt.passes(PIPELINE))
    once = text.write(network.module)
    assert text.write(text.read(once, top.Top)) == once
    opt.run(network, opt.passes(PIPELINE))
    assert text.write(network.module) == once


def test_what_follows_a_lone_batch_norm_joins_it_at_once() -> None:
    g = Graph((1, 3, 4, 4))
    g.add("BatchNormalization", g.top, *(g.normal(3) for _ in range(3)), g.constant(np.ones(3)))
    g.add("Add", g.top, g.normal(1, 3, 1, 1))
    network = read(prepare(g.model(), {}), "drawn")
    opt.run(network, opt.passes(PIPELINE))
    assert [op.name for op in computing_ops(network)] == ["top.Conv"]
