"""The order of ops: legal, no worse than the given one, the least peak there is where few orders are possible."""

from __future__ import annotations

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st
from xdsl.ir import Operation

from compiler.dialects.tpu.base import TpuOp
from compiler.schedule.nodes import Node
from compiler.schedule.order import Measure, Steps, Tensor
from compiler.schedule.program import parts
from tests.compiler.schedule.test_any_tiling import NETWORKS, SMALL


@st.composite
def steps(draw: st.DrawFn) -> Steps:
    """A few ops, each reading results of some before it."""
    count = draw(st.integers(1, 6))
    reads = [draw(st.frozensets(st.integers(0, i - 1), max_size=2)) if i else frozenset[int]() for i in range(count)]
    sizes = [draw(st.integers(0, 9)) for _ in range(count)]
    readers = [sum(1 << j for j in range(count) if i in reads[j]) for i in range(count)]
    tensors = [Tensor(size, 1 << i | users) for i, (size, users) in enumerate(zip(sizes, readers, strict=True))]
    return Steps([sum(1 << j for j in operands) for operands in reads], tensors)


def legal(made: Steps, order: tuple[int, ...]) -> bool:
    return all(set(order[: order.index(i)]) >= {j for j in order if made.before[i] >> j & 1} for i in order)


@given(steps())
def test_no_order_has_a_lower_peak_and_the_given_one_is_no_better(made: Steps) -> None:
    order = made.best()
    every = [o for o in permutations(range(len(made.before))) if legal(made, o)]
    assert tuple(order) in every
    assert made.measure(order).peak == min(made.measure(o).peak for o in every)
    assert made.measure(order)[:2] <= made.measure(range(len(order)))[:2]


def test_the_measure_counts_what_lives_at_each_op() -> None:
    chain = Steps([0, 1, 2], [Tensor(5, 0b011), Tensor(7, 0b110), Tensor(1, 0b100)])
    assert chain.measure([0, 1, 2]) == Measure(1, 0, 12, 5 + 12 + 8)


def test_a_branch_is_finished_before_the_next_begins() -> None:
    """Two branches, each a large tensor made and reduced to a small one, are given in turn."""
    tensors = [Tensor(90, 0b00101), Tensor(90, 0b01010), Tensor(1, 0b10100), Tensor(1, 0b11000)]
    made = Steps([0, 0, 0b1, 0b10, 0b1100], tensors)
    assert made.measure([0, 1, 2, 3, 4]).peak == 181
    assert made.best() == [0, 2, 1, 3, 4]
    assert made.measure(made.best()).peak == 92


def test_what_leaves_the_group_does_so_after_all_that_can_stay() -> None:
    """Op 1 stands outside of groups, op 2 reads nothing of it: after op 0 it is in one run with it."""
    made = Steps([0, 0b1, 0b1, 0b110], [Tensor(1, 0b0111), Tensor(1, 0b1010), Tensor(1, 0b1100)], [0, None, 0, 0])
    assert made.measure([0, 1, 2, 3]).runs == 2
    apart = Steps([0, 0b1, 0b1, 0b110], [Tensor(1, 0b0111)], [0, None, 0, 0b100])
    assert made.best() == [0, 1, 2, 3]
    assert apart.best() == [0, 2, 1, 3]
    assert apart.measure([0, 1, 2, 3]).runs == 3


def test_without_a_gain_the_given_order_stays() -> None:
    assert Steps([0, 0, 0b11], [Tensor(4, 0b101), Tensor(4, 0b110)]).best() == [0, 1, 2]


def test_networks_keep_every_op_after_what_it_reads() -> None:
    for make in NETWORKS:
        network = make()
        order = [
            part for parted in parts(network, SMALL) for part in (parted if isinstance(parted, list) else [parted])
        ]
        order = [part.op if isinstance(part, Node) else part for part in order]
        assert set(order) == {op for op in network.ops if isinstance(op, TpuOp)}
        done = set[Operation]()
        for op in order:
            owners = {v.owner for v in op.operands if isinstance(v.owner, TpuOp)}
            assert owners <= done
            done.add(op)
