"""What an arrangement of weight vectors tells the flow."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol

import numpy as np

from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.layout import Block

Parts = dict[str, Any]


class Units(NamedTuple):
    """The joint law of all pre-activations z = (x, y) without their biases."""

    C: Any  # covariance, (..., n, n)
    shift: Any  # mean, (..., n), or None


class Moments(Protocol):
    """Averages of the modulation F, as a rule gives them."""

    def on_units(self) -> Any:
        """<F_i (z_b - <z_b>)> for all units z, (K, n)."""
        ...

    def on(self, targets: Any) -> Any:
        """<F_i t> for Gaussian variables t of mean zero whose covariances with the units are ``targets`` (n, t)."""
        ...

    def mean(self) -> Any:
        """<F_i>, (K,)."""
        ...

    def square(self) -> Any:
        """<F_i F_k>, i <= k; None where the eta^2 terms are dropped."""
        ...


class Arrangement(Protocol):
    """See the package."""

    blocks: tuple[Block, ...]

    def units(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Units:
        """The pre-activations, from the state's blocks; with any leading axes."""
        ...

    def learning(self, parts: Parts, moments: Moments, eta: Any, values: Parts, alpha: Any, xp: Any) -> Parts:
        """What learning adds to each block per unit of alpha, divided by eta; flat, in the order that is kept."""
        ...

    def motion(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """What changes each block without learning, flat; absent: nothing."""
        ...

    def decay(self, parts: Parts, xp: Any) -> Parts:
        """What J_i <- (1 - eta lambda / N) J_i changes per unit of alpha, divided by eta lambda; flat."""
        ...

    def overlaps(self, parts: Parts, values: Parts, alpha: Any, xp: Any) -> Parts:
        """R, Q and T of the teacher of the moment, and further overlaps by the name of a result's variable."""
        ...


def joined(Q: Any, R: Any, T: Any, xp: Any) -> Any:
    """[[Q, R], [R^T, T]] with leading axes; T may have fewer."""
    T = xp.broadcast_to(T, (*R.shape[:-2], *T.shape[-2:]))
    above = xp.concatenate([Q, R], axis=-1)
    below = xp.concatenate([xp.swapaxes(R, -1, -2), T], axis=-1)
    return xp.concatenate([above, below], axis=-2)


def diagonal_matrix(entries: Any, xp: Any) -> Any:
    """Diagonal matrices of (..., n)."""
    return entries[..., :, None] * np.eye(entries.shape[-1])


def symmetric_sum(A: Any) -> Any:
    """(A + A^T), the upper triangle row by row."""
    i, k = state.upper(A.shape[0])
    return (A + A.T)[i, k]


def decayed(parts: Parts, degrees: dict[str, int], blocks: tuple[Block, ...], xp: Any) -> Parts:
    """-n X for each block X of degree n in J."""
    found = {}
    for block in blocks:
        if block.name in degrees:
            flat = parts[block.name].reshape(*parts[block.name].shape[: -len(block.shape)], -1)
            found[block.name] = -degrees[block.name] * flat[..., block.kept]
    return found
