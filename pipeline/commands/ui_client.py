"""The running UI, asked and told over its own GraphQL."""

import json
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from watchfiles import PythonFilter, watch

from assets.errors import PACKAGES
from pipeline.display import NOTES

ROOT = Path(__file__).parents[2]
"""Where the packages are."""

RELOAD = """
mutation Reload($location: String!) {
  reloadRepositoryLocation(repositoryLocationName: $location) {
    ... on WorkspaceLocationEntry { locationOrLoadError { ... on PythonError { message } } }
  }
}
"""


class Address(NamedTuple):
    """Where the UI listens."""

    host: str
    port: int

    def query(self, text: str, variables: dict[str, Any] | None = None) -> Any:
        """The `data` of GraphQL's answer, as JSON values. Raises URLError where there is no server."""
        body = json.dumps({"query": text, "variables": variables or {}}).encode()
        kind = {"Content-Type": "application/json"}
        request = urllib.request.Request(f"http://{self.host}:{self.port}/graphql", body, headers=kind)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["data"]

    def answers(self, seconds: float, stop: threading.Event) -> bool:
        """Wait until the server answers; whether it did within that time and before `stop`."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline and not stop.is_set():
            try:
                self.query("{ version }")
            except OSError:
                stop.wait(0.05)
            else:
                return True
        return False


def reload_on_change(address: Address, location: str, stop: threading.Event) -> None:
    """Have the definitions loaded anew whenever a source, a model's record or a preset changes, until `stop`."""
    folders = [ROOT / package for package in PACKAGES]
    for _ in watch(*folders, watch_filter=PythonFilter(extra_extensions=(".yaml", ".toml")), stop_event=stop):
        try:
            answer: dict[str, Any] = address.query(RELOAD, {"location": location})["reloadRepositoryLocation"]
        except urllib.error.URLError as error:
            NOTES.print(f"sources changed, but the UI could not be told: {error.reason}")
            continue
        loaded: dict[str, str] = answer.get("locationOrLoadError") or {}
        fault = loaded.get("message")
        NOTES.print(f"sources changed and don't load: {fault}" if fault else "sources changed: loaded anew")
