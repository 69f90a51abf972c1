"""Tables that each lane holds a copy of its own of."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from simulator.execute.site import Site
from simulator.memory import Array, Place

Crop = tuple[slice, slice, slice, slice]
EVERYTHING: Crop = (slice(None), slice(None), slice(None), slice(None))


def each_lane(
    site: Site,
    table: str,
    out: Place,
    take: Callable[[], Array],
    function: Callable[[Array, Array], Array],
    crop: Crop = EVERYTHING,
) -> Callable[[], None]:
    """
    A step that makes `out` by `function(x, table)` of what `take` returns, with the table of each channel's own lane.

    `table` names an operand of one channel. Where all lanes hold the same bytes, as they should, one call serves all.
    """
    lanes, first = site.memory.chip.lanes, site.operand("out").lane
    used = [(first + channel) % lanes for channel in range(min(lanes, out.dims[1]))]
    tables = site.memory.in_each_lane(site.operand(table))

    def step() -> None:
        x, held = take()[crop], np.ascontiguousarray(tables[used])
        bits = held.view(np.uint8)
        if (bits == bits[0]).all():
            out.scatter(function(x, held[0]))
            return
        made = np.empty(out.dims, out.dtype)
        for i, own in enumerate(held):
            made[:, i::lanes] = function(x[:, i::lanes], own)
        out.scatter(made)

    return step
