"""A night in one line."""

from dataclasses import dataclass

from assets.report.night import Night


@dataclass(frozen=True)
class Verdict:
    """The top line: `tone` is `bad`, `fair` or `good`."""

    tone: str
    text: str


def verdict(night: Night) -> Verdict:
    """What a reader wants to know first."""
    if night.trouble:
        return Verdict("bad", f"Nothing was planned: {night.trouble}")
    whole = _count(len(night.lines), "partition")
    bad = [
        _count(count, what)
        for count, what in (
            (len(night.failures), "failure"),
            (len(night.missed), "missed check"),
            (len(night.regressions), "regression"),
        )
        if count
    ]
    if bad:
        return Verdict("bad", f"{' and '.join([', '.join(bad[:-1]), bad[-1]] if bad[1:] else bad)} in {whole}")
    if not night.lines:
        return Verdict("fair", "There was no partition to look at")
    if night.without_baseline:
        return Verdict("fair", f"All {whole} built; {len(night.without_baseline)} of them have no baseline yet")
    if night.lost:
        return Verdict("fair", f"All {whole} built; {_count(len(night.lost), 'baseline record')} gone from the store")
    known = f"; {_count(len(night.known), 'check')} missed as in the baseline" if night.known else ""
    return Verdict("good", f"All {whole} as good as the baseline, or better{known}")


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
