"""What the UI says of partitions, asked of Dagster as its GraphQL does."""

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from assets.flow import STAGE_ASSETS
from pipeline.definitions import defs


def statuses(instance: dg.DagsterInstance, partition: str) -> Mapping[str, str]:
    """FRESH, STALE or MISSING, by stage."""
    graph = defs.get_repository_def().asset_graph
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    return {name: resolver.get_status(dg.AssetKey(name), partition).value for name in STAGE_ASSETS}
