"""How like its float original each tensor is, in the order the network computes them."""

import csv
from collections.abc import Mapping
from pathlib import Path

from matplotlib.figure import Figure

from assets.plots.canvas import COLOURS, canvas, label

NAME_LENGTH = 40
"""Characters of a tensor name that fit the title; its end tells most."""


def draw(inputs: Mapping[str, Path]) -> Figure:
    """From `comparison.csv`: signal to noise of each TPU result; those that differ on the chip stand out."""
    with (inputs["comparison"] / "comparison.csv").open(newline="") as file:
        listed = list(csv.DictReader(file))
    rows = [row for row in listed if row["later"] == "tpu"]
    differing = {row["tensor"] for row in listed if row["later"] == "chip" and int(row["mismatched_bytes"])}
    decibels = [float(row["sqnr_db"]) for row in rows]
    wrong = [i for i, row in enumerate(rows) if row["tensor"] in differing]
    figure, axes = canvas()
    axes.plot(decibels, color=COLOURS[0], linewidth=0.8, marker=".", markersize=3)
    if wrong:
        axes.plot(
            wrong, [decibels[i] for i in wrong], "x", color=COLOURS[1], markersize=5, label="chip differs from TPU"
        )
        axes.legend(fontsize=6)
    axes.set_ylim(bottom=min(0.0, *decibels))
    worst = min(range(len(rows)), key=decibels.__getitem__)
    name = rows[worst]["tensor"][-NAME_LENGTH:]
    label(
        axes,
        f"{len(rows)} tensors against float; worst {decibels[worst]:.1f} dB: {name}",
        "tensor, in execution order",
        "SQNR, dB",
    )
    return figure
