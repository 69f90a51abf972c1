"""From a trained model to canonical Top."""

from assets.stage import About, stage_asset
from assets.workshop import CODE, STAGES

sample_onnx = stage_asset(
    STAGES["sample_onnx"],
    CODE,
    About("frontend", {"onnx"}, "The model as ONNX with every shape fixed, whatever framework it came from."),
)

origin_mlir = stage_asset(
    STAGES["origin_mlir"],
    CODE,
    About("frontend", {"mlir"}, "The Top dialect as imported: one op an ONNX node, weights beside it."),
)

canonical_mlir = stage_asset(
    STAGES["canonical_mlir"],
    CODE,
    About(
        "frontend", {"mlir"}, "Shapes inferred, constants folded, activations and normalisations fused, dead ops gone."
    ),
)
