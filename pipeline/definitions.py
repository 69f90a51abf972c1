"""The code location: every asset of the flow chart, the jobs, and the store they share."""

import dagster as dg

from assets import notebook
from assets.flow import STAGE_ASSETS
from assets.resources import resources
from assets.sources import FILE_ASSETS, SETTINGS_ASSETS
from assets.workshop import Workshop
from pipeline import jobs, watch
from pipeline.newcomers import definitions as newcomers
from pipeline.nightly import definitions as nightly


def over(workshop: Workshop) -> dg.Definitions:
    """The definitions over one workshop."""
    flow = dg.Definitions(
        assets=[*FILE_ASSETS.values(), *SETTINGS_ASSETS.values(), *STAGE_ASSETS.values()],
        resources=resources(workshop),
        jobs=[jobs.build, jobs.observe],
        sensors=[watch.mirrored],
        executor=dg.in_process_executor,
    )
    return dg.Definitions.merge(
        flow, newcomers.definitions(workshop), nightly.definitions(workshop), notebook.definitions(workshop)
    )


defs = over(Workshop())
