"""Thresholds for the int8 modes; empty for the others."""

from collections.abc import Mapping

from assets.about import HEAVY, About
from assets.figures import Figure

ABOUT: Mapping[str, About] = {
    "cali_table": About(
        "calibration",
        {"table"},
        "One line a tensor: its threshold, least and greatest value over the calibration inputs.",
        figures=(Figure("thresholds"),),
        pool=HEAVY,
    ),
    "qtable": About(
        "calibration",
        {"table"},
        "Mode mix: which ops aren't int8, chosen for the fewest cycles that reach the goal, and what each "
        "configuration that was tried costs and reaches.",
        figures=(Figure("pareto"),),
        pool=HEAVY,
    ),
    "cali_mlir": About("calibration", {"mlir"}, "The canonical network with calibrated types."),
}
"""By stage."""
