"""A copy of the packages that may be edited, with stores of its own; each command in it is a fresh process."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from compiler.build import hashes

REPOSITORY = Path(__file__).parents[2]
COPIED = ("compiler", "simulator", "assets", "pipeline", "models")

Partition = tuple[str, str]


class EditFailed(Exception):
    """A line that a bench edits is not in the sources any more; the message names file and line."""


class Replica:
    """The copy in a folder; `store` names one of its stores."""

    def __init__(self, root: Path) -> None:
        self.root = root
        for name in COPIED:
            shutil.copytree(REPOSITORY / name, root / name)

    def start(self, action: str, partitions: Sequence[Partition], store: str, **more: Any) -> subprocess.Popen[str]:
        """Begin a job of `pipeline.bench.probe`."""
        job = {"action": action, "partitions": partitions, **more}
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline.bench.probe"],
            cwd=self.root,
            env={
                **os.environ,
                "PYTHONPATH": str(self.root),
                "PYTHONDONTWRITEBYTECODE": "1",
                "TPUFLOW_STORE": str(self.root / store),
            },
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert process.stdin is not None
        json.dump(job, process.stdin)
        process.stdin.close()
        return process

    def finish(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        """What a job told. Raises CalledProcessError."""
        assert process.stdout is not None
        told = process.stdout.read()
        if process.wait():
            raise subprocess.CalledProcessError(process.returncode, process.args)
        return json.loads(told)

    def run(self, action: str, partitions: Sequence[Partition], store: str = "build", **more: Any) -> dict[str, Any]:
        """Do a job in a process of its own. Raises CalledProcessError."""
        return self.finish(self.start(action, partitions, store, **more))

    @contextmanager
    def edited(self, file: str, before: str, after: str) -> Generator[None]:
        """Within, the first `before` in a file is `after`. Raises EditFailed."""
        path = self.root / file
        whole = path.read_text()
        if before not in whole:
            raise EditFailed(f"{file} has no {before!r} to edit; correct the bench's own EDITS")
        path.write_text(whole.replace(before, after, 1))
        try:
            yield
        finally:
            path.write_text(whole)

    def files(self, partition: Partition, store: str = "build") -> Mapping[str, str]:
        """The content hash of each file that the partition shows, by name. Raises FileNotFoundError if it has none."""
        folder = self.root / store / "/".join(partition)
        found = {name: hashes.of_file(path) for name, path in hashes.files_in(folder)}
        if not found:
            raise FileNotFoundError(f"{folder} shows no file")
        return found
