"""Windows over lines and volumes, said in terms of windows over planes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import onnx
from numpy.typing import NDArray
from xdsl.ir import Attribute

from compiler.dialects.fields import ints
from compiler.dialects.top import ops as top
from compiler.frontends.onnx.to_top.reader import Reader

Dims = tuple[int, ...]


@dataclass(frozen=True)
class Along:
    """A window along one axis. `after` holds what ONNX's ceil_mode adds too, `ceiling`."""

    extent: int
    kernel: int
    stride: int = 1
    dilation: int = 1
    before: int = 0
    after: int = 0
    ceiling: int = 0

    @property
    def reach(self) -> int:
        """From the first to the last tap, both included."""
        return self.dilation * (self.kernel - 1) + 1

    @property
    def made(self) -> int:
        """How many windows there are."""
        return (self.extent + self.before + self.after - self.reach) // self.stride + 1


def windows(reader: Reader, node: onnx.NodeProto, extents: Sequence[int], kernel: Sequence[int]) -> list[Along]:
    """The node's window on each axis, `auto_pad` and `ceil_mode` written out."""
    given, rank = reader.attributes(node), len(kernel)
    strides, dilations = (list(given.get(name) or [1] * rank) for name in ("strides", "dilations"))
    pads = list(given.get("pads") or [0] * 2 * rank)
    made = list[Along]()
    for i, extent in enumerate(extents):
        along = Along(extent, kernel[i], strides[i], dilations[i], pads[i], pads[i + rank])
        match given.get("auto_pad", "NOTSET"):
            case "NOTSET":
                pass
            case "VALID":
                along = Along(extent, kernel[i], strides[i], dilations[i])
            case mode:
                total = max(0, (-(-extent // along.stride) - 1) * along.stride + along.reach - extent)
                less, more = total // 2, total - total // 2
                sides = (less, more) if mode == "SAME_UPPER" else (more, less)
                along = Along(extent, kernel[i], strides[i], dilations[i], *sides)
        made.append(_ceiled(along) if given.get("ceil_mode") else along)
    return made


def _ceiled(along: Along) -> Along:
    """With the window that ceil_mode adds, which has to begin inside the input or above."""
    padded = along.extent + along.before + along.after
    steps = -(-(padded - along.reach) // along.stride)
    if steps * along.stride >= along.before + along.extent:
        steps -= 1
    more = max(0, steps * along.stride + along.reach - padded)
    return Along(along.extent, along.kernel, along.stride, along.dilation, along.before, along.after + more, more)


def plane_window(rows: Along, columns: Along) -> dict[str, Attribute]:
    """The attributes of a window over planes."""
    return {
        "kernel_shape": ints(rows.kernel, columns.kernel),
        "strides": ints(rows.stride, columns.stride),
        "dilations": ints(rows.dilation, columns.dilation),
        "pads": ints(rows.before, columns.before, rows.after, columns.after),
    }


def viewed(reader: Reader, node: onnx.NodeProto, x: str, role: str, *dims: int) -> str:
    """The same values under other extents."""
    return reader.step(node, role, top.ReshapeOp, [x], {"shape": ints(*dims)})


def cut(reader: Reader, node: onnx.NodeProto, x: str, role: str, axis: int, indices: range) -> str:
    """The indices of one axis."""
    bounds = {"offset": indices.start, "ends": indices[-1] + 1, "steps": indices.step, "axes": axis}
    return reader.step(node, role, top.SliceOp, [x], {name: ints(n) for name, n in bounds.items()})


def joined(reader: Reader, node: onnx.NodeProto, parts: Sequence[str], role: str, axis: int) -> str:
    """Parts end to end on one axis."""
    if len(parts) == 1:
        return parts[0]
    return reader.step(node, role, top.ConcatOp, parts, {"axis": top.axis_attribute(axis)})


def turned(reader: Reader, node: onnx.NodeProto, x: str, role: str, *order: int) -> str:
    """The axes in another order."""
    return reader.step(node, role, top.PermuteOp, [x], {"order": ints(*order)})


def weight(reader: Reader, node: onnx.NodeProto, role: str, values: NDArray[Any]) -> str:
    """A constant of the reader's making; its name."""
    name = f"{node.output[0]}_{node.op_type}_{role}"
    reader.network.weights[name] = values
    return name


def padded(reader: Reader, node: onnx.NodeProto, x: str, role: str, sides: Sequence[tuple[int, int]]) -> str:
    """`x` with zeros around it, (before, after) on each axis."""
    if not any(map(any, sides)):
        return x
    before, after = zip(*sides, strict=True)
    return reader.step(node, role, top.PadOp, [x], {"paddings": ints(*before, *after)})


def stacked(reader: Reader, node: onnx.NodeProto, x: str, dims: Dims, depth: Along) -> str:
    """
    Windows along the depth as channels: (n, c, d, h, w) → (n · made, c · kernel, h, w), the depth's taps innermost.

    Then a convolution over volumes is one over planes, its sums in the same order.
    """
    n, c, d, *plane = dims
    pixels = prod(plane)
    x = viewed(reader, node, x, "volume", n, c, d, pixels)
    x = padded(reader, node, x, "deep", [(0, 0), (0, 0), (depth.before, depth.after), (0, 0)])
    last = depth.stride * (depth.made - 1)
    starts = (k * depth.dilation for k in range(depth.kernel))
    taken = [range(start, start + last + 1, depth.stride) for start in starts]
    slices = [cut(reader, node, x, f"tap{k}", 2, indices) for k, indices in enumerate(taken)]
    if depth.kernel > 1:
        slices = [viewed(reader, node, part, f"of{k}", n * c, 1, depth.made, pixels) for k, part in enumerate(slices)]
    stack = joined(reader, node, slices, "stack", 1)
    stack = viewed(reader, node, stack, "taps", n, c * depth.kernel, depth.made, pixels)
    images = turned(reader, node, stack, "images", 0, 2, 1, 3)
    return viewed(reader, node, images, "planes", n * depth.made, c * depth.kernel, *plane)


def unstacked(reader: Reader, node: onnx.NodeProto, x: str, dims: Dims) -> None:
    """The node's result (n, c, d, h, w) = `dims` of planes (n · d, c, h, w)."""
    n, c, d, *plane = dims
    x = viewed(reader, node, x, "slices", n, d, c, prod(plane))
    x = turned(reader, node, x, "channels", 0, 2, 1, 3)
    reader.add(node, top.ReshapeOp, [x], {"shape": ints(*dims)})
