"""The passive-aggressive rule: as little change as reaches the margin on this example.

    f = y max(0, margin - y h) x / |x|^2                       Crammer et al. (2006), JMLR 7, 551, equation (4)

The division is an integral over tilts of the Gaussian, 1/|x|^2 = int_0^oo ds exp(-s |x|^2):

    <exp(-s |x|^2) F(x)> = Z(s) <F>_s,   x ~ N(mu_s, Sigma_s),   P = (I + 2 s Sigma)^-1
    mu_s = P mu,   Sigma_s = P Sigma,   Z = det P^(1/2) exp(-s mu^T P mu)

so that with A = y <max(0, margin - y h)>, D = <max(0, margin - y h)^2>, each at m_s = mu_s . w and v_s = w^T Sigma_s w,

    <f> = int ds Z (mu_s A + u_s A'),   <f f^T> = int ds s Z [D (Sigma_s + mu_s mu_s^T) + D' (...) + D'' u_s u_s^T]

(1/|x|^4 = int ds s exp(-s |x|^2)). In the eigenbasis of Sigma a value of s costs O(n). The integral over log s is a
trapezoidal sum between the ends where the integrand has fallen by exp(-34). With the step d it is off by some
exp(-pi^2 / d), the integrand being bounded where |Im log s| < pi / 2: by exp(-28) at most, for <f f^T> in 3 dimensions,
where it falls only like s^(-1/2) and d = 85 / 256, and by less than exp(-34) elsewhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import number
from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.classification.rules.base import ClassInput, Rule, symmetric, with_slope
from learndyn.scenarios.classification.rules.hinge import hinge, square_hinge

NODES = 256
# The integrand is followed down to exp(-DEPTH) of its largest value.
DEPTH = 34.0
# Places at which it is looked at, in each of three rounds, to find out where that is.
LOOKS = 48
# Variances below this fraction of the largest are rounding: there is none in that direction.
NEGLIGIBLE = 1e-14


@dataclass(frozen=True)
class PassiveAggressive(Rule):
    """The passive-aggressive (margin) rule, f = y max(0, margin - y h) x / |x|^2, scaled by the learning rate.

    At learning rate 1 each example is on the margin after its update. Its loss is the hinge, max(0, margin - y h).
    Inputs near 0 are answered by long steps: the mean update is infinite for inputs in one dimension, and its second
    moment also in two (unless the mean lies outside the directions that have a variance).

    Parameters
    ----------
    margin
        Above 0.

    Notes
    -----
    Cost of a mean update: some 4000 n operations a class beside the rotation to the eigenvectors of Sigma, n^2. Error
    below 1e-12 of its size. Crammer, Dekel, Keshet, Shalev-Shwartz & Singer (2006), JMLR 7, 551.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.PassiveAggressive(margin=0.5)
    PassiveAggressive(margin=0.5)
    """

    name: ClassVar[str] = "passive_aggressive"
    label: ClassVar[str] = "PA"
    needs_spectrum: ClassVar[bool] = True

    margin: float = 1.0

    def __post_init__(self) -> None:
        object.__setattr__(self, "margin", number(self.margin, "margin", above=0.0))

    def numbers(self) -> dict[str, float]:
        """The margin."""
        return {"margin": self.margin}

    def require_finite(self, moment: int, mean: np.ndarray, eigenvalues: np.ndarray, vectors: Any) -> None:
        """<1/|x|^moment> is finite with variance in more than ``moment`` directions, or a mean outside all of them."""
        eigenvalues = np.broadcast_to(eigenvalues, mean.shape)
        varied = eigenvalues > NEGLIGIBLE * eigenvalues.max()
        rotated = mean if vectors is None else vectors.T @ mean
        outside = np.abs(rotated[~varied]).max(initial=0.0) > np.sqrt(NEGLIGIBLE) * np.abs(mean).max()
        if varied.sum() <= moment and not outside:
            what = "mean update" if moment == 1 else "second moment of the update"
            raise InputError(
                f"Argument `rule` must not be the passive-aggressive rule where inputs vary in {varied.sum()} "
                f"direction{'s' if varied.sum() > 1 else ''} around a mean among them, but it is {self}: its {what} is "
                f"infinite below {moment + 1} directions. Add input noise in further directions."
            )

    def mean_response(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any], xp: Any) -> Any:
        """A = y <max(0, margin - y h)>, without the factor 1 / |x|^2."""
        return y * hinge(numbers["margin"] - y * m, v, xp)

    def square_response(
        self, m: Any, v: Any, y: Any, reward: Any, activation: str, numbers: dict[str, Any], xp: Any
    ) -> Any:
        """D = <max(0, margin - y h)^2>, without the factor 1 / |x|^4."""
        return square_hinge(numbers["margin"] - y * m, v, xp)

    def loss(self, h: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """The hinge."""
        return np.maximum(numbers["margin"] - y * h, 0.0)

    def mean_loss(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """Its average."""
        return hinge(numbers["margin"] - y * m, v, NUMPY)

    def mean_update(self, w: Any, classes: Sequence[ClassInput], activation: str, numbers: dict[str, Any]) -> Any:
        """<f>(w), by the integral over tilts; NaN where it is infinite."""
        return sum(each.prior * self._mean_of_class(_Tilted(w, each, 0), numbers) for each in classes)

    def second_moment(self, w: Any, classes: Sequence[ClassInput], activation: str, numbers: dict[str, Any]) -> Any:
        """<f f^T>(w), by the integral over tilts; NaN where it is infinite."""
        return sum(each.prior * self._square_of_class(_Tilted(w, each, 1), numbers) for each in classes)

    def _mean_of_class(self, tilted: _Tilted, numbers: dict[str, Any]) -> Any:
        def mean(m: Any) -> Any:
            return self.mean_response(m, tilted.v, tilted.y, "", numbers, _jax())

        A, slope = with_slope(mean, tilted.m)
        found = (tilted.weight * A) @ tilted.mean + (tilted.weight * slope) @ tilted.u
        return found if tilted.vectors is None else tilted.vectors @ found

    def _square_of_class(self, tilted: _Tilted, numbers: dict[str, Any]) -> Any:
        def square(m: Any) -> Any:
            return self.square_response(m, tilted.v, tilted.y, 0.0, "", numbers, _jax())

        (D, slope), (_, curvature) = with_slope(lambda m: with_slope(square, m), tilted.m)
        D, slope, curvature = (tilted.weight * factor for factor in (D, slope, curvature))
        crossed = (slope * tilted.mean.T) @ tilted.u
        outer = (D * tilted.mean.T) @ tilted.mean + (curvature * tilted.u.T) @ tilted.u
        found = _jax().diag(D @ tilted.variances) + outer + crossed + crossed.T
        return symmetric(found if tilted.vectors is None else tilted.vectors @ found @ tilted.vectors.T)


class _Tilted:
    """A class under the tilts of the quadrature, in the eigenbasis of Sigma; a tilt is a row."""

    def __init__(self, w: Any, given: ClassInput, power: int) -> None:
        import jax.numpy as jnp

        assert given.spectrum is not None
        eigenvalues, self.vectors = given.spectrum()
        eigenvalues = jnp.where(eigenvalues > NEGLIGIBLE * eigenvalues.max(), eigenvalues, 0.0)
        mean = given.mean if self.vectors is None else self.vectors.T @ given.mean
        w = w if self.vectors is None else self.vectors.T @ w
        log_s, width, finite = _range(mean, eigenvalues, power)
        shrink = 1.0 / (1.0 + 2.0 * jnp.exp(log_s)[:, None] * eigenvalues)
        log_weight = _log_weight(log_s, mean, eigenvalues, power)[0]
        self.y = given.y
        self.weight = jnp.where(finite, width * jnp.exp(log_weight), jnp.nan)  # ds s^power Z
        self.mean = mean * shrink
        self.variances = eigenvalues * shrink
        self.u = self.variances * w
        self.m, self.v = self.mean @ w, self.u @ w


def _log_weight(log_s: Any, mean: Any, eigenvalues: Any, power: int) -> tuple[Any, Any]:
    """log(s^(power + 1) Z(s)), and log <|x|^2>_s."""
    import jax.numpy as jnp

    s = jnp.exp(log_s)[:, None]
    shrink = 1.0 / (1.0 + 2.0 * s * eigenvalues)
    log_Z = -0.5 * jnp.log1p(2.0 * s * eigenvalues).sum(-1) - (s * mean * mean * shrink).sum(-1)
    square = (eigenvalues * shrink + (mean * shrink) ** 2).sum(-1)
    return (power + 1.0) * log_s + log_Z, jnp.log(square)


def _range(mean: Any, eigenvalues: Any, power: int) -> tuple[Any, Any, Any]:
    """The nodes of log s, their distance, and whether <|f|^(power + 1)> is finite; constants in w."""
    import jax
    import jax.numpy as jnp

    mean, eigenvalues = jax.lax.stop_gradient((mean, eigenvalues))
    square = eigenvalues.sum() + (mean * mean).sum()
    least = jnp.where(eigenvalues > 0.0, eigenvalues, jnp.inf).min()
    # Below 1 / <|x|^2> the integrand is s^(power + 1); above 1 / least it is at least as steep as s^(-1/2), or there is
    # no integral.
    low = -jnp.log(square) - DEPTH - 6.0
    high = -jnp.log(jnp.minimum(least, square)) + 2.0 * DEPTH + 12.0
    finite = None
    for _ in range(3):
        places = jnp.linspace(low, high, LOOKS)
        log_weight, log_square = _log_weight(places, mean, eigenvalues, power)
        if finite is None:
            # <|x|^-1> and <|x|^-2>, of which the first is not seen in <f>: it may be finite as a principal value.
            bound = log_weight + 0.5 * (power + 1.0) * log_square
            finite = bound[-1] < bound.max() - DEPTH
        # mu_s and Sigma_s fall like <|x|^2>_s.
        size = log_weight + log_square
        kept = size > size.max() - DEPTH
        first, last = jnp.argmax(kept), LOOKS - 1 - jnp.argmax(kept[::-1])
        low, high = places[jnp.maximum(first - 1, 0)], places[jnp.minimum(last + 1, LOOKS - 1)]
    width = (high - low) / NODES
    return low + width * (jnp.arange(NODES) + 0.5), width, finite


def _jax() -> Any:
    from learndyn.gaussian.namespaces import jax_namespace

    return jax_namespace()
