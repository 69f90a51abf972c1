"""
`tpuflow ui`: Dagster's web UI on the project's instance, told to reload when a source file changes.

What `dagster dev` does in five processes one after another is done at once here: the code server loads the definitions
while this process loads the web server, which then runs in it; the daemon follows when the first page is there.
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

import yaml

from assets.workshop import Workshop
from pipeline.commands.ui_client import ROOT, Address, reload_on_change
from pipeline.display import NOTES
from pipeline.instance import home, open_instance

LOCATION = "tpuflow"
"""The code location's name, as in `workspace.yaml`."""

START_SECONDS = 120.0
STOP_SECONDS = 15.0


class PortInUse(Exception):
    """The UI can't listen where it should; the message names the port."""


class ServiceStopped(Exception):
    """One of Dagster's processes did not start, or ended by itself; the message names its log."""


def serve(address: Address, workshop: Workshop | None = None, module: str = "pipeline.definitions") -> None:
    """Serve the definitions of a module until interrupted. Raises PortInUse, ServiceStopped."""
    refuse_used(address)
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.default_int_handler)
    workshop = workshop or Workshop()
    with (
        contextlib.suppress(KeyboardInterrupt),
        open_instance(workshop.builder.zoo),
        TemporaryDirectory(prefix="tpuflow-ui-") as folder,
        (home() / "ui.log").open("w") as log,
    ):
        point, workspace = Path(folder, "code.sock"), Path(folder, "workspace.yaml")
        place = {"grpc_server": {"socket": str(point), "location_name": LOCATION}}
        workspace.write_text(yaml.safe_dump({"load_from": [place]}))
        code = ["-m", module, "-d", str(ROOT), "--socket", str(point), "--location-name", LOCATION]
        with service(["dagster", "code-server", "start", *code], log) as code_server:
            from dagster_webserver.cli import cli

            _until_there(point, code_server, log.name)
            with _followed(address, workspace, log, workshop):
                listen = ["-h", address.host, "-p", str(address.port), "-w", str(workspace)]
                cli([*listen, "--dagster-log-level", "warning", "--suppress-warnings"], standalone_mode=False)


def refuse_used(address: Address) -> None:
    """Raise PortInUse unless a server can listen there."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            raise PortInUse(
                f"port {address.port} of {address.host} can't be had ({error.strerror}): choose another with --port"
            ) from error


@contextlib.contextmanager
def service(module: Sequence[str], log: IO[str]) -> Generator[subprocess.Popen[bytes]]:
    """Run a Python module as a process of a session of its own: what it starts ends with it."""
    command = [sys.executable, "-m", *module]
    with subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(STOP_SECONDS)
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)


@contextlib.contextmanager
def _followed(address: Address, workspace: Path, log: IO[str], workshop: Workshop) -> Generator[None]:
    """Meanwhile say where the first page is as soon as it is served, then start the daemon and watch the sources."""
    stop = threading.Event()

    def follow() -> None:
        if not address.answers(START_SECONDS, stop):
            return
        root = os.path.relpath(workshop.builder.store.root)
        NOTES.print(f"http://{address.host}:{address.port}   runs: {os.path.relpath(home())}   artifacts: {root}")
        with service(["dagster._daemon", "run", "-w", str(workspace)], log):
            reload_on_change(address, LOCATION, stop)

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def _until_there(point: Path, process: subprocess.Popen[bytes], log: str) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not point.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise ServiceStopped(f"Dagster's code server did not start; {log} says why")
        time.sleep(0.02)
