"""Make biased_orthant_vectors.json: moments of four rectified Gaussian variables with means, by a method of its own.

    P4 = <theta(A) theta(B) theta(C) theta(D)>           X = z + h, z of unit variance and given correlations
    F1 = <theta(A) theta(B) C_+ theta(D)>
    F2 = <theta(A) theta(B) C_+ D_+>

learndyn follows these from the zero-mean moments along h -> t h. Here two of the variables, P and Q (the two that are
farthest from collinear), span a plane with standard normal coordinates u, v,

    P = h_P + u,   Q = h_Q + r u + rbar v,   S = h_S + s_u u + s_v v + sigma_S n,   T likewise,

and given u and v the average over S and T is one of two variables, by `pairs_with_biases` (which has vectors of its own
from mpmath). What remains is a double integral whose integrand turns within sigma along the lines S = 0 and T = 0, and
jumps along P = 0 and Q = 0. For each u the integral over v is split at those lines, that over u where lines cross; on
both sides of each split the panels shrink geometrically to 1e-9, so that layers of every width are resolved. All
coefficients are computed from exact decimals with 60 digits. The error falls a hundredfold with every four nodes a
panel; 20 and 24 differ by less than 1e-10.

Run from the root of the repository; it takes most of an hour:

    .venv/bin/python tests/data/make_biased_orthant_vectors.py
"""

import json
from concurrent.futures import ProcessPoolExecutor
from itertools import combinations
from pathlib import Path

import mpmath
import numpy as np
from mpmath import matrix, mp, mpf, sqrt

from learndyn.activations.averages import pairs_with_biases
from learndyn.activations.averages.units import unit
from learndyn.gaussian.namespaces import NUMPY

SEED = 20190604
PAIRS = list(combinations(range(4), 2))
FINEST, WIDEST, RATIO = 1e-9, 9.5, 4.0
NODES = 24
KINDS = ("P4", "F1", "F2")


def graded(breaks, nodes):
    """Gauss nodes and weights on [-WIDEST, WIDEST] for rows of breaks (rows, n), graded towards each break."""
    steps = RATIO ** np.arange(np.floor(np.log(FINEST) / np.log(RATIO)), np.log(2 * WIDEST) / np.log(RATIO) + 1)
    offsets = np.concatenate([-steps[::-1], [0.0], steps])
    edges = np.clip(breaks[:, :, None] + offsets, -WIDEST, WIDEST).reshape(len(breaks), -1)
    edges = np.sort(np.concatenate([edges, np.tile([-WIDEST, WIDEST], (len(breaks), 1))], axis=1), axis=1)
    x, w = np.polynomial.legendre.leggauss(nodes)
    low, width = edges[:, :-1, None], np.diff(edges, axis=1)[:, :, None]
    return (low + width * (1 + x) / 2).reshape(len(breaks), -1), (width * w / 2).reshape(len(breaks), -1)


def geometry(A, h):
    """The plane of P and Q: each variable's mean and coefficients of u, v; and what is left of S and T, as floats."""
    C = A * A.T
    length = [sqrt(C[i, i]) for i in range(4)]
    r = matrix(4, 4)
    for i in range(4):
        for j in range(4):
            r[i, j] = mpf(1) if i == j else C[i, j] / (length[i] * length[j])
    P, Q = min(PAIRS, key=lambda pair: abs(r[pair]))
    rbar = sqrt((1 - r[P, Q]) * (1 + r[P, Q]))
    along = {i: (r[i, P], (r[i, Q] - r[i, P] * r[P, Q]) / rbar) for i in range(4)}
    S, T = (i for i in range(4) if i not in (P, Q))

    def left(i, j):
        return max(mpf(0), r[i, j] - along[i][0] * along[j][0] - along[i][1] * along[j][1])

    cross = r[S, T] - along[S][0] * along[T][0] - along[S][1] * along[T][1]
    rest = [float(x) for x in (left(S, S), cross, left(T, T))]
    coefficients = {i: (float(h[i]), *map(float, along[i])) for i in range(4)}
    correlations = [float(r[i, j]) for i, j in PAIRS]
    return (P, Q, S, T), coefficients, rest, correlations


def crossings(lines):
    """The u at which two of the lines h + a u + b v = 0 cross, or one crosses v = 0 (some are nearly vertical)."""
    found = [-h / a for h, a, b in lines if a != 0]
    for (h, a, b), (k, c, d) in combinations(lines, 2):
        if abs(b * c - a * d) > 1e-12:
            found.append((h * d - b * k) / (b * c - a * d))
    return np.clip(found, -WIDEST, WIDEST)


def function(kind, variable):
    """Which function of this variable the moment has: theta, or the positive part."""
    return "relu" if (kind == "F2" and variable >= 2) or (kind == "F1" and variable == 2) else "step"


def moments(A, h, nodes):
    (P, Q, S, T), line, rest, correlations = geometry(A, h)
    u, weight_u = (x[0] for x in graded(crossings([line[i] for i in (P, Q, S, T)])[None], nodes))
    total = dict.fromkeys(KINDS, 0.0)
    for start in range(0, len(u), 64):
        U, wu = u[start : start + 64], weight_u[start : start + 64]
        splits = [-(line[i][0] + line[i][1] * U) / line[i][2] for i in (Q, S, T) if abs(line[i][2]) >= 1e-12]
        V, wv = graded(np.clip(np.stack(splits, axis=1), -WIDEST, WIDEST), nodes)
        U = U[:, None]
        weight = wu[:, None] * wv * np.exp(-(U * U + V * V) / 2) / (2 * np.pi)
        mean = {i: line[i][0] + line[i][1] * U + line[i][2] * V for i in (P, Q, S, T)}
        keep = (mean[P] > 0) & (mean[Q] > 0) & (weight > 1e-22)
        mean = {i: x[keep] for i, x in mean.items()}
        for kind in KINDS:
            inner = pairs_with_biases.outputs(
                unit(function(kind, S)), unit(function(kind, T)), *map(np.float64, rest), mean[S], mean[T], NUMPY
            )
            for i in (P, Q):
                inner = inner * (mean[i] if function(kind, i) == "relu" else 1.0)
            total[kind] += float(weight[keep] @ inner)
    return correlations, total


def weights(kind, eps, rng):
    """Four vectors, as exact decimals, whose overlaps are the covariance."""
    A = matrix(np.round(rng.standard_normal((4, 4)), 3).tolist())
    E = matrix(np.round(rng.standard_normal((4, 4)), 3).tolist())

    def near(target, source, sign):
        for j in range(4):
            A[target, j] = sign * A[source, j] + eps * E[target, j]

    copies = {
        "a = b": [(1, 0, 1)],
        "c = a": [(2, 0, 1)],
        "c = d": [(3, 2, 1)],
        "c = -a": [(2, 0, -1)],
        "c = a, d = b": [(2, 0, 1), (3, 1, 1)],
        "c = a, d = -b": [(2, 0, 1), (3, 1, -1)],
        "b = c = a": [(1, 0, 1), (2, 0, 1)],
    }
    for copy in copies.get(kind, []):
        near(*copy)
    if kind == "rank 3":
        for j in range(4):
            A[3, j] = mpf("0.3") * A[0, j] - mpf("0.7") * A[1, j] + mpf("0.45") * A[2, j] + eps * E[3, j]
    if kind == "rank 2":
        for i in range(4):
            A[i, 2], A[i, 3] = eps * A[i, 2], eps * A[i, 3]
    return A, copies.get(kind, [])


def biases(copies, eps, relation, rng):
    """Means in standard deviations; copies have the same, one that differs by eps, or one of their own."""
    h = [mpf(x) for x in np.round(0.3 + 0.9 * rng.standard_normal(4), 3).tolist()]
    for target, source, sign in copies:
        if relation == "equal":
            h[target] = sign * h[source]
        elif relation == "close":
            h[target] = sign * h[source] + eps * h[target]
    return h


def vector(task):
    """One vector; every eighth is compared with a coarser rule."""
    number, kind, eps, relation, A, h = task
    mp.dps = 60
    r, values = moments(A, h, NODES)
    if number % 8 == 0:
        _, coarse = moments(A, h, NODES - 4)
        assert max(abs(coarse[k] - values[k]) for k in KINDS) < 1e-10, (kind, eps, relation, coarse, values)
    print(kind, eps, relation, values, flush=True)
    inputs = {"kind": kind, "eps": float(eps), "biases": relation, "r": r, "h": [float(x) for x in h]}
    return inputs | values


def main():
    mp.dps = 60
    rng = np.random.default_rng(SEED)
    kinds = ["a = b", "c = a", "c = d", "c = -a", "c = a, d = b", "c = a, d = -b", "b = c = a"]
    wanted = [("generic", "1", "own")] * 8
    for kind in kinds:
        wanted += [(kind, eps, relation) for eps in ("1e-2", "1e-5") for relation in ("equal", "close", "own")]
    wanted += [(kind, eps, "own") for kind in ("rank 3", "rank 2") for eps in ("1e-2", "1e-5", "0")]
    wanted += [(kind, "0", relation) for kind in kinds for relation in ("equal", "own")]
    tasks = []
    for number, (kind, eps, relation) in enumerate(wanted):
        A, copies = weights(kind, mpf(eps), rng)
        tasks.append((number, kind, eps, relation, A, biases(copies, mpf(eps), relation, rng)))
    with ProcessPoolExecutor(2) as pool:
        vectors = list(pool.map(vector, tasks))
    note = (
        "Moments of four Gaussian variables of unit variances and means h, made by make_biased_orthant_vectors.py with "
        f"mpmath {mpmath.__version__}, numpy {np.__version__} (seed {SEED}). r: correlations 01, 02, 03, 12, 13, 23, "
        "rounded to float64; eps: distance from the exactly singular covariance."
    )
    lines = ",\n".join(json.dumps(v) for v in vectors)
    path = Path(__file__).with_name("biased_orthant_vectors.json")
    path.write_text(f'{{"note": {json.dumps(note)},\n"vectors": [\n{lines}\n]}}\n')


if __name__ == "__main__":
    main()
