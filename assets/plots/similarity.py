"""How like its float original each tensor is, in the order the network computes them."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

from assets.plots.canvas import COLOURS, Axis, Canvas, plain, tail


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
    low, high = min(0.0, *decibels), max(10.0, 1.12 * max(decibels))
    canvas = Canvas(
        f"{len(rows)} tensors against float; worst {decibels[worst]:.1f} dB: {tail(rows[worst]['tensor'])}",
        Axis(-0.5, len(rows) - 0.5, "tensor, in execution order", whole=True),
        Axis(low, high, "SQNR, dB"),
    )
    for kind, at in groups.items():
        canvas.bars(at, [decibels[i] for i in at], kinds[kind])
    canvas.legend({kind: colour for kind, colour in kinds.items() if groups[kind]} if short or differing else {})
    return plain(canvas.image)
