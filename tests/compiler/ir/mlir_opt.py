"""LLVM's own tool as the reference for text."""

from __future__ import annotations

import shutil
import subprocess

import pytest

TOOL = "mlir-opt-22"
needs_mlir_opt = pytest.mark.skipif(shutil.which(TOOL) is None, reason=f"{TOOL} isn't installed (mlir-22-tools)")


def printed(source: str) -> str:
    """What mlir-opt makes of a module, names in place. Raises CalledProcessError if it can't read it."""
    options = ["--allow-unregistered-dialect", "--mlir-print-debuginfo", "--mlir-print-local-scope"]
    return subprocess.run([TOOL, *options], input=source, capture_output=True, text=True, check=True).stdout
