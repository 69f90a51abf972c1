"""Nobody is told of what the tests do."""

import pytest

from assets.report.notifier import WEBHOOK


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """No webhook but the test's own."""
    monkeypatch.delenv(WEBHOOK, raising=False)
