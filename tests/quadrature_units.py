"""Activations for tests of quadrature, with what mpmath needs to average them."""

import numpy as np

from learndyn.activations import Activation, activation


def _logistic(x, xp):
    return 0.5 + 0.5 * xp.tanh(0.5 * x)


def _normal(x, xp):
    return 0.5 + 0.5 * xp.erf(x / np.sqrt(2.0))


def _tanh(x, xp):
    return xp.tanh(x)


def _tanh_slope(x, xp):
    t = xp.tanh(x)
    return 1.0 - t * t


def _softplus(x, xp):
    return xp.logaddexp(0.0 * x, x)


def _logistic_slope(x, xp):
    g = _logistic(x, xp)
    return g * (1.0 - g)


def _gelu(x, xp):
    return x * _normal(x, xp)


def _gelu_slope(x, xp):
    return _normal(x, xp) + x * xp.exp(-0.5 * x * x) / np.sqrt(2.0 * np.pi)


def _sine(x, xp):
    return xp.sin(x)


def _sine_slope(x, xp):
    return xp.cos(x)


def _cubic(x, xp):
    return x * x * x - 3.0 * x + 0.5


def _cubic_slope(x, xp):
    return 3.0 * x * x - 3.0


def _hard(x, xp):
    return xp.maximum(-1.0, xp.minimum(x, 1.0))


def _hard_slope(x, xp):
    y = xp.abs(x)
    return xp.where(y < 1.0, 1.0, xp.where(y > 1.0, 0.0, 0.5))


def _step(x, xp):
    return xp.where(x > 0.0, 1.0, xp.where(x < 0.0, 0.0, 0.5))


def _bent(x, xp):
    return xp.where(x > 0.5, xp.tanh(x - 0.5), 0.2 * (x - 0.5))


def _bent_slope(x, xp):
    t = xp.tanh(x - 0.5)
    return xp.where(x > 0.5, 1.0 - t * t, xp.where(x < 0.5, 0.2, 0.6))


def _zero(x, xp):
    return 0.0 * x


def _unit(name, g, dg, **places):
    return Activation(f"test {name}", name, {"g": g, "dg": dg}, **places)


UNITS = {
    "tanh": _unit("tanh", _tanh, _tanh_slope),
    "logistic": _unit("logistic", _logistic, _logistic_slope),
    "softplus": _unit("softplus", _softplus, _logistic),
    "gelu": _unit("gelu", _gelu, _gelu_slope),
    "sine": _unit("sine", _sine, _sine_slope),
    "cubic": _unit("cubic", _cubic, _cubic_slope),
    "hard": _unit("hard", _hard, _hard_slope, kinks=(-1.0, 1.0)),
    "bent": _unit("bent", _bent, _bent_slope, kinks=(0.5,)),
    "step": _unit("step", _step, _zero, jumps=((0.0, 1.0),)),
    **{name: activation(name) for name in ("erf", "relu", "linear")},
}
