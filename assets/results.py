"""Every tensor as each representation of the network computes it, compared, and the model's own metric."""

from assets.checks import Check
from assets.figures import Figure
from assets.stage import About, stage_asset
from assets.workshop import CODE, STAGES

BIT_FOR_BIT = Check(
    "chip_equals_tpu",
    "The chip's tensors are the interpreter's, byte for byte.",
    lambda metadata, tolerance: metadata["mismatched_bytes"] == 0,
    ("mismatched_bytes", "tensors"),
)

SIMILAR = Check(
    "similar_enough",
    "No tensor is less like its float original than the model's record allows.",
    lambda metadata, tolerance: metadata["passed"],
    ("cosine", "sqnr_db", "worst_tensor"),
)

ACCURATE = Check(
    "accurate_enough",
    "The model loses no more accuracy against float than its record allows, which is any where it says nothing.",
    lambda metadata, tolerance: metadata["drop"] <= tolerance.get("accuracy_drop", 1.0),
    ("accuracy", "accuracy_float", "drop"),
)

onnx_results = stage_asset(
    STAGES["onnx_results"],
    CODE,
    About("results", {"numpy"}, "Every tensor as onnxruntime computes it from the ONNX file."),
)

top_results = stage_asset(
    STAGES["top_results"],
    CODE,
    About("results", {"numpy"}, "Every tensor of the canonical network."),
)

tpu_results = stage_asset(
    STAGES["tpu_results"],
    CODE,
    About("results", {"numpy"}, "Every tensor of the Tpu network by the interpreter, untiled."),
)

chip_results = stage_asset(
    STAGES["chip_results"],
    CODE,
    About("results", {"numpy"}, "Every tensor as the simulated chip leaves it in memory."),
)

comparison = stage_asset(
    STAGES["comparison"],
    CODE,
    About(
        "results",
        {"table"},
        "For each tensor: cosine, distance, signal to noise, greatest error, differing bytes.",
        figures=(Figure("similarity"),),
        checks=(BIT_FOR_BIT, SIMILAR),
    ),
)

accuracy = stage_asset(
    STAGES["accuracy"],
    CODE,
    About("results", {"table"}, "The model's own metric on labelled data, float and on the chip.", checks=(ACCURATE,)),
)
