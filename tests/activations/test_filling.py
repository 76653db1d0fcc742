"""Averages that an activation lacks: by closed forms of its name, by quadrature for another one of that name."""

import numpy as np
import pytest

import learndyn as ld

C = np.array([[1.2, 0.3, -0.2, 0.1], [0.3, 0.8, 0.4, 0.2], [-0.2, 0.4, 1.0, 0.5], [0.1, 0.2, 0.5, 1.5]])


def bare(name):
    """The activation without any of its closed forms."""
    act = ld.activation(name)
    return ld.Activation("bare", "", {part: act.functions[part] for part in ("g", "dg")}, act.kinks, act.jumps)


@pytest.mark.parametrize("name", ["erf", "relu", "leaky_relu(0.2)", "sine", "polynomial(0.5, 1, -0.2)"])
def test_quadrature_fills_what_is_missing(name):
    """Closed forms against quadrature, whose promise is 1e-8, and 1e-6 of four variables."""
    for part, n, accuracy in (("I2", 2, 1e-8), ("I3", 3, 1e-8), ("I4", 4, 1e-6)):
        found, wanted = (getattr(act, part)(C[:n, :n]) for act in (bare(name), ld.activation(name)))
        assert float(found) == pytest.approx(float(wanted), abs=accuracy)


def test_a_name_that_is_borrowed_brings_no_closed_forms():
    """An activation that is not the one its name finds is integrated as what it is."""
    act = ld.activation("tanh")
    posing = ld.Activation("relu", "", {"g": act.functions["g"], "dg": act.functions["dg"]})
    assert float(posing.I2(C[:2, :2])) == pytest.approx(float(act.I2(C[:2, :2])), abs=1e-12)
    assert abs(float(posing.I2(C[:2, :2]) - ld.activation("relu").I2(C[:2, :2]))) > 0.1


def test_batches_of_filled_averages():
    act, batch = ld.activation("tanh"), np.array([[C, 2 * C], [C / 2, C]])
    for part, n in (("I2", 2), ("I3", 3), ("I4", 4)):
        values = getattr(act, part)(batch[..., :n, :n])
        assert values.shape == (2, 2)
        # The same nodes; sums in another order.
        assert values[0, 0] == pytest.approx(float(getattr(act, part)(C[:n, :n])), abs=1e-13)
        assert values[0, 0] == pytest.approx(values[1, 1], abs=1e-13)
    assert act.I4(np.empty((0, 4, 4))).shape == (0,)


def test_a_steep_slope_of_zero_variance():
    """At s_uu = 0 the first variable is a constant: <g'(0) v g(w)> = g'(0) s_vw <g'(w)>, by Stein's lemma."""
    act, s = ld.activation("tanh"), C[:3, :3].copy()
    s[0], s[:, 0] = 0.0, 0.0
    x, w = np.polynomial.hermite_e.hermegauss(80)
    wanted = s[1, 2] * float(w @ act.dg(np.sqrt(s[2, 2]) * x) / w.sum())
    assert float(act.I3(s)) == pytest.approx(wanted, abs=1e-8)
