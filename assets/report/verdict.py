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
    count = len(night.lines)
    bad = [
        counted(number, what)
        for number, what in (
            (len(night.failures), "failure"),
            (len(night.missed), "missed check"),
            (len(night.regressions), "regression"),
        )
        if number
    ]
    if bad:
        listed = " and ".join([", ".join(bad[:-1]), bad[-1]] if bad[1:] else bad)
        return Verdict("bad", f"{listed} in {counted(count, 'partition')}")
    if not night.lines:
        return Verdict("fair", "There was no partition to look at")
    whole = "The one partition is" if count == 1 else f"All {count} partitions are"
    if night.without_baseline:
        return Verdict("fair", f"{whole} built; {len(night.without_baseline)} of {count} without a baseline yet")
    if night.lost:
        return Verdict("fair", f"{whole} built; {counted(len(night.lost), 'baseline record')} gone from the store")
    known = f"; {counted(len(night.known), 'check')} missed as in the baseline" if night.known else ""
    return Verdict("good", f"{whole} as good as the baseline, or better{known}")


def counted(number: int, what: str) -> str:
    """The number with its noun, in the plural but for one."""
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
