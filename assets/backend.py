"""From Top to a model for the chip."""

from collections.abc import Mapping

from assets.about import About
from assets.checks import CHECKS
from assets.figures import Figure

ABOUT: Mapping[str, About] = {
    "tpu_mlir": About(
        "backend", {"mlir"}, "The Tpu dialect in the target's number format, quantised where it is int8."
    ),
    "lg_mlir": About(
        "backend",
        {"mlir"},
        "Layer groups with their loads, stores and slices, each buffer placed in local memory.",
        figures=(Figure("local_memory"),),
    ),
    "addr_mlir": About("backend", {"mlir"}, "Every tensor in global memory has its address."),
    "sample_model": About(
        "backend",
        {"binary"},
        "Command streams, weights and the map of tensors: what the chip runs.",
    ),
    "profile": About(
        "backend",
        {"table"},
        "Cycles and bytes of each layer, and how far they are from the least possible.",
        figures=(Figure("timeline"),),
        checks=CHECKS["profile"],
    ),
}
"""By stage."""
