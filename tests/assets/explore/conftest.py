"""The offline zoo's model over a store of the tests' own, made once for all tests here."""

from pathlib import Path

import pytest

from assets.explore.build import Build, load
from assets.workshop import Workshop
from tests.offline_zoo import OfflineZoo


@pytest.fixture(scope="session")
def lenet(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    root: Path = tmp_path_factory.mktemp("explore")
    return Workshop(root / "build", OfflineZoo(root / "zoo"))


@pytest.fixture(scope="session")
def net(lenet: Workshop) -> Build:
    return load("lenet", "e8-int8", lenet)
