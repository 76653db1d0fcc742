"""What the page shows is what the verbs give; what takes long is dropped when it is asked for no more."""

from __future__ import annotations

import threading
from typing import Any

import numpy as np
import pytest

import learndyn as ld
from learndyn.explore import compute, numbers
from learndyn.explore.compute import Details, Programs, details, theory
from learndyn.explore.curves import Line, end_names, plain_name, resolved
from learndyn.explore.pictures import made
from learndyn.explore.replicas import Replicas, Running, options_of
from learndyn.explore.setup import Setup
from learndyn.explore.worker import Newest

WAIT = 60.0


def whole(of: compute.Theory) -> Details:
    """All details of a curve."""
    found: list[Details] = []
    details(of, found.append, lambda: False)
    return found[-1]


@pytest.fixture(scope="module")
def perceptron() -> compute.Theory:
    """A ReLU perceptron: no plateau, two order parameters, eta_c = 2."""
    return theory(Setup.default().changed(K=1, M=1, activation="relu", X=0.1, until=60.0))


def test_the_curve_is_that_of_solve(perceptron: compute.Theory) -> None:
    setup = perceptron.setup
    curve = ld.solve(setup.scenario, setup.start, **setup.options)
    known = np.isfinite(perceptron.drawn.main.y)
    np.testing.assert_array_equal(perceptron.drawn.main.y[known], curve.eps_g[known])
    # The solver's tolerance is 1e-8 of the first error.
    assert known[:-1].sum() > 100
    assert known.all() or curve.eps_g[~known][0] <= 1e-8 * curve.eps_g[0]
    np.testing.assert_array_equal(perceptron.drawn.time, curve.alpha)
    assert {name: [line.name for line in lines] for name, lines in perceptron.drawn.panels.items()} == {
        "R": ["R"],
        "Q": ["Q"],
    }
    assert numbers.status(perceptron)[0] == "good"


def test_a_perceptron_has_a_flow_field_a_spectrum_and_the_known_critical_rate(perceptron: compute.Theory) -> None:
    found = whole(perceptron)
    assert found.critical_rate == pytest.approx(2.0, abs=1e-6)  # Straat (2018), p. 22
    (spectrum,) = found.spectra
    eta = perceptron.setup.values["learning_rate"]
    # The solution of the ReLU perceptron: -eta / 2 and -eta + eta^2 / 2, by hand.
    np.testing.assert_allclose(sorted(spectrum.rates), sorted([-eta / 2, -eta + eta**2 / 2]), atol=1e-6)
    field = found.field
    assert field is not None
    point = ld.drift(perceptron.setup.scenario, ld.Start(Q=field.y[9], R=field.x[7]))
    assert (field.dx[9, 7], field.dy[9, 7]) == pytest.approx((point.R.item(), point.Q.item()), rel=1e-12)
    assert not field.possible[0, 0]
    text = numbers.spectrum(perceptron, found) + numbers.cards(perceptron, found)
    assert "attractive" in text
    assert ">2<" in text


def test_the_critical_rate_does_not_depend_on_the_rate_and_is_kept(perceptron: compute.Theory) -> None:
    whole(perceptron)
    kept = dict(compute._RATES)
    rate, _ = compute.critical_rate(perceptron.setup.scenario.replace(learning_rate=0.123))
    assert rate == whole(perceptron).critical_rate
    assert dict(compute._RATES) == kept


def test_a_run_that_diverges_is_shown_up_to_there(perceptron: compute.Theory) -> None:
    with pytest.warns(ld.LearndynWarning, match="diverged"):
        found = theory(perceptron.setup.changed(learning_rate=4.0, until=1000.0))
    assert numbers.status(found) == ("warn", found.result.attrs["message"])
    assert "diverged" in found.ended_early
    assert found.drawn.time[-1] < 1000.0
    assert whole(found).spectra == ()


def test_nothing_is_looked_at_when_something_newer_waits(perceptron: compute.Theory) -> None:
    found: list[Details] = []
    details(perceptron, found.append, lambda: len(found) > 0)
    assert len(found) == 1


def test_a_plateau_is_marked_with_its_rate() -> None:
    found = theory(Setup.default())
    curve = ld.solve(found.setup.scenario, found.setup.start, until=500, save_at=401)
    level = ld.plateaus(curve)
    (plateau,) = found.plateaus
    assert (plateau.entry, plateau.exit, plateau.height) == (level.entry[0], level.exit[0], level.height[0])
    (spectrum,) = whole(found).spectra
    row = curve.sel(alpha=0.5 * (plateau.entry + plateau.exit), method="nearest")
    # Two searches for one root, each to 1e-10 of the rates.
    expected = ld.find_fixed_point(found.setup.scenario, row).eigenvalues
    np.testing.assert_allclose(spectrum.rates, expected, atol=1e-7)
    assert spectrum.kind == "saddle with 1 unstable direction"
    assert spectrum.directions[0].count("R_") == 4
    assert 'class="unstable"' in numbers.spectrum(found, whole(found))


def test_a_draft_agrees_to_its_tolerance(perceptron: compute.Theory) -> None:
    draft = theory(perceptron.setup, draft=True)
    assert draft.draft
    # Local errors of 1e-4 each, on a curve of order one that forgets them.
    np.testing.assert_allclose(draft.result.eps_g, perceptron.result.eps_g, atol=1e-2)
    assert not np.array_equal(draft.result.eps_g, perceptron.result.eps_g)
    assert numbers.status(draft)[0] == "busy"


def test_drafts_are_for_programs_that_are_slow_once_compiled() -> None:
    programs, setup = Programs(), Setup.default()
    assert not programs.known(setup)
    programs.note(setup, 5.0)  # compiling
    assert programs.known(setup)
    assert not programs.slow(setup)
    programs.note(setup, 0.2)
    assert programs.slow(setup)
    assert programs.slow(setup.changed(learning_rate=0.1))
    assert not programs.known(setup.changed(K=3))


def test_no_curve_takes_longer_than_some_seconds(perceptron: compute.Theory, monkeypatch: pytest.MonkeyPatch) -> None:
    setup = perceptron.setup
    monkeypatch.setattr(compute, "MOST_STEPS", 100)
    with pytest.warns(ld.LearndynWarning, match=r"after \d+ steps"):
        found = theory(setup.changed(until=1e9))
    assert found.drawn.time[-1] < 1e9
    assert numbers.status(found)[0] == "warn"
    assert "the explorer stops after some seconds, here " in found.ended_early


def test_a_curve_of_few_steps_is_measured_first(perceptron: compute.Theory) -> None:
    programs = Programs()
    assert programs.most_steps(perceptron.setup) == compute.PROBE
    programs.note_steps(perceptron.setup, perceptron.result)
    assert programs.most_steps(perceptron.setup) > compute.FEWEST_STEPS
    slow = perceptron.result.assign_attrs(options='{"steps": 10}', timings='{"run": 5.0}')
    programs = Programs()
    programs.note_steps(perceptron.setup, slow)
    assert programs.most_steps(perceptron.setup) == compute.FEWEST_STEPS


def test_a_fixed_point_of_many_numbers_is_not_looked_for(
    perceptron: compute.Theory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(compute, "MOST_SEARCHED", 1)
    assert "take minutes" in compute.spectra(perceptron)[0].missing


def test_what_has_not_come_yet_is_not_called_absent() -> None:
    found = theory(Setup.default().changed(X=0.0))
    waiting, none = Details(found.setup), Details(found.setup, spectra=())
    assert [numbers._escape(found, each)[2] for each in (None, waiting, none)] == ["…", "…", "–"]
    # X = 0: the plateau is a saddle that is never left.
    saddle = Details(found.setup, spectra=tuple(compute.spectra(found)))
    _, _, rate, words = numbers._escape(found, saddle)
    assert (rate, words) == (numbers.number(saddle.spectra[0].rates[0]), "never left: X = 0")  # type: ignore[index]


def test_an_error_that_rests_while_the_weights_grow_is_no_plateau() -> None:
    found = theory(Setup.default().changed(learning_rate=50.0))
    assert found.plateaus == []
    # There is no fixed point: the search says so in words for Python, the page in its own.
    (missing,) = compute.spectra(found)
    assert missing.missing.startswith("No fixed point was found from here")
    assert "start" not in missing.missing


def test_an_old_spectrum_is_dimmed_once() -> None:
    assert numbers.dimmed(numbers.dimmed("<p>x</p>")) == numbers.dimmed("<p>x</p>") != "<p>x</p>"
    assert numbers.dimmed("") == ""


def test_what_is_below_the_accuracy_says_from_where() -> None:
    found = theory(Setup.default().changed(K=1, M=1, activation="relu", X=0.1, until=60.0, learning_rate=1.0))
    since = found.drawn.time[np.flatnonzero(np.isnan(found.drawn.main.y))[0]]
    assert since < 60.0
    assert numbers._final(found)[3] == f"the accuracy of the run, from α = {numbers.number(float(since))}"


# Curves.


def test_what_the_solver_does_not_know_is_not_drawn() -> None:
    y = resolved(np.array([1.0, 1e-3, 1e-9, 1e-3]), 1e-8)
    np.testing.assert_array_equal(y, [1.0, 1e-3, np.nan, np.nan])
    np.testing.assert_array_equal(resolved(np.array([0.5, -0.5]), 0.0), [0.5, -0.5])


def test_curves_that_end_together_have_one_name() -> None:
    lines = [Line(name, color, [], np.array([0.0, end])) for name, color, end in
             (("a", "red", 1.0), ("b", "blue", 1.01), ("c", "red", 0.0))]  # fmt: skip
    assert [(text, color) for text, _, color in end_names(lines, 0.1)] == [("c", "red"), ("a, b", "#555555")]


def test_labels_become_unicode() -> None:
    assert [plain_name(text) for text in ("$R_{12}$", r"$\mathrm{loss}$", "$w_{3}$")] == ["R₁₂", "loss", "w₃"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.01472, "0.01472"),
        (-3.2e-7, "−3.2 × 10<sup>−7</sup>"),
        (np.nan, "–"),
        (1e12, "1 × 10<sup>12</sup>"),
        (None, "–"),
    ],
)
def test_numbers_for_readers(value: float | None, text: str) -> None:
    assert numbers.number(value) == text


def test_words_of_a_file_are_no_html() -> None:
    spectrum = compute.Spectrum("here", missing="<script>")
    assert "&lt;script&gt;" in numbers._table(spectrum)


# Replicas and downloads.


def run(setup: Setup, options: dict[str, Any], progress: Any = lambda done: None, cancel: bool = False) -> Any:
    """What a simulation in its thread tells."""
    told: list[Any] = []
    done = threading.Event()
    running = Running(setup, options, progress, lambda found: (told.append(found), done.set()))
    if cancel:
        running.cancel()
    running.start()
    assert done.wait(WAIT)
    return told[0]


def test_runs_of_modes_are_those_of_simulate() -> None:
    setup, shares = Setup.default("linear_modes").changed(dropout_keep=0.5, until=2.0), []
    options = options_of(setup, 100, 3, 7)
    found = run(setup, options, shares.append)
    np.testing.assert_array_equal(found.result.u, ld.simulate(setup.scenario, setup.start, **options).u)
    assert [len(found.drawn.runs[name]) for name in ("", "u")] == [3, 9]
    assert numbers.replicas_line(found).startswith("3 replicas: final loss")


def test_replicas_are_those_of_simulate(perceptron: compute.Theory) -> None:
    setup, shares = perceptron.setup, []
    options = options_of(setup, 100, 3, 7)
    found = run(setup, options, shares.append)
    assert isinstance(found, Replicas)
    again = ld.simulate(setup.scenario, setup.start, **options)
    np.testing.assert_array_equal(found.result.R, again.R)
    assert found.result.sizes["replica"] == 3
    assert shares[-1] == 1.0
    assert "3 replicas at N = 100" in numbers.replicas_line(found)


@pytest.mark.filterwarnings("ignore:Interrupted:learndyn.LearndynWarning")
def test_replicas_are_cancelled(perceptron: compute.Theory) -> None:
    assert run(perceptron.setup, options_of(perceptron.setup, 10**6, 64, 1), cancel=True) is None


def test_replicas_that_are_refused_are_told(perceptron: compute.Theory) -> None:
    assert isinstance(run(perceptron.setup, options_of(perceptron.setup, 1, 3, 7)), ld.InputError)


def test_modes_without_dropout_are_run_once() -> None:
    setup = Setup.default("linear_modes")
    assert options_of(setup, 5, 8, 1)["replicas"] == 1
    assert options_of(setup.changed(dropout_keep=0.5), 5, 8, 1)["replicas"] == 8
    assert "N" not in options_of(setup, 5, 8, 1)


@pytest.mark.parametrize(
    ("name", "begins"),
    [
        ("curve.png", b"\x89PNG"),
        ("curve.svg", b"<?xml"),
        ("curve.pdf", b"%PDF"),
        ("flow-field.png", b"\x89PNG"),
        ("result.nc", b"\x89HDF"),
        ("scenario.toml", b"title"),
        ("scenario.py", b'"""'),
    ],
)
def test_downloads(perceptron: compute.Theory, name: str, begins: bytes) -> None:
    assert made(name, perceptron, None).startswith(begins)


def test_a_picture_that_there_is_not_is_a_key_error() -> None:
    with pytest.raises(KeyError):
        made("flow-field.png", theory(Setup.default("linear_modes")), None)


def test_the_spectrum_of_modes_is_a_table_of_them() -> None:
    found = theory(Setup.default("linear_modes"))
    text = numbers.spectrum(found, None)
    assert text.count("<tr>") == 4
    assert "Modes" in text


# The worker.


def test_the_worker_drops_all_but_the_newest() -> None:
    begun, go, told, done = threading.Event(), threading.Event(), [], threading.Event()

    def work(request: int) -> int:
        if request == 0:
            begun.set()
            go.wait(WAIT)
        return 10 * request

    def tell(request: int, found: Any) -> None:
        told.append((request, found))
        if request == 3:
            done.set()

    worker = Newest(work, tell, "test")
    worker.ask(0)
    assert begun.wait(WAIT)
    for request in (1, 2, 3):
        worker.ask(request)
    assert worker.outdated()
    go.set()
    assert done.wait(WAIT)
    worker.close()
    assert told == [(0, 0), (3, 30)]


def test_the_worker_tells_what_was_raised_and_lives_on() -> None:
    told, done = [], threading.Event()

    def work(request: int) -> int:
        if request == 0:
            raise ValueError("no")
        return request

    worker = Newest(work, lambda request, found: (told.append(found), done.set()), "test")
    worker.ask(0)
    assert done.wait(WAIT)
    done.clear()
    worker.ask(1)
    assert done.wait(WAIT)
    worker.close()
    assert isinstance(told[0], ValueError)
    assert told[1] == 1


def test_the_worker_waits_for_a_rest() -> None:
    told, done = [], threading.Event()
    worker = Newest(lambda request: request, lambda request, found: (told.append(found), done.set()), "test", rest=0.2)
    for request in range(5):
        worker.ask(request)
    assert done.wait(WAIT)
    worker.close()
    assert told == [4]
