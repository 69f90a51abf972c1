"""From Top to a model for the chip."""

from assets.checks import Check
from assets.figures import Figure
from assets.stage import About, stage_asset
from assets.workshop import CODE, STAGES

WITHIN_MEMORY = Check(
    "local_memory_fits",
    "No layer group needs more bytes of a lane than the chip has.",
    lambda metadata, tolerance: metadata["local_bytes"] <= metadata["lane_bytes"],
    ("local_bytes", "lane_bytes"),
)

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
        checks=(WITHIN_MEMORY,),
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
        figures=(Figure("timeline"),),
    ),
)
