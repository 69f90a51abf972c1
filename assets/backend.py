"""From Top to a model for the chip."""

from assets.checks import Check
from assets.figures import Figure
from assets.stage import About, stage_asset
from assets.workshop import CODE, STAGES

WITHIN_MEMORY = Check(
    "local_memory_fits",
    "No record touches a byte of a lane that the chip does not have.",
    lambda metadata, tolerance: metadata["local_bytes"] <= metadata["lane_bytes"],
    ("local_bytes", "lane_bytes"),
)

SOUND = Check(
    "program_is_sound",
    "Nothing out of bounds, read before it is written, or left to a race between the engines.",
    lambda metadata, tolerance: metadata["findings"] == 0,
    ("findings",),
)

POSSIBLE = Check(
    "above_the_floor",
    "Neither cycles nor bytes fall below what the network needs at least: the cycle model is not cheating.",
    lambda metadata, tolerance: metadata["cycles"] >= metadata["floor_cycles"] and metadata["ddr_over_compulsory"] >= 1,
    ("cycles", "floor_cycles", "ddr_over_compulsory"),
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
        checks=(WITHIN_MEMORY, SOUND, POSSIBLE),
    ),
)
