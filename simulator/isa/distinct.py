"""Records of a stream that are alike, found once: what is worked out of one holds for all of them."""

from __future__ import annotations

from hashlib import shake_128

import numpy as np
from numpy.typing import NDArray

from simulator.isa.record import RECORD, Records

_BYTES = np.dtype((np.void, RECORD.itemsize))
_ODD = np.frombuffer(shake_128(b"records").digest(RECORD.itemsize), np.uint64) | np.uint64(1)
"""Odd factors for a sum over a record's words: equal records have equal sums, others hardly ever."""


def distinct(records: Records, addresses: bool) -> tuple[Records, NDArray[np.intp]]:
    """Records that differ in what their cost depends on, and for each record the one of these it equals."""
    plain = records.copy()
    plain["wait"] = plain["tag"] = 0
    if not addresses:
        plain["operands"]["addr"] = 0
    words = plain.view(np.uint64).reshape(len(plain), RECORD.itemsize // 8)
    sums = (words * _ODD).sum(1, dtype=np.uint64)
    _, first, kind = np.unique(sums, return_index=True, return_inverse=True)
    if not np.array_equal(words[first[kind]], words):
        _, first, kind = np.unique(plain.view(_BYTES), return_index=True, return_inverse=True)
    return plain[first], kind
