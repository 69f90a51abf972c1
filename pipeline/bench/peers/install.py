"""
Make the environments of the tools that `bench quant` holds ours against: `python -m pipeline.bench.peers.install`.

Each tool gets an environment of its own in the cache, named by its requirements, with the packages that these pin; the
command makes those whose names follow it, else all. `TPUFLOW_PEER_<NAME>`, the path of a Python, has another one used.
"""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from assets.zoo import packages
from pipeline.bench.peers.catalogue import FAMILIES

HERE = Path(__file__).parent
READY = ".ready"
"""A file that is there once everything is installed."""


class Absent(Exception):
    """A tool isn't there; the message says why and how to bring it."""


def python_of(family: str) -> Path:
    """The Python that has the tool. Raises Absent."""
    if chosen := os.environ.get(f"TPUFLOW_PEER_{family.upper()}"):
        if not Path(chosen).exists():
            raise Absent(f"TPUFLOW_PEER_{family.upper()} is {chosen}, which isn't there")
        return Path(chosen)
    folder = environment(family)
    if not (folder / READY).exists():
        base(family)
        raise Absent(f"{family} isn't installed: python -m pipeline.bench.peers.install {family}")
    return folder / "bin" / "python"


def environment(family: str) -> Path:
    """The folder of the tool's environment, which is there or not."""
    digest = hashlib.sha256(requirements(family).read_bytes()).hexdigest()
    return packages.cache() / "peers" / f"{family}-{digest[:16]}"


def requirements(family: str) -> Path:
    """The file of pinned packages."""
    return HERE / f"{family}.txt"


def base(family: str) -> str:
    """The Python that the tool's environment is made of. Raises Absent if there is none of the version it needs."""
    wanted = FAMILIES[family].python
    found = shutil.which(wanted) if wanted else sys.executable
    if found is None or subprocess.run([found, "--version"], capture_output=True, check=False).returncode:
        raise Absent(f"{family} needs {wanted}, which isn't installed")
    return found


def install(family: str) -> Path:
    """Make the tool's environment, from nothing where it is half made; its Python. Raises Absent."""
    folder = environment(family)
    python = folder / "bin" / "python"
    if not (folder / READY).exists():
        commands = [
            [base(family), "-m", "venv", "--clear", str(folder)],
            [str(python), "-m", "pip", "install", "--quiet", "--requirement", str(requirements(family))],
            [str(python), "-c", f"import {FAMILIES[family].imports}"],
        ]
        for command in commands:
            done = subprocess.run(command, capture_output=True, text=True, check=False)
            if done.returncode:
                said = [line for line in done.stderr.splitlines() if line.strip()]
                raise Absent(f"{family} can't be installed: {said[-1] if said else command[-1]}")
        (folder / READY).touch()
    return python


def main(names: list[str]) -> int:
    """Install these, or all; 1 if one of them can't be."""
    failed = 0
    for family in names or FAMILIES:
        try:
            print(f"{family}: {install(family)}", flush=True)
        except Absent as absent:
            print(absent, file=sys.stderr, flush=True)
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
