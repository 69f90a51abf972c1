"""Files below a URL: the few operations a shared store needs, each of them done whole or not at all."""

from __future__ import annotations

import contextlib
import errno
import os
import tempfile
from collections.abc import Collection, Generator, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

from upath import UPath


class StoreUnreachable(Exception):
    """A remote store can't be used; the message has its URL, what went wrong and what to look at."""


class Entry(NamedTuple):
    """A file of a listing: its bytes, and the time of its last change in seconds since the epoch."""

    size: int
    changed: float


class Remote:
    """
    What is kept below `url`, such as `s3://bucket/prefix`. All names are relative to it.

    Credentials come from where the backend's own tools look for them (for S3: `AWS_ACCESS_KEY_ID`,
    `AWS_SECRET_ACCESS_KEY`, `AWS_ENDPOINT_URL`, or the machine's role); none is ever read from or written to a file.
    Every method raises StoreUnreachable.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        try:
            root = UPath(self.url, use_listings_cache=False, skip_instance_cache=True)
            self._files: Any = root.fs
        except (ImportError, ValueError) as error:
            raise StoreUnreachable(
                f"{self.url}: {error}; a store is a folder, s3://bucket/prefix (install tpuflow[cluster]) "
                "or another URL whose fsspec package is installed"
            ) from error
        self._root = root.path.rstrip("/")

    def read(self, name: str) -> bytes | None:
        """A file's bytes, None where there is none."""
        with self._said("read", name):
            try:
                return self._files.cat_file(self._path(name))
            except FileNotFoundError as error:
                _insist_on_bucket(error)
                return None

    def read_all(self, names: Collection[str]) -> dict[str, bytes]:
        """The bytes of those files that there are, asked for together."""
        paths = {self._path(name): name for name in names}
        with self._said("read", f"{len(paths)} files"):
            found: Mapping[str, Any] = self._files.cat(list(paths), on_error="return") if paths else {}
            for error in found.values():
                if isinstance(error, FileNotFoundError):
                    _insist_on_bucket(error)
                elif isinstance(error, Exception):
                    raise error
        return {paths[path]: data for path, data in found.items() if isinstance(data, bytes)}

    def listed(self, folder: str) -> dict[str, Entry]:
        """Each file below a folder, by its name within; nothing where there is no such folder."""
        base = self._path(folder)
        with self._said("list", folder):
            found: Mapping[str, Mapping[str, Any]] = self._files.find(base, detail=True)
        # A folder whose first file comes between two questions of one listing is listed as itself.
        files = {path: info for path, info in found.items() if info.get("type") != "directory"}
        return {path.removeprefix(f"{base}/"): Entry(int(info["size"]), _changed(info)) for path, info in files.items()}

    def create(self, name: str, data: bytes) -> bool:
        """
        Write a file unless there is one; whether this call wrote it.

        On S3 this is a conditional put (`If-None-Match: *`): of any number of writers one succeeds.
        """
        with self._said("write", name):
            try:
                self._files.pipe_file(self._path(name), data, mode="create")
            except FileExistsError:
                return False
        return True

    def replace(self, name: str, data: bytes) -> None:
        """Write a file, whether there is one or not; readers see the old or the new."""
        with self._said("write", name):
            self._files.pipe_file(self._path(name), data)

    def upload(self, file: Path, name: str) -> None:
        """Copy a local file there; nobody sees half of it."""
        with self._said("write", name):
            self._files.put_file(str(file), self._path(name))

    def download(self, name: str, file: Path) -> None:
        """Copy a file from there. Raises FileNotFoundError if it is gone."""
        with self._said("read", name):
            self._files.get_file(self._path(name), str(file))

    def remove(self, name: str) -> None:
        """Take a file away; no fault if it is gone already."""
        with self._said("remove", name), contextlib.suppress(FileNotFoundError):
            self._files.rm_file(self._path(name))

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}"

    @contextlib.contextmanager
    def _said(self, what: str, name: str) -> Generator[None]:
        """Name the URL in whatever a backend raises: each has classes of its own, so all are caught."""
        try:
            yield
        except (FileNotFoundError, StoreUnreachable):
            raise
        except Exception as error:
            raise StoreUnreachable(f"{self.url}: can't {what} {name}: {error}; {_mend(error)}") from error


class Folder(Remote):
    """A `file://` URL, such as a mounted share: whole or not at all by renaming and linking."""

    def create(self, name: str, data: bytes) -> bool:
        """Write a file unless there is one; whether this call wrote it."""
        with self._said("write", name), self._aside(name) as (fresh, path):
            fresh.write_bytes(data)
            try:
                os.link(fresh, path)
            except FileExistsError:
                return False
        return True

    def replace(self, name: str, data: bytes) -> None:
        """Write a file, whether there is one or not; readers see the old or the new."""
        with self._said("write", name), self._aside(name) as (fresh, path):
            fresh.write_bytes(data)
            fresh.replace(path)

    def upload(self, file: Path, name: str) -> None:
        """Copy a local file there; nobody sees half of it."""
        self.replace(name, file.read_bytes())

    @contextlib.contextmanager
    def _aside(self, name: str) -> Generator[tuple[Path, Path]]:
        path = Path(self._path(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._root, prefix=".tmp-", ignore_cleanup_errors=True) as folder:
            yield Path(folder, "fresh"), path


def connect(url: str) -> Remote:
    """The remote at a URL. Raises StoreUnreachable for one that no backend is installed for."""
    return Folder(url) if url.startswith("file:") else Remote(url)


def _insist_on_bucket(error: FileNotFoundError) -> None:
    """A bucket that is not there is a fault, though its backend says the same of it as of an absent file."""
    answer: Mapping[str, Any] = getattr(error.__cause__, "response", {})
    if answer.get("Error", {}).get("Code") == "NoSuchBucket":
        raise OSError(errno.ENXIO, str(error)) from error


def _changed(info: Mapping[str, Any]) -> float:
    """The time of change in a listing, which each backend calls by a name of its own."""
    found = next(info[name] for name in ("LastModified", "mtime", "last_modified", "created") if name in info)
    return found.timestamp() if isinstance(found, datetime) else float(found)


def _mend(error: Exception) -> str:
    if isinstance(error, PermissionError) or "redential" in type(error).__name__:
        return "give the right credentials in the environment (for S3: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)"
    if isinstance(error, OSError) and error.errno == errno.ENXIO:
        return "make the bucket, or correct its name in TPUFLOW_STORE"
    return "see that the server is up and its address right (for a server other than AWS: AWS_ENDPOINT_URL)"
