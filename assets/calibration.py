"""Thresholds for the int8 modes; empty for the others."""

from assets.figures import Figure
from assets.stage import About, stage_asset
from assets.workshop import CODE, STAGES

cali_table = stage_asset(
    STAGES["cali_table"],
    CODE,
    About(
        "calibration",
        {"table"},
        "One line a tensor: its threshold, least and greatest value over the calibration inputs.",
        figures=(Figure("thresholds"),),
    ),
)

cali_mlir = stage_asset(
    STAGES["cali_mlir"],
    CODE,
    About("calibration", {"mlir"}, "The canonical network with calibrated types."),
)
