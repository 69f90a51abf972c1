"""The resource and the IO manager through which assets reach the builder and its store."""

import os
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import dagster as dg

from assets.partitions import split
from assets.zoo import packages
from assets.zoo.zoo import InstalledZoo
from compiler.build.builder import QUIET, Builder, Listener, partition_of
from compiler.build.flow import FLOW, Stage, Zoo
from compiler.build.kernels import keep_kernels
from compiler.build.keys import Code
from compiler.build.store import Record, Ref, Store

CODE = Code()
"""The compiler's and the chip's sources as they were when this process began."""


STAGES = {stage.name: stage for stage in FLOW}


def store_root() -> Path:
    """Where artifacts go: `$TPUFLOW_STORE`, or `build` in the working directory."""
    return Path(os.environ.get("TPUFLOW_STORE", "build"))


class Workshop:
    """A builder made on first use, and who listens to it."""

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
        store = Store(self._root or store_root())
        keep_kernels(CODE, packages.cache() / "numba")
        return Builder(store, self._zoo or InstalledZoo(), self._code, self._flow)


class StoreIO(dg.IOManager):
    """Passes references between assets: nothing is loaded but by the stage that reads it."""

    def __init__(self, workshop: Workshop) -> None:
        self._workshop = workshop

    def handle_output(self, context: dg.OutputContext, obj: Record) -> None:
        """Make the partition show the record."""
        model, target = split(context.partition_key)
        self._workshop.builder.store.point(partition_of(model, target), context.asset_key.path[-1], obj)

    def load_input(self, context: dg.InputContext) -> Ref:
        """What the partition shows for the asset."""
        model, target = split(context.partition_key)
        return self._workshop.builder.store.read(partition_of(model, target), context.asset_key.path[-1])


def resources(workshop: Workshop) -> dict[str, object]:
    """The resources of the assets, all over one workshop."""
    return {"workshop": dg.ResourceDefinition.hardcoded_resource(workshop), "store_io": StoreIO(workshop)}
