"""Tests that need a framework, skipped by name where it isn't installed."""

from functools import cache

import pytest

from compiler.frontends.convert import absent
from compiler.frontends.foreign import KINDS


@cache
def needs(kind: str) -> pytest.MarkDecorator:
    """Skip the test without the framework's packages."""
    return pytest.mark.skipif(absent(kind), reason=f"no {' and '.join(KINDS[kind].packages)} installed")
