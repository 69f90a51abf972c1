"""What can be launched."""

import dagster as dg

build = dg.define_asset_job(
    "build",
    selection=dg.AssetSelection.all() - dg.AssetSelection.groups("zoo"),
    description="Build one model for one target, through every stage.",
    executor_def=dg.in_process_executor,
)

observe = dg.define_asset_job(
    "observe",
    selection=dg.AssetSelection.groups("zoo"),
    description="Look whether the zoo's files changed.",
    executor_def=dg.in_process_executor,
)
