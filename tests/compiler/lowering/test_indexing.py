"""Picking and putting by indices drawn at random: onnxruntime's results to the bit, on the chip alone."""

from __future__ import annotations

from math import prod

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.compiler.lowering.nodes import Array, check, node

REDUCTIONS = st.sampled_from(["none", "add", "mul", "max", "min"])
DIMS = st.lists(st.integers(1, 4), min_size=1, max_size=5).map(tuple)
SEEDS = st.integers(0, 1 << 16)


def values(rng: np.random.Generator, dims: tuple[int, ...], whole: bool) -> Array:
    """Whole ones are so small that seven multiplied fit 32 bits, which the chip's integers have."""
    return rng.integers(-9, 10, dims) if whole else rng.normal(size=dims).astype(np.float32)


def distinct(rng: np.random.Generator, rows: int, dims: tuple[int, ...], axis: int) -> Array:
    """Indices that are no two alike along an axis, some counted from the end."""
    lines = prod(dims) // dims[axis]
    told = np.stack([rng.permutation(rows)[: dims[axis]] for _ in range(lines)])
    told = np.moveaxis(told.reshape(*dims[:axis], *dims[axis + 1 :], dims[axis]), -1, axis)
    return np.where(rng.random(dims) < 0.3, told - rows, told)


@settings(max_examples=25, deadline=None)
@given(DIMS, SEEDS, st.booleans(), st.booleans())
def test_picking_slices_and_elements(dims: tuple[int, ...], seed: int, whole: bool, known: bool) -> None:
    rng = np.random.default_rng(seed)
    axis, rows = seed % len(dims), dims[seed % len(dims)]
    x, fed = values(rng, dims, whole), (0,) if known else (0, 1)
    check(node("Gather", x, rng.integers(-rows, rows, (2, 3)), fed=fed, axis=axis), seed=seed)
    shorter = tuple(5 if i == axis else int(rng.integers(1, n + 1)) for i, n in enumerate(dims))
    check(node("GatherElements", x, rng.integers(-rows, rows, shorter), fed=fed, axis=axis), seed=seed)
    depth = int(rng.integers(1, len(dims) + 1))
    tuples = np.stack([rng.integers(-n, n, 4) for n in dims[:depth]], -1)
    check(node("GatherND", x, tuples, fed=fed), seed=seed)


@settings(max_examples=25, deadline=None)
@given(DIMS, SEEDS, st.booleans(), REDUCTIONS)
def test_putting_slices_and_elements(dims: tuple[int, ...], seed: int, whole: bool, reduction: str) -> None:
    rng = np.random.default_rng(seed)
    axis, rows = seed % len(dims), dims[seed % len(dims)]
    x = values(rng, dims, whole)
    count = int(rng.integers(1, rows + 1)) if reduction == "none" else 6
    shorter = tuple(count if i == axis else int(rng.integers(1, n + 1)) for i, n in enumerate(dims))
    told = distinct(rng, rows, shorter, axis) if reduction == "none" else rng.integers(-rows, rows, shorter)
    updates, fed = values(rng, shorter, whole), (0, 1, 2)
    check(node("ScatterElements", x, told, updates, fed=fed, axis=axis, reduction=reduction), seed=seed)
    depth = int(rng.integers(1, len(dims) + 1))
    places = rng.permutation(prod(dims[:depth]))[:4]
    tuples = np.stack(np.unravel_index(places, dims[:depth]), -1)
    updates = values(rng, (len(places), *dims[depth:]), whole)
    check(node("ScatterND", x, tuples, updates, fed=fed, reduction=reduction), seed=seed)
