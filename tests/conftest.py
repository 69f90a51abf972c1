"""
Options and settings of the whole suite.

Properties are tried on the same examples every time; `--hypothesis-profile=explore` draws others.
"""

from __future__ import annotations

import pytest
from hypothesis import settings

from assets.zoo import packages
from compiler.build.kernels import keep_kernels
from compiler.build.keys import Code

keep_kernels(Code(), packages.cache() / "numba")

settings.register_profile("suite", deadline=None, derandomize=True)
settings.register_profile("explore", deadline=None)
settings.load_profile("suite")


def pytest_addoption(parser: pytest.Parser) -> None:
    """`--update-golden` writes expected files anew instead of comparing with them; `--update-screenshots` docs/ui."""
    parser.addoption("--update-golden", action="store_true", help="write expected files anew")
    parser.addoption("--update-screenshots", action="store_true", help="write the pictures of docs/ui anew")


@pytest.fixture
def update_golden(request: pytest.FixtureRequest) -> bool:
    """Whether expected files are to be written anew."""
    return bool(request.config.getoption("--update-golden"))
