"""What the network means doesn't change on the way from ONNX to canonical.mlir; onnxruntime is the judge."""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from compiler import opt
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.prepare import prepare
from compiler.frontends.onnx.read import read
from compiler.ir import text
from compiler.stages.canonical_mlir import PIPELINE
from tests.compiler.frontends.onnx.graphs import draw_graph
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
