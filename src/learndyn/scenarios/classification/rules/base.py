"""What a learning rule of the nonlinear perceptron is, and the averages that follow from two scalar functions of it.

A rule changes w by eta f, f = s(h, y) x, h = w . x (weight decay apart; s may be random). In class y the input is
Gaussian, x ~ N(mu, Sigma), so that h ~ N(m, v) with m = mu . w, v = w^T Sigma w, and with

    A(m, v) = <s>,   D(m, v) = <s^2>,   u = Sigma w,   a prime for d/dm

Stein's lemma gives the averages of the whole vector,

    <s x>         = mu A + u A'                            Schmid & Murray (2024), equations (15) and (20)
    <s^2 x x^T>   = D (Sigma + mu mu^T) + D' (mu u^T + u mu^T) + D'' u u^T.

The heat equation, d/dv = (1/2) d^2/dm^2, holds for both; rules see to it where a formula has no derivative at v = 0.

For developers: a new rule is a file with a frozen dataclass derived from `Rule` that has `mean_response` (A),
`square_response` (D), `loss` and `mean_loss`, a line in `registry.py`, and its update in `compiled.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, fields
from typing import Any, ClassVar, NamedTuple


class ClassInput(NamedTuple):
    """One class of inputs as the rules see it; all JAX values but `y`."""

    y: float  # +1.0 or -1.0
    prior: Any  # probability of the class
    mean: Any  # mu, (n,)
    times: Callable[[Any], Any]  # Sigma @ w, at the cost of the covariance's form
    matrix: Callable[[], Any]  # Sigma as (n, n); second moments alone ask for it
    # Eigenvalues (n,) of Sigma, not negative, and eigenvectors in the columns of (n, n), None where they are the axes.
    # Only for rules with `needs_spectrum`; a decomposition is made once, outside the compiled program.
    spectrum: Callable[[], tuple[Any, Any]] | None = None


class Projections(NamedTuple):
    """What an average over both classes needs of them, classes along the first axis."""

    y: Any  # (classes,)
    prior: Any  # (classes,)
    mean: Any  # mu, (classes, n)
    u: Any  # Sigma w, (classes, n)
    m: Any  # mean of h, (classes,)
    v: Any  # variance of h, (classes,)


def projections(w: Any, classes: Sequence[ClassInput]) -> Projections:
    """Mean and variance of h = w . x in each class, in JAX."""
    import jax.numpy as jnp

    mean = jnp.stack([each.mean for each in classes])
    u = jnp.stack([each.times(w) for each in classes])
    y = jnp.array([each.y for each in classes])
    return Projections(y, jnp.stack([jnp.asarray(each.prior) for each in classes]), mean, u, mean @ w, u @ w)


@dataclass(frozen=True)
class Rule:
    """A learning rule: data, without any engine in it.

    All functions of JAX arrays are differentiable to any order. ``numbers`` is the dict of `numbers()`, traced in JAX.
    """

    name: ClassVar[str]
    label: ClassVar[str]  # for legends
    needs_spectrum: ClassVar[bool] = False
    end: ClassVar[str] = ""  # in words, what ends the flow of a rule that comes to w = 0 in a finite time
    steps: ClassVar[bool] = False  # whether <s> is a step function of h, and its mean over rows a staircase

    def key(self) -> Hashable:
        """All that changes the shape of the computation."""
        return (self.name,)

    def numbers(self) -> dict[str, float]:
        """The numbers that may change without compiling again."""
        return {}

    def to_plain(self) -> dict[str, Any]:
        """As a dict, ``{"kind": name, ...}``; `registry.rule_from_plain` is the inverse."""
        return {"kind": self.name, **{entry.name: getattr(self, entry.name) for entry in fields(self)}}

    # What a rule says of itself.

    def mean_response(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any], xp: Any) -> Any:
        """A(m, v) = <s> for h ~ N(m, v), elementwise."""
        raise NotImplementedError

    def response(self, h: Any, y: Any, activation: str, numbers: dict[str, Any], xp: Any) -> Any:
        """<s> at given h = w . x, elementwise, over what is random in the rule itself."""
        return self.mean_response(h, xp.zeros_like(h), y, activation, numbers, xp)

    def square_response(
        self, m: Any, v: Any, y: Any, reward: Any, activation: str, numbers: dict[str, Any], xp: Any
    ) -> Any:
        """D(m, v) = <s^2>, elementwise; ``reward`` is that of `expected_reward`."""
        raise NotImplementedError

    def expected_reward(self, seen: Projections, activation: str, xp: Any) -> Any:
        """What the rule subtracts from the reward at the present w, a number; 0 for rules without reward."""
        return 0.0

    def loss(self, h: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """What the rule descends, for one h = w . x of class y, NumPy, elementwise."""
        raise NotImplementedError

    def mean_loss(self, m: Any, v: Any, y: Any, activation: str, numbers: dict[str, Any]) -> Any:
        """<loss> for h ~ N(m, v), NumPy, elementwise; arrays that broadcast."""
        raise NotImplementedError

    def require_finite(self, moment: int, mean: Any, eigenvalues: Any, vectors: Any) -> None:
        """Refuse inputs for which an average of f (``moment`` 1) or f f^T (2) is infinite; of each class."""

    # What follows for the weight vector.

    def mean_update(self, w: Any, classes: Sequence[ClassInput], activation: str, numbers: dict[str, Any]) -> Any:
        """<f>(w) = sum_y p_y (mu A + u A') without weight decay, (n,)."""
        xp = _jax()
        seen = projections(w, classes)
        A, slope = with_slope(lambda m: self.mean_response(m, seen.v, seen.y, activation, numbers, xp), seen.m)
        return (seen.prior * A) @ seen.mean + (seen.prior * slope) @ seen.u

    def second_moment(self, w: Any, classes: Sequence[ClassInput], activation: str, numbers: dict[str, Any]) -> Any:
        """<f f^T>(w) without weight decay, (n, n): over inputs, classes, and what is random in the rule."""
        xp = _jax()
        seen = projections(w, classes)
        reward = self.expected_reward(seen, activation, xp)

        def square(m: Any) -> Any:
            return self.square_response(m, seen.v, seen.y, reward, activation, numbers, xp)

        (D, slope), (_, curvature) = with_slope(lambda m: with_slope(square, m), seen.m)
        p = seen.prior
        crossed = (p * slope * seen.mean.T) @ seen.u
        outer = (p * D * seen.mean.T) @ seen.mean + (p * curvature * seen.u.T) @ seen.u
        spread = sum(p[index] * D[index] * each.matrix() for index, each in enumerate(classes))
        return symmetric(spread + outer + 2.0 * crossed)


def with_slope(function: Callable[[Any], Any], m: Any) -> tuple[Any, Any]:
    """An elementwise function at m, and its derivative there."""
    import jax
    import jax.numpy as jnp

    return jax.jvp(function, (m,), (jnp.ones_like(m),))


def symmetric(A: Any) -> Any:
    """Without what rounding has made antisymmetric."""
    return 0.5 * (A + A.T)


def _jax() -> Any:
    from learndyn.gaussian.namespaces import jax_namespace

    return jax_namespace()
