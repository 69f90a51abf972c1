"""Orders, the baseline and the nights in a store that two machines share."""

from pathlib import Path

from assets.report import baseline, history, order
from assets.report.baseline import Accepted
from assets.report.night import Night
from assets.report.order import Order
from compiler.build.collect import collect
from compiler.build.remote import connect
from compiler.build.shared import SharedStore
from tests.assets.report.test_compare import made


def test_what_one_machine_writes_the_other_reads(tmp_path: Path) -> None:
    remote = connect(f"file://{tmp_path}/share")
    one, two = SharedStore(remote, tmp_path / "one"), SharedStore(remote, tmp_path / "two")
    fresh = Order("night", "nightly", "2026-03-09T02:00:00+00:00", True, [], [], [])
    held = order.save(one, fresh)
    assert order.unfinished(two) == ["night"]
    assert order.load(two, "night") == held
    order.close(two, held)
    assert order.unfinished(one) == []
    assert order.load(one, "night") == held
    accepted = {"m/t": Accepted("now", {"profile": made(one, "profile", "p", {}, cycles=1)})}
    baseline.move(one, accepted)
    assert baseline.load(two) == accepted
    collect(two, unused=True, recent=0)
    assert two.get(accepted["m/t"].built["profile"].key)
    history.keep(one, Night("night", "nightly", held.created))
    assert [past.id for past in history.latest(two)] == ["night"]
