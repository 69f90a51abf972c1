"""One case of ONNX's suite by every way of running it: what comes of it, and why."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnx

from compiler.dialects.top.ops import Top
from compiler.frontends.onnx.errors import ModelError, UnsupportedModel
from compiler.frontends.onnx.from_top.reference import Reference
from compiler.frontends.onnx.session import ORT
from compiler.ir import files
from compiler.ir.network import declared_outputs, name_of
from compiler.lowering.job import Unlowerable
from compiler.passes.network_pass import PassError
from compiler.schedule.single import DoesNotFit
from compiler.stages import addr_mlir, canonical_mlir, lg_mlir, origin_mlir, sample_model, sample_onnx, tpu_mlir
from pipeline.bench.conformance_operands import specialised
from pipeline.bench.conformance_suite import Array, Case, fed
from simulator.onnx_host import HostFault
from simulator.runtime import PyRuntime
from simulator.subnets import HostSubnet

PASSED, REFUSED, WRONG, CRASHED = "passed", "refused", "wrong", "crashed"
REFERENCE = "ort"
OURS = ("top", "x64-f32", "x64-f32-nohost", "e8-f32")
COLUMNS = (REFERENCE, *OURS)
CHIPS = ("x64", "e8")

REFUSALS = (ModelError, PassError, Unlowerable, DoesNotFit, HostFault)
"""What is raised for a model that neither compiler nor host can take. Anything else is a defect."""
EFFORT = 1
"""Of the search for a schedule; results don't depend on it."""

BFLOAT16_RTOL = 2**-6
"""Two units in the last place: what ONNX's own runner of the suite allows results of this type."""

Runner = Callable[[Mapping[str, Array]], list[Any]]


@dataclass(frozen=True)
class Outcome:
    """`causes` are the reasons of a refusal with names and numbers left out, so that they can be counted."""

    case: str
    category: str
    column: str
    outcome: str
    reason: str = ""
    causes: tuple[str, ...] = ()


class Wrong(Exception):
    """A result isn't the suite's."""


def outcomes(case: Case) -> Iterator[Outcome]:
    """The case's outcome in each of `COLUMNS`."""
    yield _judged(case, REFERENCE, partial(_by_reference, case), everything_refuses=True)
    with TemporaryDirectory() as made:
        folder = Path(made)
        top = _judged(case, "top", partial(_by_top, case, folder))
        yield top
        for chip in CHIPS:
            column = f"{chip}-f32"
            entered = len(list(folder.iterdir())) == len(case.samples)
            hosted = list[HostSubnet]()
            run = partial(_by_chip, case, folder, chip, hosted)
            ran = _judged(case, column, run) if entered else _as(top, column)
            yield ran
            if (alone := f"{column}-nohost") in OURS:
                yield _refused_for(hosted, ran, alone) if hosted and ran.outcome == PASSED else _as(ran, alone)


def _as(outcome: Outcome, column: str) -> Outcome:
    """The same in another column: what the front end refuses no chip runs."""
    return replace(outcome, column=column)


def _refused_for(hosted: Sequence[HostSubnet], ran: Outcome, column: str) -> Outcome:
    """A case that passes with ops on the host, in the column of those that pass without."""
    told = [f"{op.kind} on the host: {op.reason}" for op in hosted]
    kinds = tuple(dict.fromkeys(map(_kind, told)))
    return replace(ran, column=column, outcome=REFUSED, reason="; ".join(dict.fromkeys(told)), causes=kinds)


def _judged(case: Case, column: str, run: Callable[[], None], everything_refuses: bool = False) -> Outcome:
    told = partial(Outcome, case.name, case.category, column)
    try:
        run()
    except Wrong as error:
        return told(WRONG, _line(error))
    except REFUSALS as error:
        return told(REFUSED, _line(error), causes(error))
    except Exception as error:
        if everything_refuses:
            return told(REFUSED, _line(error))
        return told(CRASHED, f"{type(error).__name__}: {_line(error)}")
    return told(PASSED)


def _by_reference(case: Case) -> None:
    """By onnxruntime, the model as it stands. Raises Wrong and onnxruntime's own."""
    model = onnx.ModelProto.FromString(case.model)
    options = ORT.SessionOptions()
    options.intra_op_num_threads, options.log_severity_level = 1, 4
    session = ORT.InferenceSession(case.model, options, providers=["CPUExecutionProvider"])
    kinds = {value.name: value.type.tensor_type.elem_type for value in fed(model)}
    for inputs, expected in case.samples:
        names = [value.name for value in session.get_inputs()]
        feeds = {name: _held(value, kinds[name]) for name, value in zip(names, inputs, strict=False)}
        check(case, [value.numpy() for value in session.run_with_ort_values(None, feeds)], expected)


def _held(value: Array, kind: int) -> Any:
    """An array as onnxruntime holds it; types that numpy lacks go by their bits."""
    if value.dtype.kind == "V" or kind == onnx.TensorProto.BFLOAT16:
        bits = np.ascontiguousarray(value).view(np.uint16 if value.dtype.itemsize == 2 else np.uint8)
        return ORT.OrtValue.ortvalue_from_numpy_with_onnx_type(bits, kind)
    return ORT.OrtValue.ortvalue_from_numpy(value)


def _by_top(case: Case, folder: Path) -> None:
    """Each sample's own model through the front end into a folder of its own, written back and run. Raises Wrong."""
    for i, (inputs, expected) in enumerate(case.samples):
        model, feeds = specialised(onnx.ModelProto.FromString(case.model), inputs)
        into = folder / str(i)
        _front_end(model, into)
        network = files.load(into, "canonical", Top)
        made = Reference(network, threads=1).run(feeds)
        returned = [made[name_of(value)] for value in list(network.ops)[-1].operands]
        declared = declared_outputs(network)
        results = [array.astype(kind or array.dtype) for array, kind in zip(returned, declared, strict=True)]
        check(case, results, expected)


def _front_end(model: onnx.ModelProto, into: Path) -> None:
    """`canonical.mlir` in `into`, which exists only when that is there."""
    with TemporaryDirectory() as made:
        out = Path(made)
        onnx.save_model(model, out / "model.onnx")
        sample_onnx.run({"model_file": out}, {}, out)
        origin_mlir.run({"sample_onnx": out}, {"name": "case"}, out)
        canonical_mlir.run({"origin_mlir": out}, {}, out)
        into.mkdir()
        for path in out.glob("canonical*"):
            path.rename(into / path.name)


def _by_chip(case: Case, folder: Path, chip: str, hosted: list[HostSubnet]) -> None:
    """Each sample's `canonical.mlir` compiled for a chip in f32, and run; `hosted` gets its host ops. Raises Wrong."""
    for i, (inputs, expected) in enumerate(case.samples):
        _, feeds = specialised(onnx.ModelProto.FromString(case.model), inputs)
        with TemporaryDirectory() as made:
            out = Path(made)
            before = dict.fromkeys(("tpu_mlir", "lg_mlir", "addr_mlir"), out) | {"canonical_mlir": folder / str(i)}
            for stage in (tpu_mlir, lg_mlir, addr_mlir, sample_model):
                stage.run(before, {"mode": "f32", "chip": chip, "effort": EFFORT}, out)
            session = PyRuntime(out / sample_model.FILE)
            hosted.extend(session.model.host)
            check(case, session.run(None, feeds), expected)


def check(case: Case, found: Sequence[Any], expected: Sequence[Any]) -> None:
    """Hold results against the suite's, within the case's tolerances. Raises Wrong, which says what differs."""
    if len(found) != len(expected):
        raise Wrong(f"{len(found)} outputs, not {len(expected)}")
    for i, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
        theirs, ours = np.asarray(theirs), np.asarray(ours)
        if theirs.dtype != ours.dtype and theirs.dtype.name == "bfloat16":
            ours = ours.view(theirs.dtype) if ours.dtype.itemsize == 2 else ours
        if (ours.shape, ours.dtype) != (theirs.shape, theirs.dtype):
            raise Wrong(f"output {i} is {ours.dtype} {list(ours.shape)}, not {theirs.dtype} {list(theirs.shape)}")
        rtol = max(case.rtol, BFLOAT16_RTOL) if theirs.dtype.name == "bfloat16" else case.rtol
        if theirs.dtype.kind not in "fiub":
            ours, theirs = ours.astype(np.float32), theirs.astype(np.float32)
        near = np.isclose(ours, theirs, rtol, case.atol, equal_nan=True)
        if not near.all():
            at = tuple(int(n) for n in np.argwhere(~near)[0])
            raise Wrong(
                f"output {i}: {np.count_nonzero(~near)} of {near.size} elements, first {ours[at]} for {theirs[at]} "
                f"at {list(at)}"
            )


def causes(error: Exception) -> tuple[str, ...]:
    """The reasons that a refusal gives, each once, names and numbers left out: what kinds of thing are refused."""
    if isinstance(error, UnsupportedModel):
        told = [f"{op}: {why}" for _, op, why in error.problems]
    else:
        listed = re.findall(r"(top\.\w+) at '[^']*' \(([^)]*)\)", _line(error))
        told = [f"{op}: {why}" for op, why in listed] or [_line(error)]
    return tuple(dict.fromkeys(map(_kind, told)))


def _kind(reason: str) -> str:
    unnamed = re.sub(r"(?<!\w)'[^']*'", "…", reason)
    return re.sub(r"[\[(][-\d, .einf?]*[\])]|\d+ ops", "[…]", unnamed)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
