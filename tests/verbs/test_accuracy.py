"""`ld.accuracy`: what it says of averages by quadrature is what they are off by, where closed forms tell."""

import numpy as np
import pytest

import learndyn as ld
from learndyn.scenarios.student_teacher.accuracy import FINER, set_nodes

# The same function as "erf", for which no closed form is known.
TEXT = "erf(x / sqrt(2))"


def scenario(activation, K=2, M=3):
    return ld.StudentTeacher(ld.Student(K, activation), ld.Teacher(M, activation), learning_rate=0.5)


def start(K=2, M=3):
    rng = np.random.default_rng(4)
    return ld.Start.from_weights(0.4 * rng.standard_normal((K, 9)), np.eye(M, 9))


def test_closed_forms_are_not_off():
    curve = ld.solve(scenario("erf"), start(), until=2)
    assert ld.accuracy(curve).values.tolist() == [0.0] * 5


@pytest.mark.parametrize(("K", "M"), [(2, 2), (2, 3)])
def test_the_estimate_is_what_the_quadrature_is_off_by(K, M):
    """Against the closed form, in a network with one quadrature for all and in one with sets of units."""
    begin = start(K, M)
    curve = ld.solve(scenario(TEXT, K, M), begin, until=1e-3, save_at=[0.0, 1e-3])
    estimate = float(ld.accuracy(curve, rows=1)[0])
    exact, found = (ld.drift(scenario(name, K, M), begin) for name in ("erf", TEXT))
    # The rest of dQ is closed forms and pairs, good to 1e-10. A rule with 1.35 times the nodes has a third of the
    # error at most, so that the difference is two thirds of it at least.
    assert float(abs(exact.Q - found.Q).max()) <= 1.5 * estimate + 1e-10
    assert estimate < 1e-6


def test_units_with_a_kink_are_compared_with_finer_quadratures_too():
    smooth, kinked = ld.activation("tanh"), ld.activation("x / (1 + abs(x))")
    for units in ((smooth,) * 4, (kinked,) * 4, (kinked, smooth, smooth), (smooth,) * 3):
        coarse, fine = (set_nodes(units, 1.5, factor) for factor in (1.0, FINER))
        assert fine >= FINER * coarse > 0


def test_samples_have_a_standard_error():
    curve = ld.solve(scenario("tanh"), start(), until=1, samples=512)
    assert float(ld.accuracy(curve, rows=2).min()) > 1e-6


def test_what_is_no_result_of_theory_is_refused():
    curve = ld.solve(scenario("erf"), start(), until=1)
    with pytest.raises(ld.InputError, match="one row of it"):
        ld.accuracy(curve.isel(alpha=0))
    with pytest.raises(ld.InputError, match=r"must be a result of ld\.solve"):
        ld.accuracy(curve.assign_attrs(engine="overlaps"))
    with pytest.raises(ld.InputError, match="`rows`"):
        ld.accuracy(curve, rows=0)
