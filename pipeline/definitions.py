"""The code location: every asset of the flow chart, the jobs, and the store they share."""

import dagster as dg

from assets import backend, calibration, frontend, results, sources
from assets.workshop import Workshop, resources
from pipeline import jobs

defs = dg.Definitions(
    assets=[*sources.SOURCE_ASSETS.values(), *dg.load_assets_from_modules([frontend, calibration, backend, results])],
    resources=resources(Workshop()),
    jobs=[jobs.build, jobs.observe],
    executor=dg.in_process_executor,
)
