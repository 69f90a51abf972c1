"""Rounding with feedback, against GPTQ as its paper writes it, and against all integers there are."""

from __future__ import annotations

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from compiler.rounding import plane
from compiler.rounding.plane import on_grid


def gram(rng: np.random.Generator, k: int) -> np.ndarray:
    x = rng.normal(0, 1, (k, 2 * k)) * rng.uniform(0.2, 3, (k, 1)) + rng.normal(0, 1, (1, 2 * k))
    return x @ x.T + 0.01 * np.eye(k)


def gptq(weights: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Algorithm 1 of Frantar et al. 2022 with `act_order`, one column at a time, by the inverse of the Hessian."""
    order = np.argsort(np.diag(hessian), kind="stable")[::-1]
    upper = np.linalg.cholesky(np.linalg.inv(hessian[order][:, order])).T
    left, made = weights[:, order].copy(), np.empty_like(weights)
    for j in range(len(order)):
        made[:, j] = np.clip(np.rint(left[:, j]), -127, 127)
        left[:, j:] -= np.outer((left[:, j] - made[:, j]) / upper[j, j], upper[j, j:])
    return made[:, np.argsort(order)]


@given(st.integers(0, 10**6), st.integers(1, 150), st.integers(1, 5))
@settings(max_examples=30, deadline=None)
def test_is_gptq(seed: int, k: int, rows: int) -> None:
    rng = np.random.default_rng(seed)
    weights, hessian = rng.uniform(-130, 130, (rows, k)), gram(rng, k)
    made = on_grid(weights[None], hessian[None])[0]
    assert (made == gptq(weights, hessian)).mean() > 0.999
    assert np.abs(made).max() <= plane.LARGEST


@given(st.integers(0, 10**6))
@settings(max_examples=20, deadline=None)
def test_groups_do_not_mix(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights, grams = rng.uniform(-20, 20, (3, 2, 9)), np.stack([gram(rng, 9) for _ in range(3)])
    apart = [on_grid(w[None], g[None])[0] for w, g in zip(weights, grams, strict=True)]
    assert np.array_equal(on_grid(weights, grams), np.stack(apart))


def test_comes_near_the_best_there_is() -> None:
    """On four weights all roundings up and down can be tried: far nearer to the best of them than nearest ones are."""
    rng, ours, plain = np.random.default_rng(1), list[float](), list[float]()
    for _ in range(60):
        weights, hessian = rng.uniform(-10, 10, 4), gram(rng, 4)

        def loss(q: np.ndarray, w: np.ndarray = weights, h: np.ndarray = hessian) -> float:
            return float((w - q) @ h @ (w - q))

        best = min(loss(np.floor(weights) + np.array(up)) for up in product((-1, 0, 1, 2), repeat=4))
        ours.append(loss(on_grid(weights[None, None], hessian[None])[0, 0]) - best)
        plain.append(loss(np.rint(weights)) - best)
    assert sum(ours) < sum(plain) / 4
