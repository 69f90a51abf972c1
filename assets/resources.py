"""The resource through which assets reach the builder and its store."""

import dagster as dg

from assets.workshop import Workshop


def resources(workshop: Workshop) -> dict[str, dg.ResourceDefinition]:
    """The resources of the assets, all over one workshop."""
    return {"workshop": dg.ResourceDefinition.hardcoded_resource(workshop)}
