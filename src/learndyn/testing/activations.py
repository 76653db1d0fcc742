"""The conformance test of an activation: every part of it against sources that share none of its formulas.

g' is held against differences of g and against automatic differentiation, NumPy against JAX and compiled code, averages
against nested Gauss-Legendre quadrature over conditional distributions and against Monte Carlo.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from learndyn.activations import Activation
from learndyn.activations import activation as find_activation
from learndyn.testing import averages, functions
from learndyn.testing.report import ActivationReport, Check

# Name, error, allowed error; and, where the numbers do not say it, what is wrong and what to do.
Comparison = tuple[str, float, float] | tuple[str, float, float, str]


def check_activation(activation: str | Activation, *, seed: int = 0) -> ActivationReport:
    """Check that an activation's derivative, averages and compiled forms agree with independent calculations.

    - ``kinks`` and ``jumps`` are where ``dg`` and ``g`` do jump, and nowhere else, on [-10, 10].
    - ``dg`` is the derivative of ``g`` (difference quotients of order 4; automatic differentiation), at a kink the mean
      of both sides.
    - ``g`` and ``dg`` give the same numbers in NumPy, in JAX, and inside compiled simulation steps for one number and
      for lanes of them.
    - ``I2`` = <g(u) g(v)>, ``I3`` = <g'(u) v g(w)> and ``I4`` = <g'(a) g'(b) g(c) g(d)>, whether in closed form or not,
      agree with nested quadrature that is split at kinks and jumps, at random covariances.
    - They agree with Monte Carlo, also at singular covariances: equal, opposite and constant variables.
    - ``I2`` is symmetric, ``I3`` linear in v, ``I4`` symmetric in (a, b) and in (c, d).
    - Where the activation has them, ``gradient_sum`` (NumPy and JAX) and ``square_sum`` (JAX) are the sums of I3 and I4
      that they stand for, and ``diffusion`` agrees with quadrature for the perceptron.

    Parameters
    ----------
    activation
        A name, an expression, or an `Activation`.
    seed
        Seed of the covariances, weights and samples: the same seed is the same check.

    Returns
    -------
    ActivationReport
        The measured error and the allowed one of each comparison; print it for a table.

    Raises
    ------
    AssertionError
        One sentence that names the first part that is wrong, and by how much.

    Notes
    -----
    Accuracy asked of averages, relative to the root mean squares of their factors where these are above 1: 1e-10 for I2
    and I3 in closed form, 1e-9 for I4, 1e-8 where variables coincide; 1e-8 for I2 and I3 by quadrature, 1e-6 for I4.
    For an activation that jumps, which only a teacher can have, I2 alone is checked. A correct activation fails the
    Monte Carlo part of one call with probability 1e-6 over seeds. Cost: 5 to 60 s, most of it compilation.

    Examples
    --------
    >>> import learndyn as ld
    >>> report = ld.testing.check_activation("linear")
    >>> report.checks[2].name
    "g' against differences of g"
    """
    act = find_activation(activation)
    checks = []
    for name, error, allowed, *sentence in _comparisons(act, np.random.default_rng(seed)):
        # Not `error > allowed`: that would let NaN pass.
        if not error <= allowed:
            default = f"{name}: the error is {error:.3g}, but at most {allowed:.3g} is allowed."
            raise AssertionError(f"Activation {act.name!r}: {sentence[0] if sentence else default}")
        checks.append(Check(name, float(error), float(allowed)))
    return ActivationReport(act.name, seed, act.kinks, act.jumps, tuple(checks))


def _comparisons(act: Activation, rng: np.random.Generator) -> Iterator[Comparison]:
    yield from functions.places(act)
    yield from functions.derivative(act, rng)
    yield from functions.forms(act, rng)
    yield from averages.symmetries(act, rng)
    yield from averages.quadrature(act, rng)
    yield from averages.monte_carlo(act, rng)
    yield from averages.sums(act, rng)
    yield from averages.diffusion(act, rng)
