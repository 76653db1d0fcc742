"""The namespace that quadrature evaluates activations with: that of JAX, with an error function that is quick.

    erf(x) = 1 - exp(-x^2) P(t) / (1 + 2 x),   t = (x - c) / (x + c),   for x >= 0

after Shepherd & Laframboise, Math. Comp. 36, 249 (1981). P is the Chebyshev series of (1 + 2 x) exp(x^2) erfc(x) to
degree 22; the absolute error is 6e-16, all that a sum over nodes sees. It takes 4 ns on a CPU core, JAX's own 16 to 23.
"""

from __future__ import annotations

from functools import cache
from math import pi, sqrt
from typing import Any

from learndyn.gaussian.namespaces import NUMPY, jax_namespace

CENTRE = 3.75
COEFFICIENTS = (
    1.2375126308378275,
    -0.14024059858554488,
    0.0035854154854988163,
    0.08227673848998127,
    -0.10880393014295142,
    0.09230432116455936,
    -0.058693398570854205,
    0.028362277369098573,
    -0.009746579720460563,
    0.001755626184439662,
    0.00029371452838343085,
    -0.00029015542804880094,
    5.164612799311839e-05,
    2.238775066888934e-05,
    -1.1437330262053253e-05,
    -9.795431544370111e-07,
    1.741137309503116e-06,
    -5.058908318815672e-08,
    -2.4794445776132545e-07,
    1.8663072302548273e-08,
    3.171418314325542e-08,
    -1.9282322910842052e-09,
    -2.5744528696412676e-09,
)


def quick(xp: Any) -> Any:
    """The namespace for values of activations; NumPy stays as it is."""
    return xp if xp is NUMPY else _quick_jax()


@cache
def _quick_jax() -> Any:
    import jax
    import jax.numpy as jnp

    @jax.custom_jvp
    def erf(x: Any) -> Any:
        size = jnp.abs(x)
        inverse = 1.0 / ((size + CENTRE) * (1.0 + 2.0 * size))
        t = (size - CENTRE) * (1.0 + 2.0 * size) * inverse
        total = COEFFICIENTS[-1]
        for coefficient in COEFFICIENTS[-2::-1]:
            total = total * t + coefficient
        value = 1.0 - jnp.exp(-size * size) * total * (size + CENTRE) * inverse
        return jnp.where(x < 0.0, -value, value)

    @erf.defjvp
    def _erf_jvp(primals: Any, tangents: Any) -> Any:
        x = primals[0]
        return erf(x), (2.0 / sqrt(pi)) * jnp.exp(-x * x) * tangents[0]

    class Quick:
        """The JAX namespace but for erf."""

        def __getattr__(self, name: str) -> Any:
            return erf if name == "erf" else getattr(jax_namespace(), name)

    return Quick()
