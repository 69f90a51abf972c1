"""The report on one model for one target. A notebook: its cells begin with `# %%`."""

# %%
import itertools
import json
from pathlib import Path

from assets.explore.artifacts import Artifacts
from assets.explore.picture import picture
from assets.notebooks.elements import flow, header, percent, show, side_by_side, sized, table, tiles, timed
from assets.plots import (
    confusion,
    local_memory,
    memory_map,
    misjudged,
    roofline,
    similarity,
    thresholds,
    timeline,
)

# %% tags=["parameters"]
model = "resnet8"
target = "x64-int8"

# %%
here = Artifacts(f"{model}/{target}", lambda stage: Path())
facts = json.loads(Path("report.json").read_text(encoding="utf-8"))
calibrated, scored = "cali_table" in facts["stages"], "accuracy" in facts["stages"]
totals, figures = here.totals, here.figures

show(header(f"{model} for {target}", "What the compiler made of it, what it costs on the chip, and how exact it is."))

# %%
costs = {
    "cycles": f"{figures['cycles']:,}",
    "times the bound": f"{figures['cycles_over_bound']:.3f}",
    "chip time": timed(totals["chip_seconds"]),
    "DDR traffic": sized(totals["ddr_bytes"]),
    "times compulsory": f"{totals['ddr_over_compulsory']:.3f}",
    "local memory": percent(totals["local_bytes"] / totals["lane_bytes"]),
    "activations": sized(totals["activation_bytes"]),
    "model file": sized(facts["stages"]["sample_model"]["bytes"]),
}
likeness = {
    "least SQNR": f"{figures['sqnr_db']:.1f} dB",
    "least cosine": f"{figures['cosine']:.6f}",
    "bytes chip ≠ TPU": f"{figures['mismatched_bytes']:,}",
}
if scored:
    likeness |= {"accuracy": percent(figures["accuracy"]), "in float": percent(figures["accuracy_float"])}
show(tiles(costs), tiles(likeness))

# %% [markdown]
# ## Checks

# %%
missed = [check for check in facts["checks"] if not check["passed"]]
show(
    tiles(
        {check["check"]: "holds" if check["passed"] else "fails" for check in facts["checks"]},
        {check["check"]: check["passed"] for check in facts["checks"]},
    )
)
if missed:
    show(table([{name: check[name] for name in ("check", "description", "evidence")} for check in missed]))

# %% [markdown]
# ## The flow
# Every artifact with its size. A float target has no calibration.

# %%
said = {stage: sized(known["bytes"]) for stage, known in facts["stages"].items()}
for stage, count in facts["counts"].items():
    said[stage] += f" · {count} ops"
said["lg_mlir"] += f" · {facts['group_count']} groups"
show(flow({group: {stage: said[stage] for stage in names if stage in said} for group, names in facts["flow"].items()}))

# %% [markdown]
# ## What the passes did
# Passes that changed the ops, and the ops as imported and after all passes.

# %%
steps = facts["passes"]
changes = [
    {"pass": after["pass"], "ops before": before["ops"], "ops after": after["ops"], "change": after["change"]}
    for before, after in itertools.pairwise(steps)
    if after["change"]
]
reduced = table(changes, f"None of {len(steps) - 1} passes changed the ops, {steps[0]['ops']} of them.")
imported, left = ({row["op"]: row["count"] for row in facts["ops"][f"{name}_mlir"]} for name in ("origin", "canonical"))
census = [{"op": op, "imported": imported.get(op, 0), "canonical": left.get(op, 0)} for op in {**imported, **left}]
show(side_by_side(reduced, table(sorted(census, key=lambda row: -max(row["imported"], row["canonical"])))))

# %% [markdown]
# ## Thresholds
# Where calibration cuts each tensor's magnitudes. What lies above the line saturates.

# %%
if calibrated:
    show(picture(thresholds.draw(here.folders), "thresholds"))
    cuts = [
        {"tensor": name, "threshold": entry.threshold, "greatest": greatest, "kept": entry.threshold / greatest}
        for name, entry in here.entries.items()
        if (greatest := max(-entry.low, entry.high)) > 0
    ]
    show(table(sorted(cuts, key=lambda row: row["kept"])[:8]))
else:
    show(table([], f"{target} computes in floating point: there is nothing to calibrate."))

# %% [markdown]
# ## Lowering
# The chip's ops by the type of what they make.

# %%
show(table(facts["ops"]["tpu_mlir"]))

# %% [markdown]
# ## Layer groups
# A group runs from local memory alone; what passes between groups lies in global memory.

# %%
show(picture(local_memory.draw(here.folders), "local memory"), picture(memory_map.draw(here.folders), "memory map"))
shown = sorted(facts["groups"], key=lambda group: -group["cycles"])[:12]
columns = ("group", "ops", "tiles", "cycles", "compute", "moves", "bytes", "lmem_peak", "halo", "binds")
show(table([{name: group[name] for name in columns} for group in shown]))

# %% [markdown]
# ## On the chip
# When each engine is busy, each layer under the chip's roofs, and the layers that take the longest.

# %%
show(picture(timeline.draw(here.folders), "timeline"), picture(roofline.draw(here.folders), "roofline"))
columns = ("layer", "cycles", "tiu_cycles", "gdma_cycles", "load_bytes", "store_bytes", "macs")
costliest = sorted(here.layers, key=lambda row: -row["cycles"])[:12]
show(table([{name: row[name] for name in columns} for row in costliest]))

# %% [markdown]
# ## Likeness to float
# Each tensor of the chip's arithmetic against the float network, in the order they are computed.

# %%
show(picture(similarity.draw(here.folders), "similarity"))
lowered = [row for row in here.compared if row["later"] == "tpu"]
wanted = facts["tolerance"].get("cosine", 0.0)
bad = [row["tensor"] for row in lowered if row["cosine"] < wanted]
differing = [row["tensor"] for row in here.compared if row["later"] == "chip" and row["mismatched_bytes"]]
first = {
    f"first tensor with a cosine below {wanted:g}": bad[0] if bad else "none",
    "first tensor that the chip computes otherwise": differing[0] if differing else "none",
}
show(tiles(first, {name: text == "none" for name, text in first.items()}))
worst = sorted(lowered, key=lambda row: row["sqnr_db"])[:12]
show(table([{name: row[name] for name in ("tensor", "sqnr_db", "cosine", "max_error")} for row in worst]))

# %% [markdown]
# ## Accuracy

# %%
if scored:
    accuracy = here.accuracy
    moved = [row for row in accuracy["predictions"] if row["chip"] != row["float"]]
    lost = sum(row["float"] == row["label"] for row in moved)
    show(
        tiles(
            {
                f"{accuracy['metric']} on the chip": percent(accuracy["accuracy"]),
                "in float": percent(accuracy["accuracy_float"]),
                "samples": f"{accuracy['samples']:,}",
                "predicted otherwise": f"{len(moved):,}",
                "of those, right in float": f"{lost:,}",
            }
        )
    )
    show(picture(confusion.draw(here.folders), "confusion"), picture(misjudged.draw(here.folders), "misjudged"))
    show(table(moved[:12], "Chip and float predict the same for every sample."))
else:
    show(table([], "The model has no labelled data to score."))
