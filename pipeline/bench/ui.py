"""
Of `bench dagster`, what is seen in the browser: how soon the first page is there, and how soon many partitions are.

    first_page_s        from the start of `tpuflow ui` on an empty home to the list of assets in an open Chromium
    partitions_listed_s from opening an asset's partitions to their being listed, every other one materialized
"""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from compiler.build.flow import TARGETS
from pipeline.bench.browser import chromium, installed
from pipeline.bench.report import Row

PARTITIONS = 1000
"""At least so many; half of them materialized."""

ASSET = "profile"


def rows(told: Callable[[str], object]) -> Iterator[Row]:
    """Both figures, on an instance and a store of their own. Raises NotInstalled without Chromium, NotSeen."""
    program = installed()
    with TemporaryDirectory() as folder, chromium(program, Path(folder, "profile")) as page:
        os.environ |= {"DAGSTER_HOME": f"{folder}/dagster", "TPUFLOW_STORE": f"{folder}/build"}
        told("the first page")
        start = time.perf_counter()
        with _served() as address:
            page.go_when_served(f"{address}/assets")
            page.see("canonical_mlir")
            yield Row("empty home", "first_page_s", round(time.perf_counter() - start, 2), "s")
            told(f"{PARTITIONS} partitions")
            partitions = _fill()
            start = time.perf_counter()
            page.go(f"{address}/assets/{ASSET}?view=partitions")
            page.see(f"Materialized ({partitions // 2})")
            page.see(TARGETS[-1])
            yield Row(f"{partitions} partitions", "partitions_listed_s", round(time.perf_counter() - start, 2), "s")


@contextmanager
def _served() -> Generator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-c", "from pipeline.cli import app; app()", "ui", "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL, start_new_session=True) as running:
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            running.send_signal(signal.SIGINT)


def _fill() -> int:
    """Add models until there are partitions enough and materialize every other one; how many there are then."""
    import dagster as dg

    from assets.partitions import MODELS, key_of
    from assets.zoo.zoo import InstalledZoo
    from compiler.build.flow import Target
    from pipeline.instance import open_instance

    with open_instance(InstalledZoo()) as instance:
        before = instance.get_dynamic_partitions(str(MODELS.name))
        models = [*before, *(f"model_{n:03}" for n in range(len(before), -(-PARTITIONS // len(TARGETS))))]
        instance.add_dynamic_partitions(str(MODELS.name), models)
        keys = [key_of(model, Target.parse(target)) for model in models for target in TARGETS]
        for key in keys[::2]:
            instance.report_runless_asset_event(dg.AssetMaterialization(ASSET, partition=key))
    return len(keys)
