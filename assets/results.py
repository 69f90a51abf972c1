"""Every tensor as each representation of the network computes it, compared, and the model's own metric."""

from assets.checks import CHECKS
from assets.figures import Figure
from assets.stage import About, stage_asset
from assets.workshop import CODE, STAGES

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
        checks=CHECKS["comparison"],
    ),
)

accuracy = stage_asset(
    STAGES["accuracy"],
    CODE,
    About(
        "results",
        {"table"},
        "The model's own metric on labelled data, float and on the chip.",
        checks=CHECKS["accuracy"],
    ),
)
