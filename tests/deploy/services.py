"""
The services of a cluster on this machine, each on ports and in folders of its own, and none outliving the test.

They are Debian's `redis-server` and PostgreSQL, moto's S3, and the processes that `deploy/` documents.
"""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

import boto3
from billiard import util
from moto.server import ThreadedMotoServer

T = TypeVar("T")

REPOSITORY = Path(__file__).parents[2]
REDIS = shutil.which("redis-server")
POSTGRES = max(Path("/usr/lib/postgresql").glob("*/bin/postgres"), default=None)
SETPRIV = shutil.which("setpriv")


class NotUp(AssertionError):
    """A service did not come up, or what was waited for did not happen; the message has the end of the logs."""


def absent() -> str | None:
    """What of the services this machine lacks, None if it has all."""
    lacking = {"redis-server": REDIS, "postgresql": POSTGRES, "setpriv": SETPRIV}
    return ", ".join(name for name, found in lacking.items() if found is None) or None


def free_port() -> int:
    """A port of this machine that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


def until(what: str, seen: Callable[[], T | None], seconds: float = 120, log: Path | None = None) -> T:
    """What `seen` returns once it is something. Raises NotUp."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if found := seen():
            return found
        time.sleep(0.3)
    logs = sorted(log.glob("*.log")) if log else []
    raise NotUp("\n".join([f"never seen: {what}", *(f"--- {it.name}\n{it.read_text()[-3000:]}" for it in logs)]))


def listening(port: int) -> bool:
    """Whether anything listens there."""
    with socket.socket() as tried:
        return tried.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def running(
    command: Sequence[str], log: Path, environment: Mapping[str, str] | None = None, stop: int = signal.SIGTERM
) -> Generator[subprocess.Popen[bytes]]:
    """A process in a group of its own, which ends with this block, or with this process however it ends."""
    with log.open("ab") as out:
        process = subprocess.Popen(
            command,
            cwd=REPOSITORY,
            env={**known(), **(environment or {})},
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=lambda: util.set_pdeathsig(signal.SIGKILL),
        )
    try:
        yield process
    finally:
        if process.poll() is None:
            process.send_signal(stop)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(10)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@contextlib.contextmanager
def redis(folder: Path) -> Generator[int]:
    """A Redis that keeps nothing on disk, by its port."""
    assert REDIS is not None
    port = free_port()
    command = [REDIS, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder)]
    with running(command, folder / "redis.log"):
        until("redis", lambda: listening(port), log=folder)
        yield port


@contextlib.contextmanager
def postgres(folder: Path) -> Generator[int]:
    """A PostgreSQL with an empty database `dagster` of the user `tpuflow`, by its port."""
    assert POSTGRES is not None
    port, user = free_port(), "postgres" if os.getuid() == 0 else None
    # It refuses to run as root, and its user can't enter the test's folder.
    with tempfile.TemporaryDirectory(prefix="tpuflow-postgres-", ignore_cleanup_errors=True) as home:
        if user:
            shutil.chown(home, user)
        data = f"{home}/data"
        initdb = [str(POSTGRES.with_name("initdb")), "-D", data, "-U", "tpuflow", "--auth", "trust", "--no-sync"]
        with (folder / "postgres.log").open("ab") as out:
            subprocess.run(_as(user, initdb), check=True, stdout=out, stderr=out, cwd=home)
        settings = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": "", "fsync": "off"}
        options = [option for name, value in settings.items() for option in ("-c", f"{name}={value}")]
        command = _as(user, [str(POSTGRES), "-D", data, *options])
        with running(command, folder / "postgres.log", stop=signal.SIGINT):
            ready = [
                str(POSTGRES.with_name("createdb")),
                "-h",
                "127.0.0.1",
                "-p",
                str(port),
                "-U",
                "tpuflow",
                "dagster",
            ]
            until("postgres", lambda: subprocess.run(ready, capture_output=True).returncode == 0, log=folder)
            yield port


def known() -> dict[str, str]:
    """The environment of every process: this interpreter, and the modules of this tree."""
    return {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPOSITORY),
        "PYTHONWARNINGS": "ignore",
        "DAGSTER_DISABLE_TELEMETRY": "1",
    }


def database(port: int) -> dict[str, str]:
    """The environment that leads to the database on that port."""
    return {
        "TPUFLOW_POSTGRES_HOST": "127.0.0.1",
        "TPUFLOW_POSTGRES_PORT": str(port),
        "TPUFLOW_POSTGRES_USER": "tpuflow",
        "TPUFLOW_POSTGRES_PASSWORD": "none",
        "TPUFLOW_POSTGRES_DB": "dagster",
    }


def _as(user: str | None, command: Sequence[str]) -> list[str]:
    """The command under another user, killed when this process ends."""
    change = ["--reuid", user, "--regid", user, "--clear-groups"] if user else []
    return [str(SETPRIV), *change, "--pdeathsig", "KILL", *command]


@contextlib.contextmanager
def s3() -> Generator[dict[str, str]]:
    """An S3 server with the bucket `zoo`, by the environment that leads there."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    served = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    served.start()
    host, port = served.get_host_and_port()
    leads = {
        "AWS_ENDPOINT_URL": f"http://{host}:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
    }
    try:
        boto3.client(
            "s3", endpoint_url=leads["AWS_ENDPOINT_URL"], aws_access_key_id="key", aws_secret_access_key="secret"
        ).create_bucket(Bucket="zoo")
        yield leads
    finally:
        served.stop()


@dataclass
class Cluster:
    """Services that are up, and the environment that leads to them, as on every machine of the cluster."""

    folder: Path
    environment: Mapping[str, str]
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict[str, subprocess.Popen[bytes]])

    def of_machine(self, name: str) -> dict[str, str]:
        """The environment of one machine: its own Dagster home and its own cache of the store."""
        return {
            **self.environment,
            "DAGSTER_HOME": str(self.folder / name / "home"),
            "TPUFLOW_STORE_CACHE": str(self.folder / name / "cache"),
        }

    @contextlib.contextmanager
    def worker(self, name: str) -> Generator[subprocess.Popen[bytes]]:
        """A worker, started as `deploy/README.md` says."""
        environment = {**self.of_machine(name), "TPUFLOW_WORKER": name, "TPUFLOW_CONCURRENCY": "1"}
        with running([str(REPOSITORY / "deploy" / "worker.sh")], self.folder / f"{name}.log", environment) as process:
            self.workers[name] = process
            yield process

    @contextlib.contextmanager
    def daemon(self, module: str) -> Generator[subprocess.Popen[bytes]]:
        """Dagster's daemon over the definitions of a module."""
        command = [sys.executable, "-m", "dagster._daemon", "run", "-m", module]
        environment = self.of_machine("main")
        with running(command, self.folder / "daemon.log", environment) as process:
            yield process


@contextlib.contextmanager
def cluster(folder: Path, settings: Path, **environment: str) -> Generator[Cluster]:
    """Redis, PostgreSQL and S3, and the environment that `deploy/` asks for."""
    with redis(folder) as broker, postgres(folder) as port, s3() as store:
        yield Cluster(
            folder,
            {
                "DAGSTER_EVENT_LOG_CONSUMER_DAEMON_INTERVAL_SECONDS": "1",
                "TPUFLOW_DAGSTER_YAML": str(settings),
                "TPUFLOW_BROKER": f"redis://127.0.0.1:{broker}/0",
                "TPUFLOW_RESULTS": f"redis://127.0.0.1:{broker}/1",
                "TPUFLOW_STORE": "s3://zoo/store",
                **database(port),
                **store,
                **environment,
            },
        )
