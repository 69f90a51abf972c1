"""Small JSON documents in the store, put in place at one stroke wherever the store is."""

import json
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from compiler.build.store import Store

T = TypeVar("T")


class DamagedDocument(Exception):
    """A document is not what was written; the message names the file and the mend."""


def write(store: Store, name: str, value: Any) -> None:
    """Write a value under its path below `.store`: readable, and always the same text for the same value."""
    text = json.dumps(value, indent=1, sort_keys=True, ensure_ascii=False) + "\n"
    store.save(name, text.encode())


def read(store: Store, name: str) -> Any:
    """The value, None if there is no such file. Raises DamagedDocument."""
    text = store.load(name)
    if text is None:
        return None
    try:
        return json.loads(text)
    except ValueError as error:
        raise DamagedDocument(
            f"{store.inner / name} is not JSON ({error}); remove it, or put it right by hand"
        ) from error


def checked(store: Store, name: str, kind: type[T], held: Any) -> T:
    """What was read, as the dataclass that was written. Raises DamagedDocument."""
    try:
        return TypeAdapter(kind).validate_python(held)
    except ValidationError as error:
        raise DamagedDocument(f"{store.inner / name} is no {kind.__name__} ({error}); remove it") from error


def listed(store: Store, folder: str) -> Sequence[str]:
    """The names of a folder's documents without `.json`, in order."""
    names = (name.removeprefix(f"{folder}/") for name in store.names(folder))
    return [name.removesuffix(".json") for name in names if name.endswith(".json") and "/" not in name]
