"""What the UI says of partitions, asked of Dagster as its GraphQL does."""

from collections.abc import Mapping

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver
from dagster._core.loader import LoadingContextForTest

from pipeline.definitions import defs


def statuses(instance: dg.DagsterInstance, partition: str) -> Mapping[str, str]:
    """FRESH, STALE or MISSING, by stage."""
    graph = defs.get_repository_def().asset_graph
    resolver = CachingStaleStatusResolver(instance, graph, LoadingContextForTest(instance))
    keys = [key for key in graph.materializable_asset_keys if graph.get(key).group_name in GROUPS]
    return {key.to_user_string(): resolver.get_status(key, partition).value for key in keys}


GROUPS = ("frontend", "calibration", "backend", "results")
