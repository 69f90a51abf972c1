"""
Runs stages, each in a process that has imported nothing of ours, and tells what it read of the sources.

Takes on standard input a JSON list of {module, params, inputs, out}; prints, by module, the own files it imported or
opened. It imports nothing of ours itself.
"""

from __future__ import annotations

import importlib
import json
import os
import sys
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
PACKAGES = ("assets", "compiler", "pipeline", "simulator")
SLOW_TO_IMPORT = ("numpy", "onnx", "onnxruntime", "numba", "xdsl.dialects.builtin", "xdsl.parser", "ml_dtypes")


class StageFailed(Exception):
    """A stage ended otherwise than it should; the message names it, its end and its parameters."""


def read_by(job: dict[str, Any]) -> list[str]:
    """Run one stage here; the source files it opened, and those of the modules it imported."""
    opened = set[Path]()

    def note(event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open" and isinstance(arguments[0], str):
            opened.add(Path(arguments[0]))

    sys.addaudithook(note)
    inputs = {name: Path(path) for name, path in job["inputs"].items()}
    importlib.import_module(job["module"]).run(inputs, job["params"], Path(job["out"]))
    imported = {
        Path(str(module.__file__)) for module in list(sys.modules.values()) if getattr(module, "__file__", None)
    }
    within = (path.resolve() for path in opened | imported)
    own = (path.relative_to(ROOT) for path in within if path.is_relative_to(ROOT) and "__pycache__" not in path.parts)
    return sorted(path.as_posix() for path in own if path.parts[0] in PACKAGES)


def in_child(job: dict[str, Any]) -> list[str]:
    """`read_by` in a copy of this process. Raises StageFailed."""
    receive, send = os.pipe()
    if (child := os.fork()) == 0:
        # However it ends: a library's exit handlers would wait for threads that the parent alone has.
        status = 1
        try:
            with os.fdopen(send, "w") as pipe:
                json.dump(read_by(job), pipe)
            status = 0
        except BaseException:
            traceback.print_exc()
        sys.stderr.flush()
        os._exit(status)
    os.close(send)
    with os.fdopen(receive) as pipe:
        told = pipe.read()
    if status := os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]):
        how = f"by signal {-status}" if status < 0 else f"with exit code {status}, for the reason above"
        raise StageFailed(f"{job['module']} ended {how}; its parameters were {job['params']}")
    return json.loads(told)


if __name__ == "__main__":
    for name in SLOW_TO_IMPORT:
        importlib.import_module(name)
    print(json.dumps({job["module"]: in_child(job) for job in json.load(sys.stdin)}))
