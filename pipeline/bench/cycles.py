"""
`bench cycles`: cycles against the bound, bytes against the compulsory ones, and cycles against TPU-MLIR's estimates.

Each row says its bar, its goal and which of them it meets. A row is invalid, with the reason, if an op ran on the host,
inputs and outputs aren't stored as the case has them, the checker found something, or the schedule isn't the default.

Against TPU-MLIR 1.30.2 the chip moves bytes at the rates of its estimate for BM1684X (`simulator.chip.VARIANTS`), and
inputs and results are float32, cast on the chip, as its own models have them. That both have the same network is seen
by its count of operations: twice the MACs, and what it adds for the ops between.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from compiler.build.builder import Builder, StageFailed
from compiler.build.flow import Settings, Target
from compiler.build.store import Metadata
from pipeline.bench.report import Row
from pipeline.bench.status import Told
from simulator.isa.table import DType
from simulator.model_file import IO, read

GOALS = ("addr_mlir", "sample_model", "profile")
DEFAULT_EFFORT = 2
FLOATS = frozenset({"float32", "float16", "bfloat16", "float64"})


@dataclass(frozen=True)
class Limit:
    """What a figure must not exceed, and what it is to come to."""

    bar: float
    goal: float


@dataclass(frozen=True)
class Case:
    """
    A model in int8 for a chip, and the limits of its figures.

    Where TPU-MLIR estimates it too, the `estimate` in cycles and the operations that it counts, `flops`. `alone` is one
    core of a chip that has several, against which the speed-up is told.
    """

    model: str
    chip: str
    limits: Mapping[str, Limit] = field(default_factory=dict[str, Limit])
    estimate: int | None = None
    flops: int = 0
    alone: str = ""

    @property
    def name(self) -> str:
        """`<model>/<chip>-<mode>`."""
        return f"{self.model}/{self.target}"

    @property
    def target(self) -> Target:
        """What the model is built for."""
        return Target(self.chip, "int8")

    def settings(self, held: Settings) -> Settings:
        """The model's own settings, but for how it is fed where it is held against an estimate."""
        return replace(held, io="float32") if self.estimate else held

    @property
    def stored(self) -> frozenset[DType]:
        """The types of real numbers that come in and go out."""
        return frozenset({DType.F32} if self.estimate else {DType.I8, DType.U8})


@dataclass(frozen=True)
class Judged(Row):
    """A measurement with its limits, where it has any, and what is to be said of it."""

    bar: float | None
    goal: float | None
    verdict: str


def _against_bound(model: str, chip: str, cycles: tuple[float, float], moved: tuple[float, float]) -> Case:
    return Case(model, chip, {"cycles_over_bound": Limit(*cycles), "ddr_over_compulsory": Limit(*moved)})


def _against_estimate(model: str, estimate: int, flops: int, bar: float, goal: float) -> Case:
    return Case(model, "x64_tpumlir", {"cycles_over_estimate": Limit(bar, goal)}, estimate, flops)


def _two_cores(model: str) -> Case:
    return Case(model, "x32", alone="x32_alone")


TABLE: Sequence[Case] = (
    _against_bound("resnet50", "x64", (1.15, 1.04), (1.05, 1.02)),
    _against_bound("mobilenetv2", "x64", (1.30, 1.10), (1.10, 1.01)),
    _against_bound("yolov8n", "x64", (1.30, 1.12), (1.5, 1.1)),
    _against_bound("bert_base", "x64", (1.50, 1.28), (1.10, 1.02)),
    _against_bound("minilm_s128", "x64", (1.40, 1.20), (1.10, 1.02)),
    _against_bound("resnet50", "e16", (1.30, 1.12), (1.9, 1.6)),
    _against_bound("mobilenetv2", "e16", (1.45, 1.22), (1.4, 1.15)),
    _against_bound("yolov8n", "e16", (1.20, 1.06), (4.0, 2.8)),
    _against_bound("resnet50", "e8", (1.15, 1.05), (2.8, 2.4)),
    _against_bound("mobilenetv2", "e8", (1.20, 1.08), (2.6, 2.0)),
    _against_bound("yolov8n", "e8", (1.17, 1.06), (7.5, 5.5)),
    _two_cores("resnet50"),
    _two_cores("mobilenetv2"),
    _two_cores("yolov8n"),
    _against_estimate("resnet50", 609_085, 8_206_523_248, 0.90, 0.80),
    _against_estimate("squeezenet", 109_031, 706_628_160, 0.75, 0.55),
    _against_estimate("ppocr_rec", 459_501, 1_456_736_360, 0.75, 0.55),
    _against_estimate("ppocr_cls", 53_347, 35_856_584, 0.75, 0.55),
)
"""The networks whose figures the schedule is judged by; batch 1, weights that say nothing of accuracy."""

PEAK = Limit(1.0, 1.0)
"""Of the memory for activations, over the most bytes that live at once: there is no excuse for more."""


SAME = 0.9
"""The least part of the operations that are MACs: 0.91 in the smallest network."""


def cases(match: str, names: Sequence[str]) -> list[Case]:
    """Those of the table, then further models for x64-int8, whose names the pattern is found in."""
    told = {case.name for case in TABLE}
    more = (Case(model, "x64") for model in names)
    every = [*TABLE, *(case for case in more if case.name not in told)]
    return [case for case in every if re.search(match, case.name)]


def rows(builder: Builder, case: Case, told: Told) -> Iterator[Judged]:
    """Its figures; a single row that says why where the model could not be built."""
    told.at(case.name)
    settings = case.settings(builder.zoo.settings(case.model))
    try:
        records = builder.build(settings, case.target, GOALS, told, show=False)
        if case.alone:
            alone = builder.build(settings, replace(case.target, chip=case.alone), ("profile",), told, show=False)
            records = {**records, "alone": alone["profile"]}
    except StageFailed as failure:
        yield Judged(case.name, "cycles", 0, "cycles", None, None, f"failed: {failure}")
        return
    made = {name: record.metadata for name, record in records.items()}
    model = read(records["sample_model"].ref.path / "sample.model")
    wrong = "; ".join(faults(case, settings, made["profile"], [*model.inputs, *model.outputs]))
    for metric, value in figures(case, made).items():
        limit = PEAK if metric == "peak_over_lower_bound" else case.limits.get(metric)
        bar, goal = (limit.bar, limit.goal) if limit else (None, None)
        verdict = f"invalid: {wrong}" if wrong else judged(value, limit)
        unit = "cycles" if metric in ("cycles", "cycles_on_one_core") else "ratio"
        yield Judged(case.name, metric, value, unit, bar, goal, verdict)


def figures(case: Case, made: Mapping[str, Metadata]) -> Mapping[str, float]:
    """By metric, from the metadata of the stages: of an estimate, just the cycles over it, for the bytes differ."""
    cycles = made["profile"]["cycles"]
    if case.estimate:
        over = {"cycles_over_estimate": cycles / case.estimate}
        return {"cycles": cycles, **over, "macs_over_estimate": 2 * made["profile"]["macs"] / case.flops}
    ratios = {metric: made["profile"][metric] for metric in ("cycles_over_bound", "ddr_over_compulsory")}
    if case.alone:
        alone = made["alone"]["cycles"]
        return {"cycles": cycles, "cycles_on_one_core": alone, "speed_up": alone / cycles, **ratios}
    return {"cycles": cycles, **ratios, "peak_over_lower_bound": made["addr_mlir"]["peak_over_lower_bound"]}


def faults(case: Case, settings: Settings, profile: Metadata, edges: Sequence[IO]) -> Iterator[str]:
    """Why the figures count for nothing."""
    if profile["host_ops"]:
        yield f"{profile['host_ops']} ops on the host"
    if case.flops and not SAME <= 2 * profile["macs"] / case.flops <= 1:
        yield f"another network than was estimated: {profile['macs']} MACs, {case.flops} operations"
    if profile["findings"]:
        yield f"{profile['findings']} findings"
    if profile["cycles"] < profile["floor_cycles"]:
        yield f"fewer cycles than the floor, {profile['floor_cycles']}"
    if profile["ddr_bytes"] < profile["compulsory_bytes"]:
        yield f"fewer bytes than are compulsory, {profile['compulsory_bytes']}"
    if (settings.effort, settings.seed) != (DEFAULT_EFFORT, None):
        yield "a schedule of its own"
    if settings.compress:
        yield "packed weights"
    for edge in edges:
        if edge.declared in FLOATS and edge.dtype not in case.stored:
            yield f"{edge.name} is stored as {edge.dtype.name.lower()}"


def judged(value: float, limit: Limit | None) -> str:
    """Which of the limits a figure meets; a ratio below 1 is one that the bound doesn't explain."""
    if limit is None:
        return ""
    met = "goal" if value <= limit.goal else "bar" if value <= limit.bar else "missed"
    return f"{met}, below the bound" if value < 1 <= limit.goal else met


def failed(measured: Sequence[Judged]) -> bool:
    """Whether a row misses its bar, or counts for nothing."""
    return any(row.verdict.startswith(("missed", "invalid", "failed")) for row in measured)
