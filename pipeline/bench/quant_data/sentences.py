"""
Sentences out of scikit-learn's docstrings in word pieces of BERT, as MiniLM of `bench quant` takes them.

A module's sentences calibrate or judge, never both; one that stands in modules of both kinds calibrates.
"""

import re
import unicodedata
from functools import cache

import numpy as np
from numpy.typing import NDArray

from assets.zoo.datasets.photos import SCIKIT_LEARN
from assets.zoo.datasets.samples import NotInDataSet, Part, shuffled
from assets.zoo.datasets.word_pairs import END, START, vocabulary, word_pieces
from assets.zoo.packages import matching

TOKENS = 64
LETTERS = (25, 250)
"""Of a sentence: less than the least says little, more than the most is none."""

DOCSTRING = re.compile(r'"""(.*?)"""', re.DOTALL)
BETWEEN = re.compile(r"(?<=[.!?])\s+|\n\s*\n")
WORD = re.compile(r"[^\W_]+|[^\w\s]|_")
"""What BERT's first step parts a text into: runs of letters and digits, and each other sign."""


def encoded(part: Part, count: int) -> dict[str, NDArray[np.int64]]:
    """`input_ids` and `attention_mask` (count, 64). Raises NotInDataSet, PackageUnavailable."""
    held = sentences(part)
    if count > len(held):
        raise NotInDataSet(f"there are {len(held)} sentences for {part}; {count} were asked for")
    ids, mask = np.zeros((2, count, TOKENS), np.int64)
    for i, sentence in enumerate(held[:count]):
        pieces = [piece for word in WORD.findall(_plain(sentence)) for piece in word_pieces(word)][: TOKENS - 2]
        ids[i, : len(pieces) + 2] = [vocabulary()[piece] for piece in (START, *pieces, END)]
        mask[i, : len(pieces) + 2] = 1
    return {"input_ids": ids, "attention_mask": mask}


@cache
def sentences(part: Part) -> list[str]:
    """The part's sentences in the order of a seed. Raises PackageUnavailable."""
    modules = shuffled(list(matching(SCIKIT_LEARN, "sklearn/", ".py").values()))
    found = [{text for module in modules[half::2] for text in _in_docstrings(module.decode())} for half in range(2)]
    return shuffled(sorted(found[0] if part == "calibration" else found[1] - found[0]))


def _in_docstrings(code: str) -> list[str]:
    texts = (" ".join(text.split()) for told in DOCSTRING.findall(code) for text in BETWEEN.split(told))
    return [text for text in texts if LETTERS[0] < len(text) < LETTERS[1] and text[0].isupper() and ">>>" not in text]


def _plain(text: str) -> str:
    """In small letters without accents, as the uncased vocabulary has them."""
    apart = unicodedata.normalize("NFD", text.lower())
    return "".join(letter for letter in apart if unicodedata.category(letter) != "Mn")
