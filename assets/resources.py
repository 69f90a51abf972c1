"""The resource and the IO manager through which assets reach the builder and its store."""

import dagster as dg

from assets.partitions import split
from assets.workshop import Workshop
from compiler.build.builder import partition_of
from compiler.build.store import Record, Ref


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
