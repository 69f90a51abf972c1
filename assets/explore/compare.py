"""Two builds side by side: figures, artifacts, layers, tensors."""

import math
from collections.abc import Mapping
from dataclasses import asdict

import pandas as pd

from assets.explore.build import Build
from assets.explore.tables import Tables
from compiler.comparison import compare
from compiler.results import Results


def figures(builds: Mapping[str, Tables]) -> pd.DataFrame:
    """A row a figure, a column a build; with two builds, `change` is the second's part more than the first."""
    found = {name: build.figures for name, build in builds.items()}
    frame = pd.DataFrame({name: pd.Series(values, dtype=object) for name, values in found.items()})
    if len(found) == 2:
        before, after = found.values()
        frame["change"] = [_change(was, after[name]) for name, was in before.items()]
    return frame


def stages(before: Build, after: Build) -> pd.DataFrame:
    """By stage, in flow order: whether both have the same artifact, to the byte."""
    same = {name: before.folders[name] == after.folders[name] for name in before.builder.stages}
    return pd.DataFrame({"same": same}).rename_axis("stage")


def layers(before: Tables, after: Tables) -> pd.DataFrame:
    """By layer: the cycles of both, and the difference; a layer that only one has is missing (NaN) in the other."""
    frame = pd.DataFrame({"before": before.profile["cycles"], "after": after.profile["cycles"]})
    return frame.assign(change=frame["after"] - frame["before"])


def tensors(later: Results, earlier: Results, names: tuple[str, str] = ("later", "earlier")) -> pd.DataFrame:
    """By tensor that both have, in execution order: cosine, distance, signal to noise. Raises Incomplete."""
    shared = [name for name in later.arrays if name in earlier.arrays]
    kept = Results({name: later.arrays[name] for name in shared}, later.meanings)
    rows = [asdict(row) for row in compare(kept, earlier, names)]
    return pd.DataFrame(rows).drop(columns=["later", "earlier"]).set_index("tensor")


def _change(before: float, after: float) -> float:
    """The part more than before; infinite where there was nothing, 0 where both have nothing."""
    if before == after:
        return 0.0
    return (after - before) / abs(before) if before else math.inf
