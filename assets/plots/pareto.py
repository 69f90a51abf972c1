"""Cycles against signal to noise, a disc for each configuration that was measured."""

import json
from collections.abc import Mapping
from pathlib import Path

from assets.plots import canvas
from assets.plots.canvas import COLOURS, INK, PIXEL, pixels, styled
from assets.plots.webp import lossless

RADIUS = 4
"""Of a disc, in pixels."""

KINDS = {"measured": COLOURS[2], "none beats it": COLOURS[0], "chosen": COLOURS[3]}


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `pareto.json`: the frontier joined by a line, what was chosen in its own colour."""
    rows = [row for row in json.loads((inputs["qtable"] / "pareto.json").read_text()) if row["sqnr_db"] is not None]
    chosen = next((row for row in rows if row["chosen"]), None)
    told = f"; chosen: {chosen['sqnr_db']:.1f} dB at {chosen['over_int8']:.3f} of int8's cycles" if chosen else ""
    axes = canvas.axes(f"{len(rows)} configurations{told}")
    best = sorted((row["cycles"], row["sqnr_db"]) for row in rows if row["frontier"])
    axes.plot([c for c, _ in best], [db for _, db in best], color=INK, linewidth=PIXEL, zorder=2)
    groups = {
        "measured": [row for row in rows if not row["frontier"] and not row["chosen"]],
        "none beats it": [row for row in rows if row["frontier"] and not row["chosen"]],
        "chosen": [row for row in rows if row["chosen"]],
    }
    for kind, members in groups.items():
        axes.scatter(
            [row["cycles"] for row in members], [row["sqnr_db"] for row in members], (2 * PIXEL * RADIUS) ** 2,
            KINDS[kind], edgecolors="white", linewidths=PIXEL, zorder=3,
        )  # fmt: skip
    axes.set(xlabel="cycles", ylabel="SQNR, dB")
    axes.xaxis.set_major_formatter("{x:,.0f}")
    canvas.legend(axes, {kind: KINDS[kind] for kind, members in groups.items() if members})
    return lossless(pixels(axes))
