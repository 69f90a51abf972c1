"""A store, an instance and a zoo of the tests' own."""

from pathlib import Path

import pytest

from assets import workshop
from tests.offline_zoo import OfflineZoo


@pytest.fixture
def offline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Everything below a temporary folder, the working directory; no model is downloaded. Returns the store's root."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TPUFLOW_STORE", str(tmp_path / "build"))
    monkeypatch.setenv("DAGSTER_HOME", str(tmp_path / "dagster"))
    zoo = OfflineZoo(tmp_path / "zoo")
    monkeypatch.setattr(workshop, "InstalledZoo", lambda: zoo)
    return tmp_path / "build"
