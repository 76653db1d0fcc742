"""What the figures of output weights (Straat & Biehl 2019) must show.

A network that realises the rule has w_i J_i = v_i B_i up to the names of its units. Near it eps_g = d^T H d / 2 for the
distances d = w_i J_i - v_i B_i, with H_ij = <theta(y_i) theta(y_j) xi xi^T>: blocks 1/2 for i = j; for i != j 1/4, and
1/(2 pi) between B_1 and B_2. Its smallest eigenvalue is 1/4 - 1/(2 pi) = 0.09, so that an error e leaves lengths within
sqrt(2 e / 0.09) of |v_i| to leading order; half of that eigenvalue leaves room for the next one.
"""

from __future__ import annotations

import numpy as np
import pytest


def within(error):
    """How far lengths may be from those of the teacher."""
    return np.sqrt(2 * error / (0.125 - 0.25 / np.pi))


def check_fixed(figure):
    numbers = figure.numbers
    # At alpha = 3000 theory is at the solution to the solver's tolerance.
    expected = {"Q_11": 1.44, "Q_22": 9.0, "Q_12": 0.0, "R_11": 1.2, "R_22": 3.0, "R_12": 0.0, "R_21": 0.0}
    assert {name: numbers[name] for name in expected} == pytest.approx(expected, rel=0, abs=1e-7)
    assert numbers["eps_g(3000)"] < 1e-9
    assert numbers["eps_g(1000)"] < 1e-2 * numbers["eps_g(100)"]
    for i, v in ((1, 1.2), (2, 3.0)):
        assert abs(np.sqrt(numbers[f"runs_Q_{i}{i}"]) - v) < within(numbers["runs_eps_g"])
    assert numbers["runs_eps_g"] < 1e-4
    # Which unit takes B_2 is nearly a fair coin: 8 equal tosses have probability 2 / 2^8, and these are one draw.
    assert 0 < numbers["swapped"] < 8


def check_adaptive(figure):
    numbers = figure.numbers
    for case, sign in (("positive", 1), ("negative", -1)):
        for prefix in ("", "runs_"):
            error = numbers[f"{case}_{prefix}eps_g"]
            assert error < 2e-3
            for i, v in ((1, 1.2), (2, 3.0)):
                for end in ("min", "max"):
                    assert abs(numbers[f"{case}_{prefix}{end}_{i}"] - sign * v) < within(error)
        assert numbers[f"{case}_w(0)"] == 1.0
    # Least-squares output weights know no sign: the negative teacher gives the same curves with -w.
    for i in (1, 2):
        assert numbers[f"negative_w_{i}"] == pytest.approx(-numbers[f"positive_w_{i}"], abs=1e-7)
    # Mixed signs: theory stays with two negative weights, some runs do, others realise the rule.
    assert max(numbers["mixed_w_1"], numbers["mixed_w_2"]) < 0
    assert numbers["mixed_eps_g"] > 0.25
    assert 0 < numbers["mixed_solved"] < 8
    for i, v in ((1, 1.2), (2, -3.0)):
        for end in ("min", "max"):
            assert abs(numbers[f"mixed_runs_{end}_{i}"] - v) < within(1e-3)


def check_realisations(figure):
    numbers = figure.numbers
    for w in (0.5, 2.0):
        for i, v in ((1, 1.2), (2, 3.0)):
            product = numbers[f"w_{i}({w:g})"] * np.sqrt(numbers[f"Q_{i}{i}({w:g})"])
            assert abs(product - v) < within(numbers[f"eps_g({w:g})"])
            # 17 times, Student's t with 19 degrees of freedom: P(|t| > 7) = 1e-6 each.
            assert max(numbers[f"z_{name}_{i}({w:g})"] for name in ("w", "Q")) < 7
    for i in (1, 2):
        assert numbers[f"w_{i}(0.5)"] < numbers[f"w_{i}(2)"]
        assert numbers[f"Q_{i}{i}(0.5)"] > numbers[f"Q_{i}{i}(2)"]
    assert max(numbers["runs_eps_g(0.5)"], numbers["runs_eps_g(2)"]) < 1e-3


CHECKS = {
    "2019-output-weights-adaptive": check_adaptive,
    "2019-output-weights-fixed": check_fixed,
    "2019-two-realisations": check_realisations,
}
