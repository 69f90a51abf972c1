"""The flow chart as assets: every stage with what its own module says of it."""

from collections.abc import Mapping

import dagster as dg

from assets import backend, calibration, frontend, results
from assets.about import About
from assets.stage import stage_asset
from assets.workshop import CODE, STAGES

ABOUT: Mapping[str, About] = {**frontend.ABOUT, **calibration.ABOUT, **backend.ABOUT, **results.ABOUT}
"""What is said of each stage."""

STAGE_ASSETS: Mapping[str, dg.AssetsDefinition] = {
    name: stage_asset(stage, CODE, ABOUT[name]) for name, stage in STAGES.items()
}
