"""The examples of docs/runtime.md, one after another."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator.model_file import write
from tests.simulator.test_first_mismatch import X, mapped

PAGE = Path(__file__).parents[2] / "docs" / "runtime.md"


def test_the_examples_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    model = mapped()
    once = [replace(model.inputs[0], name="x")]
    outputs = [replace(model.outputs[0], name="y")]
    twice = replace(model, inputs=once, outputs=outputs, io_bytes=model.io_bytes)
    write(twice, tmp_path / "sample.model")
    monkeypatch.chdir(tmp_path)
    examples = re.findall(r"^```python\n(.*?)^```", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    assert len(examples) == 3
    state: dict[str, Any] = {"np": np, "x": X}
    exec(examples[0], state)
    session = state["session"]
    exec(examples[1], state)
    assert state["logits"].tobytes() == np.concatenate([state["y"]] * 8).tobytes()
    exec(examples[2], state | {"session": session})
    assert "layer 'mul', TIU record 3: tensor 'product' differs in 1 of 72" in capsys.readouterr().out
