"""The linear noise approximation as a flow: covariance and mean of the order parameters to order 1 / N.

    dz/dt = F(z)
    dP/dt = J P + P J^T + D(z)                      P = N Cov,            J = dF/dz
    dm/dt = J m + 1/2 P : grad^2 F + c(z)           m = N (<z> - z),      c: `size_correction`

Where D is known, (z, P, m) is one flow with error control. Where it is an average over quasi-random normals, each of
several independent sets of normals has its own P and m. A discontinuous g' makes such an average jump at every normal
that passes a kink, which no step size resolves and the error over the sets covers. These copies are therefore carried
along, scaled down so far that the error control does not see them; the steps are chosen for z and for a covariance
driven by D = 1, which excites everything that the copies' propagators can do.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from learndyn.scenarios.base import Flow, Noise
from learndyn.scenarios.size_correction import size_correction

# Beside an absolute tolerance of 1e-16 and more, numbers of order 1 times this are exact for the error control.
UNSEEN = 1e-40


@dataclass(frozen=True)
class Layout:
    """Where z, P (upper triangle) and m stand in the flat state of `linear_noise`."""

    n: int
    sets: int

    @property
    def triangle(self) -> int:
        """Numbers of one covariance."""
        return self.n * (self.n + 1) // 2

    @property
    def active(self) -> int:
        """How many numbers the error control looks at: they come first."""
        return self.n + self.triangle + (0 if self.sets else self.n)

    @property
    def length(self) -> int:
        """Length of the whole state."""
        return self.active + self.sets * (self.triangle + self.n)

    def first(self, z: np.ndarray, P: np.ndarray, m: np.ndarray) -> np.ndarray:
        """The state at the start: z, its covariance (n, n) times N, and what its mean is off times N."""
        i, k = np.triu_indices(self.n)
        both = np.concatenate([P[i, k], m])
        if not self.sets:
            return np.concatenate([z, both])
        return np.concatenate([z, np.zeros(self.triangle), np.tile(UNSEEN * both, self.sets)])

    def split(self, states: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """z (times, n), P (sets, times, n, n) and m (sets, times, n) of states (times, length)."""
        z, rest = states[:, : self.n], states[:, self.n :]
        if self.sets:
            rest = rest[:, self.triangle :] / UNSEEN
        rest = rest.reshape(len(states), max(1, self.sets), self.triangle + self.n).swapaxes(0, 1)
        return z, rest[..., : self.triangle][..., _places(self.n)], rest[..., self.triangle :]


@cache
def _places(n: int) -> np.ndarray:
    table = np.zeros((n, n), dtype=int)
    i, k = np.triu_indices(n)
    table[i, k] = table[k, i] = np.arange(len(i))
    return table


@lru_cache(maxsize=64)
def linear_noise(flow: Flow, noise: Noise, layout: Layout, points: int) -> Flow:
    """The flow of (z, P, m). The sets of normals come in ``values["normals"]``, (sets, points, normals)."""
    n, sets, triangle = layout.n, layout.sets, layout.triangle
    i, k = np.triu_indices(n)

    def drift(alpha: Any, y: Any, values: dict[str, Any]) -> Any:
        z = y[:n]
        F, J, second = derivatives(flow, alpha, z, values)
        c = size_correction(flow.drift, noise.length_term, alpha, z, F, values)

        def covariance(P: Any, D: Any) -> Any:
            JP = jnp.einsum("ij,...jk->...ik", J, P[..., _places(n)])
            return (JP + jnp.swapaxes(JP, -1, -2) + D)[..., i, k]

        def mean(P: Any, m: Any, scale: float) -> Any:
            return m @ J.T + 0.5 * jnp.einsum("...ab,bia->...i", P[..., _places(n)], second) + scale * c

        if not sets:
            assert noise.covariance is not None
            P, m = y[n : n + triangle], y[n + triangle :]
            return jnp.concatenate([F, covariance(P, noise.covariance(z, values)), mean(P, m, 1.0)])
        D = sampled_diffusion(noise, z, values, F)
        rest = y[layout.active :].reshape(sets, triangle + n)
        P, m = rest[:, :triangle], rest[:, triangle:]
        copies = jnp.concatenate([covariance(P, UNSEEN * D), mean(P, m, UNSEEN)], axis=1)
        return jnp.concatenate([F, covariance(y[n : layout.active], jnp.eye(n)), copies.reshape(-1)])

    def size(y: Any) -> Any:
        return flow.size(y[..., :n])

    # Sampled sets make the state long, but the program works on them as on one: it gains nothing from slow compilation.
    quick = True if sets else None
    return Flow(("linear_noise", flow.key, noise.key, sets, points), drift, size, quick)


def derivatives(flow: Flow, alpha: Any, z: Any, values: dict[str, Any]) -> tuple[Any, Any, Any]:
    """F, the Jacobian J_ia = dF_i/dz_a, and the second derivatives d^2 F_i / dz_a dz_b (b, i, a), at z.

    Directions are mapped over, so that the compiled program holds F, one linearisation of it, and one of that.
    """
    eye = np.eye(z.shape[0])

    def along(z: Any, direction: Any) -> tuple[Any, Any]:
        return jax.jvp(lambda z: flow.drift(alpha, z, values), (z,), (direction,))

    def slopes(z: Any) -> tuple[Any, Any]:
        return jax.vmap(along, in_axes=(None, 0), out_axes=(None, 1))(z, eye)

    (F, J), (_, second) = jax.vmap(lambda d: jax.jvp(slopes, (z,), (d,)), out_axes=((None, None), 0))(eye)
    return F, J, second


def sampled_diffusion(noise: Noise, z: Any, values: dict[str, Any], F: Any) -> Any:
    """D (sets, n, n) as averages over ``values["normals"]``, which have length sqrt(normals) if b is quadratic in them.

    With u = |u| d and b = |u|^2 b(d), <|u|^4> = n (n + 2) gives D = (1 + 2/n) Cov b(sqrt(n) d) + (2/n) F F^T: only the
    directions are sampled.
    """
    difference = noise.increments(z, values, values["normals"]) - F
    D = jnp.swapaxes(difference, -1, -2) @ difference / difference.shape[1]
    if noise.quadratic:
        D = (1.0 + 2.0 / noise.normals) * D + (2.0 / noise.normals) * jnp.outer(F, F)
    return D
