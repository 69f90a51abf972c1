"""The code location: every asset of the flow chart, the jobs, and the store they share."""

import dagster as dg

from assets import backend, calibration, frontend, results, sources
from assets.resources import resources
from assets.workshop import Workshop
from pipeline import jobs


def over(workshop: Workshop) -> dg.Definitions:
    """The definitions over one workshop."""
    rows = dg.load_assets_from_modules([frontend, calibration, backend, results])
    return dg.Definitions(
        assets=[*sources.SOURCE_ASSETS.values(), *rows],
        resources=resources(workshop),
        jobs=[jobs.build, jobs.observe],
        executor=dg.in_process_executor,
    )


defs = over(Workshop())
