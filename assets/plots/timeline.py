"""What each engine does from the first record to the last, what it moves and holds, and what decides how long it is."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from assets.plots import canvas
from assets.plots.canvas import BOTTOM, COLOURS, FAINT, LEFT, PIXEL, RIGHT, SHADES, TOP, WIDTH, pixels, styled
from assets.plots.spread import Shares, highest, longest, shares
from assets.plots.webp import MAX_BYTES, lossless
from compiler.npz import read_npz
from simulator.critical import CONTRACTIONS, OUTWARD
from simulator.isa.table import BY_CODE, SPECS

KINDS: Mapping[str, str] = {
    "array": COLOURS[0],
    "other work": COLOURS[2],
    "read": COLOURS[1],
    "written": "#ffa060",
    "set-up": COLOURS[3],
}
"""What takes an engine's time, or the run's."""

NUMBER = {name: number for number, name in enumerate(KINDS)}

RESOURCES: Mapping[str, str] = {
    "array": "array", "vector": "other work", "conflicts": "other work", "read": "read", "lanes": "read",
    "write": "written", "tiu_setup": "set-up", "dma_setup": "set-up", "latency": "set-up",
}  # fmt: skip
"""The kind of each resource (`simulator.critical`)."""

GREY = "#909090"

BAND, LANE, STRIP, GAP = 12, 22, 36, 5
"""Pixels of a band of groups or reasons, an engine's lane, a curve, and between two of them."""

COARSENESS = (1, 2, 4, 8, 16)
"""Pixels a part of the run, as few as leave the picture small enough."""


@styled()
def draw(inputs: Mapping[str, Path]) -> bytes:
    """From `profile`'s `timeline.npz` and totals, at the size that the UI shows."""
    data = b""
    for coarse in COARSENESS:
        data = lossless(_Timeline(inputs["profile"], WIDTH, coarse).pixels())
        if len(data) <= MAX_BYTES:
            break
    return data


@styled()
def picture(profile: Path, width: int) -> NDArray[np.uint8]:
    """The same from a profile's directory, so many pixels wide and as fine as that: (rows, columns, RGB)."""
    return _Timeline(profile, width, 1).pixels()


class _Timeline:
    """
    The rows from top to bottom, all over the same cycles.

    Layer groups, in turn dark and light; what each cycle goes to, of the records that decide how long the run is; for
    each engine the share of the time that it is busy, by what; bytes to and from DDR, and live bytes of the fullest
    lane, up to what there is of either.
    """

    def __init__(self, profile: Path, width: int, coarse: int) -> None:
        self._held: Mapping[str, NDArray[Any]] = read_npz(profile / "timeline.npz")
        self._told: dict[str, Any] = json.loads((profile / "profile.json").read_text())
        self._total: int = max(self._told["totals"]["cycles"], 1)
        self._edges: Shares = np.linspace(0, self._total, (width - LEFT - RIGHT) // coarse + 1)
        self._cores = ["", *(name[3:] for name in sorted(self._held) if name[:3] == "tiu" and name != "tiu")]
        self._engines = [engine + core for core in self._cores for engine in ("tiu", "gdma")]
        cores = [f" {core or 0}" if len(self._cores) > 1 else "" for core in self._cores]
        lanes = [engine + core for core in cores for engine in ("TIU", "GDMA")]
        names = ["group", "decides", *lanes, *self._limits()]
        heights = [BAND, BAND, *[LANE] * len(self._engines), STRIP, STRIP]
        height = sum(heights) + GAP * len(heights)
        self._floors = (height - np.cumsum([tall + GAP for tall in heights])).tolist()
        self._axes = canvas.axes(self._title(), width, TOP + BOTTOM + height)
        self._axes.set(xlim=(0, self._total), xlabel="cycles", ylim=(0, height))
        middles = [floor + tall / 2 for floor, tall in zip(self._floors, heights, strict=True)]
        self._axes.set_yticks(middles, names, linespacing=1)
        self._axes.grid(visible=False)

    def pixels(self) -> NDArray[np.uint8]:
        """The picture."""
        group, decides, *engines, traffic, local = self._floors
        starts, ends, _, resource, owner = self._held["chain"]
        kind = np.array([NUMBER[RESOURCES[name]] for name in self._told["resources"]])[resource]
        shades = (FAINT, SHADES[2], SHADES[3])
        for number, spans in longest(starts, ends, owner + 1, self._edges).items():
            self._band(group, spans, shades[1 + number % 2 if number else 0])
        for number, spans in longest(starts, ends, kind, self._edges).items():
            self._band(decides, spans, list(KINDS.values())[number])
        for name, floor in zip(self._engines, engines, strict=True):
            self._stacked(floor, LANE, self._busy(name), tuple(KINDS.values()))
        self._stacked(traffic, STRIP, self._traffic(), (KINDS["read"], KINDS["written"]))
        self._stacked(local, STRIP, self._live()[None], (GREY,))
        canvas.legend(self._axes, KINDS, columns=len(KINDS))
        return pixels(self._axes)

    def _title(self) -> str:
        totals = self._told["totals"]
        busy = ", ".join(f"{engine.upper()} {100 * totals[f'{engine}_busy']:.0f} %" for engine in ("tiu", "gdma"))
        return f"{self._total:,} cycles, {totals['cycles_over_bound']:.2f} × the bound; busy: {busy}"

    def _limits(self) -> tuple[str, str]:
        """Names of both curves, and what their full height is."""
        lane = self._told["totals"]["lane_bytes"]
        return f"DDR, of\n{self._told['roofs']['bytes_per_cycle']:.2g} B/cyc", f"lane, of\n{lane / 1024:g} KiB"

    def _busy(self, name: str) -> Shares:
        """(kinds, parts) of the time that an engine is busy."""
        starts, ends, _, code, _ = self._held[name]
        kinds = np.array([_kind(int(op)) for op in code], np.int64)
        spent = [np.where(kinds == number, ends - starts, 0) for number in NUMBER.values()]
        return np.stack([shares(starts, ends, amounts, self._edges) for amounts in spent]) / np.diff(self._edges)

    def _traffic(self) -> Shares:
        """(read and written, parts) of the bytes that DDR could move, all cores'."""
        moved = np.zeros((2, len(self._edges) - 1))
        for core in self._cores:
            starts, ends, _, code, wire = self._held[f"gdma{core}"]
            out = np.isin(code, [SPECS[op].code for op in OUTWARD])
            moved += [shares(starts, ends, np.where(out == way, wire, 0), self._edges) for way in (False, True)]
        return moved / (self._told["roofs"]["bytes_per_cycle"] * np.diff(self._edges))

    def _live(self) -> Shares:
        """(parts) of a lane's bytes, in the fullest lane of all cores."""
        held = [self._held[f"live{core}"] for core in self._cores]
        curves = [highest(times, values, self._edges) for times, values in held]
        return np.max(curves, axis=0) / self._told["totals"]["lane_bytes"]

    def _band(self, floor: float, spans: Sequence[tuple[float, float]], colour: str) -> None:
        widths = [(start, end - start) for start, end in spans]
        self._axes.broken_barh(widths, (floor, BAND), color=colour, linewidth=0)

    def _stacked(self, floor: float, height: float, layers: Shares, colours: Sequence[str]) -> None:
        """Layers on top of each other, in whole pixels."""
        sums = (height * np.minimum(layers.cumsum(0), 1)).round()
        tops = floor + np.concatenate([np.zeros_like(sums[:1]), sums])
        for below, above, colour in zip(tops, tops[1:], colours, strict=False):
            self._axes.stairs(above, self._edges, baseline=below, fill=True, color=colour, linewidth=0)
        self._axes.axhline(floor, color=FAINT, linewidth=PIXEL)


def _kind(code: int) -> int:
    """What a record's time counts as."""
    op = BY_CODE[code]
    if not SPECS[op].operands:
        return NUMBER["set-up"]
    if SPECS[op].engine.name == "GDMA":
        return NUMBER["written" if op in OUTWARD else "read"]
    return NUMBER["array" if op in CONTRACTIONS else "other work"]
