"""From Top to a model for the chip."""

from collections.abc import Mapping

from assets.about import HEAVY, About
from assets.checks import CHECKS
from assets.figures import Figure

ABOUT: Mapping[str, About] = {
    "tpu_mlir": About(
        "backend",
        {"mlir"},
        "The Tpu dialect in the target's number format, quantised where it is int8; which ops stay float or run on the "
        "host, and why.",
    ),
    "lg_mlir": About(
        "backend",
        {"mlir"},
        "Layer groups with their tiles, loads and stores, each buffer placed in local memory; the longest first.",
        figures=(Figure("local_memory"),),
        pool=HEAVY,
    ),
    "addr_mlir": About(
        "backend",
        {"mlir"},
        "Every tensor in global memory has its address; activations share memory as their lifetimes allow.",
        figures=(Figure("memory_map"),),
    ),
    "sample_model": About(
        "backend",
        {"binary"},
        "Command streams, weights and the map of tensors: what the chip runs, what the host runs between, and what "
        "the bytes are for.",
    ),
    "profile": About(
        "backend",
        {"table"},
        "Cycles and bytes of each layer and group, what decides how long each one takes, and how far that is from the "
        "least possible. The costliest first; all rows as CSV, and node data for Model Explorer, lie beside.",
        figures=(Figure("timeline"), Figure("roofline")),
        checks=CHECKS["profile"],
    ),
}
"""By stage."""
