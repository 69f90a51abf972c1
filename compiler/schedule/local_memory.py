"""
Addresses in a lane's memory for buffers with lifetimes: no two that live at once overlap, and those that one record
of the compute engine uses lie in different banks wherever there is room for it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from compiler.schedule.lifetimes import Lifetime
from simulator.chip import Chip
from simulator.layout import up

SEARCHED, NODES = 64, 1000
"""So many buffers, where first fit fails, are packed by search: so many nodes in each order."""


@dataclass(frozen=True)
class Buffer:
    """
    `size` bytes a lane, a multiple of `eu_bytes`; live at positions start ≤ p < stop; an operand of `records`.

    `address` says where it must lie, -1 that the allocator may choose.
    """

    size: int
    start: int
    stop: int
    records: frozenset[int] = frozenset()
    address: int = -1


def allocate(buffers: Sequence[Buffer], chip: Chip, apart: bool = False, from_top: bool = False) -> list[int] | None:
    """
    The address of each buffer, or None where nothing tried makes them fit.

    First fit in several orders, then a search: with every record's operands in banks of their own if that fits, else,
    unless `apart`, with as many as first fit leaves there. `from_top` packs downward from the lane's end.
    """
    if peak(buffers) > chip.lane_bytes:
        return None
    wanted = [_mirrored(buffer, chip) for buffer in buffers] if from_top else buffers
    for lenient in (False,) if apart else (False, True):
        tries = (_first_fit(wanted, _sorted(wanted, key), chip, lenient) for key in _ORDERS)
        found = next((addresses for addresses in tries if addresses), None) or _searched(wanted, chip, lenient)
        if found:
            ends = zip(found, wanted, strict=True)
            return [chip.lane_bytes - address - b.size for address, b in ends] if from_top else found
    return None


def _mirrored(buffer: Buffer, chip: Chip) -> Buffer:
    """The buffer as seen from the lane's end."""
    return replace(buffer, address=chip.lane_bytes - buffer.address - buffer.size) if buffer.address >= 0 else buffer


def _searched(buffers: Sequence[Buffer], chip: Chip, lenient: bool) -> list[int] | None:
    if len(buffers) > SEARCHED or any(buffer.address >= 0 for buffer in buffers):
        return None
    # Numba takes half a second to import: most groups do without.
    from compiler.schedule.exact import Exact

    def unit(i: int, j: int) -> int:
        return 1 if lenient or buffers[i].records.isdisjoint(buffers[j].records) else chip.bank_bytes

    lifetimes = [Lifetime(buffer.start, buffer.stop, buffer.size) for buffer in buffers]
    return Exact(lifetimes, unit).quickly(chip.lane_bytes, NODES)


def fits_apart(buffers: Sequence[Buffer], chip: Chip) -> bool:
    """Whether a quick try finds room for the buffers with every record's operands in banks of their own."""
    if peak(buffers) > chip.lane_bytes:
        return False
    return _first_fit(buffers, _sorted(buffers, _ORDERS[0]), chip, lenient=False) is not None


def peak(buffers: Sequence[Buffer]) -> int:
    """The most bytes live at one position: no allocation takes less."""
    change = dict[int, int]()
    for buffer in buffers:
        change[buffer.start] = change.get(buffer.start, 0) + buffer.size
        change[buffer.stop] = change.get(buffer.stop, 0) - buffer.size
    live = most = 0
    for position in sorted(change):
        live += change[position]
        most = max(most, live)
    return most


Key = Callable[[Buffer], tuple[int, ...]]

_ORDERS: tuple[Key, ...] = (
    lambda b: (-b.size, b.start),
    lambda b: (-(b.stop - b.start), -b.size, b.start),
    lambda b: (-b.size * (b.stop - b.start), b.start),
    lambda b: (b.start, -b.size),
)


def _sorted(buffers: Sequence[Buffer], key: Key) -> list[int]:
    return sorted(range(len(buffers)), key=lambda i: key(buffers[i]))


def _first_fit(buffers: Sequence[Buffer], order: Sequence[int], chip: Chip, lenient: bool) -> list[int] | None:
    addresses = [-1] * len(buffers)
    bank, room = chip.bank_bytes, chip.lane_bytes
    placed = [(b, b.address, b.address + b.size) for b in buffers if b.address >= 0]
    for i in order:
        mine = buffers[i]
        if mine.address >= 0:
            addresses[i] = mine.address
            continue
        near = [(other, at, end) for other, at, end in placed if mine.start < other.stop and other.start < mine.stop]
        spans = [
            (at, end) if mine.records.isdisjoint(other.records) else (at // bank * bank, up(end, bank) * bank)
            for other, at, end in near
        ]
        address = _gap(spans, mine.size, room)
        if address < 0 and lenient:
            address = _gap([(at, end) for _, at, end in near], mine.size, room)
        if address < 0:
            return None
        addresses[i] = address
        placed.append((mine, address, address + mine.size))
    return addresses


def _gap(spans: list[tuple[int, int]], size: int, room: int) -> int:
    """The lowest address where `size` bytes meet no span, or -1."""
    spans.sort()
    address = 0
    for start, stop in spans:
        if start - address >= size:
            break
        address = max(address, stop)
    return address if address + size <= room else -1
