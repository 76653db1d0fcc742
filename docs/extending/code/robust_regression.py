"""A scenario of one's own: linear regression by the sign of the error, under labels with outliers.

    tau = y + s zeta,   x = J xi,  y = B xi,   J <- J + (eta / N) sign(tau - x) xi

where the noise has standard deviation s = `noise`, but for a share p of the examples s = `outlier_noise`. The error
e = tau - x is then a mixture of two normal variables of variances V_k = D + s_k^2, D = Q - 2 R + 1, and with
<sign(e) z> = sqrt(2 / pi) <e z> / sqrt(V) for jointly normal e and z,

    dR/dalpha = eta a (1 - R),   dQ/dalpha = 2 eta a (R - Q) + eta^2,   a = sqrt(2 / pi) sum_k p_k / sqrt(V_k)
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

import learndyn as ld
from learndyn.extending import Flow, Process, Quantity, get, number, put, register_scenario, update

SQRT_2_OVER_PI = float(np.sqrt(2.0 / np.pi))


# ---- The theory


def drift(alpha, state, values):
    """d(R, Q)/dalpha."""
    import jax.numpy as jnp

    R, Q = state
    variances = Q - 2.0 * R + 1.0 + values["noises"] ** 2
    a = SQRT_2_OVER_PI * (values["shares"] / jnp.sqrt(variances)).sum()
    eta = values["learning_rate"]
    return jnp.stack([eta * a * (1.0 - R), 2.0 * eta * a * (R - Q) + eta**2])


def size(states):
    """The squared length of the student, which grows without bound where learning diverges."""
    return states[..., 1]


FLOW = Flow(key="robust_regression", drift=drift, size=size)


# ---- One update


def sign_of_the_error(numbers, x, y, own, luck, place, delta, change, xp):
    """F = sign(tau - x); the second normal number decides whether this example is an outlier."""
    noise = xp.where(get(luck, place + 1) < numbers[2], numbers[1], numbers[0])
    put(delta, 0, xp.sign(get(y, 0) + noise * get(luck, place) - get(x, 0)))


# ---- The data


@dataclass(frozen=True)
class Overlaps:
    """Where the student begins: R = J . B, Q = J . J, at the time `at`."""

    kind: ClassVar[str] = "robust_overlaps"

    R: float = 0.0
    Q: float = 0.0
    at: float = 0.0

    def __post_init__(self):
        object.__setattr__(self, "R", number(self.R, "R"))
        object.__setattr__(self, "Q", number(self.Q, "Q", minimum=0.0))
        object.__setattr__(self, "at", number(self.at, "at"))
        if self.R**2 > self.Q * (1.0 + 1e-9):
            raise ld.InputError(
                f"Argument `R` must be at most sqrt(Q) = {self.Q**0.5:g} in size, but it is {self.R:g}. Enlarge Q."
            )


@dataclass(frozen=True)
class RobustRegression:
    """A linear student of a linear teacher (T = 1), by the sign of its error, with a share of outliers."""

    kind: ClassVar[str] = "robust_regression"
    time_name: ClassVar[str] = "alpha"
    time: ClassVar[Quantity] = Quantity((), "updates / N")
    gaussian_inputs: ClassVar[bool] = True
    K: ClassVar[int] = 1
    M: ClassVar[int] = 1
    state_length: ClassVar[int] = 2

    learning_rate: float
    noise: float = 0.1
    outlier_share: float = 0.0
    outlier_noise: float = 10.0

    def __post_init__(self):
        for name in ("learning_rate", "noise", "outlier_noise"):
            object.__setattr__(self, name, number(getattr(self, name), name, above=0.0))
        object.__setattr__(self, "outlier_share", number(self.outlier_share, "outlier_share", minimum=0.0))
        if self.outlier_share > 1.0:
            raise ld.InputError(
                f"Argument `outlier_share` must be at most 1, but it is {self.outlier_share:g}. It is a probability."
            )

    # What goes in.

    def as_start(self, start: Any) -> Overlaps:
        """An `Overlaps`, or one row of a result."""
        if isinstance(start, Overlaps):
            return start
        if hasattr(start, "data_vars") and "R" in start and start["R"].ndim == 0:
            return Overlaps(float(start["R"]), float(start["Q"]), float(start.coords.get("alpha", 0.0)))
        raise ld.InputError(
            f"Argument `start` must be an Overlaps or one row of a result, but it is a {type(start).__name__}. Write "
            "Overlaps(R=0.0, Q=0.25)."
        )

    def initial_state(self, start: Any) -> np.ndarray:
        """(R, Q)."""
        start = self.as_start(start)
        return np.array([start.R, start.Q])

    def values(self) -> dict[str, np.ndarray]:
        """The numbers that may change without compiling again."""
        share = self.outlier_share
        return {
            "learning_rate": np.array(self.learning_rate),
            "noises": np.array([self.noise, self.outlier_noise]),
            "shares": np.array([1.0 - share, share]),
        }

    # Theory and simulation.

    def flow(self, samples: int | None = None, reach: float | None = None) -> Flow:
        """The equations; there is nothing to sample, and no quadrature with a reach."""
        return FLOW

    def process(self, start: Any) -> Process:
        """What is repeated at finite N; two normal numbers an example beside the input."""
        from scipy.special import ndtri

        R, Q = self.initial_state(start)
        numbers = [self.noise, self.outlier_noise, float(ndtri(max(self.outlier_share, 1e-300)))]
        return Process(
            step=update(sign_of_the_error, numbers),
            K=1, M=1, C=np.array([[Q, R], [R, 1.0]]), rates=np.array([self.learning_rate]), luck=2,
        )  # fmt: skip

    def pack(self, record: dict[str, np.ndarray], start: Any) -> np.ndarray:
        """Flat states of what a simulation recorded: R and Q of shape (replicas, rows, 1, 1)."""
        return np.stack([record["R"][..., 0, 0], record["Q"][..., 0, 0]], axis=-1)

    # What comes out.

    def quantities(self) -> dict[str, Quantity]:
        """Names, dims beside time, and meanings."""
        return {
            "R": Quantity((), "overlap of student and teacher"),
            "Q": Quantity((), "squared length of the student"),
            "eps_g": Quantity((), "generalisation error on clean labels, (Q - 2 R + 1) / 2"),
        }

    def coordinates(self) -> dict[str, np.ndarray]:
        """There are no labels."""
        return {}

    def order_parameters(self, states: np.ndarray) -> dict[str, np.ndarray]:
        """R and Q."""
        return {"R": states[..., 0], "Q": states[..., 1]}

    def rows(self, states: np.ndarray, times: Any = 0.0) -> dict[str, np.ndarray]:
        """Order parameters and the error."""
        R, Q = states[..., 0], states[..., 1]
        return {"R": R, "Q": Q, "eps_g": 0.5 * (Q - 2.0 * R + 1.0)}

    def parameter_names(self) -> list[str]:
        """Of the flat state: `ld.find_fixed_point` asks for them."""
        return ["R", "Q"]

    # What is possible.

    def reach(self, states: np.ndarray, times: Any = 0.0) -> None:
        """No quadrature here."""

    def first_impossible(self, states: np.ndarray, tolerance: float, times: Any = 0.0) -> int:
        """Rows before the first with R^2 > Q."""
        wrong = states[:, 0] ** 2 > states[:, 1] * (1.0 + tolerance) + tolerance
        return int(np.argmax(wrong)) if wrong.any() else len(states)

    def scale(self, state: Any) -> float:
        """The squared length that is natural here."""
        return float(state[1]) + 1.0


register_scenario(RobustRegression, Overlaps)

if __name__ == "__main__":
    print(ld.testing.check_scenario(RobustRegression(0.5, outlier_share=0.1), Overlaps(R=0.1, Q=0.5)))
