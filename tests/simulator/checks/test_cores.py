"""What the checks say of two cores: a message that is missing, or too early, or never sent, is found."""

from __future__ import annotations

from simulator.checks.check import check
from simulator.isa.record import Command, encode
from simulator.isa.table import Engine, Region
from simulator.model_file import Model
from tests.simulator.hand_made import model
from tests.simulator.two_cores import BYTES, halves, with_gdma


def changed(at: int, command: Command, core: int = 1) -> Model:
    """The program with another GDMA record on a core."""
    gdma = halves().cores[core].gdma.copy()
    gdma[at] = encode([command])[0]
    return with_gdma(halves(), core, gdma)


def test_a_sound_program() -> None:
    assert check(halves()) == []


def test_a_load_that_no_message_orders() -> None:
    (found,) = check(changed(3, Command("SEND")))
    assert (found.check, found.core, found.record, found.other) == ("races", 1, 5, 2)
    assert (found.region, found.start, found.stop) == (Region.ACTIVATION, 0, BYTES)
    assert "RAW: LOAD reads" in found.message
    assert "core 0's GDMA record 2 writes" in found.message
    assert str(found).startswith("races: core 1, GDMA record 5")


def test_a_message_sent_too_early() -> None:
    gdma = halves().gdma.copy()
    gdma[[1, 2]] = gdma[[2, 1]]
    (found,) = [found for found in check(with_gdma(halves(), 0, gdma)) if found.check == "races"]
    assert (found.core, found.record, found.other) == (1, 5, 3)


def test_stores_to_the_same_place() -> None:
    made = halves()
    gdma = made.others[0].gdma.copy()
    gdma[5]["operands"][0] = made.gdma[5]["operands"][0]
    kinds = {found.message[:3] for found in check(with_gdma(made, 1, gdma)) if found.check == "races"}
    assert kinds == {"WAW"}


def test_a_store_over_what_another_core_may_still_read() -> None:
    made = halves()
    gdma = made.gdma.copy()
    gdma[5]["operands"][0] = made.gdma[1]["operands"][0]
    found = [found for found in check(with_gdma(made, 0, gdma)) if found.check == "races"]
    assert [(finding.message[:3], finding.core, finding.record, finding.other) for finding in found] in (
        [("WAR", 0, 6, 5)],
        [("RAW", 1, 5, 6)],
    )


def test_messages_that_cannot_come() -> None:
    for message in ({"core": 0, "count": 2}, {"core": 1, "count": 1}, {"core": 7, "count": 1}):
        (found,) = check(changed(3, Command("WAIT", params=message)))
        assert found.check == "structure"
        assert "deadlock: core 1: GDMA record 4 waits for SEND" in found.message


def test_one_core_has_none_to_wait_for() -> None:
    for message in ({"core": 0, "count": 1}, {"core": 1, "count": 1}, {"core": 0, "count": -1}):
        (found,) = check(model([], [Command("WAIT", params=message)]))
        assert (found.check, found.engine, found.record) == ("structure", Engine.GDMA, 1)
        assert "deadlock: core 0: GDMA record 1 waits for SEND" in found.message
