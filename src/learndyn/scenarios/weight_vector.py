"""What scenarios of one weight vector w share: starts, labels, and the mean and covariance of w in a flat state.

flat = [<w> (n), L (n, r) row by row],   Cov(w) = L L^T;   from a point there is no L
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np

from learndyn.errors import InputError
from learndyn.scenarios.base import Quantity, fields_alone
from learndyn.scenarios.gaussian_weights import GaussianWeights
from learndyn.scenarios.moments.base import Form
from learndyn.scenarios.shown import Shown

# With up to so many numbers in all rows covariances are part of a result; beyond, variances and their sum alone.
MOST_COVARIANCES = 10**7

MEAN = {
    "w": Quantity(("input",), "mean weight <w_i>"),
    "w_norm": Quantity((), "length |<w>| of the mean weight vector"),
}
MOMENTS = {
    "trace_cov": Quantity((), "total variance tr Cov(w)"),
    "variance": Quantity(("input",), "variance of each weight"),
    "Cov": Quantity(("input", "input2"), "covariance of the weights"),
}


class WeightVector(Shown):
    """The part of `learndyn.scenarios.base.Scenario` that all scenarios of one weight vector have alike."""

    time_name: ClassVar[str] = "t"
    time: ClassVar[Quantity] = Quantity((), "time: learning rate * updates")
    gaussian_inputs: ClassVar[bool] = True

    @property
    def n(self) -> int:
        """Number of weights."""
        raise NotImplementedError

    def __getstate__(self) -> dict[str, Any]:
        # What is derived from the fields is not copied or sent along.
        return fields_alone(self)

    def as_start(self, start: Any) -> GaussianWeights:
        """The start, checked against this scenario; weights or a row of a result will do."""
        return GaussianWeights.of(start).fitting(self.n)

    def initial_state(self, start: Any) -> np.ndarray:
        """The flat state of a start."""
        start = self.as_start(start)
        return np.concatenate([start.mean.values, start.factor().ravel()])

    @property
    def state_length(self) -> int:
        """Length of the flat state from a point."""
        return self.n

    def reach(self, states: np.ndarray, times: Any = 0.0) -> None:
        """No quadrature here has a reach."""

    def coordinates(self) -> dict[str, np.ndarray]:
        """The labels of the weights."""
        labels = np.arange(1, self.n + 1)
        return {"input": labels, "input2": labels}

    def order_parameters(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """The weights alone."""
        return {"w": states[..., : self.n]}

    def parameter_names(self) -> list[str]:
        """w_1, w_2, ...: the numbers of the flat state of a point."""
        return [f"w_{i}" for i in range(1, self.n + 1)]

    def first_impossible(self, states: np.ndarray, tolerance: float, times: Any = 0.0) -> int:
        """All states are possible: a factor's covariance is never negative."""
        return len(states)

    def scale(self, state: Any) -> float:
        """The squared length that is natural here."""
        return float((np.asarray(state) ** 2).sum()) + 1.0

    def moments(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """Total variance, variances and covariance of flat states (..., n + n r); nothing from a point."""
        if states.shape[-1] == self.n:
            return {}
        form = Form(self.n, rank=states.shape[-1] // self.n - 1)
        variance = form.variance(states)
        found = {"trace_cov": variance.sum(-1), "variance": variance}
        if states[..., 0].size * self.n**2 <= MOST_COVARIANCES:
            found["Cov"] = form.covariance(states)
        return found

    def refuse_samples(self, samples: int | None, why: str) -> None:
        """Averages here are not sampled by `solve`."""
        if samples is not None:
            raise InputError(
                f"Argument `samples` must be left out for an ld.{type(self).__name__}, {why}, but it is {samples}. "
                "Leave it out."
            )

    # What a weight vector does not have.

    def require_plain(self, what: str) -> None:
        """Refused: there is no process of order parameters here."""
        raise self._refused(what)

    def noise(self) -> Any:
        """Refused: the terms of order eta are in `ld.moment_flow`."""
        raise self._refused("ld.fluctuations")

    def _refused(self, what: str) -> InputError:
        return InputError(
            f"Argument `scenario` must be an ld.StudentTeacher for {what}, but it is an ld.{type(self).__name__}. Use "
            "ld.moment_flow(..., finite_rate=True) for its fluctuations at a finite learning rate."
        )
