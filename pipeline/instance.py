"""The project's own Dagster instance: `.dagster` in the working directory."""

import fcntl
import os
import shutil
from pathlib import Path

import dagster as dg

from assets.partitions import MODELS
from compiler.build.flow import Zoo

SETTINGS = Path(__file__).with_name("dagster.yaml")
"""The instance of one machine; `$TPUFLOW_DAGSTER_YAML` names another, such as `deploy/dagster.yaml`."""


def home() -> Path:
    """`$DAGSTER_HOME`, or `.dagster` in the working directory."""
    return Path(os.environ.get("DAGSTER_HOME") or ".dagster").absolute()


def open_instance(zoo: Zoo) -> dg.DagsterInstance:
    """
    The instance with the project's settings, every model of the zoo a partition.

    The settings are `SETTINGS`, or the file `$TPUFLOW_DAGSTER_YAML`. Its databases are made under a lock: several
    processes that made them at once would leave them unusable.
    """
    folder = home()
    folder.mkdir(parents=True, exist_ok=True)
    os.environ["DAGSTER_HOME"] = str(folder)
    os.environ["DAGSTER_DISABLE_TELEMETRY"] = "1"
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        fresh = folder / "dagster.yaml.fresh"
        shutil.copyfile(os.environ.get("TPUFLOW_DAGSTER_YAML") or SETTINGS, fresh)
        fresh.replace(folder / "dagster.yaml")
        instance = dg.DagsterInstance.get()
        instance.add_dynamic_partitions(str(MODELS.name), list(zoo.names()))
        instance.get_run_records(limit=1)
        instance.all_instigator_state()
    return instance
