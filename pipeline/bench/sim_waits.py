"""
Mutation testing of the races check: every wait of real programs deleted, and shortened by one record.

The truth is `simulator.checks.waits`: conflicts by runs of bytes, order by what each record knows. What it is held
against is the check: all mutants by `races`, some of them by the whole of `check`; and, of waits that are necessary,
the chip: run in an order that is legal without the wait, it leaves other bytes. So that there are waits that aren't
needed, some are planted.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from random import Random

from pipeline.bench.judged import Judged, Wanted, judged
from pipeline.bench.sim import Bench
from pipeline.bench.sim_stand import Stand
from simulator.checks.check import check
from simulator.checks.ordering import soonest
from simulator.checks.program import Program
from simulator.checks.races import races
from simulator.checks.replay import replay
from simulator.checks.waits import Kind, Wait, waits, without
from simulator.cores import Streams, Turn, turns
from simulator.execute.site import IllegalRecord
from simulator.model_file import Model, read

MODELS = ("resnet50", "squeezenet", "minilm_s128", "yolov8n", "vowels_gru")
TARGETS = ("x64-int8", "x32-int8")

WHOLE, RUN, PLANTED = 60, 6, 40
"""Mutants of a program that are checked whole, those run, and waits planted; those between cores come first."""

ALL, NONE = Wanted(100, 100), Wanted(0, 0, less=True)


@dataclass(frozen=True)
class _Mutant:
    """A program with a wait that ends when record `until` of the other stream is complete; 0: without it."""

    wait: Wait
    until: int

    @property
    def to_be_caught(self) -> bool:
        """The truth: whether it races, or lacks the wait that docs/isa.md demands after a turn of the host."""
        return self.wait.kind == Kind.BORDER or (self.wait.kind == Kind.NECESSARY and self.until < self.wait.least)


def rows(bench: Bench) -> Iterator[Judged]:
    """What is caught, what was said of the rest, and how much of it was held against what."""
    for name, target in bench.cases(MODELS, TARGETS):
        built = bench.built(name, target)
        model = read(built.model)
        found, random = waits(model), Random(built.case)
        yield judged(built.case, "false_alarms", len(check(model)), "findings", NONE)
        yield judged(built.case, "waits", len(found), "waits")
        yield judged(built.case, "waits_between_cores", sum(wait.message for wait in found), "waits")
        for kind in Kind:
            yield judged(built.case, kind.value, sum(wait.kind == kind for wait in found), "waits")
        yield from _caught(built.case, model, found, random)
        yield from _proven(built.case, _planted(model, random))
        if not model.host:
            yield from _run(built.case, model, Stand(model, built.feeds), _sample(found, RUN, random))


def racing(model: Model) -> bool:
    """Whether the check finds a conflict that nothing orders."""
    program = Program(model)
    return any(True for _ in races(program, replay(program)))


def _caught(case: str, model: Model, found: Sequence[Wait], random: Random) -> Iterator[Judged]:
    """All mutants against the truth."""
    mutants = [_Mutant(wait, until) for wait in found for until in {0, wait.until - 1} if wait.kind != Kind.BORDER]
    raced = {mutant: racing(without(model, mutant.wait, mutant.until)) for mutant in mutants}
    borders = [_Mutant(wait, 0) for wait in found if wait.kind == Kind.BORDER]
    random.shuffle(mutants)
    mutants.sort(key=lambda mutant: not mutant.wait.message)
    some = [*borders, *mutants[:WHOLE]]
    whole = {mutant: bool(check(without(model, mutant.wait, mutant.until))) for mutant in some}
    wrong = [mutant for told in (raced, whole) for mutant, said in told.items() if said != mutant.to_be_caught]
    for metric, deleted in (("necessary_caught", True), ("shortened_caught", False)):
        asked = [mutant for mutant in mutants if mutant.to_be_caught and deleted == (mutant.until == 0)]
        caught = [raced[mutant] and whole.get(mutant, True) for mutant in asked]
        yield _share(case, metric, caught)
    yield judged(case, "mutants", len(mutants) + len(borders), "programs")
    yield judged(case, "mutants_checked_whole", len(whole), "programs")
    yield judged(case, "verdicts_that_differ", len(wrong), "verdicts", NONE)


def _planted(model: Model, random: Random) -> Model:
    """The program with some waits longer than it needs, or where it needs none; such that it still runs."""
    cores = [Streams(core.tiu.copy(), core.gdma.copy()) for core in model.cores]
    done = [[0, 0] for _ in cores]
    places: list[tuple[Turn, int]] = []
    for turn in turns(model.cores):
        done[turn.core][turn.engine] += 1
        if (others := done[turn.core][1 - turn.engine]) > cores[turn.core].of(turn.engine)["wait"][turn.at]:
            places.append((turn, others))
    for turn, others in random.sample(places, min(PLANTED, len(places))):
        record = cores[turn.core].of(turn.engine)[turn.at : turn.at + 1]
        record["wait"] = random.randint(int(record["wait"][0]) + 1, others)
    return replace(model, tiu=cores[0].tiu, gdma=cores[0].gdma, others=cores[1:])


def _proven(case: str, model: Model) -> Iterator[Judged]:
    """Waits that aren't needed, deleted one by one: the check finds no pair of records that minds."""
    spare = [wait for wait in waits(model) if wait.spare]
    proven = [not racing(without(model, wait)) for wait in spare]
    yield judged(case, "unneeded_when_planted", len(spare), "waits")
    yield _share(case, "unneeded_proven", proven)


def _run(case: str, model: Model, stand: Stand, necessary: Sequence[Wait]) -> Iterator[Judged]:
    """Some of those necessary: deleted, and the record that waited run as soon as it may."""
    right = stand.result(model, turns(model.cores))
    results = [_too_soon(model, stand, wait) for wait in necessary]
    yield judged(case, "deletions_run", len(necessary), "programs")
    yield judged(case, "deletions_with_other_bytes", sum(result != right for result in results), "programs")


def _too_soon(model: Model, stand: Stand, wait: Wait) -> bytes | None:
    """What a program without a wait leaves; None if a record finds bytes that it can't work on."""
    assert wait.pair is not None
    mutant = without(model, wait)
    core, engine, record = wait.pair.second
    try:
        return stand.result(mutant, soonest(mutant.cores, Turn(core, engine, record - 1)))
    except IllegalRecord:
        return None


def _sample(found: Sequence[Wait], most: int, random: Random) -> list[Wait]:
    """Necessary waits: all of those between cores first, and others."""
    necessary = [wait for wait in found if wait.kind == Kind.NECESSARY]
    random.shuffle(necessary)
    return sorted(necessary, key=lambda wait: not wait.message)[:most]


def _share(case: str, metric: str, held: Sequence[bool]) -> Judged:
    """How many per cent hold; of none it is 0, and no verdict."""
    return judged(case, metric, 100 * sum(held) / max(len(held), 1), "%", ALL if held else None)
