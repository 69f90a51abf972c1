"""A store whose truth is below a URL: on S3 as moto serves it, in memory, and in a folder by its URL."""

from __future__ import annotations

import dataclasses
import logging
import threading
import uuid
from collections.abc import Generator
from pathlib import Path
from typing import Any

import boto3
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem

from compiler.build import hashes, shared
from compiler.build.collect import collect
from compiler.build.remote import Remote, StoreUnreachable, connect
from compiler.build.shared import DamagedObject, SharedStore, looking_ahead, open_store
from compiler.build.store import Record, Store

KEY = "k" * 64
BACKENDS = ("s3", "memory", "file")


@pytest.fixture(scope="module")
def server() -> Generator[str]:
    """The address of an S3 server in this process."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    served = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    yield f"http://{host}:{port}"
    served.stop()


@pytest.fixture
def s3(server: str, monkeypatch: pytest.MonkeyPatch) -> str:
    """A bucket of the test's own, by its URL; credentials are in the environment alone."""
    for name, value in {
        "AWS_ENDPOINT_URL": server,
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    bucket = f"zoo-{uuid.uuid4().hex[:12]}"
    boto3.client("s3").create_bucket(Bucket=bucket)
    return f"s3://{bucket}/store"


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "s3":
        return request.getfixturevalue("s3")
    return f"memory://{uuid.uuid4().hex}" if request.param == "memory" else f"file://{tmp_path}/share"


class Machines:
    """Stores on one URL, each with a cache of its own, as on machines of their own."""

    def __init__(self, url: str, root: Path) -> None:
        self.url, self._root, self._count = url, root, 0

    def start(self) -> SharedStore:
        self._count += 1
        return SharedStore(connect(self.url), self._root / f"machine{self._count}")


@pytest.fixture
def machines(url: str, tmp_path: Path) -> Machines:
    return Machines(url, tmp_path)


def put(store: Store, text: str = "text", key: str = KEY) -> Record:
    def make(out: Path) -> dict[str, Any]:
        (out / "a.txt").write_text(text)
        (out / "deep").mkdir()
        (out / "deep" / "b.bin").write_bytes(b"\0" * 1000)
        return {"made": text}

    return store.build(key, {"stage": "s", "code": {"a.py": "1"}, "params": {}, "inputs": {}}, make)


def counted(store: SharedStore, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of what the store asks its remote for from now on."""
    asked: list[str] = []
    for method in ("read", "listed", "create", "replace", "upload", "download"):
        original = getattr(Remote, method)

        def noted(self: Remote, *given: Any, what: str = method, call: Any = original) -> Any:
            asked.append(f"{what} {given[-1] if what == 'upload' else given[0]}")
            return call(self, *given)

        monkeypatch.setattr(Remote, method, noted)
    return asked


def test_what_one_machine_made_another_finds_and_reads(machines: Machines) -> None:
    made = put(machines.start())
    other = machines.start()
    found = other.get(KEY)
    assert found is not None
    assert found.hit
    assert (found.ref.hash, found.metadata, found.recipe) == (made.ref.hash, made.metadata, made.recipe)
    assert other.code(str(found.recipe["code"])) == {"a.py": "1"}
    assert not other.object_path(made.ref.hash).exists()
    assert (found.ref.path / "a.txt").read_text() == "text"
    assert hashes.of_directory(found.ref.path) == made.ref.hash
    assert put(other, "never made").ref == made.ref


def test_an_empty_artifact_travels_too(machines: Machines) -> None:
    made = machines.start().build(KEY, {}, lambda out: {})
    found = machines.start().get(KEY)
    assert found is not None
    assert found.ref.hash == made.ref.hash
    assert list(found.ref.path.iterdir()) == []


def test_a_folder_that_fills_while_it_is_listed_is_no_file(s3: str, monkeypatch: pytest.MonkeyPatch) -> None:
    remote = connect(s3)
    base = f"{s3.removeprefix('s3://')}/cas/{KEY}"
    itself = {base: {"name": base, "size": 0, "type": "directory", "StorageClass": "DIRECTORY"}}

    def find(files: object, path: str, detail: bool) -> dict[str, dict[str, Any]]:
        return itself

    monkeypatch.setattr(S3FileSystem, "find", find)
    assert remote.listed(f"cas/{KEY}") == {}


def test_what_a_partition_shows_is_seen_by_all(machines: Machines) -> None:
    one, two = machines.start(), machines.start()
    one.point("m/t", "s", put(one))
    assert (two.read("m/t", "s").path / "a.txt").read_text() == "text"
    two.point("m/t", "s", put(two, "other", "o" * 64))
    assert one.shown("m/t", "s") == two.shown("m/t", "s")
    assert (one.read("m/t", "s").path / "a.txt").read_text() == "other"
    assert list(one.names("refs")) == ["refs/m/t.json"]
    with pytest.raises(LookupError, match="m/t has no other yet"):
        one.read("m/t", "other")


def test_of_machines_that_make_a_thing_at_once_all_keep_the_first(machines: Machines) -> None:
    stores = [machines.start() for _ in range(4)]
    all_made = threading.Barrier(len(stores))
    records: list[Record] = []

    def build(store: SharedStore, text: str) -> None:
        def make(out: Path) -> dict[str, Any]:
            (out / "a.txt").write_text(text)
            all_made.wait(30)
            return {"made": text}

        records.append(store.build(KEY, {}, make))

    threads = [threading.Thread(target=build, args=(store, str(index))) for index, store in enumerate(stores)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    later = machines.start().get(KEY)
    assert later is not None
    assert len(records) == len(stores)
    assert {record.ref.hash for record in records} == {later.ref.hash}
    assert {record.metadata["made"] for record in records} == {later.metadata["made"]}
    assert {store.get(KEY) is not None and put(store).ref.hash for store in stores} == {later.ref.hash}


class Killed(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize("dies_at", [1, 2, 3])
def test_a_killed_upload_leaves_nothing_visible(
    machines: Machines, monkeypatch: pytest.MonkeyPatch, dies_at: int
) -> None:
    store = machines.start()
    writes: list[str] = []
    with monkeypatch.context() as patched:
        for method in ("upload", "create"):
            original = getattr(type(store.remote), method)

            def dying(self: Remote, first: Any, second: Any, call: Any = original) -> Any:
                name = next(given for given in (first, second) if isinstance(given, str))
                if name.startswith(("cas/", "records/")):
                    writes.append(name)
                if len(writes) == dies_at:
                    raise Killed
                return call(self, first, second)

            patched.setattr(type(store.remote), method, dying)
        with pytest.raises(Killed):
            put(store)
    other = machines.start()
    assert other.get(KEY) is None
    assert other.names("records") == []
    assert store.get(KEY) is None
    assert machines.start().get(KEY) is None
    made = put(other)
    found = store.get(KEY)
    assert found is not None
    assert found.ref == made.ref
    assert (machines.start().bring(found.ref) / "deep" / "b.bin").stat().st_size == 1000


def test_an_object_that_is_not_what_its_hash_says_is_refused_by_name(machines: Machines) -> None:
    made = put(machines.start())
    other = machines.start()
    name = f"cas/{made.ref.hash}/a.txt"
    other.remote.replace(name, b"tExt")
    found = other.get(KEY)
    assert found is not None
    with pytest.raises(DamagedObject, match=rf"{made.ref.hash}.*not what the hash says"):
        _ = found.ref.path
    assert not other.object_path(made.ref.hash).exists()
    other.remote.replace(name, b"text")
    assert (found.ref.path / "a.txt").read_text() == "text"


def test_a_collected_record_is_forgotten_everywhere(machines: Machines) -> None:
    one, two = machines.start(), machines.start()
    put(one)
    assert two.get(KEY) is not None
    one.drop(f"records/{KEY}.jsonl")
    assert one.get(KEY) is None
    two.forget_collected()
    assert two.get(KEY) is None
    assert put(two, "anew").hit is False


def test_collecting_removes_what_nothing_shows_and_no_upload_in_progress(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, two = machines.start(), machines.start()
    shown, other = put(one, "shown", "a" * 64), put(one, "other", "b" * 64)
    one.point("m/t", "s", shown)
    one.remote.replace(f"cas/{'c' * 64}/half", b"of an object")
    assert two.get(other.key) is not None
    assert collect(two, unused=True, recent=0).objects == 0
    assert {name.partition("/")[0] for name in two.remote.listed("cas")} == {shown.ref.hash, other.ref.hash, "c" * 64}
    monkeypatch.setattr(shared, "SETTLED_S", -1.0)
    assert collect(two, unused=True, recent=0).objects == 2
    assert {name.partition("/")[0] for name in two.remote.listed("cas")} == {shown.ref.hash}
    later = machines.start()
    assert later.get(other.key) is None
    assert (later.read("m/t", "s").path / "a.txt").read_text() == "shown"


def test_a_damaged_copy_here_takes_nothing_away_there(machines: Machines) -> None:
    one = machines.start()
    made = put(one)
    one.point("m/t", "s", made)
    copy = one.object_path(made.ref.hash) / "a.txt"
    copy.chmod(0o644)
    copy.write_text("tExt")
    assert collect(one, verify=True).damaged == (f"cas/{made.ref.hash}",)
    assert (one.read("m/t", "s").path / "a.txt").read_text() == "text"


def test_a_store_begun_anew_at_a_url_is_another_store(machines: Machines) -> None:
    one = machines.start()
    made = put(one)
    one.point("m/t", "s", made)
    for folder in ("records", "cas", "refs", "code"):
        for name in one.remote.listed(folder):
            one.remote.remove(f"{folder}/{name}")
    one.remote.remove("format")
    one.remote.remove("epoch")
    again = SharedStore(connect(machines.url), one.root)
    assert again.get(KEY) is None
    assert again.refs("m/t") == {}
    assert put(again).hit is False


def test_planning_many_unchanged_partitions_asks_for_their_refs_and_nothing_else(
    machines: Machines, monkeypatch: pytest.MonkeyPatch
) -> None:
    maker = machines.start()
    partitions, stages = [f"m{index}/t" for index in range(5)], ["a", "b"]
    for partition in partitions:
        for stage in stages:
            maker.point(partition, stage, put(maker, partition + stage, hashes.of_value([partition, stage])))
    planner = machines.start()
    asked = counted(planner, monkeypatch)
    with looking_ahead(planner, partitions):
        for partition in partitions:
            for stage, shown in planner.refs(partition).items():
                record = planner.get(hashes.of_value([partition, stage]))
                assert record is not None
                assert record.ref.hash == shown.object
    assert asked == []
    first = planner.get(hashes.of_value([partitions[0], "a"]))
    assert first is not None
    assert first.metadata["made"] == "m0/ta"
    assert asked == [f"read records/{first.key}.jsonl"]
    assert dataclasses.replace(first, hit=False).head.files == {"a.txt": len("m0/ta"), "deep/b.bin": 1000}
    planner.refs(partitions[0])
    assert asked[1:] == ["read refs/m0/t.json"]


def test_a_record_that_was_seen_is_never_asked_for_again(machines: Machines, monkeypatch: pytest.MonkeyPatch) -> None:
    put(machines.start())
    other = machines.start()
    asked = counted(other, monkeypatch)
    assert [other.get(KEY) is not None for _ in range(3)] == [True] * 3
    assert asked == [f"read records/{KEY}.jsonl"]


def test_a_server_that_is_away_is_named_with_what_to_look_at(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.core.S3FileSystem.retries", 1)
    with pytest.raises(
        StoreUnreachable, match=r"s3://zoo/store: can't read format: .*127\.0\.0\.1:9.*AWS_ENDPOINT_URL"
    ):
        SharedStore(connect("s3://zoo/store"), tmp_path)


def test_a_bucket_that_is_not_there_is_named(s3: str, tmp_path: Path) -> None:
    with pytest.raises(StoreUnreachable, match=r"s3://no-such-bucket/store.*make the bucket"):
        SharedStore(connect("s3://no-such-bucket/store"), tmp_path)


@pytest.mark.parametrize("place", ["gs://bucket/store", "nonsense://bucket"])
def test_a_url_that_nothing_is_installed_for_is_refused(place: str) -> None:
    with pytest.raises(StoreUnreachable, match=f"{place}: .*install"):
        connect(place)


def test_a_place_is_a_folder_or_a_url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TPUFLOW_CACHE", str(tmp_path / "downloads"))
    monkeypatch.delenv("TPUFLOW_STORE_CACHE", raising=False)
    assert type(open_store(str(tmp_path / "store"))) is Store
    here, there = open_store("memory://here"), open_store("memory://there")
    assert isinstance(here, SharedStore)
    assert here.root.parent == tmp_path / "downloads" / "stores"
    assert here.root != there.root
    monkeypatch.setenv("TPUFLOW_STORE_CACHE", str(tmp_path / "chosen"))
    assert open_store("memory://here").root == tmp_path / "chosen"
