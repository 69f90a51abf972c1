"""What is wrong, said in words: each fault with its tensor and its figure, the worst of every kind."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from compiler.quant_report.calibration_set import CalibrationSet, Sample
from compiler.quant_report.layers import Layer

MOST = 3
"""Faults of a kind that are named."""

SATURATED = 1e-3
"""The share of values beyond the type from which a tensor is said to be cut: one in a thousand costs about 30 dB."""

UNUSED = 0.25
"""The share of a type's steps below which they are said to lie idle: two bits of eight."""

QUIET = 0.02
"""The share of the steps below which a channel is said to be lost: five of 255."""

NOISY_DB = 25.0
"""Local signal to noise below which an op is said to be noisy by itself."""

UNLIKE = 8.0
"""How many times one operand's range is another's from which one scale for both loses the smaller."""

LATE = 0.1
"""By how much the second half of the samples may widen ranges before more samples are asked for."""


@dataclass(frozen=True)
class Note:
    """One fault: its kind, the tensor, what there is to say, and the kind's own measure of how bad it is."""

    kind: str
    tensor: str
    text: str
    weight: float


def notes(rows: Sequence[Layer], samples: CalibrationSet | None, unseen: Mapping[str, float]) -> list[Note]:
    """Those of every kind that weigh most; `unseen` is by how much tensors of this run leave calibration's range."""
    by_name = {row.tensor: row for row in rows}
    told = [note for rule in RULES for note in _worst(rule(row, by_name) for row in rows if not row.inner)]
    return [*told, *_worst(_unseen(name, over) for name, over in unseen.items()), *_of_samples(samples)]


def _worst(found: Iterable[Note | None]) -> list[Note]:
    return sorted((note for note in found if note is not None), key=lambda note: -note.weight)[:MOST]


def _unseen(name: str, over: float) -> Note | None:
    return Note("unseen", name, f"reaches {over:.0%} beyond all that calibration saw", over) if over > LATE else None


def _saturating(row: Layer, rows: Mapping[str, Layer]) -> Note | None:
    held = row.stored
    share = max(held.saturated, held.clipped or 0.0) if held else 0.0
    if held is None or share < SATURATED:
        return None
    beyond = f"{held.clipped:.2%} of calibration's values" if held.clipped is not None else "values"
    text = f"{beyond} and {held.saturated:.2%} of this run's lie beyond {held.low:.4g} … {held.high:.4g}"
    return Note("saturates", row.tensor, text, share)


def _dead(row: Layer, rows: Mapping[str, Layer]) -> Note | None:
    if not row.dead or not row.macs:
        return None
    return Note(
        "dead channels", row.tensor, f"{row.dead} of {row.channels} channels never move", row.dead / row.channels
    )


def _idle(row: Layer, rows: Mapping[str, Layer]) -> Note | None:
    held = row.stored
    if held is None or held.used >= UNUSED:
        return None
    text = f"uses {held.used:.0%} of its steps: the type holds {held.low:.4g} … {held.high:.4g}"
    return Note("wide range", row.tensor, text, 1 - held.used)


def _quiet(row: Layer, rows: Mapping[str, Layer]) -> Note | None:
    held = row.stored
    if held is None or held.count > 1 or row.channels < 2 or held.quietest >= QUIET:
        return None
    if not any(other.macs and row.tensor in other.operands for other in rows.values()):
        return None
    text = f"its quietest channel moves over {held.quietest:.1%} of the steps: one scale serves {row.channels} channels"
    return Note("quiet channel", row.tensor, text, -row.local_db)


def _noisy(row: Layer, rows: Mapping[str, Layer]) -> Note | None:
    if row.local_db >= NOISY_DB:
        return None
    return Note("noisy", row.tensor, f"{row.local_db:.1f} dB by itself, all that it reads being exact", -row.local_db)


def _unlike(row: Layer, rows: Mapping[str, Layer]) -> Note | None:
    if row.op != "Concat" or row.stored is None or row.stored.count > 1:
        return None
    spans = {name: entry.high - entry.low for name in row.operands if (entry := rows[name].entry) is not None}
    spans = {name: span for name, span in spans.items() if span > 0}
    if len(spans) < 2 or (ratio := max(spans.values()) / min(spans.values())) < UNLIKE:
        return None
    text = f"one scale for ranges that differ {ratio:.0f} times; the smallest is {min(spans, key=spans.__getitem__)}"
    return Note("shared scale", row.tensor, text, ratio)


Rule = Callable[[Layer, Mapping[str, Layer]], Note | None]

RULES: Sequence[Rule] = (_saturating, _dead, _noisy, _idle, _quiet, _unlike)
"""One a kind of fault, in the order in which they are told."""


def _of_samples(samples: CalibrationSet | None) -> list[Note]:
    if samples is None:
        return []
    told = [_outlier(sample) for sample in samples.outliers[:MOST] if sample.loudness > 0]
    if samples.late > LATE:
        text = f"the second half of {len(samples.samples)} widened the ranges by {samples.late:.0%}: more may do so too"
        told.append(Note("few samples", "calibration", text, samples.late))
    return told


def _outlier(sample: Sample) -> Note:
    text = (
        f"{2**sample.loudness:.2f} times as loud as the median; the range of {sample.records:.0%} of the tensors is its"
    )
    return Note("outlier sample", f"sample {sample.number}", text, sample.loudness)
