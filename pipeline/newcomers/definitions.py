"""What new models add to the code location."""

import dagster as dg

from assets.workshop import Workshop
from pipeline.newcomers.sensor import newcomers, newcomers_asset, readable


def definitions(workshop: Workshop) -> dg.Definitions:
    """The asset of the user's folder, its check, and the sensor; the workshop is a resource of the whole."""
    return dg.Definitions(assets=[newcomers_asset], asset_checks=[readable], sensors=[newcomers])
