"""The rules inside compiled kernels: `modulation(tag, h, y, length2, uniform, baseline, numbers)`, one number s.

    w <- w + eta (s x - lambda w),   h = w . x

A kernel receives a `ModulationTag`, without content, whose numba type names the rule and the activation and carries a
digest of this file: numba's cache on disk watches the kernel's own file alone (`learndyn.activations.compiled`).

For developers: a rule has a function here, of the activation phi and its slope, that returns s as a function of the
arguments of `modulation`.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
from numba import njit, types
from numba.extending import NativeValue, models, overload, register_model, typeof_impl, unbox

from learndyn.activations.digest import file_digest
from learndyn.scenarios.classification.rules.base import Rule

_compile = njit(error_model="numpy", fastmath=False, inline="always")

HALF_ROOT_PI = 0.25 * math.sqrt(math.pi)
QUARTER = 0.25


class ModulationTag:
    """Selects a rule in a compiled kernel; carries no data for it.

    Parameters
    ----------
    rule
        The rule.
    activation
        ``"shifted_erf"`` or ``"logistic"``.

    Attributes
    ----------
    random
        Whether `modulation` needs a uniform random number.
    divides
        Whether it needs |x|^2.
    compares
        Whether it subtracts a baseline: a running mean of `reward`.
    numbers
        The rule's numbers, (count,), in the order of their names.
    """

    __slots__ = ("activation", "compares", "digest", "divides", "numbers", "random", "rule")

    def __init__(self, rule: Rule, activation: str) -> None:
        linear = bool(getattr(rule, "linear", False))
        self.rule = rule.name + ("_linear" if linear else "")
        self.activation = activation
        self.digest = file_digest(__file__)[:16]
        self.random = rule.name == "reinforce"
        self.divides = rule.name == "passive_aggressive"
        self.compares = bool(getattr(rule, "baseline", False))
        self.numbers = np.array([value for _, value in sorted(rule.numbers().items())], dtype=float)


def modulation(
    tag: ModulationTag, h: float, y: float, length2: float, uniform: float, baseline: float, numbers: np.ndarray
) -> float:
    """The factor s of the update s x, in a kernel.

    Parameters
    ----------
    tag
        Selects the rule.
    h, y
        w . x and the label +-1.
    length2
        \\|x\\|^2; any number where the tag does not ask for it (`ModulationTag.divides`).
    uniform
        Uniform in [0, 1); any number where the tag does not ask for it (`ModulationTag.random`).
    baseline
        What is subtracted from the reward; 0 where the tag does not ask for it (`ModulationTag.compares`).
    numbers
        The tag's numbers.
    """
    raise NotImplementedError("only inside numba kernels")


def reward(tag: ModulationTag, h: float, y: float, uniform: float) -> float:
    """y yhat = +-1 of the answer that `modulation` gives with the same random number, in a kernel; 0 without answer."""
    raise NotImplementedError("only inside numba kernels")


class ModulationType(types.Opaque):
    """The numba type of a `ModulationTag`: rule, activation and digest are its identity, also when pickled."""

    def __init__(self, rule: str, activation: str, digest: str) -> None:
        super().__init__(f"Modulation({rule}, {activation}, {digest})")
        self.rule, self.activation, self.digest = rule, activation, digest


register_model(ModulationType)(models.OpaqueModel)


@typeof_impl.register(ModulationTag)
def _type_of_tag(tag: ModulationTag, context: Any) -> ModulationType:
    return ModulationType(tag.rule, tag.activation, tag.digest)


@unbox(ModulationType)
def _unbox_tag(typ: Any, value: Any, c: Any) -> NativeValue:
    return NativeValue(c.context.get_dummy_value())


# ---- Activations


@_compile
def _shifted_erf(h: Any) -> Any:
    return 0.5 * math.erfc(-HALF_ROOT_PI * h)


@_compile
def _shifted_erf_slope(h: Any) -> Any:
    a = HALF_ROOT_PI * h
    return QUARTER * math.exp(-a * a)


@_compile
def _logistic(h: Any) -> Any:
    e = math.exp(-abs(h))
    return (e if h < 0.0 else 1.0) / (1.0 + e)


@_compile
def _logistic_slope(h: Any) -> Any:
    e = math.exp(-abs(h))
    return e / ((1.0 + e) * (1.0 + e))


PHI: dict[str, tuple[Any, Any]] = {
    "shifted_erf": (_shifted_erf, _shifted_erf_slope),
    "logistic": (_logistic, _logistic_slope),
}


# ---- Rules


def _supervised(phi: Any, slope: Any) -> Callable[..., Any]:
    def s(tag: Any, h: Any, y: Any, length2: Any, uniform: Any, baseline: Any, numbers: Any) -> Any:
        return y * phi(-y * h)

    return s


def _reinforce(phi: Any, slope: Any) -> Callable[..., Any]:
    def s(tag: Any, h: Any, y: Any, length2: Any, uniform: Any, baseline: Any, numbers: Any) -> Any:
        answer = 1.0 if uniform < phi(h) else -1.0
        return answer * (y * answer - baseline) * phi(-answer * h)

    return s


def _perceptron(phi: Any, slope: Any) -> Callable[..., Any]:
    def s(tag: Any, h: Any, y: Any, length2: Any, uniform: Any, baseline: Any, numbers: Any) -> Any:
        return y if y * h <= 0.0 else 0.0

    return s


def _squared_error(phi: Any, slope: Any) -> Callable[..., Any]:
    def s(tag: Any, h: Any, y: Any, length2: Any, uniform: Any, baseline: Any, numbers: Any) -> Any:
        return y * phi(-y * h) * slope(h)

    return s


def _squared_error_linear(phi: Any, slope: Any) -> Callable[..., Any]:
    def s(tag: Any, h: Any, y: Any, length2: Any, uniform: Any, baseline: Any, numbers: Any) -> Any:
        return y - h

    return s


def _passive_aggressive(phi: Any, slope: Any) -> Callable[..., Any]:
    def s(tag: Any, h: Any, y: Any, length2: Any, uniform: Any, baseline: Any, numbers: Any) -> Any:
        missing = numbers[0] - y * h
        return y * missing / length2 if missing > 0.0 and length2 > 0.0 else 0.0

    return s


MODULATIONS: dict[str, Callable[[Any, Any], Callable[..., Any]]] = {
    "supervised": _supervised,
    "reinforce": _reinforce,
    "perceptron": _perceptron,
    "squared_error": _squared_error,
    "squared_error_linear": _squared_error_linear,
    "passive_aggressive": _passive_aggressive,
}


@overload(modulation, inline="always")
def _compile_modulation(tag: Any, h: Any, y: Any, length2: Any, uniform: Any, baseline: Any, numbers: Any) -> Any:
    if not isinstance(tag, ModulationType):
        return None
    return MODULATIONS[tag.rule](*PHI[tag.activation])


@overload(reward, inline="always")
def _compile_reward(tag: Any, h: Any, y: Any, uniform: Any) -> Any:
    if not isinstance(tag, ModulationType):
        return None
    phi = PHI[tag.activation][0]

    def answered(tag: Any, h: Any, y: Any, uniform: Any) -> Any:
        return y if uniform < phi(h) else -y

    def silent(tag: Any, h: Any, y: Any, uniform: Any) -> Any:
        return 0.0

    return answered if tag.rule == "reinforce" else silent
