"""An activation: a function g, its derivative g', and the Gaussian averages of them that it knows in closed form.

One file an activation. The file defines plain functions and one `Activation` that gathers them:

    g(x, xp), dg(x, xp)          the function and its derivative, elementwise

and, each where it is known (quadrature serves all others, `learndyn.activations.averages`),

    I2(s11, s12, s22, xp)        <g(u) g(v)>, elementwise in the entries of the covariance
    I3(C, xp)                    <g'(u) v g(w)>, C of shape (..., 3, 3)
    I4(C, xp)                    <g'(a) g'(b) g(c) g(d)>, C of shape (..., 4, 4)
    gradient_sum(C, c, K, xp)    sum_q c_q I3(x_i, z_b, z_q)             -> (K, n)      [<delta_i z_b>]
    square_sum(C, c, K, xp)      sum_pq c_p c_q I4(x_i, x_k, z_p, z_q)   -> (K (K+1)/2) [<delta_i delta_k>]
    diffusion(C, K, eta, xp)     the covariance of one update's increments (`student_teacher.increments`), or None for
                                 numbers of units for which it is not known

`xp` is the namespace that the formula computes with (`learndyn.gaussian.namespaces`): NumPy, JAX, or, for g and dg
alone, scalars inside a compiled simulation step. The same text therefore serves theory and simulation. Where g' or g
itself jumps is said beside them, KINKS = (place, ...), JUMPS = ((place, height), ...); and so are the COEFFICIENTS =
(c_0, c_1, ...) of a polynomial.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from learndyn.activations.digest import digest_of
from learndyn.arguments import array, shown
from learndyn.errors import InputError

Formula = Callable[..., Any]
REQUIRED = ("g", "dg")
OPTIONAL = ("I2", "I3", "I4", "gradient_sum", "square_sum", "diffusion")
DATA = ("kinks", "jumps", "coefficients")


class Functions(dict[str, Formula]):
    """The functions that an activation has, by part; asking for a part that it lacks is refused in a sentence.

    ``get`` gives None instead, for those who can do without.
    """

    def __init__(self, name: str, functions: Mapping[str, Formula]) -> None:
        super().__init__(functions)
        self.name = name

    def __missing__(self, part: str) -> Formula:
        raise InputError(
            f"This needs {part} in closed form, which activation {shown(self.name)} does not have. "
            'Use "erf", "relu" or "linear", which have it.'
        )


@dataclass(frozen=True, eq=False)
class Activation:
    """An activation function with its Gaussian averages.

    ``u, v, w`` and ``a, b, c, d`` are jointly Gaussian with mean zero and covariance ``C``; the order of the
    arguments is the order of the rows of ``C``:

    - ``I2(C)`` = <g(u) g(v)>,
    - ``I3(C)`` = <g'(u) v g(w)>,
    - ``I4(C)`` = <g'(a) g'(b) g(c) g(d)>.

    Each is a closed form where one is known, quadrature elsewhere. Two activations are equal when their names are.

    Parameters
    ----------
    name
        What the activation is called: `learndyn.activation` finds it by this name.
    formula
        The function as text, for people.
    functions
        ``g`` and ``dg``, functions of (x, xp), and closed forms of averages where they are known
        (`learndyn.activations.base`).
    kinks
        Where g' jumps.
    jumps
        Where g itself jumps, and by how much.
    coefficients
        Of a polynomial: c_0, c_1, ...; its averages are then exact.

    Examples
    --------
    >>> import learndyn as ld
    >>> relu = ld.activation("relu")
    >>> relu.g([-1.0, 2.0])
    array([0., 2.])
    >>> float(relu.I2([[1.0, 0.0], [0.0, 1.0]]))  # 1 / (2 pi)
    0.15915494309189535
    """

    name: str
    formula: str
    functions: Mapping[str, Formula] = field(repr=False)
    # Integrals are split at both.
    kinks: tuple[float, ...] = ()
    jumps: tuple[tuple[float, float], ...] = ()
    # c_0, c_1, ... of a polynomial; no other activation has any.
    coefficients: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "functions", Functions(self.name, self.functions))

    @classmethod
    def from_module(cls, name: str, formula: str, namespace: dict[str, Any]) -> Activation:
        """Gather the functions of an activation's file (pass its ``globals()``)."""
        missing = [part for part in REQUIRED if part not in namespace]
        if missing:
            raise InputError(
                f"Activation {shown(name)} must define {' and '.join(REQUIRED)}, but {' and '.join(missing)} is "
                "missing. See `learndyn.activations.base` for what each of them is."
            )
        known = [part for part in (*REQUIRED, *OPTIONAL) if part in namespace]
        data = {part: namespace[part.upper()] for part in DATA if part.upper() in namespace}
        return cls(name, formula, {part: namespace[part] for part in known}, **data)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Activation) and self.name == other.name

    def __hash__(self) -> int:
        return hash(("learndyn.activation", self.name))

    @cached_property
    def digest(self) -> str:
        """A short hash of what g and g' compute: compiled simulation steps are cached under it."""
        parts = (digest_of(self.functions[part]) for part in REQUIRED)
        return hashlib.sha256("".join(parts).encode()).hexdigest()[:16]

    @cached_property
    def homogeneous(self) -> bool:
        """Whether g(r x) = r g(x) for r > 0, as for the rectified linear unit.

        Powers of two change no digit of a float: the test is one of equality.
        """
        x, r = np.array([-1.0, -0.7, 0.3, 1.0]), 2.0 ** np.array([-20, -3, 1, 9])[:, None]
        return bool(np.array_equal(self.g(r * x), r * self.g(x)) and np.all(self.dg(r * x) == self.dg(x)))

    @cached_property
    def odd(self) -> bool:
        """Whether g(-x) = -g(x), as for the error function: averages of an odd number of such units vanish."""
        right, left = self.g(_SAMPLE), self.g(-_SAMPLE)
        # Powers may round differently on the two sides.
        return bool(np.all(np.abs(right + left) <= 1e-15 * np.abs(right - left)))

    @cached_property
    def teacher_only(self) -> bool:
        """Whether only a teacher can have it: g' is zero almost everywhere, or misses that g jumps.

        A student descends along g', which then says nothing, or not all, of how its output changes.
        """
        return bool(self.jumps) or not np.any(self.dg(np.concatenate([-_SAMPLE, _SAMPLE])))

    def g(self, x: Any) -> np.ndarray:
        """The activation function, elementwise."""
        return np.asarray(self.functions["g"](array(x, "x"), _numpy()))

    def dg(self, x: Any) -> np.ndarray:
        """The derivative g', elementwise (at a kink: the mean of both sides)."""
        return np.asarray(self.functions["dg"](array(x, "x"), _numpy()))

    def I2(self, C: Any) -> np.ndarray:
        """<g(u) g(v)> for a covariance ``C`` of shape (..., 2, 2)."""
        C = _covariance(C, 2, "I2")
        return np.asarray(self._average("I2")(C[..., 0, 0], C[..., 0, 1], C[..., 1, 1], _numpy()))

    def I3(self, C: Any) -> np.ndarray:
        """<g'(u) v g(w)> for a covariance ``C`` of shape (..., 3, 3)."""
        return np.asarray(self._average("I3")(_covariance(C, 3, "I3"), _numpy()))

    def I4(self, C: Any) -> np.ndarray:
        """<g'(a) g'(b) g(c) g(d)> for a covariance ``C`` of shape (..., 4, 4)."""
        C = _covariance(C, 4, "I4")
        if "I4" in self.functions:
            from learndyn.gaussian.namespaces import in_float64 as evaluate
        else:
            from learndyn.activations.filling import row_by_row as evaluate
        return evaluate(self._average("I4"), C.reshape(-1, 4, 4)).reshape(C.shape[:-2])

    def _average(self, part: str) -> Formula:
        """The activation's own formula, else one by the averages of pairs and fours of units."""
        if part in self.functions:
            return self.functions[part]
        if part not in self._filled:
            from learndyn.activations.filling import average_of

            self._filled[part] = average_of(self, part)
        return self._filled[part]

    @cached_property
    def _filled(self) -> dict[str, Formula]:
        return {}


# Where properties of g are looked at: nothing special about these numbers.
_SAMPLE = np.array([0.013, 0.21, 0.5, 0.87, 1.0, 1.7, 2.9, 4.4, 7.3, 11.0])


def _numpy() -> Any:
    from learndyn.gaussian.namespaces import NUMPY

    return NUMPY


def _covariance(C: Any, size: int, name: str) -> np.ndarray:
    """The argument as float64, refused in a sentence unless its last two axes are a covariance of `size` variables."""
    try:
        C = array(C, "C")
    except InputError as error:
        raise InputError(str(error).replace("`C`", f"`C` of {name}", 1)) from None
    if C.ndim < 2 or C.shape[-2:] != (size, size):
        raise InputError(
            f"Argument `C` of {name} must have shape (..., {size}, {size}), but it has shape {C.shape}. "
            f"Give the covariance of the {size} Gaussian variables in the order of the arguments of {name}."
        )
    if not np.allclose(C, np.swapaxes(C, -1, -2), rtol=1e-12, atol=1e-300):
        raise InputError(f"Argument `C` of {name} must be symmetric, but it is not. Symmetrise it: (C + C.T) / 2.")
    smallest = np.linalg.eigvalsh(C)[..., 0]
    scale = np.maximum(np.trace(C, axis1=-2, axis2=-1), 1e-300)
    if np.any(smallest < -1e-9 * scale):
        raise InputError(
            f"Argument `C` of {name} must be positive semidefinite, but its smallest eigenvalue is "
            f"{smallest.min():.3g}. Check that the correlations are possible together."
        )
    return C
