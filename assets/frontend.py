"""From a trained model to canonical Top."""

from collections.abc import Mapping

from assets.about import About

ABOUT: Mapping[str, About] = {
    "sample_onnx": About(
        "frontend", {"onnx"}, "The model as ONNX with every shape fixed, whatever framework it came from."
    ),
    "origin_mlir": About("frontend", {"mlir"}, "The Top dialect as imported: one op an ONNX node, weights beside it."),
    "canonical_mlir": About(
        "frontend",
        {"mlir", "onnx"},
        "Shapes inferred, constants folded, activations and normalisations fused, dead ops gone. `canonical.onnx` "
        "beside it opens in Netron and Model Explorer.",
    ),
}
"""By stage."""
