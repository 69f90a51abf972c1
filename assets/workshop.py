"""Where assets and the command line get the builder from: the zoo, the store and the sources as they are here."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

from assets.zoo import packages
from assets.zoo.zoo import InstalledZoo
from compiler.build.builder import QUIET, Builder, Listener
from compiler.build.flow import FLOW, Stage, Zoo
from compiler.build.kernels import keep_kernels
from compiler.build.keys import Code
from compiler.build.shared import open_store
from compiler.build.store import Store

CODE = Code()
"""The compiler's and the chip's sources as they were when this process began."""


STAGES = {stage.name: stage for stage in FLOW}


class Workshop:
    """
    A builder made on first use, and who listens to it.

    Artifacts go to `root`, else to `$TPUFLOW_STORE`, a folder or a URL, else to `build` in the working directory.
    """

    def __init__(
        self,
        root: Path | None = None,
        zoo: Zoo | None = None,
        code: Code = CODE,
        flow: Sequence[Stage] = FLOW,
        listener: Listener = QUIET,
    ) -> None:
        self._root, self._zoo, self._code, self._flow = root, zoo, code, flow
        self.listener = listener

    @cached_property
    def builder(self) -> Builder:
        """The builder, with numba's cache in its place."""
        store = Store(self._root) if self._root else open_store(os.environ.get("TPUFLOW_STORE", "build"))
        keep_kernels(CODE, packages.cache() / "numba")
        return Builder(store, self._zoo or InstalledZoo(), self._code, self._flow)
