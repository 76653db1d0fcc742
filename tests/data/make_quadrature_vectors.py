"""Make quadrature_vectors.json: averages <g_i' g_k' e^2> of four units, by a rule that learndyn does not use.

Nested Gauss-Legendre rules in each of four variables, 40 nodes on either side of zero over 9 standard deviations; 32
nodes agree to the `agreement` noted. e = sum_q c_q g_q, all units z = m + L u with C = L L^T.

Run from the root of the repository; it takes some minutes:

    .venv/bin/python tests/data/make_quadrature_vectors.py
"""

import json
import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent.parent))

from quadrature_units import UNITS


def square(names, K, C, c, m, nodes):
    """<g_i' g_k' e^2>, i <= k, of four units, one value of the first variable at a time."""
    L = np.linalg.cholesky(C)
    x, w = np.polynomial.legendre.leggauss(nodes)
    half = 9.0 / 2
    u = np.concatenate([half * (x - 1), half * (x + 1)])
    w = half * np.concatenate([w, w]) * np.exp(-0.5 * u * u) / np.sqrt(2 * np.pi)
    units = [UNITS[name] for name in names]
    total = np.zeros((K, K))
    for u1, w1 in zip(u, w, strict=True):
        axes = (np.full((1, 1, 1), u1), u[:, None, None], u[None, :, None], u[None, None, :])
        z = [m[k] + sum(L[k, j] * axes[j] for j in range(k + 1)) for k in range(4)]
        e2 = sum(c[k] * units[k].g(z[k]) for k in range(4)) ** 2
        weight = w1 * w[:, None, None] * w[None, :, None] * w[None, None, :]
        for i in range(K):
            for k in range(i, K):
                total[i, k] += (weight * units[i].dg(z[i]) * units[k].dg(z[k]) * e2).sum()
    return total[np.triu_indices(K)]


def covariance(rng, sigma):
    A = rng.standard_normal((4, 7))
    C = A @ A.T
    scale = sigma / np.sqrt(np.diagonal(C))
    return np.round(C * scale[:, None] * scale, 3)


def main():
    rng = np.random.default_rng(20)
    squares = []
    for names, K, sigma, biased in (
        (("tanh", "tanh", "tanh", "tanh"), 2, 1.0, False),
        (("tanh", "tanh", "tanh", "tanh"), 3, 0.8, True),
        (("tanh", "logistic", "gelu", "softplus"), 2, 0.9, True),
        (("gelu", "gelu", "sine", "tanh"), 2, 1.0, False),
    ):
        C, c = covariance(rng, sigma), np.round(rng.uniform(-1, 1, 4), 2)
        m = np.round(rng.uniform(-0.8, 0.8, 4), 2) if biased else np.zeros(4)
        fine, coarse = (square(names, K, C, c, m, nodes) for nodes in (40, 32))
        squares.append(
            {
                "units": names,
                "K": K,
                "C": C.tolist(),
                "c": c.tolist(),
                "m": m.tolist() if biased else None,
                "values": fine.tolist(),
                "agreement": float(np.abs(fine - coarse).max()),
            }
        )
    path = Path(__file__).parent / "quadrature_vectors.json"
    path.write_text(json.dumps({"source": __doc__, "squares": squares}, indent=1) + "\n")


if __name__ == "__main__":
    main()
