"""A notebook run from its first cell to its last, in a process of its own; the same bytes each time."""

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import papermill
from jupyter_client.manager import AsyncKernelManager
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from assets.notebooks.failure import CellFailed
from assets.notebooks.percent import KERNEL, numbered

ROOT = Path(__file__).parents[2]
"""The sources that a notebook imports: those of this process."""


class Kernel(AsyncKernelManager):
    """A process that imports the sources of this one, and reads no one's configuration of IPython."""

    async def start_kernel(self, **options: Any) -> None:
        """Start the process."""
        known = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "MPLBACKEND": "agg"}
        await self._async_start_kernel(**{**options, "env": known})


def execute(notebook: NotebookNode, parameters: Mapping[str, Any], folder: Path) -> NotebookNode:
    """
    The notebook with its outputs; its cells find `folder` as their working directory.

    Takes away what differs from run to run: times, random names, versions. Raises CellFailed.
    """
    with tempfile.TemporaryDirectory() as room:
        try:
            done = cast(
                "NotebookNode",
                papermill.execute_notebook(
                    notebook,
                    None,
                    parameters=dict(parameters),
                    progress_bar=False,
                    kernel_manager_class=Kernel,
                    resources={"metadata": {"path": str(folder)}},
                    extra_arguments=[f"--ipython-dir={room}"],
                    config=Config(Kernel={"transport": "ipc", "connection_file": f"{room}/kernel.json"}),
                    coalesce_streams=True,
                    store_widget_state=False,
                    shutdown_kernel="immediate",
                ),
            )
        except PapermillExecutionError as error:
            raise CellFailed(_where(notebook, error)) from error
    return _cleaned(done)


def _cleaned(notebook: NotebookNode) -> NotebookNode:
    notebook.metadata = NotebookNode(kernelspec=NotebookNode(KERNEL), language_info=NotebookNode(name="python"))
    for cell in notebook.cells:
        cell.metadata = NotebookNode({name: value for name, value in cell.metadata.items() if name == "tags"})
    return numbered(notebook)


def _where(notebook: NotebookNode, error: PapermillExecutionError) -> str:
    """Which cell it was. Papermill counts the one it puts in for parameters, and numbers code cells as Jupyter does."""
    heading = ""
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.startswith("#"):
            heading = cell.source.splitlines()[0].lstrip("# ")
        if cell.source == error.source:
            break
    under = f", below {heading!r}" if heading else ""
    return f"cell [{error.exec_count}]{under}: {error.ename}: {error.evalue}"
