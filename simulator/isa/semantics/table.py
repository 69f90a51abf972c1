"""What every op means, for `docs/isa.md`. Tests hold that none is left out, and that types and lanes are the chip's."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.isa.semantics.contraction import CONTRACTIONS
from simulator.isa.semantics.elements import ELEMENTS
from simulator.isa.semantics.form import Meaning
from simulator.isa.semantics.transfers import TRANSFERS
from simulator.isa.semantics.windows import WINDOWS

SEMANTICS: Mapping[str, Meaning] = {**CONTRACTIONS, **ELEMENTS, **WINDOWS, **TRANSFERS}
"""By op."""
