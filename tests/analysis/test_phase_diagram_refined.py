"""Refined phase diagrams: against the closed form of the linear perceptron, and the full grid; their boundary."""

import json

import numpy as np
import pytest

import learndyn as ld
from learndyn.engines import reaching
from learndyn.scenarios.student_teacher.scenario import StudentTeacher

LINEAR = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
START = ld.Start(Q=0.25, R=0.0)
THRESHOLD, UNTIL, ERROR = 1e-3, 20.0, 1.25
ETAS, NOISES = np.linspace(0.1, 2.1, 9), np.linspace(0.0, 0.08, 6)


def last_error(eta, noise):
    """E = 2 eps_g at the end if it does not stop: dE/dalpha = -g E + eta^2 s^2 with g = 2 eta - eta^2."""
    g, source = 2 * eta - eta**2, (eta * noise) ** 2
    # -expm1(-x) / x is 1 where g is 0.
    x = g * UNTIL
    return ERROR * np.exp(-x) + source * UNTIL * np.where(x == 0, 1.0, -np.expm1(-x) / np.where(x == 0, 1.0, x))


@pytest.fixture(scope="module")
def refined():
    return ld.phase_diagram(LINEAR, START, UNTIL, x=("learning_rate", ETAS), y=("label_noise", NOISES), refine=4)


def test_outcomes_are_those_of_the_closed_form(refined):
    assert refined.outcome.shape == (81, 129)
    assert refined.label_noise.values[::16].tolist() == NOISES.tolist()
    # E moves towards its rest monotonically, so it is learned if it is at the end. An error of 1e-7, as of single runs,
    # leaves those alone that are closer to the threshold.
    E = last_error(refined.learning_rate.values, refined.label_noise.values[:, None])
    clear = np.abs(E / 2 - THRESHOLD) > 1e-7
    assert clear.mean() > 0.999
    np.testing.assert_array_equal(refined.outcome.values[clear], (E / 2 <= THRESHOLD)[clear])
    assert refined.attrs["status"] == "ok"
    assert refined.computed.dtype == bool
    options = json.loads(refined.attrs["options"])
    assert (options["refine"], options["full_grid"]) == (4, 81 * 129)
    assert options["points"] == int(refined.computed.sum()) < 81 * 129 / 4


def test_there_is_a_time_wherever_it_was_learned(refined):
    learned = refined.outcome == 1
    assert (np.isfinite(refined.time) == learned).all()
    assert (refined.time.values[learned] > 0).all()
    assert (refined.time.values[learned] <= UNTIL).all()
    assert np.isfinite(refined.eps_g).all()
    # Without noise the time is ln(E(0) / 2 threshold) / g. Across a cell of the given grid, h = 0.25, its logarithm
    # lies off its chord by h^2 / 8 max |(ln g)''|, and (ln g)'' = -1 / eta^2 - 1 / (2 - eta)^2.
    line = refined.sel(label_noise=0.0)
    eta = line.learning_rate.values[line.outcome.values == 1]
    time = np.log(ERROR / (2 * THRESHOLD)) / (2 * eta - eta**2)
    nearest = np.minimum(eta, 2 - eta) - 0.25
    assert nearest.min() < 0 < nearest.max()
    for at, expected, margin in zip(eta, time, nearest, strict=True):
        if margin > 0:
            bound = 0.25**2 / 8 * (1 / margin**2 + 1)
            assert abs(np.log(line.time.sel(learning_rate=at) / expected)) < bound + 1e-6


def test_the_boundary_is_known_to_half_the_finest_spacing(refined):
    boundary = ld.phase_boundary(refined, "learned", "not_learned")
    # Without noise: g(eta) until = ln(E(0) / 2 threshold), eta = 1 +- sqrt(1 - ln(...) / until).
    line = boundary.isel(point=(boundary.label_noise == 0.0) & (boundary.learning_rate_error > 0))
    width = np.sqrt(1 - np.log(ERROR / (2 * THRESHOLD)) / UNTIL)
    np.testing.assert_allclose(line.learning_rate_error, 0.25 / 32, rtol=1e-12)
    assert (np.abs(line.learning_rate - [1 - width, 1 + width]) <= line.learning_rate_error).all()
    # Everywhere: E is on different sides of the threshold at both ends.
    signs = []
    for side in (-1, 1):
        at = [boundary[name] + side * boundary[f"{name}_error"] for name in ("learning_rate", "label_noise")]
        signs.append(np.sign(last_error(*at) / 2 - THRESHOLD))
    assert boundary.sizes["point"] > 100
    assert (signs[0] * signs[1] == -1).all()
    assert ((boundary.learning_rate_error > 0) ^ (boundary.label_noise_error > 0)).all()
    assert ld.phase_boundary(refined).sizes == boundary.sizes
    assert ld.phase_boundary(refined, "diverged", "learned").sizes["point"] == 0


def test_computed_points_are_those_of_the_full_grid():
    # Three outcomes; one parameter is halved in its logarithm, and the other is one of the start.
    scenario, options = LINEAR.replace(label_noise=0.01), {"until": 30.0, "threads": 2}

    def diagram(x, y, refine):
        return ld.phase_diagram(scenario, lambda eta, Q: ld.Start(Q=Q, R=0.0), x=x, y=y, refine=refine, **options)

    few = diagram(("learning_rate", [0.05, 0.8, 1.6, 2.8]), ("Q", [1e-2, 1.0, 1e2]), 3)
    np.testing.assert_allclose(few.Q, np.geomspace(1e-2, 1e2, 17), rtol=1e-14)
    full = diagram(("learning_rate", few.learning_rate.values), ("Q", few.Q.values), 0)
    assert set(np.unique(full.outcome)) == {0, 1, 2}
    np.testing.assert_array_equal(few.outcome, full.outcome)
    for name in ("time", "eps_g"):
        np.testing.assert_array_equal(few[name].values[few.computed.values], full[name].values[few.computed.values])
    assert "computed" not in full
    assert "refine" not in json.loads(full.attrs["options"])


def test_quadratures_that_are_outgrown_are_replaced(monkeypatch):
    flow = StudentTeacher.flow

    def reach(self, states, times=0.0):
        return 3.0 if states[:, 1].max() > 0.5 else 1.0

    arguments = {"x": ("learning_rate", [0.05, 1.0, 1.9]), "y": ("label_noise", [0.01, 0.05]), "refine": 2}
    plain = ld.phase_diagram(LINEAR, START, UNTIL, **arguments)
    monkeypatch.setattr(StudentTeacher, "reach", reach)
    monkeypatch.setattr(StudentTeacher, "flow", lambda self, samples=None, reach=None: flow(self))
    ran = ld.phase_diagram(LINEAR, START, UNTIL, **arguments)
    assert set(np.unique(ran.outcome)) == {0, 1}
    assert ran.drop_attrs().identical(plain.drop_attrs())


def test_averages_without_a_closed_form():
    # tanh: a quadrature, and finer ones where the student grows.
    scenario = ld.StudentTeacher(ld.Student(1, "tanh"), ld.Teacher(1, "tanh"), learning_rate=1.0)
    options = {"until": 5.0, "threshold": 0.02}
    rates, noises = [0.5, 1.5, 3.0], [0.1, 0.3]
    few = ld.phase_diagram(
        scenario, ld.Start(Q=0.5, R=0.0), x=("learning_rate", rates), y=("label_noise", noises), refine=2, **options
    )
    assert 6 < few.computed.sum() < few.outcome.size
    full = ld.phase_diagram(
        scenario, ld.Start(Q=0.5, R=0.0), x=("learning_rate", few.learning_rate.values),
        y=("label_noise", few.label_noise.values), **options,
    )  # fmt: skip
    np.testing.assert_array_equal(few.outcome, full.outcome)
    for name in ("time", "eps_g"):
        np.testing.assert_array_equal(few[name].values[few.computed.values], full[name].values[few.computed.values])


def test_a_refined_diagram_is_saved_drawn_and_told(refined, tmp_path):
    loaded = ld.load(ld.save(refined, tmp_path / "diagram.nc"))
    assert loaded.identical(refined)
    (mesh, _) = ld.plot.phase_diagram(loaded).collections
    assert mesh.get_array().size == 81 * 129
    assert ld.load(ld.save(ld.phase_boundary(refined), tmp_path / "boundary.nc")).sizes["point"] > 0


def test_an_interruption_keeps_what_is_done():
    # The second round is interrupted while its points are made.
    asked = []

    def start(eta, length):
        asked.append((eta, length))
        if len(asked) > 20:
            raise KeyboardInterrupt
        return ld.Start(Q=length, R=0.0)

    arguments = {"x": ("learning_rate", [0.1, 0.7, 1.3, 1.9, 2.1]), "y": ("length", [0.1, 0.4, 0.7, 1.0])}
    said = r"interrupted: 20 of \d+ are done\. Run it again for the others\. .* not known at \d+ of the 825 points"
    with pytest.warns(ld.LearndynWarning, match=said):
        found = ld.phase_diagram(LINEAR, start, UNTIL, refine=3, **arguments)
    assert found.attrs["status"] == "interrupted"
    np.testing.assert_array_equal(found.computed.values[::8, ::8], np.ones((4, 5), dtype=bool))
    assert found.computed.sum() == 20
    assert set(np.unique(found.outcome)) == {0, 1, 4}
    # Where a whole cell of the given grid had one outcome, all its points have.
    assert (found.outcome.sel(learning_rate=slice(0.7, 1.3)) == 1).all()
    assert np.isfinite(found.time.sel(learning_rate=slice(0.7, 1.3))).all()


def test_ctrl_c_ends_all_groups(monkeypatch):
    from dataclasses import replace

    integrate, calls = reaching.integrate_many, []

    def interrupted(*arguments, **options):
        calls.append(arguments)
        run = integrate(*arguments, **options)
        return replace(run, status=np.array(["interrupted"] * len(run.status)))

    monkeypatch.setattr(reaching, "integrate_many", interrupted)
    # Without noise the option is off, which is another flow.
    with pytest.warns(ld.LearndynWarning, match="interrupted: 0 of 4 are done"):
        found = ld.phase_diagram(LINEAR, START, 1.0, x=("learning_rate", [0.5, 1.0]), y=("label_noise", [0.0, 0.1]))
    assert len(calls) == 1
    assert (found.outcome == 4).all()


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"refine": -1}, "Argument `refine` must be a whole number of at least 0, but it is -1"),
        ({"refine": 1.5}, "Argument `refine` must be a whole number"),
        (
            {"refine": 1, "y": ("label_noise", [0.1])},
            "Argument `y` must have at least 2 values of 'label_noise' for `ref",
        ),
        (
            {"refine": 12},
            r"must leave at most 1e\+07 points on the finest grid, but 12 makes 4097 x 4097\.",
        ),
    ],
)
def test_what_is_refused(changes, message):
    arguments = {"x": ("learning_rate", [0.5, 1.0]), "y": ("label_noise", [0.0, 0.1]), **changes}
    with pytest.raises(ld.InputError, match=message):
        ld.phase_diagram(LINEAR, START, 1.0, **arguments)


def test_what_has_no_boundary(refined):
    with pytest.raises(ld.InputError, match=r"`first` must be .*, but it is 'learnt'\. Did you mean 'learned'"):
        ld.phase_boundary(refined, "learnt")
    with pytest.raises(ld.InputError, match=r"must be two outcomes, but both are 'learned'\. Change one"):
        ld.phase_boundary(refined, "learned", "learned")
    with pytest.raises(ld.InputError, match=r"must be a result of ld\.phase_diagram, but it is another dataset"):
        ld.phase_boundary(refined.drop_attrs())
