"""From Top to a model for the chip."""

from assets.checks import CHECKS
from assets.figures import Figure
from assets.stage import About, stage_asset
from assets.workshop import CODE, STAGES

tpu_mlir = stage_asset(
    STAGES["tpu_mlir"],
    CODE,
    About("backend", {"mlir"}, "The Tpu dialect in the target's number format, quantised where it is int8."),
)

lg_mlir = stage_asset(
    STAGES["lg_mlir"],
    CODE,
    About(
        "backend",
        {"mlir"},
        "Layer groups with their loads, stores and slices, each buffer placed in local memory.",
        figures=(Figure("local_memory"),),
    ),
)

addr_mlir = stage_asset(
    STAGES["addr_mlir"],
    CODE,
    About("backend", {"mlir"}, "Every tensor in global memory has its address."),
)

sample_model = stage_asset(
    STAGES["sample_model"],
    CODE,
    About(
        "backend",
        {"binary"},
        "Command streams, weights and the map of tensors: what the chip runs.",
    ),
)

profile = stage_asset(
    STAGES["profile"],
    CODE,
    About(
        "backend",
        {"table"},
        "Cycles and bytes of each layer, and how far they are from the least possible.",
        figures=(Figure("timeline"),),
        checks=CHECKS["profile"],
    ),
)
