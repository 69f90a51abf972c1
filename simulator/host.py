"""What the host does around a run: feeds into the network's storage types, results back into floats."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from simulator.arithmetic.casts import Steps, dequantise, narrow, quantise, widen
from simulator.isa.table import DType
from simulator.memory import NUMPY, Array
from simulator.model_file import IO
from simulator.onnx_host import TEXT, Form
from simulator.onnx_host import stored as in_form

FLOATS = (DType.F32, DType.BF16, DType.F16)
FLOAT_TYPES = frozenset({"float16", "bfloat16", "float32", "float64"})
ONNXRUNTIMES = {"float32": "float", "float64": "double"}
"""Its names of types, where they aren't numpy's."""

Feeds = Mapping[str, ArrayLike] | Sequence[ArrayLike]


class BadFeed(ValueError):
    """Feeds or names that don't fit the network; the message says what does."""


@dataclass(frozen=True)
class Info:
    """A network input or output as onnxruntime describes one, and how it is stored."""

    name: str
    shape: list[int]
    type: str
    dtype: np.dtype[Any]
    """Of the stored form, which `run` also takes (and with `raw` gives)."""
    scale: Steps
    zero_point: Steps
    axis: int = -1
    """Whose indices have a scale and a zero point each; -1: one for all."""


def described(entry: IO) -> Info:
    """The description of an input or output."""
    if entry.held and entry.declared not in FLOAT_TYPES:
        kind = "tensor(string)" if entry.held == TEXT else f"tensor({entry.held})"
        return Info(entry.name, list(entry.shape), kind, Form(entry.held).numpy, 1.0, 0)
    kind = f"tensor({ONNXRUNTIMES.get(entry.declared, entry.declared)})"
    stored_as = Form(entry.held).numpy if entry.held else NUMPY[entry.dtype]
    return Info(entry.name, list(entry.shape), kind, stored_as, entry.scale, entry.zero_point, entry.axis)


def stored(entry: IO, feed: Array) -> Array:
    """
    A feed in the input's storage type: as it is if it has that type already, else converted.

    Floats, of the declared type or float32: to a quantised type `rne(x ÷ scale)` in f32, NaN as 0, plus zero point,
    saturated; to bf16 or f16 to nearest even. Integers and bools must fit what they are declared and stored as.
    """
    what = f"input {entry.name!r}"
    if entry.held:
        return as_held(what, entry.held, feed)
    kind, declared = NUMPY[entry.dtype], Form(entry.declared).numpy
    if entry.declared not in FLOAT_TYPES:
        return as_whole(what, as_whole(what, feed, declared), kind)
    if feed.dtype == kind and entry.dtype not in FLOATS:
        return feed
    if feed.dtype in (kind, declared, np.float32):
        wide = _as_float32(feed)
        if entry.dtype in FLOATS:
            return narrow(wide, kind)
        return quantise(wide, entry.scale, entry.zero_point, kind, entry.axis)
    named = " or ".join(dict.fromkeys((declared.name, "float32")))
    mend = f"; give it as .astype(numpy.{declared.name})" if feed.dtype.kind in "iufb" else ""
    raise BadFeed(f"{what}: type {feed.dtype} isn't {named} or, as stored, {kind}{mend}")


def as_whole(what: str, feed: Array, kind: np.dtype[Any]) -> Array:
    """Integers or bools in an integer type or bool, which must hold them. Raises BadFeed."""
    if feed.dtype.kind not in "iub":
        raise BadFeed(f"{what}: type {feed.dtype} isn't {kind}")
    low, high = (0, 1) if kind == np.bool_ else (np.iinfo(kind.name).min, np.iinfo(kind.name).max)
    if feed.size and not low <= (least := int(feed.min())) <= (most := int(feed.max())) <= high:
        raise BadFeed(f"{what}: {least if least < low else most} doesn't fit {kind}, which it is held in")
    return feed.astype(kind)


def _as_float32(feed: Array) -> Array:
    return feed.astype(np.float32) if feed.dtype == np.float64 else widen(feed)


def as_held(what: str, held: str, feed: Array) -> Array:
    """A feed as ops of the host read it, in the type `held`: integers must fit, texts be texts. Raises BadFeed."""
    form = Form(held)
    if feed.dtype == form.numpy:
        return feed
    texts = feed.dtype.kind in "UO" and held == TEXT
    if not texts and (held == TEXT or feed.dtype.kind in "UO" or not np.can_cast(feed.dtype, form.numpy, "same_kind")):
        raise BadFeed(f"{what}: type {feed.dtype} isn't {held}")
    try:
        return in_form(feed, form)
    except OverflowError as error:
        raise BadFeed(f"{what}: {error}") from None


def real(entry: IO, result: Array) -> Array:
    """A stored result in the declared type."""
    declared = Form(entry.declared).numpy
    if entry.declared not in FLOAT_TYPES:
        return result if entry.held else result.astype(declared)
    if entry.held:
        return result if entry.held not in FLOAT_TYPES else _declared(result, declared)
    steps = entry.scale, entry.zero_point, entry.axis
    wide = widen(result) if entry.dtype in FLOATS else dequantise(result, *steps)
    return _declared(wide, declared)


def _declared(result: Array, kind: np.dtype[Any]) -> Array:
    """Floats as another float type."""
    if result.dtype == kind:
        return result
    return result.astype(kind) if kind == np.float64 else narrow(_as_float32(result), kind)


def named(inputs: Sequence[IO], feeds: Feeds) -> dict[str, Array]:
    """Feeds by name, given by name or in order. Raises BadFeed."""
    if isinstance(feeds, np.ndarray):
        raise BadFeed(f"feeds are one array; give a list of arrays, or a dict by name: {_names(inputs)}")
    if not isinstance(feeds, Mapping):
        if len(feeds) != len(inputs):
            raise BadFeed(f"{len(feeds)} feeds for {len(inputs)} inputs: {_names(inputs)}")
        feeds = {entry.name: feed for entry, feed in zip(inputs, feeds, strict=True)}
    missing = [repr(entry.name) for entry in inputs if entry.name not in feeds]
    unknown = [repr(name) for name in feeds if name not in {entry.name for entry in inputs}]
    if missing or unknown:
        what = [f"missing {', '.join(missing)}"] * bool(missing) + [f"unknown {', '.join(unknown)}"] * bool(unknown)
        raise BadFeed(f"inputs {' and '.join(what)}; the network takes {_names(inputs)}")
    return {name: np.asarray(feed) for name, feed in feeds.items()}


def one_batch(inputs: Sequence[IO], feeds: Feeds, what: str) -> dict[str, Array]:
    """Feeds by name, in the inputs' storage types, for `what` is of a single batch. Raises BadFeed."""
    given = named(inputs, feeds)
    if (count := batches(inputs, given)) != 1:
        raise BadFeed(f"{what} is of one batch, not {count}; give one of them")
    return {entry.name: stored(entry, given[entry.name]) for entry in inputs}


def batches(inputs: Sequence[IO], feeds: Mapping[str, Array]) -> int:
    """How many runs the feeds are for: their leading extents are that many times the network's. Raises BadFeed."""
    counts: dict[str, int] = {}
    for entry in inputs:
        have, want = feeds[entry.name].shape, entry.shape
        fits = len(have) == len(want) and have[1:] == want[1:]
        whole = have == want or (have and want[0] and have[0] >= want[0] and not have[0] % want[0])
        if not fits or not whole:
            told = f"shape {have} isn't {want}, or that with a multiple of {want[0] if want else 1} samples"
            raise BadFeed(f"input {entry.name!r}: {told}{_mend(have, want)}")
        counts[entry.name] = 1 if have == want else have[0] // want[0]
    if len(set(counts.values())) > 1:
        raise BadFeed(f"inputs hold different numbers of batches: {counts}")
    return next(iter(counts.values()), 1)


def _mend(have: tuple[int, ...], want: tuple[int, ...]) -> str:
    """What would make a feed of a shape fit, if that can be guessed."""
    if have == want[1:]:
        return "; give it as x[None]"
    if len(have) == len(want) == 4 and have[1:] == (*want[2:], want[1]):
        return "; channels are last in it: give it as x.transpose(0, 3, 1, 2)"
    if prod(have) == prod(want):
        return f"; give it as x.reshape{want}"
    if have[1:] == want[1:]:
        return f"; give {-have[0] % want[0] or want[0]} samples more, or fewer"
    return ""


def chosen(outputs: Sequence[IO], names: Sequence[str] | None) -> list[IO]:
    """The outputs of these names, all for None. Raises BadFeed."""
    if names is None:
        return list(outputs)
    by_name = {entry.name: entry for entry in outputs}
    if unknown := [repr(name) for name in names if name not in by_name]:
        raise BadFeed(f"no output {', '.join(unknown)}; the network has {_names(outputs)}")
    return [by_name[name] for name in names]


def _names(entries: Sequence[IO]) -> str:
    return ", ".join(repr(entry.name) for entry in entries)
