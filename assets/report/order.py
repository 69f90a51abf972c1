"""
A work order: what one planning run found to do, and what it found to be in order.

    <root>/.store/orders/<id>.json       until everything in it is done
    <root>/.store/orders-done/<id>.json  afterwards
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from assets.report import documents
from compiler.build.store import Store

ORDER_TAG = "tpuflow/order"
REASON_TAG = "tpuflow/reason"
OPEN, DONE = "orders", "orders-done"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")


class BadOrder(Exception):
    """An order's id cannot name a file; the message says what can."""


@dataclass(frozen=True)
class Task:
    """A partition with work: the first stage that has to run or to be pointed again, and why."""

    model: str
    target: str
    stage: str
    because: str

    @property
    def partition(self) -> str:
        """As the store names it."""
        return f"{self.model}/{self.target}"


@dataclass(frozen=True)
class Order:
    """
    What is to be done and why, and what need not be.

    `goals` empty: all stages. `unchanged` and the keys of `broken` are partitions, `<model>/<target>`; a broken one
    could not be planned, its value says why. `created` is UTC, ISO 8601; `report`: whether one follows, at the latest
    `patience_hours` after.
    """

    id: str
    reason: str
    created: str
    report: bool
    goals: Sequence[str] = ()
    work: Sequence[Task] = ()
    unchanged: Sequence[str] = ()
    broken: Mapping[str, str] = field(default_factory=dict[str, str])
    patience_hours: float = 10.0

    @property
    def partitions(self) -> list[str]:
        """All of them."""
        return sorted([*(task.partition for task in self.work), *self.unchanged, *self.broken])


def save(store: Store, order: Order) -> Order:
    """Open the order. One that is there already under this id stays and is returned: its runs may be under way."""
    if not NAME.fullmatch(order.id):
        raise BadOrder(f"an order can't be called {order.id!r}: letters, digits, '.', '_' and '-' only")
    with store.locked("orders"):
        held = load(store, order.id)
        if held is None:
            documents.write(store, f"{OPEN}/{order.id}.json", asdict(order))
    return held or order


def load(store: Store, name: str) -> Order | None:
    """An order, open or done; None if there is none of that id. Raises DamagedDocument."""
    for folder in (OPEN, DONE):
        path = f"{folder}/{name}.json"
        held = documents.read(store, path)
        if held is not None:
            return documents.checked(store, path, Order, held)
    return None


def unfinished(store: Store) -> Sequence[str]:
    """Ids of the orders that are open, in order."""
    return documents.listed(store, OPEN)


def close(store: Store, order: Order) -> None:
    """Everything in it is done. Closing twice is closing once."""
    documents.write(store, f"{DONE}/{order.id}.json", asdict(order))
    store.drop(f"{OPEN}/{order.id}.json")
