"""The part of the conformance test that looks at g and g': places, derivative, NumPy against JAX and compiled code."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from itertools import chain
from typing import Any

import numpy as np

from learndyn.activations import Activation
from learndyn.activations.kinks import LARGEST, find_jumps, find_kinks

# Spacing h of the difference quotient of order 4: its error is h^4 g'''''/30, which a second quotient with 2 h measures
# (16 times as large), and 1.5 eps |g| / h.
SPACING = 1e-3
ACCURACY_DERIVATIVE = 1e-10
# g and g' in NumPy, in JAX and in compiled code: libraries that each round to a unit in the last place or two.
ACCURACY_COMPILED = 1e-14
# Places are found to rounding; users may write them with this many digits.
ACCURACY_PLACE = 1e-9
# How far from a place its sides are looked at.
SIDE = 1e-9

Comparison = tuple[str, float, float] | tuple[str, float, float, str]


def breaks(act: Activation) -> tuple[float, ...]:
    """Where g or g' jumps, as declared, in order."""
    return tuple(sorted({*act.kinks, *(place for place, _ in act.jumps)}))


def places(act: Activation) -> Iterator[Comparison]:
    """Kinks and jumps: those measured on [-10, 10] against those declared."""
    jumps = [place for place, _ in act.jumps]
    found = {"kinks": find_kinks(act), "jumps": find_jumps(act)}
    # g' may or may not change where g jumps.
    known = {"kinks": breaks(act), "jumps": jumps}
    for kind, what in (("kinks", "g'"), ("jumps", "g")):
        name = f"{kind}: measured against declared"
        missing = [place for place in found[kind] if _distance(place, known[kind]) > ACCURACY_PLACE]
        if missing:
            yield name, np.inf, ACCURACY_PLACE, f"{what} jumps at x = {missing[0]:g}, which `{kind}` does not declare."
        declared = [place for place in (act.kinks if kind == "kinks" else jumps) if abs(place) < LARGEST]
        absent = [place for place in declared if not _is_there(act, place, kind, found[kind])]
        if absent:
            yield name, np.inf, ACCURACY_PLACE, f"`{kind}` declares x = {absent[0]:g}, but {what} does not jump there."
        yield name, max((_distance(place, known[kind]) for place in found[kind]), default=0.0), ACCURACY_PLACE
    for place, height in act.jumps:
        measured = act.g(place + SIDE) - act.g(place - SIDE)
        error = abs(float(measured) - height) / max(1.0, abs(height))
        yield f"height of the jump at {place:g}", error, 1e3 * SIDE


def _distance(place: float, others: Any) -> float:
    return min((abs(place - other) for other in others), default=np.inf)


def _is_there(act: Activation, place: float, kind: str, found: tuple[float, ...]) -> bool:
    """Whether g (or g') jumps at a declared place; a kink may also be one of g' itself."""
    if _distance(place, found) <= ACCURACY_PLACE:
        return True
    if kind == "jumps":
        return False
    h = 1e-5
    left, right = (act.dg(place + side * 3 * h) - act.dg(place + side * h) for side in (-1.0, 1.0))
    bends = np.array([-left, right]) / (2 * h)
    own = act.dg(place + h) - act.dg(place - h) - h * bends.sum()
    # Where g' is smooth its slope changes by 4 h g''', and what is left of its own change is of order h^3.
    return bool(abs(bends[1] - bends[0]) > 1e-3 * max(1.0, np.abs(bends).max()) or abs(own) > 1e-7)


def derivative(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    """g' against differences of g; and at a kink against the mean of both sides."""
    at = np.array(breaks(act))
    x = rng.uniform(-6.0, 6.0, 2000)
    x = x[np.all(np.abs(x[:, None] - at) > 6 * SPACING, axis=1)]
    fine, coarse = _quotient(act, x, SPACING), _quotient(act, x, 2 * SPACING)
    size = max(1.0, np.abs(act.g(x)).max(), np.abs(act.dg(x)).max())
    doubt = np.abs(fine - coarse).max() / 15.0
    # A wrong g' is no matter of h: the doubt stays small beside it.
    yield "g' against differences of g", np.abs(fine - act.dg(x)).max(), ACCURACY_DERIVATIVE * size + 2 * doubt
    if act.kinks:
        at = np.array(act.kinks)
        smooth = np.array([_distance(place, [p for p, _ in act.jumps]) > 0.0 for place in at])
        jump = np.abs(act.g(at + SIDE) - act.g(at - SIDE))[smooth].max(initial=0.0)
        yield "continuity of g at its kinks", jump, 10 * SIDE * size
        mean = (act.dg(at + SIDE) + act.dg(at - SIDE)) / 2
        yield "g' at a kink against the mean of both sides", np.abs(act.dg(at) - mean).max(), 10 * SIDE * size


def _quotient(act: Activation, x: np.ndarray, h: float) -> np.ndarray:
    return (8 * (act.g(x + h) - act.g(x - h)) - (act.g(x + 2 * h) - act.g(x - 2 * h))) / (12 * h)


def forms(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    """g and g' in JAX and in compiled steps, against NumPy; and g' against automatic differentiation of g."""
    x = np.concatenate([rng.uniform(-8.0, 8.0, 501), breaks(act), [0.0, 30.0, -30.0]])
    x = np.resize(x, -(-x.size // 8) * 8)
    plain = {"g": act.g(x), "g'": act.dg(x)}
    differentiated, *in_jax = _in_jax(act, x)
    for where, values in chain([("in JAX", in_jax)], _compiled(act, x)):
        for (name, wanted), found in zip(plain.items(), values, strict=True):
            yield f"{name} {where} against NumPy", _relative(found, wanted), ACCURACY_COMPILED
    away = np.all(np.abs(x[:, None] - np.array(breaks(act))) > 0.0, axis=1)
    yield (
        "g' against automatic differentiation",
        _relative(differentiated[away], plain["g'"][away]),
        10 * ACCURACY_COMPILED,
    )


def _relative(found: np.ndarray, wanted: np.ndarray) -> float:
    return float((np.abs(found - wanted) / np.maximum(1.0, np.abs(wanted))).max())


def _in_jax(act: Activation, x: np.ndarray) -> list[np.ndarray]:
    """The derivative of g, g and g'."""
    import jax

    from learndyn.gaussian.namespaces import jax_namespace

    g, dg = (act.functions[part] for part in ("g", "dg"))
    xp = jax_namespace()
    with jax.enable_x64(True):
        slope = jax.jvp(lambda z: g(z, xp), (xp.asarray(x),), (xp.ones(x.size),))[1]
        return [np.asarray(slope), *(np.asarray(f(xp.asarray(x), xp)) for f in (g, dg))]


def _compiled(act: Activation, x: np.ndarray) -> Iterator[tuple[str, tuple[np.ndarray, np.ndarray]]]:
    """g and g' in kernels; nothing for an activation that only theory knows."""
    from learndyn.activations.compiled import ActivationTag, only_in_theory
    from learndyn.lanes.types import LANES

    if only_in_theory(act):
        return
    for where, shape in (("compiled for numbers", (-1,)), ("compiled for lanes", (-1, LANES))):
        points = x.reshape(shape)
        values, slopes = np.empty_like(points), np.empty_like(points)
        _kernel()(ActivationTag(act), points, values, slopes)
        yield where, (values.ravel(), slopes.ravel())


@cache
def _kernel() -> Callable[..., None]:
    from numba import njit

    from learndyn.activations.compiled import dg, g
    from learndyn.lanes.types import get, put

    @njit(error_model="numpy")
    def both(tag, x, values, slopes):
        for i in range(x.shape[0]):
            put(values, i, g(tag, get(x, i)))
            put(slopes, i, dg(tag, get(x, i)))

    return both
