"""Stores that were damaged, filled up, closed or made by another version: each is mended or named with the mend."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from compiler.build import hashes
from compiler.build.builder import Builder
from compiler.build.collect import collect, damaged
from compiler.build.faults import StoreUnusable
from compiler.build.flow import Target
from compiler.build.keys import Code
from compiler.build.plan import Action, plan
from compiler.build.record import DamagedRecord
from compiler.build.store import Store
from tests.compiler.build import toy

REPOSITORY = Path(__file__).parents[3]
TARGET = Target("x64", "int8")
PARTITION = "toy/x64-int8"


@pytest.fixture(scope="module")
def code(tmp_path_factory: pytest.TempPathFactory) -> Code:
    folder = tmp_path_factory.mktemp("sources")
    toy.write(folder)
    with toy.importable(folder):
        return Code(("toy",))


class Bench:
    """The toy compiler, imported here, over a store in a folder of its own."""

    def __init__(self, code: Code, root: Path) -> None:
        toy.write(root)
        self.root = root
        self.builder = Builder(Store(root / "store"), toy.ToyZoo(root), code, toy.FLOW)
        self.store = self.builder.store

    def ran(self) -> list[str]:
        records = self.builder.build(self.builder.zoo.settings("toy"), TARGET)
        return [name for name, record in records.items() if not record.hit]

    def due(self) -> dict[str, tuple[Action, str]]:
        steps = plan(self.builder, self.builder.zoo.settings("toy"), TARGET)
        return {step.stage: (step.action, step.reason) for step in steps if step.action is not Action.NOTHING}

    def files(self) -> dict[str, bytes]:
        """What people see of the partition."""
        return {path.name: path.read_bytes() for path in sorted((self.store.root / PARTITION).iterdir())}

    def record(self, stage: str) -> Path:
        return self.store.record_path(self.store.refs(PARTITION)[stage].key)

    def object(self, stage: str) -> Path:
        return self.store.object_path(self.store.refs(PARTITION)[stage].object)


@pytest.fixture
def built(code: Code, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(code, tmp_path)
    with toy.importable(code.folder("toy").parent):
        assert bench.ran() == [stage.name for stage in toy.FLOW]
        yield bench


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-20])


def spoil(path: Path) -> None:
    path.write_bytes(b"{" + path.read_bytes())


@pytest.mark.parametrize("harm", [cut, spoil, Path.unlink])
def test_a_damaged_record_is_made_again(built: Bench, harm: Callable[[Path], object]) -> None:
    before = built.files()
    harm(built.record("group"))
    assert built.due() == {
        "group": (Action.RUN, "its record was collected or is damaged"),
        "codegen": (Action.MAYBE, "after group"),
    }
    assert built.ran() == ["group"]
    assert built.due() == {}
    assert built.files() == before


def test_metadata_that_cannot_be_read_is_named_and_collected(built: Bench) -> None:
    path = built.record("group")
    lines = path.read_bytes().split(b"\n")
    path.write_bytes(b"\n".join([*lines[:2], b"{" + lines[2][2:], b""]))
    record = built.store.get(path.stem)
    assert record is not None
    with pytest.raises(DamagedRecord, match=rf"record {path.stem} .*`tpuflow store gc --verify` removes it"):
        record.metadata.get("groups")
    assert damaged(built.store) == [f"records/{path.name}"]
    assert collect(built.store, verify=True).damaged == (f"records/{path.name}",)
    assert built.ran() == ["group"]
    assert damaged(built.store) == []


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b'{"group": {"key": 1}}', b"\xff\xfe"])
def test_damaged_refs_are_written_again_without_running_anything(built: Bench, text: bytes) -> None:
    before, refs = built.files(), built.store.inner / "refs" / f"{PARTITION}.json"
    held = refs.read_bytes()
    refs.write_bytes(text)
    assert damaged(built.store) == [f"refs/{PARTITION}.json"]
    assert {action for action, _ in built.due().values()} == {Action.REPOINT}
    assert collect(built.store, unused=True, recent=0).records == 0, "what is shown can't be known"
    assert built.ran() == []
    assert built.due() == {}
    assert json.loads(refs.read_bytes()) == json.loads(held)
    assert built.files() == before


def test_an_object_that_is_gone_is_made_again(built: Bench) -> None:
    before = built.files()
    shutil.rmtree(built.object("canonical"))
    assert built.due()["canonical"] == (Action.RUN, "its object is gone or damaged")
    with pytest.raises(LookupError, match=r"object [0-9a-f]{16} is gone from .*: build it again"):
        built.store.read(PARTITION, "canonical")
    assert built.ran() == ["canonical"]
    assert built.files() == before


def test_an_artifact_edited_by_hand_is_made_again(built: Bench) -> None:
    before, file = built.files(), built.object("group") / "lg.txt"
    file.chmod(0o644)
    file.write_text("longer by hand" * 10)
    assert built.due()["group"] == (Action.RUN, "its object is gone or damaged")
    assert built.ran() == ["group"]
    assert built.files() == before


def test_a_file_added_to_an_object_by_hand_is_noticed(built: Bench) -> None:
    (built.object("group") / "notes.txt").write_text("mine")
    assert built.due()["group"][0] is Action.RUN
    assert built.ran() == ["group"]
    assert [path.name for path in built.object("group").iterdir()] == ["lg.txt"]


def test_an_edit_that_keeps_the_size_is_found_by_verifying(built: Bench) -> None:
    before, file = built.files(), built.object("group") / "lg.txt"
    file.chmod(0o644)
    file.write_bytes(bytes(reversed(file.read_bytes())))
    assert built.due() == {}
    assert collect(built.store, verify=True).damaged == (f"cas/{file.parent.name}",)
    assert built.ran() == ["group"]
    assert built.files() == before


def test_links_spoilt_by_hand_or_by_a_killed_build_are_set_again(built: Bench) -> None:
    before, folder = built.files(), built.store.root / PARTITION
    (folder / "lg.txt").unlink()
    (folder / "origin.txt").unlink()
    (folder / "origin.txt").symlink_to(built.object("group") / "lg.txt")
    assert built.ran() == []
    assert built.files() == before


def test_a_store_of_the_first_layout_is_taken_over(tmp_path: Path) -> None:
    inner = tmp_path / ".store"
    for name in ("keys/" + "a" * 64 + ".json", "refs/toy/x64-int8/group"):
        (inner / name).parent.mkdir(parents=True, exist_ok=True)
        (inner / name).write_text("{}")
    store = Store(tmp_path)
    assert store.refs("toy/x64-int8") == {}
    assert damaged(store) == []
    assert not (inner / "keys").exists()


def test_a_store_of_a_later_layout_is_refused(tmp_path: Path) -> None:
    Store(tmp_path).save("format", b"3")
    with pytest.raises(StoreUnusable, match=r"format: layout '3', this version knows 2; .*TPUFLOW_STORE"):
        Store(tmp_path)


FULL_OR_CLOSED = """
import sys
from pathlib import Path
from compiler.build.store import Store

def write(out):
    (out / "big").write_bytes(bytes(int(sys.argv[2])))
    return {}

store = Store(Path(sys.argv[1]))
record = store.get("b" * 64)
print("before", record is not None, len(store.refs("net/e8")))
if sys.argv[3:] == ["point"]:
    store.point("net/e8", "s", record)
else:
    try:
        store.build("a" * 64, {}, write)
    finally:
        print("left", [path.name for name in ("tmp", "cas", "records") for path in (store.inner / name).iterdir()])
"""


def mounted(command: str, *arguments: str | int | Path) -> subprocess.CompletedProcess[str]:
    """Run the program above in a mount namespace of its own, after a shell command that mounts."""
    if shutil.which("unshare") is None or subprocess.run(["unshare", "-rm", "true"], check=False).returncode:
        pytest.skip("no mounting here: unshare -rm")
    script = f'{command} || exit 77; exec "$@"'
    program = [sys.executable, "-c", FULL_OR_CLOSED, *(str(argument) for argument in arguments)]
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", script, "sh", *program],
        env={**os.environ, "PYTHONPATH": str(REPOSITORY)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77:
        pytest.skip("no mounting here: mount")
    return done


def test_a_full_disk_is_named_and_leaves_nothing_half_written(tmp_path: Path) -> None:
    done = mounted(f"mount -t tmpfs -o size=256k tmpfs {tmp_path}", tmp_path, 10**6)
    assert done.stdout.splitlines() == ["before False 0", "left []"]
    assert f"no space is left below {tmp_path}: free some, or shrink the store with `tpuflow store gc" in done.stderr
    assert "StoreUnusable" in done.stderr.splitlines()[-1]


def written(store: Store, key: str, text: str = "abc") -> Any:
    def write(out: Path) -> dict[str, Any]:
        (out / "a.txt").write_text(text)
        return {}

    return store.build(key * 64, {}, write)


def test_a_store_that_can_only_be_read_is_read_and_building_says_so(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.point("net/e8", "s", written(store, "b"))
    os.utime(store.record_path("b" * 64), (0, 0))
    mount = f"mount --bind {tmp_path} {tmp_path} && mount -o remount,ro,bind {tmp_path}"
    assert mounted(mount, tmp_path, 1, "point").stdout == "before True 1\n"
    done = mounted(mount, tmp_path, 1)
    assert done.stdout.startswith("before True 1\n")
    assert "can't be written (Read-only file system): name another store with TPUFLOW_STORE" in done.stderr


def test_what_is_full_while_pointing_leaves_the_old_one_shown(built: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    before = dict(built.store.refs(PARTITION))

    def full(link: Path, target: str) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "symlink_to", full)
        with pytest.raises(StoreUnusable, match="no space is left"):
            built.store.point(PARTITION, "origin", written(built.store, "c"))
    assert built.store.refs(PARTITION) == before
    assert built.ran() == []
    assert all(hashes.of_directory(path) == path.name for path in (built.store.inner / "cas").iterdir())
