"""`tpuflow store`: what the store holds, and keeping it within bounds."""

import os
import re

from compiler.build.collect import collect, summary
from compiler.build.shared import open_store
from compiler.build.store import Store
from pipeline.display import CONSOLE, table

UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12}


class DamagedStore(Exception):
    """Things in the store were not what they should be; they are gone and will be made again."""


class BadSize(ValueError):
    """A size that is no number of bytes; the message shows how to write one."""


class StillAbove(Exception):
    """The store takes more than its bound although nothing that may go is left; the message says how much."""


def show() -> None:
    """Print what the store holds: a row a stage, and all."""
    store = _store()
    rows, whole = summary(store)
    CONSOLE.print(table([*rows, {"stage": "all", **{name: whole[name] for name in whole if name != "partitions"}}]))
    CONSOLE.print(f"{store.root}: partitions: {whole['partitions']}")


def gc(verify: bool, unused: bool, max_bytes: str | None, keep_hours: float, dry_run: bool) -> None:
    """Collect, and say what went. Raises BadSize, DamagedStore if anything was damaged, StillAbove."""
    bound = None if max_bytes is None else bytes_of(max_bytes)
    done = collect(_store(), verify=verify, unused=unused, max_bytes=bound, recent=keep_hours * 3600, dry_run=dry_run)
    removed = "would remove" if dry_run else "removed"
    CONSOLE.print(
        f"{removed} {done.records} records, {done.objects} objects, {done.bytes:,} bytes; {done.left:,} bytes left"
    )
    if done.damaged:
        raise DamagedStore(f"{removed} {len(done.damaged)} damaged things: {', '.join(done.damaged)}; build again")
    if bound is not None and done.left > bound:
        raise StillAbove(
            f"{done.left:,} bytes are left, above {bound:,}: all of them are shown, kept for a baseline, or "
            f"were used in the last {keep_hours:g} hours (--keep-hours)"
        )


def bytes_of(text: str) -> int:
    """A size such as `20GB`, `1.5 MB` or `4096`. Raises BadSize."""
    found = re.fullmatch(r"([0-9.]+)\s*([A-Z]*)", text.strip().upper())
    try:
        return int(float(found[1]) * UNITS[found[2]]) if found else _bad(text)
    except (ValueError, KeyError):
        return _bad(text)


def _bad(text: str) -> int:
    raise BadSize(f"no size {text!r}; write a number of bytes, or one with {', '.join(name for name in UNITS if name)}")


def _store() -> Store:
    return open_store(os.environ.get("TPUFLOW_STORE", "build"))
