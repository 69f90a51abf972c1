"""A real Chromium driven over the DevTools protocol."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")

CLICK = """(() => {
  const all = [...document.querySelectorAll(%s)].filter(e => e.textContent.trim().startsWith(%s) && !e.disabled);
  const one = all[all.length - 1];
  if (!one) return false;
  one.click();
  return true;
})()"""

EXACTLY = """(() => {
  const all = [...document.querySelectorAll('label, div, span, a, button')].filter(e => e.textContent.trim() === %s);
  const one = all[all.length - 1];
  if (!one) return false;
  one.click();
  return true;
})()"""

FOCUS = """(() => {
  const one = [...document.querySelectorAll('input')].findLast(e => e.placeholder === %s);
  if (!one) return false;
  one.focus();
  one.select();
  return true;
})()"""

MIDDLE = """(async () => {
  const middle = () => {
    const e = %s, r = e && e.getBoundingClientRect();
    return r && [r.x + r.width / 2, r.y + r.height / 2];
  };
  const before = middle();
  await new Promise(done => setTimeout(done, 400));
  const after = middle();
  return before && after && before[0] === after[0] && before[1] === after[1] && after;
})()"""
"""The middle of an element that keeps still: a dialog moves while its parts arrive, and a press beside it closes it."""

WRITE = """(() => {
  const all = [...document.querySelectorAll('.CodeMirror')];
  const one = all.length && all[all.length - 1].CodeMirror;
  if (!one) return false;
  one.setValue(%s);
  one.focus();
  one.setCursor({line: one.lineCount() - 2, ch: 99});
  return true;
})()"""


class NotInstalled(Exception):
    """There is no browser."""


class NotSeen(AssertionError):
    """The page did not come to show something; the message has the text it showed."""


class Page:
    """One tab."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._number = 0

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One command of the protocol; its result."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": parameters}))
        while True:
            answer = json.loads(self._socket.recv(timeout=60))
            if answer.get("id") == self._number:
                assert "error" not in answer, answer
                return answer["result"]

    def evaluate(self, script: str) -> Any:
        """The value of an expression in the page."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        return result["result"].get("value")

    def go(self, url: str) -> bool:
        """Open an address; whether anything answers there."""
        return "errorText" not in self.call("Page.navigate", url=url)

    def go_when_served(self, url: str, seconds: float = 180) -> None:
        """Open an address as soon as it is served. Raises NotSeen."""
        deadline = time.monotonic() + seconds
        while not self.go(url):
            if time.monotonic() > deadline:
                raise NotSeen(f"nothing is served at {url}")
            time.sleep(0.1)

    def wait(self, script: str, seconds: float = 60) -> Any:
        """The first true value of an expression. Raises NotSeen."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if value := self.evaluate(script):
                return value
            time.sleep(0.2)
        raise NotSeen(f"{script}\nThe page shows:\n{self.text()[:3000]}")

    def see(self, text: str, seconds: float = 60) -> None:
        """Wait until the page shows a text. Raises NotSeen."""
        self.wait(f"document.body && document.body.innerText.includes({json.dumps(text)})", seconds)

    def click(self, text: str, selector: str = "button, a, [role=tab], [role=menuitem]", seconds: float = 60) -> None:
        """Click the innermost element of that kind whose text begins so, once it is there. Raises NotSeen."""
        self.wait(CLICK % (json.dumps(selector), json.dumps(text)), seconds)

    def click_exactly(self, text: str, seconds: float = 60) -> None:
        """Click the innermost element that says just this, once it is there. Raises NotSeen."""
        self.wait(EXACTLY % json.dumps(text), seconds)

    def type(self, placeholder: str, text: str, seconds: float = 60) -> None:
        """Type a text into the last field with that placeholder, in place of what it holds. Raises NotSeen."""
        self.wait(FOCUS % json.dumps(placeholder), seconds)
        self.call("Input.insertText", text=text)

    def press(self, find: str, seconds: float = 60) -> None:
        """Press the mouse in the middle of the element that a script finds, once it keeps still. Raises NotSeen."""
        x, y = self.wait(MIDDLE % find, seconds)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def write(self, text: str, seconds: float = 60) -> None:
        """Put a text into the last code editor of the page, the cursor at its end. Raises NotSeen."""
        self.wait(WRITE % json.dumps(text), seconds)

    def text(self) -> str:
        """What the page shows."""
        return str(self.evaluate("document.body ? document.body.innerText : ''"))

    def png(self) -> bytes:
        """What the page shows, as a PNG."""
        return base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])


def installed() -> str:
    """The program. Raises NotInstalled."""
    found = [path for name in PROGRAMS if (path := shutil.which(name))]
    if not found:
        raise NotInstalled("chromium is not installed (Debian: apt install chromium)")
    return found[0]


@contextmanager
def chromium(program: str, profile: Path) -> Generator[Page]:
    """A headless browser with one page, gone afterwards."""
    command = [
        program,
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--no-first-run",
        "--window-size=1400,1000",
        "--remote-debugging-port=0",
        f"--user-data-dir={profile}",
        "about:blank",
    ]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as browser:
        try:
            address = _address(profile / "DevToolsActivePort")
            with connect(address, max_size=None) as root:
                target = Page(root).call("Target.getTargets")["targetInfos"]
            page = next(info["targetId"] for info in target if info["type"] == "page")
            with connect(f"{address.rpartition('/devtools')[0]}/devtools/page/{page}", max_size=None) as socket:
                yield Page(socket)
        finally:
            browser.terminate()


def _address(file: Path) -> str:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if file.is_file() and len(lines := file.read_text().splitlines()) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.1)
    raise NotSeen("chromium did not say where it listens")
