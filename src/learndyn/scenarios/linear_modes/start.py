"""Where the modes of a linear network begin."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from learndyn.arguments import number, type_shown
from learndyn.errors import InputError
from learndyn.scenarios.arrays import FrozenArray, frozen
from learndyn.scenarios.linear_modes.curves import weights_of

if TYPE_CHECKING:
    from learndyn.scenarios.linear_modes.scenario import LinearModes

# Squares of two strengths that differ by less than this part of their sum are the same number, rounded.
ROUNDING = 1e-14


@dataclass(frozen=True)
class ModeStart:
    """The strengths with which the modes of a linear network begin.

        u_a = w_1a w_2a ... w_Da,   imbalance c_a = w_2a^2 - w_1a^2 (two layers)

    Parameters
    ----------
    u
        Strength of each mode: a number for all, or (m,). Balanced layers have |w_l| = |u|^(1/D); the first layer has
        the sign of u.
    imbalance
        c, a number for all or (m,); other than 0 for two layers alone.
    at
        The time at which learning begins.
    strengths
        In the place of `u` and `imbalance`: w itself, shape (D, m), for any layers.

    Raises
    ------
    InputError
        When both or neither of `u` and `strengths` are given, or a number is not finite.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.ModeStart(u=0.01)
    ModeStart(u=0.01, imbalance=0.0, at=0.0, strengths=None)
    """

    kind: ClassVar[str] = "mode_start"

    u: Any = None
    imbalance: Any = 0.0
    at: float = 0.0
    strengths: Any = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "at", number(self.at, "at"))
        if (self.u is None) == (self.strengths is None):
            raise InputError(
                "Argument `u` of ld.ModeStart must be given, or `strengths`, and not both, but "
                f"{'neither is' if self.u is None else 'both are'}. Write ld.ModeStart(u=0.01)."
            )
        for name, dims in (("u", 1), ("imbalance", 1)):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, _of_modes(getattr(self, name), name, dims))
        if self.strengths is None:
            return
        w = frozen(self.strengths, "strengths", "Give w of shape (layers, modes).")
        if w.ndim != 2 or 0 in w.shape:
            raise InputError(
                f"Argument `strengths` must have shape (layers, modes), but it has shape {w.shape}. "
                "Give one row for each layer."
            )
        if self.imbalance.values.any():
            raise InputError(
                "Argument `imbalance` must be left out beside `strengths`, which have their own, but it is "
                f"{self.imbalance}. Leave it out."
            )
        object.__setattr__(self, "strengths", w)

    @classmethod
    def of(cls, start: Any) -> ModeStart:
        """A start, a number or m numbers for u, or one row of a result with ``w``."""
        if isinstance(start, cls):
            return start
        if all(hasattr(start, name) for name in ("data_vars", "coords", "attrs")) and "w" in start:
            if start["w"].ndim != 2 or "layer" not in start["w"].dims:
                raise InputError(
                    f"Argument `start` must be one row of a result, but w has the dims {start['w'].dims}. Choose a "
                    "row: result.sel(t=10, method='nearest')."
                )
            at = float(start["t"]) if "t" in start.coords else 0.0
            return cls(strengths=start["w"].transpose("layer", ...).values, at=at)
        if isinstance(start, int | float | list | tuple | np.number | np.ndarray | FrozenArray):
            return cls(u=start)
        raise InputError(
            f"Argument `start` must be an ld.ModeStart, the strengths u or one row of a result, but it is "
            f"{type_shown(start)}. Write ld.ModeStart(u=0.01)."
        )

    def fitting(self, scenario: LinearModes) -> ModeStart:
        """This start, refused where it does not fit the modes and layers of the scenario."""
        depth, m = scenario.depth, scenario.m
        if self.strengths is not None:
            if self.strengths.shape != (depth, m):
                raise InputError(
                    f"Argument `strengths` must have shape {(depth, m)}, the layers and modes of the scenario, but it "
                    f"has shape {self.strengths.shape}. Give one row for each layer."
                )
            return self
        for name in ("u", "imbalance"):
            value = getattr(self, name)
            if value.ndim and len(value) != m:
                raise InputError(
                    f"Argument `{name}` must be a number or have {m} numbers, one for each mode, but it has "
                    f"{len(value)}. Give one number for each mode."
                )
        if depth != 2 and self.imbalance.values.any():
            raise InputError(
                f"Argument `imbalance` must be 0 for {depth} layers, but it is {self.imbalance}, which is w_2^2 - "
                "w_1^2 of two layers. Give `strengths` of shape (layers, modes) instead."
            )
        return self

    def layers(self, depth: int, m: int) -> np.ndarray:
        """w of shape (D, m)."""
        if self.strengths is not None:
            return self.strengths.values
        u, c = (np.broadcast_to(each.values, m) for each in (self.u, self.imbalance))
        if depth == 2:
            return np.stack(weights_of(u, c))
        w = np.repeat((np.abs(u) ** (1.0 / depth))[None], depth, axis=0)
        w[0] *= np.sign(u)
        return w

    def to_plain(self) -> dict[str, Any]:
        """As a dict of numbers and lists."""
        if self.strengths is not None:
            return {"strengths": self.strengths.to_plain(), "at": self.at}
        return {"u": self.u.to_plain(), "imbalance": self.imbalance.to_plain(), "at": self.at}


def imbalance_of(w: np.ndarray) -> np.ndarray:
    """c = w_2^2 - w_1^2 of strengths (2, m), exactly 0 where it is of the order of rounding."""
    c = (w[1] - w[0]) * (w[1] + w[0])
    return np.where(np.abs(c) <= ROUNDING * (w**2).sum(0), 0.0, c)


def _of_modes(value: Any, name: str, dims: int) -> FrozenArray:
    found = frozen(value, name, "Give a number for all modes, or one for each.")
    if found.ndim > dims or (found.ndim and len(found) == 0):
        raise InputError(
            f"Argument `{name}` must be a number for all modes, or one for each, but it has shape {found.shape}. "
            "Give a list of numbers."
        )
    return found
