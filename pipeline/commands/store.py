"""`tpuflow store gc`."""

from assets.workshop import store_root
from compiler.build.collect import collect
from compiler.build.store import Store
from pipeline.display import CONSOLE


class DamagedStore(Exception):
    """Objects were not what their hash says; they are gone and will be made again."""


def gc(verify: bool, unused: bool) -> None:
    """Collect, and say what went. Raises DamagedStore if anything was damaged."""
    done = collect(Store(store_root()), verify=verify, unused=unused)
    CONSOLE.print(f"removed {done.records} records, {done.objects} objects, {done.bytes:,} bytes")
    if done.damaged:
        raise DamagedStore(f"{len(done.damaged)} damaged objects removed: {', '.join(done.damaged)}")
