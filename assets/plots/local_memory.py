"""Which bytes of a lane each buffer takes while its layer group runs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle
from xdsl.dialects.builtin import StringAttr
from xdsl.ir import Operation

from assets.plots.canvas import COLOURS, canvas, label
from compiler.dialects.quant import Quant
from compiler.dialects.structure import Structure
from compiler.dialects.tpu.group import GroupOp, LoadOp
from compiler.dialects.tpu.ops import Tpu
from compiler.dialects.tpu.slices import LgAttr
from compiler.ir import text
from compiler.ir.network import name_of
from simulator.chip import chip_named

KINDS = ("loaded", "computed", "carried")


@dataclass(frozen=True)
class Buffer:
    """`size` bytes of a lane from `address`, held from op `begin` up to op `end` in program order."""

    name: str
    kind: str
    begin: int
    end: int
    address: int
    size: int


def draw(inputs: Mapping[str, Path]) -> Figure:
    """From `lg.mlir`: program order across, lane addresses up, groups divided by lines."""
    path = inputs["lg_mlir"] / "lg.mlir"
    module = text.read(path.read_text(encoding="utf-8"), Structure, Tpu, Quant, name=path.name)
    groups = [list(_members(op)) for op in module.walk() if isinstance(op, GroupOp)]
    stated = module.attributes["module.chip"]
    chip = chip_named(stated.data if isinstance(stated, StringAttr) else "")
    found = list(buffers(groups))
    figure, axes = canvas()
    for kind, colour in zip(KINDS, COLOURS, strict=False):
        boxes = [Rectangle((b.begin, b.address), b.end - b.begin, b.size) for b in found if b.kind == kind]
        axes.add_collection(PatchCollection(boxes, facecolor=colour, edgecolor="white", linewidth=0.2))
    last = sum(map(len, groups))
    for edge in _edges(groups):
        axes.axvline(edge, color="#bbbbbb", linewidth=0.4, zorder=0)
    axes.set_xlim(0, max(last, 1))
    peak = max((b.address + b.size for b in found), default=0)
    axes.set_ylim(0, min(chip.lane_bytes, max(1.2 * peak, 1)))
    axes.legend(
        handles=[Patch(color=colour, label=kind) for kind, colour in zip(KINDS, COLOURS, strict=False)],
        fontsize=6,
        loc="upper right",
        ncols=3,
    )
    title = f"local memory of {chip.name}: {len(groups)} groups, peak {peak:,} of {chip.lane_bytes:,} bytes a lane"
    label(axes, title, "op, in program order", "byte of a lane")
    return figure


def buffers(groups: list[list[Operation]]) -> Iterator[Buffer]:
    """Every buffer of every group, each held until its last reader in the group has run."""
    first = 0
    for members in groups:
        place = {op: first + i for i, op in enumerate(members)}
        for op, begin in place.items():
            slices = op.attributes["ginfo"]
            assert isinstance(slices, LgAttr)
            readers = (use.operation for result in op.results for use in result.uses)
            end = 1 + max([begin, *(place[reader] for reader in readers if reader in place)])
            kind = "loaded" if isinstance(op, LoadOp) else "computed"
            held = slices.data
            if op.results:
                yield from (Buffer(name_of(op), kind, begin, end, address, held.size) for address in held.addr)
            if held.acc >= 0:
                yield Buffer(name_of(op), "carried", begin, begin + 1, held.acc, held.size)
            yield from (Buffer(name_of(op), "carried", begin, begin + 1, address, held.size) for address in held.tmp)
        first += len(members)


def _members(group: GroupOp) -> Iterator[Operation]:
    return (op for op in group.body.block.ops if "ginfo" in op.attributes)


def _edges(groups: list[list[Operation]]) -> list[int]:
    edges = [0]
    for members in groups:
        edges.append(edges[-1] + len(members))
    return edges
