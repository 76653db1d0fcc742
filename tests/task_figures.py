"""What is checked of the figures of tasks learned one after another (figure 6 of Schmid & Murray 2024)."""

import numpy as np
import pytest

from learndyn.figures.simulations_tasks import CASES, label

EXACT = -0.5 * np.log(1.0 - 0.8**2)


def check_learning_curves(figure):
    numbers = figure.numbers
    # A run ends at the first whole update, eta = 0.01, at which it has the level; noise of the weights delays that.
    assert numbers["theory_end_0"] < numbers["runs_end_0"] < numbers["theory_end_0"] + 0.1
    assert 5 < numbers["updates_of_task_1"] < 20


def check_forgetting(figure):
    numbers = figure.numbers
    decay = {case: numbers[f"decay({label(*case)})"] for case in CASES}
    error = {case: numbers[f"error({label(*case)})"] for case in CASES}
    # The rule does not matter: the runs of both have the same tasks and starts, so that the difference is smaller than
    # errors of independent runs (4 of which a right program exceeds with probability 1e-4).
    assert numbers["z_of_rules(0.05)"] < 4
    assert numbers["z_of_rules(0.1)"] < 4
    # Nor does noise in theory, where only angles matter: some 50 steps a task with errors of 1e-8 of |w|, which is 1 at
    # first and ends as 0.04.
    assert numbers["theory_off"] < 10 * 50 * 1e-8 / 0.04
    # Noise does at eta = 0.01, and much less at eta = 0.001: ten times less noise in w.
    quiet, loud, slow = decay["SL", 0.05, 0.01], decay["SL", 0.1, 0.01], decay["SL", 0.1, 0.001]
    assert loud - quiet > 4 * np.hypot(error["SL", 0.05, 0.01], error["SL", 0.1, 0.01])
    assert EXACT < slow < EXACT + (loud - EXACT) / 4
    assert all(value > EXACT for value in decay.values())
    assert numbers[f"level({label('SL', 0.1, 0.001)})"] == pytest.approx(0.8, abs=0.01)


CHECKS = {"schmid2024/6a": check_learning_curves, "schmid2024/6b": check_forgetting}
