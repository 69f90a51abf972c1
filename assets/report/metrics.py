"""What a night is judged by: a table of figures, which way is better, and how much worse is still the same."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Verdict = Literal["same", "better", "worse"]


@dataclass(frozen=True)
class Metric:
    """
    A figure of one stage's metadata, and when a change of it counts.

    A change counts when it is larger than `absolute` (in `unit`) and larger than `relative` times the value before.
    `stage` None is the seconds of every stage that was made anew.
    """

    name: str
    stage: str | None
    field: str
    higher_is_better: bool
    unit: str
    absolute: float = 0.0
    relative: float = 0.0
    digits: int = 0

    def verdict(self, before: float, after: float) -> Verdict:
        """Whether `after` is the same as `before` within the tolerance, better, or worse; not a number is worse."""
        if before == after:
            return "same"
        gain = after - before if self.higher_is_better else before - after
        if math.isnan(gain):
            return "better" if math.isnan(before) and not math.isnan(after) else "worse"
        if abs(gain) <= max(self.absolute, self.relative * abs(before)):
            return "same"
        return "better" if gain > 0 else "worse"

    def text(self, value: float | None) -> str:
        """The value as people read it, without its unit."""
        return "–" if value is None else f"{value:,.{self.digits}f}"

    def change(self, before: float, after: float | None) -> str:
        """How far it moved: in per cent where the tolerance is relative, else in the unit."""
        if after is None:
            return "gone"
        if self.relative and before and math.isfinite(after):
            return f"{(after - before) / before:+.1%}"
        return f"{after - before:+,.{self.digits}f}"

    @property
    def suffix(self) -> str:
        """The unit with a blank before it, where the metric's name does not say it."""
        return f" {self.unit}" if self.unit and self.unit not in self.name else ""

    @property
    def tolerance(self) -> str:
        """The tolerance in words."""
        parts = [f"{self.relative:.0%}"] if self.relative else []
        parts += [f"{self.absolute:g} {self.unit}".rstrip()] if self.absolute else []
        return " and ".join(parts) or "none"


METRICS: Sequence[Metric] = (
    Metric("accuracy", "accuracy", "accuracy", True, "", absolute=0.002, digits=4),
    Metric("sqnr_db", "comparison", "output_sqnr_db", True, "dB", absolute=0.5, digits=2),
    Metric("cycles", "profile", "cycles", False, "cycles", relative=0.01),
    Metric("ddr_bytes", "profile", "ddr_bytes", False, "bytes", relative=0.01),
    Metric("model_bytes", "sample_model", "model_bytes", False, "bytes", relative=0.01),
    Metric("host_ops", "sample_model", "host_ops", False, "ops", digits=0),
    Metric("seconds", None, "seconds", False, "s", absolute=10.0, relative=0.5, digits=2),
)
"""In the order of a report. Everything but the seconds is the same on every run of the same sources."""
