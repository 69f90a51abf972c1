"""A process of its own that takes a model to the chip: what it costs in CPU seconds, its start and imports included."""

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

LOAD = "from simulator.runtime import PyRuntime; session = PyRuntime(sys.argv[1])"
RUN = """
import numpy
with numpy.load(sys.argv[2]) as held:
    session.run(None, {entry.name: held[entry.name] for entry in session.get_inputs()})
"""
DUMP = f"""{LOAD}
import numpy
with numpy.load(sys.argv[2]) as held:
    made = session.dump({{entry.name: held[entry.name] for entry in session.get_inputs()}})
made = {{name: array for name, array in made.items() if array.dtype != object}}
numpy.savez(sys.argv[3], **{{name: numpy.frombuffer(array.tobytes(), numpy.uint8) for name, array in made.items()}})
"""
"""Bytes of every tensor, by name; not of strings, which only the host makes."""
CYCLES = """
from pathlib import Path
from simulator.model_file import read
from simulator.profile import profile
profile(read(Path(sys.argv[1])))
"""


def cpu_seconds(program: str, *arguments: Path, settings: Mapping[str, str] | None = None, cores: int = 1) -> float:
    """
    User and system time of Python with `program`, on so many cores.

    It keeps modules as bytecode, as an installed package has them, whatever the environment says: in a folder of this
    process, so that the first call with a program is dearer. `settings` are further environment variables. Raises
    CalledProcessError.
    """
    pinned = f"import os, sys; os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[:cores]})\n{program}"
    command = [sys.executable, "-c", pinned, *map(str, arguments)]
    child = subprocess.Popen(command, env={**os.environ, **_bytecode(), **(settings or {})})
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise subprocess.CalledProcessError(child.returncode, command)
    return used.ru_utime + used.ru_stime


def _bytecode() -> Mapping[str, str]:
    """Variables that have Python keep bytecode; an empty one counts as unset."""
    return {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": _folder().name}


@cache
def _folder() -> TemporaryDirectory[str]:
    return TemporaryDirectory()
