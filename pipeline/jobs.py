"""What can be launched."""

import dagster as dg

from assets.flow import STAGE_ASSETS
from assets.sources import FILE_ASSETS

build = dg.define_asset_job(
    "build",
    selection=dg.AssetSelection.assets(*(asset.key for asset in STAGE_ASSETS.values())),
    description="Build one model for one target: every stage that is missing or stale runs, the others are found.",
    executor_def=dg.in_process_executor,
)

observe = dg.define_asset_job(
    "observe",
    selection=dg.AssetSelection.assets(*(asset.key for asset in FILE_ASSETS.values())),
    description="Look whether the zoo's files changed.",
    executor_def=dg.in_process_executor,
)
