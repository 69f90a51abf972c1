"""What the debugger's commands set is what the chip computes with."""

from pathlib import Path

import numpy as np
import pytest

from compiler.npz import write_npz
from tests.pipeline.debugger.talk import Talk


@pytest.fixture
def talk() -> Talk:
    return Talk()


def test_what_is_set_is_computed_with(talk: Talk, tmp_path: Path) -> None:
    talk("set x = 0", "c")
    zeros = talk("p/s y[0,0,0,:4]")
    talk("run", "unset", "c")
    assert talk("p/s y[0,0,0,:4]") != zeros
    talk("run", "set/s x[0] = 0", "set x[1,:,:,:] = 0.0", "c")
    assert talk("p/s y[0,0,0,:4]") == zeros
    assert talk("info changes").startswith("after 0 moments: 2,304 bytes at IO+")
    write_npz(tmp_path / "zeros.npz", {"x": np.zeros((2, 8, 12, 12), np.float32)})
    talk("unset", f"set x = {tmp_path}/zeros.npz", "c")
    assert talk("p/s y[0,0,0,:4]") == zeros
    for line, why in (
        ("set x[0,0,0,0] = red", "neither numbers nor an .npz"),
        ("set x[0,0,0,:3] = 1 2", "2 numbers for x of [3]"),
        ("set/s x = 1000", "stored numbers are whole, "),
        ("set nothing = 1", "there is no tensor 'nothing'"),
        ("set x", "write 'set TENSOR[INDEX] = 0.5'"),
        ("set LOCAL+0:2 = ff", "1 bytes for 2"),
        ("set LOCAL+0 = zz", "isn't bytes in hex"),
    ):
        assert why in talk.refused(line), line
    talk("run")
    assert "nothing of y_MaxPool is in memory now" in talk.refused("set y = 0")


def test_bytes_and_operands_are_set(talk: Talk) -> None:
    assert talk("set LOCAL+0:2 = 12 ab", "x/2 LOCAL+0%5") == "LOCAL+0x0000%5: 12 ab"
    talk("until tiu 1", "set tiu 1.filter[0,0,0,:] = 5")
    assert "[5 5 5 5 5 5 5 5 5]" in talk("print tiu 1.filter[0,0,0,:]")
    assert "[5 5 5 5 5 5 5 5 5]" not in talk("back", "step", "print tiu 1.filter[0,0,0,:]")
