"""`tpuflow ui`: Dagster's web UI on the project's instance, told to reload when a source file changes."""

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from pathlib import Path

from watchfiles import PythonFilter, watch

from assets.workshop import Workshop
from pipeline.display import NOTES
from pipeline.errors import PACKAGES
from pipeline.instance import open_instance

ROOT = Path(__file__).parents[2]
"""The repository: where `workspace.yaml` is."""

LOCATION = "tpuflow"
"""The code location's name in `workspace.yaml`."""

RELOAD = """
mutation Reload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) { __typename }
}
"""


def serve(port: int) -> int:
    """Serve until interrupted; the exit code of Dagster."""
    open_instance(Workshop().builder.zoo).dispose()
    command = [sys.executable, "-m", "dagster", "dev", "-w", "workspace.yaml", "-h", "127.0.0.1", "-p", str(port)]
    stop = threading.Event()
    for signum in (signal.SIGINT, signal.SIGTERM):
        signal.signal(signum, signal.default_int_handler)
    with subprocess.Popen(command, cwd=ROOT, env=os.environ.copy()) as server:
        watcher = threading.Thread(target=_reload_on_change, args=(port, stop), daemon=True)
        watcher.start()
        try:
            return server.wait()
        except KeyboardInterrupt:
            server.terminate()
            return 0
        finally:
            stop.set()


def _reload_on_change(port: int, stop: threading.Event) -> None:
    folders = [ROOT / package for package in PACKAGES]
    for _ in watch(*folders, watch_filter=PythonFilter(extra_extensions=(".yaml", ".toml")), stop_event=stop):
        try:
            query(port, RELOAD, {"location": LOCATION})
        except urllib.error.URLError as error:
            NOTES.print(f"sources changed, but the UI could not be told: {error.reason}")


def query(port: int, text: str, variables: dict[str, str]) -> object:
    """Ask the server's GraphQL; the answer as JSON values. Raises URLError where there is no server."""
    body = json.dumps({"query": text, "variables": variables}).encode()
    request = urllib.request.Request(
        f"http://127.0.0.1:{port}/graphql", body, headers={"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)
