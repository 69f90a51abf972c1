"""Host ops at random places of random graphs: the chip's bytes are the interpreter's, under random tilings too."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import onnx
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import helper

from simulator.checks.check import check
from simulator.model_file import read
from tests.compiler.host.built import compiled, mismatches, model, tensor

SHAPES: tuple[tuple[int, ...], ...] = ((2, 3, 4, 5), (2, 60), (120,))
X = ((np.arange(120) * 7 % 11) - 5).astype(np.float32).reshape(SHAPES[0]) / 8


@st.composite
def graphs(draw: st.DrawFn) -> onnx.ModelProto:
    """Relu, Neg, Add and Reshape on the chip, QuickGelu on the host; some results, of either and of the input's own."""
    nodes, made = list[onnx.NodeProto](), dict[str, tuple[int, ...]]({"x": SHAPES[0]})
    constants = {f"shape{i}": np.array(dims) for i, dims in enumerate(SHAPES)}
    for i in range(draw(st.integers(2, 7))):
        name, source = f"t{i}", draw(st.sampled_from(sorted(made)))
        match draw(st.sampled_from(["Relu", "Neg", "Add", "Reshape", "QuickGelu", "QuickGelu"])):
            case "Add":
                other = draw(st.sampled_from([name for name, dims in made.items() if dims == made[source]]))
                nodes.append(helper.make_node("Add", [source, other], [name]))
                made[name] = made[source]
            case "Reshape":
                to = draw(st.integers(0, len(SHAPES) - 1))
                nodes.append(helper.make_node("Reshape", [source, f"shape{to}"], [name]))
                made[name] = SHAPES[to]
            case op:
                domain = "com.microsoft" if op == "QuickGelu" else ""
                nodes.append(helper.make_node(op, [source], [name], domain=domain))
                made[name] = made[source]
    unread = {name for name in made if not any(name in node.input for node in nodes)} - {"x"}
    chosen = sorted(unread | set(draw(st.lists(st.sampled_from(sorted(made.keys() - {"x"})), max_size=2))))
    return model(nodes, [tensor("x", *SHAPES[0])], [tensor(name, *made[name]) for name in chosen], constants)


@settings(max_examples=15, suppress_health_check=[HealthCheck.too_slow])
@given(graphs(), st.sampled_from(["f32", "bf16", "int8"]), st.sampled_from([None, 1, 2]))
def test_the_chip_makes_what_the_interpreter_makes(graph: onnx.ModelProto, mode: str, seed: int | None) -> None:
    with TemporaryDirectory() as made:
        folder = Path(made)
        compiled(graph, {"x": X}, folder, mode, "e8", seed)
        assert mismatches(folder) == []
        assert check(read(folder / "sample.model")) == []
