"""Skipping, by name, what can't be downloaded here."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from assets.zoo.packages import PackageUnavailable
from assets.zoo.zoo import InstalledZoo


def files_of(model: str) -> Mapping[str, Path]:
    """The model's directories; skips the test if a package they come from can't be had."""
    try:
        return InstalledZoo().files(model)
    except PackageUnavailable as error:
        pytest.skip(str(error))
