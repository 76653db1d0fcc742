"""The part of the conformance test that looks at Gaussian averages: nested quadrature, Monte Carlo, sums over units."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from learndyn.activations import Activation
from learndyn.testing.functions import Comparison, breaks

# Probability that a correct activation fails one call, by chance of the Monte Carlo draws.
FALSE_ALARM = 1e-6
SAMPLES = 200_000
# What closed forms must reach at variances of order one, I4 being harder to compute; and what quadrature must.
ACCURACY = {"I2": 1e-10, "I3": 1e-10, "I4": 1e-9}
ACCURACY_OF_QUADRATURE = {"I2": 1e-8, "I3": 1e-8, "I4": 1e-6}
# Coinciding variables make the covariance of I4 singular: half of the 16 digits is what its entries determine.
ACCURACY_SINGULAR = 1e-8
# Gauss-Legendre nodes between two kinks (coarse, fine), over WIDTH standard deviations: 20 integrate a Gaussian to
# 3e-10, 24 to 2e-13, 32 to rounding, and 6e-16 of it is left outside. The difference of the two is the error of the
# coarse one; the next pair is for functions that change faster. Four nested integrals can afford fewer nodes.
NODES = {"I2": ((28, 32), (56, 64), (112, 128)), "I3": ((28, 32), (48, 56)), "I4": ((20, 24), (28, 32))}
WIDTH = 8.0
# Four nested integrals with more nodes than this in each are left to Monte Carlo.
MOST_NODES = 80
# From twice as far out, functions that grow faster than this are looked at for small variances: their products are
# made of the far tail otherwise, which no sample meets.
FASTEST = 1.5
SMALL = 0.1


class Average(NamedTuple):
    """One of the averages: its formula, the factors whose product is averaged, and what is asked of it."""

    formula: Callable[[Any], np.ndarray]
    factors: tuple[Callable[[Any], Any], ...]
    accuracy: float


def _averages(act: Activation) -> dict[str, Average]:
    def own(x: Any) -> Any:
        return x

    factors = {"I2": (act.g, act.g), "I3": (act.dg, own, act.g), "I4": (act.dg, act.dg, act.g, act.g)}
    # An activation that jumps has no average with g': its student would not know of the jump.
    names = ["I2"] if act.jumps else list(factors)
    return {
        name: Average(
            getattr(act, name),
            factors[name],
            ACCURACY[name] if name in act.functions else ACCURACY_OF_QUADRATURE[name],
        )
        for name in names
    }


def _size(factors: tuple[Callable[[Any], Any], ...], C: np.ndarray) -> float:
    """The product of the root mean squares of the factors, at least 1: errors are relative to it."""
    x, w = np.polynomial.hermite_e.hermegauss(40)
    squares = [w @ f(np.sqrt(s) * x) ** 2 / w.sum() for f, s in zip(factors, np.diagonal(C), strict=True)]
    return max(1.0, float(np.sqrt(np.prod(squares))))


def covariance(rng: np.random.Generator, n: int, act: Activation) -> np.ndarray:
    """A covariance with variances between 0.4 and 2 and no correlation near 1: what every activation must do well."""
    factor = rng.standard_normal((n, 2 * n))
    C = factor @ factor.T + n * np.eye(n)
    scale = np.sqrt(rng.uniform(0.4, 2.0, n) / np.diagonal(C))
    return C * scale[:, None] * scale * (SMALL if _grows_fast(act) else 1.0)


def _grows_fast(act: Activation) -> bool:
    near, far = (np.abs(act.g([-x, x])).max() for x in (20.0, 40.0))
    return bool(far > 2.0**FASTEST * max(near, 1e-6))


def _is_slow(act: Activation) -> bool:
    """Whether I4 takes seconds: a quadrature over four variables that is split in each. It is tested less often."""
    return "I4" not in act.functions and bool(breaks(act))


def symmetries(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    """I2 symmetric, I3 linear in v, I4 symmetric in each pair."""
    C = np.array([covariance(rng, 4, act) for _ in range(1 if _is_slow(act) else 8)])
    swap, parts = [1, 0], _averages(act)
    error = np.abs(act.I2(C[:, :2, :2]) - act.I2(C[:, :2, :2][:, swap][:, :, swap]))
    yield "I2 symmetric", error.max(), parts["I2"].accuracy
    if "I4" not in parts:
        return
    # v = 2 v_1 - 3 v_2 in <g'(u) v g(w)>, for (u, v_1, v_2, w) with covariance C.
    mix = np.array([[1.0, 0, 0, 0], [0, 2.0, -3.0, 0], [0, 0, 0, 1.0]])
    one, two = C[:, [0, 1, 3]][:, :, [0, 1, 3]], C[:, [0, 2, 3]][:, :, [0, 2, 3]]
    error = np.abs(act.I3(mix @ C @ mix.T) - 2 * act.I3(one) + 3 * act.I3(two))
    yield "I3 linear in v", error.max(), 6 * parts["I3"].accuracy
    for name, order in (("(a, b)", [1, 0, 2, 3]), ("(c, d)", [0, 1, 3, 2])):
        error = np.abs(act.I4(C) - act.I4(C[:, order][:, :, order]))
        yield f"I4 symmetric in {name}", error.max(), 2 * parts["I4"].accuracy


def quadrature(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    """The averages against nested quadrature."""
    at = breaks(act)
    for name, (formula, factors, accuracy) in _averages(act).items():
        C = [covariance(rng, len(factors), act) for _ in range(1 if name == "I4" and _is_slow(act) else 2)]
        if name == "I4" and (len(at) + 1) * NODES[name][0][1] > MOST_NODES:
            continue
        allowed = accuracy * max(_size(factors, matrix) for matrix in C)
        values, doubt = np.zeros(len(C)), np.inf
        for coarse, fine in NODES[name]:
            if doubt > allowed:
                values = np.array([expectation(factors, matrix, at, fine) for matrix in C])
                # The error of the coarse rule; that of the fine one is smaller by orders.
                doubt = abs(values[0] - expectation(factors, C[0], at, coarse))
        yield f"{name} against quadrature", np.abs(values - formula(np.array(C))).max(), allowed + doubt


def expectation(factors: tuple[Any, ...], C: np.ndarray, kinks: tuple[float, ...], nodes: int) -> float:
    """<f_1(z_1) f_2(z_2) ...> by nested Gauss-Legendre quadrature, each integral split at the kinks.

    z_k = m_k + L_kk n_k with m_k = sum_{j<k} L_kj n_j, C = L L^T: given the outer variables an integral over z_k is a
    smooth function of m_k, however many kinks f_k has.
    """
    L = np.linalg.cholesky(C)

    def inner(k: int, chosen: list[Any]) -> Any:
        # chosen: n_0 .. n_{k-1}, arrays with one axis for each level so far.
        if k == len(factors):
            return 1.0
        mean = sum((L[k, j] * chosen[j] for j in range(k)), np.zeros(()))[..., None]
        n, weight = _nodes(mean, L[k, k], kinks, nodes)
        rest = inner(k + 1, [*(x[..., None] for x in chosen), n])
        return (weight * factors[k](mean + L[k, k] * n) * rest).sum(-1)

    # The outermost variable one node at a time: memory for the others alone.
    n, weight = _nodes(np.zeros(1), L[0, 0], kinks, nodes)
    values = np.array([inner(1, [np.asarray(x)]) for x in n])
    return float((weight * factors[0](L[0, 0] * n) * values).sum())


def _nodes(mean: np.ndarray, deviation: float, kinks: tuple[float, ...], nodes: int) -> tuple[np.ndarray, np.ndarray]:
    """Nodes in units of the standard deviation and weights (with the Gaussian in them), panel after panel."""
    x, w = np.polynomial.legendre.leggauss(nodes)
    inside = [np.clip((kink - mean) / deviation, -WIDTH, WIDTH) for kink in kinks] or [np.zeros_like(mean)]
    borders = [np.full_like(mean, -WIDTH), *inside, np.full_like(mean, WIDTH)]
    points, weights = [], []
    for low, high in pairwise(borders):
        half = (high - low) / 2
        point = low + half * (1 + x)
        points.append(point)
        weights.append(half * w * np.exp(-0.5 * point * point) / np.sqrt(2 * np.pi))
    return np.concatenate(points, -1), np.concatenate(weights, -1)


def monte_carlo(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    """Means over draws, in standard errors; the threshold shares FALSE_ALARM out to all comparisons."""
    from scipy.special import ndtri

    cases = {"random": np.array([covariance(rng, 4, act) for _ in range(2)]), "singular": _singular(rng, act)}
    if _is_slow(act):
        cases = {"random": cases["random"][:1], "singular": cases["singular"][[2, 5, 10]]}
    parts = _averages(act)
    count = len(parts) * sum(map(len, cases.values()))
    threshold = -float(ndtri(FALSE_ALARM / (2 * count)))
    for kind, covariances in cases.items():
        draws = [_draws(C, rng) for C in covariances]
        for name, (formula, factors, accuracy) in parts.items():
            n = len(factors)
            values = formula(covariances[:, 4 - n :, 4 - n :])
            least = accuracy if kind == "random" else max(accuracy, ACCURACY_SINGULAR)
            scores = [
                _score(z[4 - n :], factors, value, least * _size(factors, C[4 - n :, 4 - n :]), threshold)
                for z, value, C in zip(draws, values, covariances, strict=True)
            ]
            yield f"{name} against Monte Carlo, {kind} (standard errors)", np.max(scores), threshold


def _draws(C: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    values, vectors = np.linalg.eigh(C)
    z = (vectors * np.sqrt(np.maximum(values, 0.0))) @ rng.standard_normal((4, SAMPLES))
    # Variables that are equal, opposite or constant are so in every draw, not up to rounding.
    return _exact_copies(z, C)


def _score(z: np.ndarray, factors: tuple[Any, ...], value: float, accuracy: float, threshold: float) -> float:
    """The deviation of the mean in standard errors, beyond the accuracy asked for.

    The second term is that of Bernstein's inequality: it counts where a few large draws make up the mean.
    """
    draws = np.prod([f(x) for f, x in zip(factors, z, strict=True)], axis=0)
    error = draws.std() / np.sqrt(SAMPLES) + threshold * np.abs(draws).max() / (3 * SAMPLES)
    return max(0.0, abs(draws.mean() - value) - accuracy) / max(error, 1e-300) if value == value else np.nan


def _singular(rng: np.random.Generator, act: Activation) -> np.ndarray:
    """Covariances of four variables of which some are equal, opposite, combinations of the others, or constant."""
    C = covariance(rng, 4, act)
    members = ([0, 0, 2, 3], [0, 1, 0, 3], [0, 1, 2, 2], [0, 1, 0, 1], [0, 0, 0, 0])
    equal = [C[np.ix_(m, m)] for m in members]
    sign = np.array([1.0, -1.0, -1.0, 1.0])
    opposite = [matrix * np.outer(sign, sign) for matrix in equal]
    constant = []
    for which in ([0], [1], [2], [0, 1], [0, 1, 2, 3]):
        matrix = C.copy()
        matrix[which], matrix[:, which] = 0.0, 0.0
        constant.append(matrix)
    size = SMALL if _grows_fast(act) else 1.0
    combination = [size * A @ A.T for A in (rng.standard_normal((4, 3)), rng.standard_normal((4, 2)))]
    return np.array([*equal, *opposite, *constant, *combination])


def _exact_copies(z: np.ndarray, C: np.ndarray) -> np.ndarray:
    z = z.copy()
    for i in range(4):
        if C[i, i] == 0.0:
            z[i] = 0.0
        for j in range(i):
            if C[i, i] > 0.0 and abs(C[i, j]) == C[i, i] == C[j, j]:
                z[i] = np.sign(C[i, j]) * z[j]
    return z


def sums(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    """The sums over units in closed form, against those of I3 and I4."""
    import jax

    from learndyn.gaussian.namespaces import NUMPY, jax_namespace

    gradient_sum, square_sum = (act.functions.get(part) for part in ("gradient_sum", "square_sum"))
    for K, M in ((1, 1), (2, 2), (3, 2)):
        n = K + M
        C, c = covariance(rng, n, act), rng.standard_normal(n)
        size, unit = float(np.abs(c).sum()), range(n)
        if gradient_sum is not None:
            rows = np.array([[i, b, q] for i in range(K) for b in unit for q in unit])
            wanted = act.I3(C[rows[:, :, None], rows[:, None, :]]).reshape(K, n, n) @ c
            with jax.enable_x64(True):
                found = jax.jit(lambda C, c, K=K: gradient_sum(C, c, K, jax_namespace()))(C, c)
            for where, values in (("NumPy", gradient_sum(C, c, K, NUMPY)), ("JAX", np.asarray(found))):
                error = np.abs(values - wanted).max()
                yield f"gradient_sum in {where}, K={K} M={M}", error, size * ACCURACY["I3"]
        if square_sum is not None:
            rows = np.array([[i, k, p, q] for i in range(K) for k in range(i, K) for p in unit for q in unit])
            wanted = act.I4(C[rows[:, :, None], rows[:, None, :]]).reshape(-1, n, n) @ c @ c
            with jax.enable_x64(True):
                found = np.asarray(jax.jit(lambda C, c, K=K: square_sum(C, c, K, jax_namespace()))(C, c))
            yield f"square_sum in JAX, K={K} M={M}", np.abs(found - wanted).max(), size**2 * ACCURACY_SINGULAR


def diffusion(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    """The covariance of single updates in closed form, against quadrature for the perceptron."""
    import jax

    from learndyn.gaussian.namespaces import jax_namespace
    from learndyn.scenarios.student_teacher.perceptron_quadrature import make_perceptron_diffusion

    closed_form = act.functions.get("diffusion")
    if closed_form is None:
        return
    xp = jax_namespace()
    by_quadrature = make_perceptron_diffusion(act, xp, breaks(act))
    for eta in (0.3, 1.5):
        C = covariance(rng, 2, act)
        values = {"learning_rate": np.asarray(eta), "T": C[1:, 1:]}
        with jax.enable_x64(True):
            wanted = np.asarray(jax.jit(by_quadrature)(np.array([C[0, 1], C[0, 0]]), values))
            # A perceptron's is known wherever any is.
            found = np.asarray(jax.jit(lambda C, eta: closed_form(C, 1, eta, xp))(C, values["learning_rate"]))
        error = np.abs(found - wanted).max()
        yield f"diffusion against quadrature, eta={eta}", error, ACCURACY["I4"] * np.trace(wanted)
