"""The weight matrices with which a linear network begins."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from learndyn.arguments import number, type_shown
from learndyn.errors import InputError
from learndyn.scenarios.arrays import FrozenArray, frozen
from learndyn.scenarios.deep_linear import starts

if TYPE_CHECKING:
    from learndyn.scenarios.deep_linear.scenario import DeepLinear


@dataclass(frozen=True, init=False)
class LinearWeights:
    """The weight matrices with which a linear network begins, the first layer first.

        yhat = W_D ... W_2 W_1 x

    Parameters
    ----------
    *layers
        W_1 (h_1, inputs), W_2 (h_2, h_1), ..., W_D (outputs, h_{D-1}).
    weights
        The same matrices as one list, in the place of `layers`.
    at
        The time at which learning begins.

    Raises
    ------
    InputError
        When there is no matrix, or the shapes do not follow one another.

    Examples
    --------
    >>> import learndyn as ld
    >>> start = ld.LinearWeights([[0.1, 0.2]], [[0.3], [0.4]])
    >>> [layer.shape for layer in start.weights]
    [(1, 2), (2, 1)]
    """

    kind: ClassVar[str] = "linear_weights"

    weights: Any
    at: float = 0.0

    def __init__(self, *layers: Any, weights: Any = None, at: float = 0.0) -> None:
        given = weights if weights is not None and not layers else layers
        if not isinstance(given, list | tuple) or len(given) == 0:
            raise InputError("Argument `W1` of ld.LinearWeights must be a matrix, but there is none. Give W1, W2, ....")
        found = tuple(_matrix(layer, f"W{place}") for place, layer in enumerate(given, 1))
        for place, (before, after) in enumerate(pairwise(found), 1):
            if after.shape[1] != before.shape[0]:
                raise InputError(
                    f"Argument `W{place + 1}` must have as many columns as W{place} has rows, {before.shape[0]}, but "
                    f"it has shape {after.shape}. Give the first layer first."
                )
        object.__setattr__(self, "weights", found)
        object.__setattr__(self, "at", number(at, "at"))

    @classmethod
    def random(cls, scenario: DeepLinear, scale: float, seed: int, *, at: float = 0.0) -> LinearWeights:
        """Independent normal weights of the standard deviation ``scale``.

        Examples
        --------
        >>> import learndyn as ld
        >>> start = ld.LinearWeights.random(ld.DeepLinear.items(), scale=0.01, seed=1)
        >>> [layer.shape for layer in start.weights]
        [(4, 4), (5, 4)]
        """
        return cls(*starts.random(_widths(scenario), number(scale, "scale", minimum=0.0), seed), at=at)

    @classmethod
    def balanced(cls, scenario: DeepLinear, scale: float, seed: int, *, at: float = 0.0) -> LinearWeights:
        """A random map whose layers are balanced: W_{l+1}^T W_{l+1} = W_l W_l^T.

        The map is one of independent normal entries of the standard deviation ``scale``, of the rank that the narrowest
        layer leaves.

        Examples
        --------
        >>> import learndyn as ld, numpy as np
        >>> W1, W2 = ld.LinearWeights.balanced(ld.DeepLinear.items(), scale=0.01, seed=1).matrices()
        >>> bool(np.abs(W2.T @ W2 - W1 @ W1.T).max() < 1e-15)
        True
        """
        return cls(*starts.balanced(_widths(scenario), number(scale, "scale", minimum=0.0), seed), at=at)

    @classmethod
    def lambda_balanced(
        cls, scenario: DeepLinear, scale: float, imbalance: float, seed: int, *, at: float = 0.0
    ) -> LinearWeights:
        """Two layers with W_2^T W_2 - W_1 W_1^T = c 1 and a random map as in `balanced`.

        Parameters
        ----------
        scenario
            Of two layers.
        scale
            Standard deviation of the entries of W_2 W_1, at least 0.
        imbalance
            c: above 0 the second layer is the larger one, which needs a hidden layer no wider than the outputs; below 0
            the first, no wider than the inputs.
        seed
            Of the map.
        at
            The time at which learning begins.

        Raises
        ------
        InputError
            When the hidden layer is too wide for the imbalance, or there are not two layers.

        Examples
        --------
        >>> import learndyn as ld, numpy as np
        >>> start = ld.LinearWeights.lambda_balanced(ld.DeepLinear.items(), scale=0.01, imbalance=2.0, seed=1)
        >>> W1, W2 = start.matrices()
        >>> bool(np.abs(W2.T @ W2 - W1 @ W1.T - 2.0 * np.eye(4)).max() < 1e-14)
        True
        """
        scale, imbalance = number(scale, "scale", minimum=0.0), number(imbalance, "imbalance")
        return cls(*starts.lambda_balanced(_widths(scenario), scale, imbalance, seed), at=at)

    @classmethod
    def decoupled(
        cls, scenario: DeepLinear, u: Any, imbalance: Any = 0.0, *, seed: int | None = None, at: float = 0.0
    ) -> LinearWeights:
        """Modes that do not mix: W_1 = R diag(w_1) V^T, W_2 = U diag(w_2) R^T, as `ld.ModeStart` has them.

        Parameters
        ----------
        scenario
            One with modes (``scenario.modes()``).
        u, imbalance
            As for `ld.ModeStart`: strengths of the modes, and w_2^2 - w_1^2 for two layers.
        seed
            None: mode a goes through hidden unit a. A number: through random orthonormal directions R.
        at
            The time at which learning begins.

        Raises
        ------
        InputError
            When a hidden layer has fewer units than there are modes with a strength.

        Examples
        --------
        >>> import learndyn as ld
        >>> task = ld.DeepLinear.items()
        >>> curve = ld.solve(task, ld.LinearWeights.decoupled(task, u=0.01), until=4, save_at=[2.0, 4.0])
        >>> curve.u.values.round(4).tolist()
        [[1.482, 0.3555, 0.3555, 0.3555], [1.7318, 0.9679, 0.9679, 0.9679]]
        """
        from learndyn.scenarios.linear_modes.start import ModeStart

        widths, modes = _widths(scenario), scenario.modes()
        w = modes.as_start(ModeStart(u, imbalance)).layers(modes.depth, modes.m)
        known = scenario.known_modes
        assert known is not None  # or modes() has refused
        return cls(*starts.decoupled(widths, known.U, known.V, w, seed), at=at)

    @classmethod
    def of(cls, start: Any) -> LinearWeights:
        """A start, a tuple of matrices, or one row of a result with ``W_1``, ``W_2``, ...."""
        if isinstance(start, cls):
            return start
        if all(hasattr(start, name) for name in ("data_vars", "coords", "attrs")) and "W_1" in start:
            layers = []
            while f"W_{len(layers) + 1}" in start:
                layers.append(start[f"W_{len(layers) + 1}"])
            if any(layer.ndim != 2 for layer in layers):
                raise InputError(
                    f"Argument `start` must be one row of a result, but W_1 has the dims {layers[0].dims}. Choose a "
                    "row: result.sel(t=10, method='nearest')."
                )
            at = float(start["t"]) if "t" in start.coords else 0.0
            return cls(*(layer.values for layer in layers), at=at)
        if isinstance(start, list | tuple):
            return cls(*start)
        raise InputError(
            f"Argument `start` must be an ld.LinearWeights, matrices (W1, W2, ...) or one row of a result with W_1, "
            f"W_2, ..., but it is {type_shown(start)}. Write ld.LinearWeights(W1, W2), or "
            "ld.LinearWeights.balanced(scenario, scale=0.01, seed=1)."
        )

    def fitting(self, widths: tuple[int, ...]) -> LinearWeights:
        """This start, refused where it does not have these widths (n, h_1, ..., outputs)."""
        wanted = [(after, before) for before, after in pairwise(widths)]
        shapes = [layer.shape for layer in self.weights]
        if shapes != wanted:
            raise InputError(
                f"Argument `start` must have matrices of the shapes {', '.join(map(str, wanted))}, as the scenario has "
                f"layers, but they are {', '.join(map(str, shapes))}. Give the first layer first."
            )
        return self

    def matrices(self) -> list[np.ndarray]:
        """W_1, W_2, ... as arrays."""
        return [layer.values for layer in self.weights]

    def to_plain(self) -> dict[str, Any]:
        """As a dict of lists."""
        return {"weights": [layer.to_plain() for layer in self.weights], "at": self.at}


def _widths(scenario: Any) -> tuple[int, ...]:
    if getattr(scenario, "kind", None) != "deep_linear":
        raise InputError(
            f"Argument `scenario` must be an ld.DeepLinear, but it is {type_shown(scenario)}. Give the network "
            "that these weights are for."
        )
    return scenario.widths


def _matrix(value: Any, name: str) -> FrozenArray:
    found = frozen(value, name, "Give matrices, the first layer first.")
    if found.ndim != 2 or 0 in found.shape:
        raise InputError(f"Argument `{name}` must be a matrix, but it has shape {found.shape}. Write [[...], [...]].")
    return found
