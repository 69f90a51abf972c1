"""Every tensor as each representation of the network computes it, compared, and the model's own metric."""

from collections.abc import Mapping

from assets.about import HEAVY, About
from assets.checks import CHECKS
from assets.figures import Figure

ABOUT: Mapping[str, About] = {
    "onnx_results": About(
        "results", {"numpy"}, "Every tensor as onnxruntime computes it from the ONNX file, and its range."
    ),
    "top_results": About("results", {"numpy"}, "Every tensor of the canonical network, and its range."),
    "tpu_results": About("results", {"numpy"}, "Every tensor of the Tpu network by the interpreter, untiled."),
    "chip_results": About("results", {"numpy"}, "Every tensor as the simulated chip leaves it in memory."),
    "comparison": About(
        "results",
        {"table"},
        "For each tensor: cosine, distance, signal to noise, greatest error, differing bytes; the first that is bad.",
        figures=(Figure("similarity"),),
        checks=CHECKS["comparison"],
    ),
    "quant_report": About(
        "results",
        {"html", "markdown"},
        "Where the error of an 8-bit network comes from: each tensor's type, what that cuts off, its noise alone and "
        "with all before it; the first bad layer and why; every method's threshold over the values; the samples. "
        "`page` opens in a browser.",
        figures=(Figure("layer_noise"), Figure("histograms")),
        document="quant_report.md",
        page="quant_report.html",
    ),
    "accuracy": About(
        "results",
        {"table"},
        "The model's own metric on labelled data, float and on the chip, and samples that the chip gets wrong.",
        figures=(Figure("confusion"), Figure("misjudged")),
        checks=CHECKS["accuracy"],
        pool=HEAVY,
    ),
}
"""By stage."""
