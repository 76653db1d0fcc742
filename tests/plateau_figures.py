"""Expected numbers of the figures of plateaus and of the phase diagram."""

import numpy as np
import pytest

import learndyn as ld
from reference_data import inputs_and_outputs


def check_slopes(figure):
    numbers = figure.numbers
    for activation, name, rate in (
        ("relu", "plateau-014", 0.23923669828614813), ("erf", "plateau-015", 4 / (5 * np.sqrt(15) * np.pi)),
    ):  # fmt: skip
        # plateau-001, and the exact value: the fixed points are found to 1e-10, that of erf, degenerate, to its root.
        assert numbers[f"rate_{activation}"] == pytest.approx(rate, abs=1e-7)
        inputs, outputs = inputs_and_outputs(name)
        for X, t in zip(inputs["X"], outputs["t"], strict=True):
            # There it is |R_11 - R_12| that reaches 0.1; it differs from (R_11 - R_12 - R_21 + R_22) / 2 by half the
            # difference of R_11 - R_22 and R_12 - R_21, which decays with 0.0049 and more slowly than anything else.
            k = round(-np.log10(X))
            assert numbers[f"measured_{activation}({k})"] == pytest.approx(t, abs=0.1)
        # The prediction from the approach is right up to what is of second order.
        for k in range(3, 9):
            off = numbers[f"refined_{activation}({k})"] - numbers[f"measured_{activation}({k})"]
            assert abs(off) * rate < 0.2
    # Straat (2018): 1 / lambda_5 = 4.17996; what is left is the mode that decays with 0.0049.
    slopes = [numbers[f"slope_relu({k})"] for k in range(4, 9)]
    assert slopes == pytest.approx([1 / 0.23923669828614813] * 5, rel=1e-3)
    # 17.2 to 16.2 over X = 1e-2 to 1e-5, approaching 15.209.
    slopes = [numbers[f"slope_erf({k})"] for k in range(3, 9)]
    assert slopes[:3] == pytest.approx([17.2, 16.6, 16.2], abs=0.1)
    assert (np.diff(slopes) < 0).all()
    assert slopes[-1] > 15.209
    # The length of the plateau grows alike, to the distance of the rows, 0.4 of 19 or 73.
    for activation in ("relu", "erf"):
        grown = [
            numbers[f"{name}_{activation}(8)"] - numbers[f"{name}_{activation}(6)"] for name in ("length", "measured")
        ]
        assert grown[0] == pytest.approx(grown[1], rel=0.05)


def check_phase_diagram(figure):
    numbers = figure.numbers
    assert numbers["diverged"] == 0.0
    # The boundary at large eta is that of the perfect solution, whatever the start; at small eta it is the plateau's.
    assert abs(numbers["largest_eta(X=1e-01)"] - numbers["largest_eta(X=1e-08)"]) < 0.1
    assert numbers["smallest_eta(X=1e-01)"] < 0.3 < 0.5 < numbers["smallest_eta(X=1e-08)"]
    scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=numbers["eta"])
    for X in (1e-8, 1e-1):
        start = ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=X)
        time = numbers[f"time({X:.0e})"]
        run = ld.solve(scenario, start, time, save_at=[time], rtol=1e-11, atol=1e-14)
        # Errors of 1e-8 a step, relative also in what is small, over 100 steps.
        assert float(run.eps_g[-1]) == pytest.approx(1e-3, rel=1e-4)


CHECKS = {"2018-plateau-slopes": check_slopes, "phase-diagram-erf-k2-m2": check_phase_diagram}
