"""Sequences of symbols, as numbers: text by CTC, or one symbol a step up to an end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from compiler.metrics.metric import Array, Metric, mean_of

ABSENT = -1
"""Fills up a sequence that is shorter than the array."""

Read = Callable[[Array], list[int]]
"""The symbols of one sample, from the most likely one of each step."""


def likeliest(outputs: Array) -> Array:
    """The most likely symbol of each step: scores (samples, steps, symbols) to int64 (samples, steps)."""
    return np.argmax(outputs, axis=-1)


def by_ctc(steps: Array) -> list[int]:
    """What connectionist temporal classification makes of it (Graves et al., 2006): repeats and blanks (0) go."""
    kept = np.flatnonzero((steps != 0) & (steps != np.concatenate([[0], steps[:-1]])))
    return steps[kept].tolist()


def to_end(steps: Array, end: int = 3) -> list[int]:
    """The symbols before the first `end`."""
    at = np.flatnonzero(steps == end)
    return steps[: int(at[0]) if len(at) else len(steps)].tolist()


def edits(made: Sequence[int], wanted: Sequence[int]) -> int:
    """Fewest insertions, deletions and replacements that turn one into the other (Levenshtein, 1966)."""
    row = list(range(len(wanted) + 1))
    for i, symbol in enumerate(made, 1):
        last, row = row, [i, *row[1:]]
        for j, other in enumerate(wanted, 1):
            row[j] = min(row[j - 1] + 1, last[j] + 1, last[j - 1] + (symbol != other))
    return row[-1]


def _wanted(label: Array) -> list[list[int]]:
    """The right sequences of a sample, of which there may be several: (most,) or (sequences, most)."""
    rows = label.reshape(-1, label.shape[-1])
    return [row[row != ABSENT].tolist() for row in rows if (row != ABSENT).any()] or [[]]


def exact(read: Read) -> Callable[[Array, Array], Array]:
    """1 where the symbols read from the steps (samples, steps) are one of the right sequences."""
    return lambda steps, labels: np.array(
        [float(read(made) in _wanted(label)) for made, label in zip(steps, labels, strict=True)]
    )


def correct_share(read: Read) -> Callable[[Array, Array], float]:
    """
    1 - edits ÷ symbols, over all samples, against the nearest of each sample's right sequences.

    So 1 - CER of characters and 1 - PER of phonemes; below 0 where more is wrong than there is.
    """

    def share(steps: Array, labels: Array) -> float:
        wrong = total = 0
        for made, label in zip(steps, labels, strict=True):
            symbols = read(made)
            away, length = min((edits(symbols, wanted), len(wanted)) for wanted in _wanted(label))
            wrong, total = wrong + away, total + length
        return 1 - wrong / total if total else float(not wrong)

    return share


CTC_EXACT = Metric(mean_of(exact(by_ctc)), likeliest, exact(by_ctc))
CTC_CORRECT = Metric(correct_share(by_ctc), likeliest, exact(by_ctc))
PHONEMES_CORRECT = Metric(correct_share(to_end), likeliest, exact(to_end))
PHONEMES_EXACT = Metric(mean_of(exact(to_end)), likeliest, exact(to_end))
