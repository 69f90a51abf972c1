"""The webhook: what is posted, tried again, given up, and never fatal."""

import socket

import pytest

from assets.report import notifier
from assets.report.notifier import WEBHOOK, Notifier
from pipeline.bench.nights import webhook


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "PAUSE", 0.0)
    monkeypatch.delenv(WEBHOOK, raising=False)


def test_text_and_fields_are_posted(monkeypatch: pytest.MonkeyPatch) -> None:
    with webhook() as (address, came):
        monkeypatch.setenv(WEBHOOK, address)
        assert Notifier().tell("two regressions →", {"counts": {"built": 3}}) == "sent"
    assert came == [{"text": "two regressions →", "counts": {"built": 3}}]


def test_a_second_attempt_is_made_and_no_third() -> None:
    with webhook([503, 200]) as (address, came):
        assert Notifier(webhook=address).tell("hello", {}) == "sent"
    assert len(came) == 2
    with webhook([503]) as (address, came):
        assert Notifier(webhook=address).tell("hello", {}) == "not sent: HTTP Error 503: Service Unavailable"
    assert len(came) == 2


def test_nobody_listening_an_answer_that_never_comes_and_no_address() -> None:
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{silent.getsockname()[1]}/"
        assert Notifier(webhook=address).tell("hello", {}).startswith("not sent: ")
        silent.listen()
        assert "timed out" in Notifier(webhook=address, timeout=0.05).tell("hello", {})
    assert Notifier(webhook="file:///etc/passwd").tell("hello", {}).startswith("not sent: ")
    assert Notifier().tell("hello", {}) == f"nobody to tell: {WEBHOOK} is not set"
