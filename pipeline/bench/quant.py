"""
`bench quant`: int8 beside other tools' on the same models, calibration and evaluation data, scored alike.

Rows `<model>/ours-<mode>` and `<model>/<peer>`; `<model>/best-peer` says whose SQNR is the best, 16-bit activations
left out, and `<model>/ours-mix` what it costs to reach those. What can't be measured has a row that says why. Beside
them what calibration of ResNet-50 takes, and what the zoo's models lose of their own metrics.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from assets.zoo.packages import PackageUnavailable
from compiler.build.builder import Builder, StageFailed
from compiler.build.flow import Settings
from pipeline.bench import accuracy, quant_calibration, quant_cases, quant_ours
from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.peers import run as peers
from pipeline.bench.peers.catalogue import PEERS, WIDE, Peer
from pipeline.bench.quant_cases import CYCLES_OVER_INT8, DROP, TABLE, Case
from pipeline.bench.quant_data.files import Array, Files, files
from pipeline.bench.quant_scores import Results
from pipeline.bench.status import Told

MODES = ("int8", "int8a")
OURS = "ours-"
BEST = "best-peer"
CALIBRATION = f"{quant_calibration.MODEL}/calibration"


@dataclass(frozen=True)
class Bench:
    """A model's files, float results and what is known of the samples."""

    case: Case
    made: Files
    exact: Results
    labels: Array | None

    def figures(self, results: Results, seconds: float) -> Mapping[str, float]:
        """What is told of a quantised network."""
        return {**self.case.score(self.exact, results, self.labels), "cpu_s": seconds}


def chosen(names: Iterable[str], pattern: str) -> list[str]:
    """Those the pattern is found in."""
    return [name for name in names if re.search(pattern, name)]


def rows(only: str, peers_wanted: str, told: Told) -> Iterator[Judged]:
    """Every row whose model the pattern `only` is found in, with the peers of the other pattern."""
    for case in TABLE:
        wanted = {name: PEERS[name] for name in chosen(PEERS, peers_wanted)} if peers_wanted != "none" else {}
        if re.search(only, case.model):
            yield from model_rows(case, wanted, told)
    if re.search(only, CALIBRATION):
        told.at(CALIBRATION)
        yield from quant_calibration.rows()


def model_rows(case: Case, wanted: Mapping[str, Peer], told: Told) -> Iterator[Judged]:
    """A model's rows; just the reason where it can't be had."""
    told.at(case.model)
    try:
        made = files(case.model)
    except PackageUnavailable as error:
        yield quant_cases.unmeasured(f"{case.model}/float", "absent", error)
        return
    yield from measured(
        Bench(case, made, peers.answers(made.model, made.part("evaluation")), made.labels()), wanted, told
    )


def measured(bench: Bench, wanted: Mapping[str, Peer], told: Told) -> Iterator[Judged]:
    """Float's own score where samples have labels, ours in each mode, each peer, and the best of them."""
    model = bench.case.model
    told.at(f"{model}/float")
    if bench.labels is not None:
        yield Judged(f"{model}/float", "accuracy", bench.figures(bench.exact, 0)["accuracy"], "share")
    for mode in MODES:
        yield from our_rows(bench, mode, told)
    found, wide = dict[str, float](), bench.case.wide_sqnr_db
    for name, peer in wanted.items():
        for row in peer_rows(bench, name, peer, told):
            if row.metric == "sqnr_db" and name != WIDE:
                found[name] = row.value
            wide = row.value if (name, row.metric) == (WIDE, "sqnr_db") else wide
            yield row
    yield from mixed_rows(bench, wide, told)
    if found:
        best = max(found, key=lambda name: found[name])
        yield Judged(f"{model}/{BEST}", "sqnr_db", found[best], "dB", verdict=best)


def our_rows(bench: Bench, mode: str, told: Told) -> Iterator[Judged]:
    """Ours in a mode, default parameters."""
    case = told.at(f"{bench.case.model}/{OURS}{mode}")
    try:
        ours = quant_ours.quantised(Settings(bench.case.model), bench.made, mode)
    except StageFailed as failure:
        yield quant_cases.unmeasured(case, "failed", failure)
        return
    yield from quant_cases.rows(case, bench.figures(ours.results, ours.cpu_s), bench.case.wanted)


def mixed_rows(bench: Bench, wide_sqnr_db: float, told: Told) -> Iterator[Judged]:
    """The cheapest mixed network that is to reach activations of 16 bits, and what it costs."""
    case = told.at(f"{bench.case.model}/{OURS}mix")
    settings = Settings(bench.case.model)
    try:
        ours = quant_ours.mixed(settings, bench.made, wide_sqnr_db)
        narrow = quant_ours.quantised(settings, bench.made, MODES[0], ("profile",))
    except StageFailed as failure:
        yield quant_cases.unmeasured(case, "failed", failure)
        return
    wanted = {"sqnr_db": Wanted(wide_sqnr_db, wide_sqnr_db)}
    yield from quant_cases.rows(case, bench.figures(ours.results, ours.cpu_s), wanted)
    cycles, least = (held.stages["profile"]["cycles"] for held in (ours, narrow))
    yield Judged(case, "cycles", cycles, "cycles")
    yield judged(case, "cycles_over_int8", cycles / least, "ratio", CYCLES_OVER_INT8)


def peer_rows(bench: Bench, name: str, peer: Peer, told: Told) -> Iterator[Judged]:
    """A peer's figures, or why there are none."""
    case = told.at(f"{bench.case.model}/{name}")
    try:
        made = peers.run(peer, bench.made.model, bench.made.part("calibration"), bench.made.part("evaluation"))
    except peers.Absent as error:
        yield quant_cases.unmeasured(case, "absent", error)
    except peers.Failed as error:
        yield quant_cases.unmeasured(case, "failed", error)
    else:
        yield from quant_cases.rows(case, bench.figures(made.results, made.cpu_s))


def drop_rows(builder: Builder, only: str, told: Told) -> Iterator[Judged]:
    """What each labelled model of the zoo loses of its own metric in int8, in points."""
    for model in chosen(builder.zoo.names(), only):
        for row in accuracy.rows(builder, model, "x64-int8", told):
            wanted = DROP if row.metric == "accuracy_drop" else None
            yield judged(row.case, row.metric, row.value, row.unit, wanted)


def failed(measured: Sequence[Judged]) -> list[str]:
    """Models of ours that reach their bars in no mode, and other rows of ours that miss theirs."""
    held = dict[str, dict[str, bool]]()
    for row in measured:
        model, _, who = row.case.partition("/")
        if who.startswith(OURS) or row.bar is not None:
            mode = who if not who.startswith(OURS) else who.removeprefix(OURS)
            group = f"{model}/ours" if mode in MODES else row.case
            modes = held.setdefault(group, {})
            modes[mode] = modes.get(mode, True) and not row.verdict.startswith(("missed", "failed"))
    return [group for group, modes in held.items() if not any(modes.values())]
