"""
How the values of a group hang together: who reads whom, and which lie in one buffer.

A view lies in the buffer of what it views. A result that is read by an op that joins its operands end to end may be
made straight in the joined result, where the tiles of both agree.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from xdsl.ir import SSAValue

from compiler.schedule.cuts import Tiling, joined
from compiler.schedule.nodes import Node
from compiler.schedule.work import Work


@dataclass(frozen=True)
class Join:
    """The op at position `maker` may write into the result of the one at `joiner`, which joins along `axis`."""

    maker: int
    joiner: int
    axis: int


@dataclass(frozen=True)
class Links:
    """
    For a group's values: in whose buffer each lies that has none of its own, and by buffer the position at which
    something is first put there, those of its readers, and the records that use it.

    An op is one record, but where it moves each operand is copied by itself: `used_by` has position and copy. `joins`
    are possible, but not taken.
    """

    nodes: Sequence[Node]
    views: Mapping[SSAValue, SSAValue]
    roots: Mapping[SSAValue, SSAValue]
    firsts: Mapping[SSAValue, int]
    uses: Mapping[SSAValue, Sequence[int]]
    used_by: Mapping[SSAValue, frozenset[tuple[int, int]]]
    joins: tuple[Join, ...]
    known: dict[tuple[Join, ...], Links] = field(default_factory=dict["tuple[Join, ...]", "Links"])

    def records(self, value: SSAValue, turns: Sequence[range]) -> frozenset[int]:
        """The records that use a value, numbered by turns and, after them all, copies."""
        used_by, after = self.used_by.get(value, ()), turns[-1].stop
        return frozenset(turn + copy * after for position, copy in used_by for turn in turns[position])

    def whole(self) -> Links:
        """The links in a group of one tile: every join is taken."""
        return self._joined(self.joins)

    def of(self, tiling: Tiling) -> Links:
        """The links under a tiling: joins are taken where both ops handle the same part of the other axes."""
        return self._joined(tuple(join for join in self.joins if _agree(join, self.nodes, tiling)))

    def work(self, node: Node) -> Work:
        """Cycles of a slice of an op: those of its copies too."""
        if not node.moves or node.output in self.views or not (copies := self._copies(node)):
            return node.work
        return lambda n, c, h, w, k: sum(copy(n, c, h, w, k) for copy in copies)

    def _copies(self, node: Node) -> list[Work]:
        inside = [o for o in node.operands if self.roots.get(o.value, o.value) in self.firsts]
        return [o.copying for o in inside if o.value in self.views or self.roots.get(o.value) is not node.output]

    def _joined(self, joins: tuple[Join, ...]) -> Links:
        if not self.joins:
            return self
        if joins not in self.known:
            self.known[joins] = _linked(self.nodes, self.views, _settled(self.nodes, self.views, joins))
        return self.known[joins]


def links_of(nodes: Sequence[Node]) -> Links:
    """The links of a group, no join taken."""
    views = _views(nodes)
    return _linked(nodes, views, views, _joins(nodes, views))


def _linked(
    nodes: Sequence[Node],
    views: Mapping[SSAValue, SSAValue],
    roots: Mapping[SSAValue, SSAValue],
    joins: tuple[Join, ...] = (),
) -> Links:
    uses, used_by = dict[SSAValue, list[int]](), dict[SSAValue, set[tuple[int, int]]]()
    firsts = dict[SSAValue, int]()
    for i, node in enumerate(nodes):
        own = roots.get(node.output, node.output)
        firsts.setdefault(own, i)
        for slot, operand in enumerate(node.operands):
            root = roots.get(operand.value, operand.value)
            uses.setdefault(root, []).append(i)
            for value in () if node.output in views else (root, own):
                used_by.setdefault(value, set()).add((i, slot if node.moves else 0))
    records = {value: frozenset(records) for value, records in used_by.items()}
    return Links(nodes, views, roots, firsts, uses, records, joins)


def _views(nodes: Sequence[Node]) -> dict[SSAValue, SSAValue]:
    """Roots of the views; where a record would read one buffer twice, which takes it longer, a view is copied."""
    copied = set[SSAValue]()
    while True:
        roots, made = dict[SSAValue, SSAValue](), set[SSAValue]()
        for node in nodes:
            source = node.operands[0].value
            if node.seen and source in made and node.output not in copied:
                roots[node.output] = roots.get(source, source)
            made.add(node.output)
        loose = {node.output for node in nodes if node.moves and node.output in roots}
        if not loose or not (twice := _read_twice(nodes, roots, loose)):
            return roots
        copied |= twice


def _read_twice(nodes: Sequence[Node], roots: Mapping[SSAValue, SSAValue], loose: set[SSAValue]) -> set[SSAValue]:
    """Of the values `loose`, those in a buffer of which a record reads another value too."""
    found = set[SSAValue]()
    for node in nodes:
        if not node.moves and not node.view and len(node.operands) > 1:
            values = {operand.value for operand in node.operands}
            buffers = [roots.get(value, value) for value in values]
            found |= {v for v in values & loose if buffers.count(roots[v]) > 1}
    return found


def _joins(nodes: Sequence[Node], views: Mapping[SSAValue, SSAValue]) -> tuple[Join, ...]:
    places = {node.output: i for i, node in enumerate(nodes)}
    found, taken = list[Join](), set[SSAValue]()
    for i, node in enumerate(nodes):
        if node.joins < 0:
            continue
        values = [operand.value for operand in node.operands]
        for operand in node.operands:
            value, maker = operand.value, places.get(operand.value, i)
            free = maker < i and not nodes[maker].moves and value not in views and value not in taken
            if free and operand.lined_up and values.count(value) == 1:
                taken.add(value)
                found.append(Join(maker, i, node.joins))
    return tuple(found)


def _agree(join: Join, nodes: Sequence[Node], tiling: Tiling) -> bool:
    made, wanted = joined(tiling.results[nodes[join.maker]]), tiling.results[nodes[join.joiner]]
    along, whole = join.axis, nodes[join.maker].extents[join.axis]
    uncut = not (made[along].driver or wanted[along].driver) and len(made[along].ranges[0]) == whole
    return uncut and all(a == b for i, (a, b) in enumerate(zip(made, wanted, strict=True)) if i != along)


def _settled(
    nodes: Sequence[Node], views: Mapping[SSAValue, SSAValue], joins: Sequence[Join]
) -> dict[SSAValue, SSAValue]:
    """The roots with those joins taken that make no record use one buffer twice."""
    readers = dict[SSAValue, list[Node]]()
    for node in nodes:
        for operand in node.operands:
            readers.setdefault(operand.value, []).append(node)
    roots = dict(views)
    for join in joins:
        value, into = nodes[join.maker].output, nodes[join.joiner].output
        moved = {value, *(view for view, root in roots.items() if root is value)}
        touched = [nodes[join.maker], *(node for v in moved for node in readers.get(v, ()))]
        if not any(_meets(node, into, moved, roots) for node in touched if not node.moves and not node.view):
            roots |= dict.fromkeys(moved, into)
    return roots


def _meets(node: Node, into: SSAValue, moved: set[SSAValue], roots: Mapping[SSAValue, SSAValue]) -> bool:
    """Whether a record that uses the values `moved` uses another one in the buffer `into`, or several of them."""
    values = {node.output, *(operand.value for operand in node.operands)}
    return len(values & moved) > 1 or any(roots.get(value, value) is into for value in values - moved)
