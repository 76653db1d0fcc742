"""What a notebook shows of scenarios, starts and results."""

import numpy as np
import pytest

import learndyn as ld
from equations.cases import CASES, one


@pytest.mark.parametrize("name", ["all", "sites", "classes: supervised", "rows: adaline", "modes", "matrices", "sample",
                                  "update rule", "tasks"])  # fmt: skip
def test_every_kind_of_scenario_has_a_card(name):
    shown = CASES[name][0]._repr_html_()
    assert f"<b>{type(CASES[name][0]).__name__}</b>" in shown
    assert len(shown) < 5000
    assert shown.count("<tr>") == shown.count("</tr>") > 1


def test_a_card_has_what_is_on_and_nothing_else():
    shown = one("relu", label_noise=0.25)._repr_html_()
    assert "label_noise" in shown
    assert "0.25" in shown
    assert "weight_decay" not in shown


def test_a_result_at_a_glance():
    scenario = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.1)
    result = ld.solve(scenario, ld.Start(Q=0.25, R=0.0), until=10, save_at=[0, 5, 10])
    card = ld.describe(result)
    assert "ok" in card.lines()["status"]
    assert card.lines()["time"] == "alpha = 0 to 10, 3 rows"
    assert f"{float(result.eps_g[-1]):.4g} at the end" in card.lines()["eps_g"]
    html = card._repr_html_()
    assert html.count("<svg") == 1
    points = html.split("points='")[1].split("'")[0].split()
    heights = [float(point.split(",")[1]) for point in points]
    # The curve falls: downwards is larger in a picture.
    assert np.all(np.diff(heights) > 0)
    assert "scenario:" in str(card)


def test_what_is_no_result_is_refused():
    with pytest.raises(ld.InputError, match="`result` must be a result of"):
        ld.describe(3)


def test_a_scenario_in_words_leaves_out_what_is_filled_in():
    scenario = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.5, weight_decay=1e-3)
    result = ld.solve(scenario, ld.Start.near_symmetric(scenario, Q=0.2, X=0.1), until=1, save_at=[0, 1])
    assert ld.describe(result).lines()["scenario"] == (
        "StudentTeacher: student: units = 2, activation = relu; teacher: units = 2, activation = relu; "
        "learning_rate = 0.5; weight_decay = 0.001"
    )
    correlated = ld.StudentTeacher(ld.Student(2), ld.Teacher(2, T=[[1, 0.5], [0.5, 1]]), learning_rate=0.5)
    assert "T = [[1, 0.5], [0.5, 1]]" in correlated._repr_html_()


def test_matrices_of_a_start_stand_in_rows():
    shown = ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[0.1, 0.0], [0.0, 0.1]])._repr_html_()
    assert shown.count("<table") == 3
    assert ">0.3</td></tr></table>" in shown
