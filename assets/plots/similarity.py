"""How like its float original each tensor is, in the order the network computes them."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from assets.plots import canvas
from assets.plots.canvas import COLOURS, pixels, styled
from assets.plots.webp import lossless

LONGEST = 40
"""Letters of a tensor's name in the title."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `comparison.csv`: signal to noise of each TPU result; those that fail or differ on the chip stand out."""
    with (inputs["comparison"] / "comparison.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    failed = json.loads((inputs["comparison"] / "comparison.json").read_text())["failed"]
    rows = [row for row in listed if row["later"] == "tpu"]
    differing = {row["tensor"] for row in listed if row["later"] == "chip" and int(row["mismatched_bytes"])}
    short = {row["tensor"] for row in rows if any(words.startswith(f"tpu {row['tensor']!r}:") for words in failed)}
    decibels = [float(row["sqnr_db"]) for row in rows]
    worst = min(range(len(rows)), key=decibels.__getitem__)
    kinds = {"fine": COLOURS[0], "below tolerance": COLOURS[3], "chip differs from TPU": COLOURS[1]}
    groups: dict[str, list[int]] = {kind: [] for kind in kinds}
    for i, row in enumerate(rows):
        kind = "below tolerance" if row["tensor"] in short else "fine"
        groups["chip differs from TPU" if row["tensor"] in differing else kind].append(i)
    axes = canvas.axes(
        f"{len(rows)} tensors against float; worst {decibels[worst]:.1f} dB: {tail(rows[worst]['tensor'])}"
    )
    axes.set(xlim=(-0.5, len(rows) - 0.5), xlabel="tensor, in execution order")
    axes.set(ylim=(min(0.0, *decibels), max(10.0, 1.12 * max(decibels))), ylabel="SQNR, dB")
    for kind, members in groups.items():
        at = np.array(members, np.float64)
        canvas.boxes(axes, at - 0.5, at + 0.5, 0, np.array(decibels)[members], kinds[kind])
    if short or differing:
        canvas.legend(axes, {kind: colour for kind, colour in kinds.items() if groups[kind]})
    return lossless(pixels(axes))


def tail(name: str, most: int = LONGEST) -> str:
    """A tensor's name, the end of it where it is long: that tells most."""
    return name if len(name) <= most else f"…{name[1 - most :]}"
