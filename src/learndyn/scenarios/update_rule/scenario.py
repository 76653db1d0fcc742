"""Weights that learn by any rule, given as functions: the scenario's data.

w <- w + eta f(w, x),   t = eta times the number of updates,   dw/dt = <f>(w) for small eta
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import KW_ONLY, dataclass
from functools import cached_property, lru_cache
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import count, number, shown
from learndyn.errors import InputError
from learndyn.scenarios.base import Flow, Quantity, replaced
from learndyn.scenarios.moments import MeanUpdate, drift, size
from learndyn.scenarios.update_rule import sampled
from learndyn.scenarios.update_rule.functions import require_shape, shape_of, weights_like
from learndyn.scenarios.update_rule.sampled import RANDOMISATIONS
from learndyn.scenarios.weight_vector import MEAN, MOMENTS, WeightVector
from learndyn.schedules.function import Identity

QUANTITIES = {**MEAN, **MOMENTS}

# Rules that a result of this process refers to: functions cannot be written down.
_BY_TOKEN: dict[str, UpdateRule] = {}


@dataclass(frozen=True)
class UpdateRule(WeightVector):
    """Any learning rule of n weights, from its mean update, or from the update itself and a sampler of its inputs.

        w <- w + eta f(w, x),   t = eta * updates,   d<w>/dt = <f>(<w>) + ...

    `ld.moment_flow` gives mean and covariance of the weights, `ld.ensemble` their distribution, `ld.solve` the flow
    from a point, and `ld.find_fixed_point` and its kin where it stands still.

    Parameters
    ----------
    dimension
        Number of weights n.
    mean
        <f>: a function of w, shape (n,), in closed form. Or leave it out and give `update`.
    covariance
        Cov_L(f) = <f f^T> - <f> <f>^T: a function of w, shape (n, n); only for terms of order eta.
    update
        f: a function of w and x, shape (n,). <f> is then its average over a fixed set of inputs, and so is Cov_L(f).
    inputs
        The sampler x = inputs(z) of ``normals`` standard normal numbers z, or inputs(u) of ``uniforms`` uniform ones
        in (0, 1), or inputs(z, u) where there are both. x is any array or tuple of arrays. None: x is z, u or (z, u).
    normals, uniforms
        How many numbers a draw takes.
    samples
        How many inputs the average has, rounded up to 8 times a power of two.
    seed
        Of their scrambling.
    learning_rate
        eta, above 0: for terms of order eta alone.
    name
        What the rule is called in results.

    Raises
    ------
    InputError
        When a function fails, JAX cannot follow it, or its result has another shape.

    Notes
    -----
    Functions get float64 JAX arrays and are written with jax.numpy; derivatives are by automatic differentiation, two
    nested ones for second moments and four for third. f must be smooth in w for them; an average over samples of an f
    that jumps is a staircase.
    Accuracy of a sampled average: normals have mean 0 and covariance 1 exactly, if there are more points in each of the
    8 parts of the set than normals; its standard error falls at least as 1 / sqrt(samples), for smooth f nearly as
    1 / samples; `ld.moment_flow` tells it (``w_error``). Cost: S evaluations of f for each derivative direction.
    Results keep numbers and text alone: `ld.scenario_of` finds the rule again in the same process; a scenario file
    cannot hold it.
    References: Schmid & Murray (2024) arXiv:2409.03749, equations (1)-(11); A. B. Owen (1997) Ann. Statist. 25, 1541.

    Examples
    --------
    >>> import jax.numpy as jnp, learndyn as ld
    >>> oja = ld.UpdateRule(
    ...     dimension=2,
    ...     update=lambda w, x: (w @ x) * (x - (w @ x) * w),
    ...     inputs=lambda z: z * jnp.array([2.0, 1.0]),
    ...     normals=2,
    ...     samples=1024,
    ... )
    >>> curve = ld.solve(oja, ld.GaussianWeights([0.6, 0.8]), until=5)
    >>> [round(float(x), 2) for x in curve.w[-1]]
    [1.0, 0.0]
    """

    kind: ClassVar[str] = "update_rule"

    dimension: int
    mean: Callable[[Any], Any] | None = None
    covariance: Callable[[Any], Any] | None = None
    _: KW_ONLY
    update: Callable[[Any, Any], Any] | None = None
    inputs: Callable[..., Any] | None = None
    normals: int = 0
    uniforms: int = 0
    samples: int = 4096
    seed: int = 0
    learning_rate: float = 1e-3
    name: str = "update rule"

    def __post_init__(self) -> None:
        n = count(self.dimension, "dimension")
        checked: dict[str, Any] = {
            "dimension": n,
            "normals": count(self.normals, "normals", 0),
            "uniforms": count(self.uniforms, "uniforms", 0),
            "samples": count(self.samples, "samples", 4 * RANDOMISATIONS),
            "seed": count(self.seed, "seed", 0),
            "learning_rate": number(self.learning_rate, "learning_rate", above=0.0),
            "name": _name(self.name),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)
        if (self.mean is None) == (self.update is None):
            raise InputError(
                "Argument `mean` must be given, or else `update`, but "
                f"{'neither is' if self.update is None else 'both are'}. Write mean=lambda w: -w, say."
            )
        self._check_closed_form() if self.update is None else self._check_sampler()

    def _check_closed_form(self) -> None:
        w, n = weights_like(self.dimension), self.dimension
        require_shape(shape_of(self.mean, (w,), "mean"), (n,), "mean")
        if self.covariance is not None:
            require_shape(shape_of(self.covariance, (w,), "covariance"), (n, n), "covariance")
        if self.inputs is not None or self.normals or self.uniforms:
            raise InputError(
                "Arguments `inputs`, `normals` and `uniforms` must be left out with `mean`, which is an average "
                "already. Give `update` to have it averaged."
            )

    def _check_sampler(self) -> None:
        if self.covariance is not None:
            raise InputError(
                "Argument `covariance` must be left out with `update`, from which it is computed, but it is given. "
                "Leave it out."
            )
        if self.normals + self.uniforms == 0:
            raise InputError(
                "Argument `normals` or `uniforms` must say how many random numbers an input takes, but both are 0. "
                "Write normals=3 for inputs(z) with z of shape (3,)."
            )
        given = [np.zeros(size) for size in (self.normals, self.uniforms) if size]
        x = given[0] if len(given) == 1 else tuple(given)
        if self.inputs is not None:
            x = shape_of(self.inputs, tuple(given), "inputs")
        found = shape_of(self.update, (weights_like(self.dimension), x), "update")
        require_shape(found, (self.dimension,), "update")

    def replace(self, **changes: Any) -> UpdateRule:
        """A changed copy, checked like a new one.

        Examples
        --------
        >>> import learndyn as ld
        >>> ld.UpdateRule(2, mean=lambda w: -w).replace(learning_rate=0.1).learning_rate
        0.1
        """
        return replaced(self, changes)

    @cached_property
    def _token(self) -> str:
        return uuid.uuid4().hex

    def to_plain(self) -> dict[str, Any]:
        """A token by which this process finds the rule again; no file can hold its functions."""
        _BY_TOKEN[self._token] = self
        return {"name": self.name, "dimension": self.dimension, "token": self._token}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> UpdateRule:
        """The rule that `to_plain` has named, in the same process."""
        if plain.get("token") not in _BY_TOKEN:
            raise InputError(
                f"The learning rule {shown(plain.get('name'))} is made of Python functions of another process, and "
                "results keep numbers and text alone. Build the ld.UpdateRule anew, with the same functions."
            )
        return _BY_TOKEN[plain["token"]]

    # What the engines ask for (learndyn.scenarios.base.Scenario).

    @property
    def n(self) -> int:
        """Number of weights."""
        return self.dimension

    def values(self) -> dict[str, np.ndarray]:
        """The learning rate, and the inputs of a sampled average."""
        return self._values

    @cached_property
    def _values(self) -> dict[str, np.ndarray]:
        return {"learning_rate": np.asarray(self.learning_rate)} | self._inputs[0]

    def copies(self) -> list[dict[str, np.ndarray]]:
        """The values with each randomisation of the inputs alone, whose scatter tells the error."""
        return [
            {"learning_rate": np.asarray(self.learning_rate)}
            | {name: array[copy : copy + 1] for name, array in self._inputs[0].items()}
            for copy in range(RANDOMISATIONS)
        ]

    @cached_property
    def _inputs(self) -> tuple[dict[str, np.ndarray], Any]:
        """The inputs of the average by name, and how they belong together."""
        if self.update is None:
            return {}, None
        points = sampled.draws(self.normals, self.uniforms, self.samples, self.seed)
        found, tree = sampled.inputs_of(self.inputs, *points)
        if not all(np.isfinite(array).all() for array in found.values()):
            raise InputError(
                "Argument `inputs` must give finite numbers for all normal and uniform ones, but it gives NaN or "
                "infinity for some. Check it where it divides, or takes a root or logarithm."
            )
        return found, tree

    def mean_update(self) -> MeanUpdate:
        """<f> and Cov_L(f) as the moment engine takes them."""
        return self._mean_update

    @cached_property
    def _mean_update(self) -> MeanUpdate:
        if self.update is None:
            return _closed_form(self.dimension, self.mean, self.covariance)
        return _average(self.dimension, self.update, *self._inputs)

    def flow(self, samples: int | None = None, reach: float | None = None) -> Flow:
        """The flow of the weights' mean and, where the state is longer, of a factor of their covariance."""
        self.refuse_samples(samples, "which has its own (rule.replace(samples=...))")
        return _flow_of(self.mean_update(), self.dimension)

    def quantities(self) -> dict[str, Quantity]:
        """All that a row may hold."""
        return QUANTITIES

    def rows(self, states: np.ndarray, times: Any = 0.0) -> dict[str, np.ndarray]:
        """Weights, and their moments where the flat states (..., n + n r) have a factor."""
        w = states[..., : self.n]
        return {"w": w, "w_norm": np.sqrt((w**2).sum(-1))} | self.moments(states)

    # What rules given as functions do not have.

    def process(self, start: Any) -> Any:
        """Refused, like `require_plain`."""
        raise _theory_alone("ld.simulate")


def _closed_form(n: int, mean: Any, covariance: Any) -> MeanUpdate:
    import jax.numpy as jnp

    key = ("update_rule", n, Identity(mean), covariance and Identity(covariance))

    def average(w: Any, values: dict[str, Any]) -> Any:
        return jnp.asarray(mean(w), dtype=w.dtype)

    def scatter(w: Any, values: dict[str, Any]) -> Any:
        return jnp.asarray(covariance(w), dtype=w.dtype)

    return MeanUpdate(key, average, None if covariance is None else scatter)


def _average(n: int, update: Any, inputs: dict[str, np.ndarray], tree: Any) -> MeanUpdate:
    import jax.numpy as jnp

    shapes = tuple(array.shape[1:] for array in inputs.values())
    key = ("update_rule", n, Identity(update), str(tree), shapes)

    def updates(w: Any, values: dict[str, Any]) -> Any:
        return jnp.asarray(sampled.updates(update, tree, w, values), dtype=w.dtype)

    def average(w: Any, values: dict[str, Any]) -> Any:
        return updates(w, values).mean((0, 1))

    def scatter(w: Any, values: dict[str, Any]) -> Any:
        f = updates(w, values).reshape(-1, n)
        mean = f.mean(0)
        return f.T @ f / len(f) - mean[:, None] * mean

    return MeanUpdate(key, average, scatter, work=RANDOMISATIONS * shapes[0][0] * n)


@lru_cache(maxsize=64)
def _flow_of(update: MeanUpdate, n: int) -> Flow:
    """One flow for all rules of the same functions: it is compiled once."""
    return Flow(("mean update", update.key), drift(update, n), size)


def _name(value: Any) -> str:
    if not isinstance(value, str) or not value:
        raise InputError(f"Argument `name` must be text, but it is {shown(value)}. Write name='my rule'.")
    return value


def _theory_alone(what: str) -> InputError:
    return InputError(
        f"Argument `scenario` must not be an ld.UpdateRule for {what}, but it is one: a rule given as functions has a "
        "theory alone. Use ld.moment_flow(rule, start, until, finite_rate=True) for what a learning rate scatters."
    )
