"""Phase diagrams: against closed forms of the linear perceptron and single runs; what is refused; the picture."""

import numpy as np
import pytest

import learndyn as ld
from learndyn.scenarios.student_teacher.scenario import StudentTeacher

LINEAR = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
START = ld.Start(Q=0.25, R=0.0)
THRESHOLD, UNTIL = 1e-3, 20.0
ETAS, NOISES = np.array([0.05, 0.3, 1.0, 1.7, 2.0, 3.5]), np.array([0.0, 0.03, 0.1])


def test_the_linear_perceptron_is_decided_by_its_closed_form():
    # E = 1 - 2 R + Q = 2 eps_g: dE/dalpha = -g E + eta^2 s^2 with g = 2 eta - eta^2, from 1.25. Without noise the
    # option is off, which is another flow: both are in one diagram.
    found = ld.phase_diagram(LINEAR, START, UNTIL, x=("learning_rate", ETAS), y=("label_noise", NOISES))
    assert found.outcome.dims == ("label_noise", "learning_rate")
    for eta in ETAS:
        for noise in NOISES:
            point = found.sel(learning_rate=eta, label_noise=noise)
            g, source = 2 * eta - eta**2, (eta * noise) ** 2
            if g < -1.0:
                # exp(5.25 * 20) is far beyond the limit of a million times the natural scale.
                assert int(point.outcome) == 2
                continue
            rest = source / g if g > 0 else 0.0
            time = np.log((1.25 - rest) / (2 * THRESHOLD - rest)) / g if g > 0 and rest < 2 * THRESHOLD else np.inf
            assert int(point.outcome) == (time < UNTIL)
            if time < UNTIL:
                # An error of 1e-7 in E (rtol 1e-8 a step) shifts the time by that over its slope there.
                assert float(point.time) == pytest.approx(time, abs=1e-7 / (g * (2 * THRESHOLD - rest)))
                assert float(point.eps_g) == pytest.approx(THRESHOLD, abs=1e-12)
            else:
                E = rest + (1.25 - rest) * np.exp(-g * UNTIL) if g else 1.25 + source * UNTIL
                assert np.isnan(point.time)
                assert float(point.eps_g) == pytest.approx(E / 2, abs=1e-6)


COMMITTEE = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.0)


def near_symmetric(eta, X):
    return ld.Start.near_symmetric(COMMITTEE, Q=[0.2, 0.3], X=X)


@pytest.fixture(scope="module")
def diagram():
    return ld.phase_diagram(
        COMMITTEE, near_symmetric, 250, x=("learning_rate", [0.5, 1.5, 3.5]), y=("X", [1e-6, 1e-3, 1e-1]), threads=2
    )


def test_points_are_single_runs(diagram):
    for X in diagram.X.values:
        for eta in diagram.learning_rate.values:
            point = diagram.sel(X=X, learning_rate=eta)
            run = ld.solve(COMMITTEE.replace(learning_rate=float(eta)), near_symmetric(eta, X), 250, save_at=5001)
            low = run.eps_g.values <= 1e-3
            assert int(point.outcome) == low.any()
            if low.any():
                # Rows are 0.05 apart.
                first = int(np.argmax(low))
                assert run.alpha[first - 1] <= point.time <= run.alpha[first]
            else:
                # Both runs have errors of 1e-8 a step, which the plateau lets grow by exp(0.07 eta alpha) < 1e4.
                assert float(point.eps_g) == pytest.approx(float(run.eps_g[-1]), abs=1e-3)


def test_small_asymmetry_takes_longer(diagram):
    assert diagram.outcome.values.tolist() == [[0, 1, 0], [0, 1, 0], [1, 1, 0]]
    assert (np.diff(diagram.time.sel(learning_rate=1.5)) < 0).all()


def test_a_diagram_is_saved_and_loaded(diagram, tmp_path):
    loaded = ld.load(ld.save(diagram, tmp_path / "diagram.nc"))
    assert loaded.identical(diagram)
    assert ld.scenario_of(loaded) == COMMITTEE
    assert loaded.outcome.attrs["flag_meanings"].split()[int(loaded.outcome[0, 1])] == "learned"


def test_quadratures_that_are_outgrown_are_replaced(monkeypatch):
    asked = []

    def reach(self, states, times=0.0):
        # The linear perceptron grows to Q = 1 from 0.25.
        return 3.0 if states[:, 1].max() > 0.5 else 1.0

    flow = StudentTeacher.flow

    def noted(self, samples=None, reach=None):
        asked.append(reach)
        return flow(self)

    monkeypatch.setattr(StudentTeacher, "reach", reach)
    monkeypatch.setattr(StudentTeacher, "flow", noted)
    found = ld.phase_diagram(LINEAR, START, UNTIL, x=("learning_rate", [0.01, 1.0]), y=("weight_decay", [0.0]))
    assert found.outcome.values.tolist() == [[0, 1]]
    # Both begin with the first; the slow one stays below Q = 0.5 and is not run again.
    assert [value for value in asked if value is not None] == [1.0, 1.0, 3.0]


def test_states_that_are_no_overlaps_are_said(monkeypatch):
    monkeypatch.setattr(StudentTeacher, "first_impossible", lambda self, states, tolerance, times=0.0: 0)
    with pytest.warns(ld.LearndynWarning, match="The run failed at 2 of 2 points"):
        found = ld.phase_diagram(LINEAR, START, UNTIL, x=("learning_rate", [0.5, 1.0]), y=("weight_decay", [0.0]))
    assert found.outcome.values.tolist() == [[3, 3]]
    assert np.isnan(found.time).all()


def test_an_interruption_keeps_what_is_done(monkeypatch):
    from contextlib import nullcontext

    def interrupt(now):
        raise KeyboardInterrupt

    monkeypatch.setattr("learndyn.engines.progress.time_bar", lambda *_: nullcontext(interrupt))
    # Explicit steps around the stationary state are about 3 / eta long: seconds of work.
    rates = ("learning_rate", np.linspace(1.0, 1.5, 400))
    with pytest.warns(ld.LearndynWarning, match=r"The diagram was interrupted: \d+ of 400 are done"):
        found = ld.phase_diagram(LINEAR, START, 1e5, x=rates, y=("label_noise", [0.1]))
    assert found.attrs["status"] == "interrupted"
    assert set(np.unique(found.outcome)) <= {0, 4}
    assert 4 in found.outcome


RATES = ("learning_rate", [0.5, 1.0])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x": ("learning_rate", [1.0, 0.5])}, "Argument `x` must have a list of increasing values"),
        ({"x": "learning_rate"}, r"Argument `x` must be a name and values, but it is 'learning_rate'\. Write"),
        ({"y": RATES}, "Arguments `x` and `y` must name two parameters"),
        ({"y": ("label_nois", [0.1])}, r"Parameter 'label_nois' must be .* Did you mean 'label_noise'\?"),
        ({"threshold": 0.0}, "Argument `threshold` must be a finite number above 0"),
        ({"until": -1.0}, "Argument `until` must be later than the start"),
        ({"threads": 0}, "Argument `threads` must be a whole number of at least 1"),
    ],
)
def test_what_is_refused(changes, message):
    arguments = {"until": 10.0, "x": RATES, "y": ("label_noise", [0.0, 0.1]), **changes}
    with pytest.raises(ld.InputError, match=message):
        ld.phase_diagram(LINEAR, START, **arguments)


def test_the_picture_shows_every_outcome(diagram):
    ax = ld.plot.phase_diagram(diagram)
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_yscale()) == (r"$\eta$", "$X$", "log")
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["not learned"]
    # Each cell is drawn once: the learned ones with their times, the others flat.
    times, flat = (np.ma.getmaskarray(mesh.get_array()).reshape(3, 3) for mesh in ax.collections)
    np.testing.assert_array_equal(~times, diagram.outcome.values == 1)
    np.testing.assert_array_equal(~flat, diagram.outcome.values == 0)
    with pytest.raises(ld.InputError, match=r"must be a result of ld\.phase_diagram or ld\.sweep, but it is another"):
        ld.plot.phase_diagram(diagram.assign_attrs(options="{}"))
