"""The report's two forms: the same every time, safe to open, short in the event log, sortable in a browser."""

import shutil
import subprocess
from pathlib import Path

import pytest

from assets.report.compare import Change, Comparison
from assets.report.history import Past, keep, latest
from assets.report.metrics import METRICS
from assets.report.night import Line, Missed, Night
from assets.report.outcome import Outcome
from assets.report.render import html, markdown, summary
from assets.report.sparkline import sparkline
from assets.report.verdict import verdict
from compiler.build.store import Store

CYCLES = next(metric for metric in METRICS if metric.name == "cycles")
WORSE = Change("b/x64-int8", CYCLES, 900, 1000, "worse", "lg_mlir", "parameter effort: 2 → 1")
FAILED = Outcome("failed", "tpu_mlir", "<script>alert(1)</script> | no", "0123456789")
BASE = "http://ui.example:3000/"


def night(*more: Line) -> Night:
    lines = [
        Line("a/x64-int8", Outcome("unchanged"), {"cycles": 30_000.0}, Comparison(["cycles"]), accepted="then"),
        Line("b/x64-int8", Outcome("built"), {"cycles": 1000.0}, Comparison(["cycles"], [WORSE]), accepted="then"),
        Line(
            "c/x64-int8", Outcome("failed", "tpu_mlir", "<script>alert(1)</script> | no", "0123456789"), accepted="then"
        ),
        *more,
    ]
    return Night("nightly-1", "nightly", "2026-03-09T02:00:00+00:00", lines)


def past(count: int) -> list[Past]:
    return [Past(f"n{i}", "", "good", "", {"a/x64-int8": {"cycles": 30_000.0 + i}}) for i in range(count)]


def test_both_forms_are_the_same_every_time() -> None:
    assert html(night(), past(3), BASE) == html(night(), past(3), BASE)
    assert markdown(night(), past(3), BASE) == markdown(night(), past(3), BASE)


def test_the_page_needs_nothing_from_elsewhere_and_what_it_quotes_stays_text() -> None:
    page = html(night(), past(3), BASE)
    assert "<script>alert(1)</script>" not in page
    assert "src=" not in page
    assert "@import" not in page
    assert "http://ui.example:3000/assets/tpu_mlir?view=partitions&amp;partition=c%7Cx64-int8" in page
    assert "http://ui.example:3000/runs/0123456789" in page


def test_failures_come_before_regressions_and_those_before_all() -> None:
    for text in (html(night(), [], BASE), markdown(night(), [], BASE)):
        places = [text.index(title) for title in ("Failures", "Regressions", "All partitions")]
        assert places == sorted(places)
    assert "\\| no |" in markdown(night(), [], BASE)


@pytest.mark.parametrize(
    ("one", "tone", "text"),
    [
        (night(), "bad", "1 failure and 1 regression in 3 partitions"),
        (Night("n", "nightly", "", trouble="the disk is full"), "bad", "Nothing was planned: the disk is full"),
        (Night("n", "nightly", ""), "fair", "There was no partition to look at"),
        (Night("n", "", "", [Line("a/t", Outcome("built"))]), "fair", "built; 1 of 1 without a baseline yet"),
        (Night("n", "", "", [Line("a/t", Outcome("built"), accepted="then")]), "good", "as good as the baseline"),
    ],
)
def test_the_top_line_says_what_matters_most(one: Night, tone: str, text: str) -> None:
    assert verdict(one).tone == tone
    assert text in verdict(one).text


def test_a_check_that_failed_in_the_baseline_too_does_not_make_the_night_bad() -> None:
    known = Missed("a/t", "comparison:similar_enough", "cosine 0.9", known=True)
    line = Line("a/t", Outcome("built"), missed=[known], accepted="then")
    assert verdict(Night("n", "", "", [line])).text.endswith("1 check missed as in the baseline")
    fresh = Line("a/t", Outcome("built"), missed=[Missed("a/t", "c", "", known=False)], accepted="then")
    assert verdict(Night("n", "", "", [fresh])).tone == "bad"


def test_the_summary_fits_the_event_log() -> None:
    many = [Line(f"model{i}/x64-int8", Outcome("lost", "lg_mlir", "é" * 100), accepted="then") for i in range(200)]
    text = summary(markdown(night(*many), [], BASE))
    assert len(text.encode()) <= 4000
    assert text.endswith("… more in the report itself")


def test_a_sparkline_passes_over_what_is_missing_and_marks_the_last_value() -> None:
    drawn = sparkline([1.0, None, 3.0], "a < b")
    assert drawn.count(",") == 2
    assert "a &lt; b" in drawn
    assert 'cx="81.5" cy="2.5"' in drawn
    assert sparkline([None, float("nan")], "") == ""


def test_a_later_report_of_a_night_takes_the_place_of_the_first(tmp_path: Path) -> None:
    store = Store(tmp_path)
    keep(store, night())
    keep(store, night(Line("d/x64-int8", Outcome("built"))))
    [held] = latest(store)
    assert (held.id, held.tone, set(held.figures)) == ("nightly-1", "bad", {f"{name}/x64-int8" for name in "abcd"})


@pytest.mark.skipif(shutil.which("chromium") is None, reason="chromium is not installed")
def test_a_click_on_a_column_sorts_it_by_number(tmp_path: Path) -> None:
    page = html(night(Line("d/x64-int8", Outcome("built"), {"cycles": 5000.0})), past(2), BASE)
    click = "<script>document.querySelectorAll('#all th button')[4].click()</script>"
    place = tmp_path / "report.html"
    place.write_text(page.replace("</body>", f"{click}</body>"))
    command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    shown = subprocess.run([*command, "--dump-dom", place.as_uri()], check=True, capture_output=True, text=True).stdout
    table = shown.partition('<table id="all">')[2].partition("<tbody>")[2]
    names = [part.partition("</a>")[0].rpartition(">")[2] for part in table.split('<td class="name">')[1:]]
    assert names == ["b/x64-int8", "d/x64-int8", "a/x64-int8", "c/x64-int8"]
