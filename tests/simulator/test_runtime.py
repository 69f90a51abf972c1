"""PyRuntime as its user meets it."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from threading import Barrier
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from simulator.container import DamagedModel
from simulator.host import BadFeed
from simulator.isa.table import DType, Region
from simulator.loaded import Loaded
from simulator.model_file import Model, write
from simulator.runtime import ClosedSession, PyRuntime
from tests.simulator.programs import Program

X = np.linspace(-30, 30, 2 * 9 * 4, dtype=np.float32).reshape(2, 9, 4, 1)


def doubling() -> Model:
    """Two int8 inputs of scale 0.25 and zero point 5; their sum of scale 0.5 and zero point -3, and the first again."""
    program = Program("e8")
    zeros = np.zeros((2, 9, 4, 1), np.int8)
    a, b = program.load(program.feed(zeros)), program.load(program.feed(zeros))
    out = program.local(a.dims, DType.I8)
    program.do(
        "RESCALE_ADD", out=out, a=a, b=b, za=5, zb=5, zy=-3, ma=1 << 14, mb=1 << 14, shift=15, low=-128, high=127
    )
    program.store(out)
    program.store(a)
    model = program.model()
    inputs = [replace(entry, scale=0.25, zero_point=5) for entry in model.inputs]
    one, other = model.outputs
    outputs = [replace(one, scale=0.5, zero_point=-3), replace(other, scale=0.25, zero_point=5)]
    return replace(model, inputs=inputs, outputs=outputs)


@pytest.fixture(scope="module")
def session() -> PyRuntime:
    return PyRuntime(doubling())


def quantised(x: Any, scale: float, zero: int) -> Any:
    return np.clip(np.rint(np.asarray(x) / np.float32(scale)) + zero, -128, 127).astype(np.int8)


def test_floats_in_and_out(session: PyRuntime) -> None:
    total, first = session.run(None, {"x0": X, "x1": X})
    assert total.dtype == first.dtype == np.float32
    assert np.array_equal(first, (quantised(X, 0.25, 5).astype(np.float32) - 5) * np.float32(0.25))
    assert np.abs(total - 2 * X).max() <= 0.5
    assert session.run(["y1"], [X, X])[0].tobytes() == first.tobytes()


def test_stored_in_and_out(session: PyRuntime) -> None:
    q = quantised(X, 0.25, 5)
    total, first = session.run(None, {"x0": q, "x1": X}, raw=True)
    assert np.array_equal(first, q)
    wide = q.astype(np.int64) - 5
    assert np.array_equal(total, np.clip(((2 * wide * (1 << 14) + (1 << 14)) >> 15) - 3, -128, 127))


def test_saturation_and_nan(session: PyRuntime) -> None:
    x = X.copy()
    x.flat[:4] = [np.nan, np.inf, -np.inf, 1e30]
    assert session.run(["y1"], [x, x], raw=True)[0].flat[:4].tolist() == [5, 127, -128, 127]


def test_many_batches_are_runs_of_the_chip(session: PyRuntime) -> None:
    many = np.concatenate([X, -X, X * 0.5])
    whole = session.run(None, {"x0": many, "x1": many})
    parts = [session.run(None, {"x0": x, "x1": x}) for x in (X, -X, X * np.float32(0.5))]
    for made, *cut in zip(whole, *parts, strict=True):
        assert np.array_equal(made, np.concatenate(cut))


def test_description(session: PyRuntime) -> None:
    one, other = session.get_inputs()
    assert (one.name, one.shape, one.type, one.dtype) == ("x0", [2, 9, 4, 1], "tensor(float)", np.int8)
    assert (other.scale, other.zero_point) == (0.25, 5)
    assert [entry.name for entry in session.get_outputs()] == ["y0", "y1"]


WRONG: dict[str, tuple[list[str] | None, Any, str]] = {
    "too few": (None, [X], "1 feeds for 2 inputs: 'x0', 'x1'"),
    "missing": (None, {"x0": X}, "missing 'x1'"),
    "unknown": (None, {"x0": X, "x1": X, "z": X}, "unknown 'z'; the network takes 'x0', 'x1'"),
    "shape": (
        None,
        {"x0": X[:, :8, :, 0], "x1": X},
        r"'x0': shape \(2, 8, 4\) isn't \(2, 9, 4, 1\), or .* 2 samples$",
    ),
    "an axis too few": (None, {"x0": X[0], "x1": X}, r"'x0': shape .*; give it as x\[None\]"),
    "other axes": (None, {"x0": X[:, :, :, 0], "x1": X}, r"; give it as x.reshape\(2, 9, 4, 1\)"),
    "channels last": (None, {"x0": X.transpose(0, 2, 3, 1), "x1": X}, r"give it as x.transpose\(0, 3, 1, 2\)"),
    "not a multiple": (
        None,
        {"x0": np.concatenate([X, X[:1]]), "x1": X},
        "give 1 samples more, or fewer",
    ),
    "no list": (None, X, "feeds are one array; give a list of arrays, or a dict by name: 'x0', 'x1'"),
    "no samples": (None, {"x0": X[:0], "x1": X[:0]}, "'x0': shape"),
    "batches": (None, {"x0": X, "x1": np.concatenate([X, X])}, "different numbers of batches"),
    "type": (
        None,
        {"x0": X.astype(np.float64), "x1": X},
        "'x0': type float64 isn't float32 or, as stored, int8; give",
    ),
    "text": (None, {"x0": np.full(X.shape, "a"), "x1": X}, "'x0': type <U1"),
    "output": (["y2"], {"x0": X, "x1": X}, "no output 'y2'; the network has 'y0', 'y1'"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_calls_say_what_is_wrong(session: PyRuntime, name: str) -> None:
    outputs, feeds, message = WRONG[name]
    with pytest.raises(BadFeed, match=message):
        session.run(outputs, feeds)


@pytest.mark.parametrize("kind", [np.dtype(np.float32), np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16)])
def test_float_networks_round_on_the_host(kind: np.dtype[Any]) -> None:
    program = Program("e8")
    program.store(program.load(program.feed(np.zeros(X.shape, kind))))
    session = PyRuntime(program.model())
    (made,) = session.run(None, [X])
    assert np.array_equal(made, X.astype(kind).astype(np.float32))
    (stored,) = session.run(None, [X.astype(kind)], raw=True)
    assert stored.dtype == kind
    assert stored.tobytes() == X.astype(kind).tobytes()


def test_from_a_file_and_several_at_once(tmp_path: Path) -> None:
    write(doubling(), tmp_path / "sample.model")
    sessions = [PyRuntime(tmp_path / "sample.model"), PyRuntime(str(tmp_path / "sample.model"))] * 3

    def last(i: int) -> Any:
        return sessions[i].run(None, [X * np.float32(i), X])[0]

    with ThreadPoolExecutor(6) as pool:
        made = list(pool.map(last, range(6)))
    for i, result in enumerate(made):
        assert np.array_equal(result, PyRuntime(doubling()).run(None, [X * np.float32(i), X])[0])


def test_calls_of_one_session_from_several_threads() -> None:
    """Threads that change every few microseconds, so that a chip in two hands would mix their inputs."""
    session, feeds = PyRuntime(doubling()), [np.full(X.shape, i, np.float32) for i in range(4)]

    def own(i: int) -> bool:
        return all((session.run(["y1"], [feeds[i], feeds[i]])[0] == i).all() for _ in range(50))

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            assert all(pool.map(own, range(4)))
    finally:
        sys.setswitchinterval(before)


def test_calls_of_one_session_run_side_by_side(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls that each wait for the other to be in the middle of its run."""
    both, go = Barrier(2, timeout=20), Loaded.go

    def meeting(self: Loaded, *arguments: Any) -> None:
        both.wait()
        go(self, *arguments)

    monkeypatch.setattr(Loaded, "go", meeting)
    session = PyRuntime(doubling())

    def first(x: Any) -> Any:
        return session.run(["y1"], [x, x])[0]

    with ThreadPoolExecutor(2) as pool:
        made = list(pool.map(first, [X, -X]))
    assert np.array_equal(made[0], -made[1])


@pytest.mark.parametrize("threads", [1, 2, 3, 64])
def test_batches_run_side_by_side_with_the_same_bits(threads: int) -> None:
    many = np.concatenate([X * np.float32(0.1 * i) for i in range(7)])
    wanted = [PyRuntime(doubling()).run(None, [x, x]) for x in np.split(many, 7)]
    made = PyRuntime(doubling(), threads=threads).run(None, [many, many])
    for whole, *parts in zip(made, *wanted, strict=True):
        assert whole.tobytes() == np.concatenate(parts).tobytes()


def test_a_failing_call_leaves_the_session_fit_for_use(monkeypatch: pytest.MonkeyPatch) -> None:
    session = PyRuntime(doubling())

    def fail(*_: object) -> None:
        raise RuntimeError("power cut")

    with monkeypatch.context() as patch:
        patch.setattr(Loaded, "go", fail)
        with pytest.raises(RuntimeError, match="power cut"):
            session.run(None, [X, X])
    assert np.array_equal(session.run(["y1"], [X, X])[0], PyRuntime(doubling()).run(["y1"], [X, X])[0])


def test_a_closed_session_says_so() -> None:
    with PyRuntime(doubling()) as session:
        session.run(None, [X, X])
    with pytest.raises(ClosedSession):
        session.run(None, [X, X])


def test_weights_of_sessions_are_the_same_bytes(tmp_path: Path) -> None:
    write(replace(doubling(), weights=np.zeros(5000, np.uint8)), tmp_path / "sample.model")
    session = PyRuntime(tmp_path / "sample.model")
    assert isinstance(session.model.weights, np.memmap)
    chips = [Loaded(session.model) for _ in range(2)]
    assert all(chip.memories[0].regions[Region.WEIGHT] is session.model.weights for chip in chips)


def test_an_input_outside_of_the_io_region() -> None:
    model = doubling()
    with pytest.raises(DamagedModel, match="'x0' at byte 1000000 leaves the IO region"):
        PyRuntime(replace(model, inputs=[replace(model.inputs[0], offset=1_000_000)]))


def test_profile_needs_no_run(session: PyRuntime) -> None:
    assert session.profile().cycles > 0
