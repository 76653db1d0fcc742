"""The worked examples of docs/extending run, and what their pages claim holds."""

import dataclasses
import re
import sys

import numpy as np
import pytest

import learndyn as ld
from extension_code import CODE, load, nothing_registered
from learndyn.activations.expressions.grammar import ALIASES, FUNCTIONS
from learndyn.extending import Flow, register_scenario, update

ENTRY_POINTS = "[learndyn.extensions]\n{module} = {module}\n"


@pytest.fixture(scope="module")
def house():
    with nothing_registered():
        yield


@pytest.fixture(scope="module")
def robust(house):
    return load("robust_regression")


@pytest.fixture(scope="module")
def bump(house):
    return load("bump")


# ---- The activation


def test_the_averages_of_the_bump_are_those_of_quadrature(bump):
    """Against Gauss-Hermite quadrature in up to four dimensions, whose error is its change from 16 to 22 nodes."""
    factors = {
        "I2": (bump.g, bump.g),
        "I3": (bump.dg, lambda x, xp: x, bump.g),
        "I4": (bump.dg, bump.dg, bump.g, bump.g),
    }
    A = np.random.default_rng(1).standard_normal((2, 4, 4)) / 2
    A[1, 1] = A[1, 0]  # two variables that are one
    for part, functions in factors.items():
        n = len(functions)
        found = getattr(bump.bump, part)((A @ A.transpose(0, 2, 1))[:, :n, :n])
        for value, root in zip(found, A[:, :n], strict=True):
            # n variables of a covariance of four normal ones are as many of n.
            coarse, fine = (average(functions, np.linalg.qr(root.T)[1].T, nodes) for nodes in (16, 22))
            assert abs(value - fine) <= abs(fine - coarse) + 1e-14, part
            assert abs(fine - coarse) < 1e-3, part


def average(functions, root, nodes):
    """The mean of f_1(z_1) f_2(z_2) ... with z = root x, x standard normal."""
    points, weights = np.polynomial.hermite_e.hermegauss(nodes)
    x = np.stack(np.meshgrid(*[points] * len(functions), indexing="ij")).reshape(len(functions), -1)
    w = np.prod(np.meshgrid(*[weights / weights.sum()] * len(functions), indexing="ij"), axis=0).reshape(-1)
    return w @ np.prod([f(z, np) for f, z in zip(functions, root @ x, strict=True)], axis=0)


def test_the_functions_of_an_expression_are_listed():
    page = (CODE.parent / "activation.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| of (?:one argument|two|more) \|(.*)\|$", page, re.MULTILINE)
    assert len(rows) == 3
    assert set(re.findall(r"`([a-z]\w*)", " ".join(rows))) == {*FUNCTIONS, *ALIASES}
    told = re.search(r"where\(a > b, c, d\)`` and the functions (.*?)\.", ld.activation.__doc__, re.DOTALL)
    assert {*re.split(r",\s+", told[1]), "where"} == set(FUNCTIONS)
    assert ld.activation("clip(x, -1, 1)").name == "minimum(maximum(x, -1), 1)"


def test_the_bump_conforms(bump):
    ld.testing.check_activation(bump.bump, seed=1)


def test_the_bump_needs_no_quadrature(bump):
    scenario = ld.StudentTeacher(ld.Student(2, "bump"), ld.Teacher(1, "bump"), learning_rate=0.5)
    assert scenario.structure.plain
    assert scenario.reach(scenario.initial_state(ld.Start(Q=[[0.2, 0], [0, 0.3]], R=[[0], [0]]))[None]) is None


# ---- The scenario


def test_robust_regression_conforms(robust):
    scenario, start = robust.RobustRegression(0.5, outlier_share=0.1), robust.Overlaps(R=0.1, Q=0.5)
    report = ld.testing.check_scenario(scenario, start, seed=1)
    assert report.left_out == ()
    assert "single updates against the drift (standard errors)" in [check.name for check in report.checks]
    assert "scenario 'robust_regression', seed 1" in str(report)


def test_a_drift_without_its_second_order_is_found(robust):
    @dataclasses.dataclass(frozen=True)
    class Wrong(robust.RobustRegression):
        def flow(self, samples=None, reach=None):
            def drift(alpha, state, values):
                return robust.drift(alpha, state, values).at[1].add(-(values["learning_rate"] ** 2))

            return Flow("wrong", drift, robust.size)

        # Only the update is looked at here.
        __reduce__ = object.__reduce__

    from learndyn.testing import scenarios

    start = robust.Overlaps(R=0.1, Q=0.5)
    scenario = Wrong(0.5, outlier_share=0.1)
    process = scenario.process(start)
    ((_, score, threshold, sentence),) = scenarios._single_updates(scenario, start, process, 1, 4)
    assert score > threshold
    assert "number 2 of the state" in sentence


def test_the_error_at_the_end_is_that_of_the_equation(robust):
    """At the fixed point R = 1 and 2 a D = eta."""
    scenario = robust.RobustRegression(0.5, noise=0.2, outlier_share=0.1)
    point = ld.find_fixed_point(scenario, robust.Overlaps(R=0.9, Q=0.9))
    R, D = float(point.R), 2.0 * float(point.eps_g)
    a = np.sqrt(2 / np.pi) * (0.9 / np.sqrt(D + 0.04) + 0.1 / np.sqrt(D + 100.0))
    assert abs(R - 1.0) < 1e-9
    assert abs(2.0 * a * D - 0.5) < 1e-9
    assert point.attrs["kind"] == "attractive"


def test_files_and_results_know_the_scenario(robust, tmp_path):
    scenario, start = robust.RobustRegression(0.5, outlier_share=0.1), robust.Overlaps(R=0.1, Q=0.5)
    path = ld.write_scenario_file(tmp_path / "robust.toml", scenario, start, solve={"until": 5.0})
    file = ld.read_scenario_file(path)
    assert (file.scenario, file.start) == (scenario, start)
    curve = ld.solve(file.scenario, file.start, **file.solve, save_at=3)
    loaded = ld.load(ld.save(curve, tmp_path / "robust.nc"))
    assert ld.scenario_of(loaded) == scenario
    assert ld.start_of(loaded) == start


def test_a_file_of_the_scenario_with_mistakes(robust, tmp_path):
    path = tmp_path / "robust.toml"
    path.write_text(
        '[scenario]\nkind = "robust_regression"\nnoise = -1\n\n'
        '[start]\nkind = "robust_overlaps"\nr = 0\n\n[solve]\nuntil = 1\n'
    )
    with pytest.raises(ld.InputError) as refused:
        ld.read_scenario_file(path)
    lines = str(refused.value).splitlines()
    assert "learning_rate is missing" in lines[0]
    assert "r = 0 is an unknown key" in lines[1]
    path.write_text(path.read_text().replace("noise = -1", "noise = -1\nlearning_rate = 0.1").replace("r = 0\n", ""))
    with pytest.raises(ld.InputError, match=r"\[scenario\] noise must be a finite number above 0, but it is -1"):
        ld.read_scenario_file(path)


def test_an_installed_package_is_found_by_its_entry_point(robust, tmp_path, monkeypatch):
    text = (CODE / "robust_regression.py").read_text()
    (tmp_path / "robust_copy.py").write_text(text.replace('"robust_', '"copied_'))
    info = tmp_path / "robust_copy-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: robust-copy\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS.format(module="robust_copy"))
    path = tmp_path / "copied.toml"
    path.write_text('[scenario]\nkind = "copied_regression"\nlearning_rate = 0.1\n')
    with nothing_registered(), pytest.raises(ld.InputError, match="kind must be"):
        ld.read_scenario_file(path)
    monkeypatch.syspath_prepend(tmp_path)
    with nothing_registered():
        assert type(ld.read_scenario_file(path).scenario).__module__ == "robust_copy"
    sys.modules.pop("robust_copy")


def test_an_extension_that_cannot_be_loaded_stops_nobody(tmp_path, monkeypatch):
    (tmp_path / "broken_extension.py").write_text("raise RuntimeError('no such luck')\n")
    info = tmp_path / "broken_extension-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-extension\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS.format(module="broken_extension"))
    monkeypatch.syspath_prepend(tmp_path)
    with (
        nothing_registered(),
        pytest.warns(ld.LearndynWarning, match="cannot be loaded: no such luck"),
        pytest.raises(ld.InputError, match="Argument `activation` must be one of"),
    ):
        ld.activation("nowhere")


def test_registration_refuses(robust):
    @dataclasses.dataclass(frozen=True)
    class Bare:
        kind = "bare"

    @dataclasses.dataclass(frozen=True)
    class Taken(robust.RobustRegression):
        kind = "student_teacher"

    with pytest.raises(ld.InputError, match="Bare lacks as_start, coordinates"):
        register_scenario(Bare, robust.Overlaps)
    with pytest.raises(ld.InputError, match="'student_teacher' is that of StudentTeacher"):
        register_scenario(Taken, robust.Overlaps)
    with nothing_registered():
        register_scenario(robust.RobustRegression, robust.Overlaps)  # once more: a cell that runs twice


def test_an_update_that_cannot_be_compiled_is_refused():
    def unknown(numbers, x, y, own, luck, place, delta, change, xp):
        raise_the_dead(x)  # noqa: F821

    with pytest.raises(ld.InputError, match=r"but unknown is not: .* Use get, put"):
        update(unknown)
    with pytest.raises(ld.InputError, match="must be a function of Python, but it is 3"):
        update(3)


def test_a_kernel_on_disk_needs_no_module_of_the_user(bump):
    """numba imports the module of every function of a kernel that it loads, and that of a user may be gone."""
    from learndyn.activations import compiled

    assert bump.g.__module__ == "docs_extending_bump"
    assert compiled._compiled(bump.g, {}).py_func.__module__ == compiled.__name__


def test_averages_that_are_none_are_refused(bump):
    with pytest.raises(ld.InputError, match=r"names I2, I3, .* but it has 'I5'.* Did you mean 'I2'|has 'I5'"):
        ld.new_activation("bump_5", bump.g, bump.dg, averages={"I5": bump.I4})
    with pytest.raises(ld.InputError, match="names another activation already"):
        ld.new_activation("bump", bump.g, bump.dg, averages={"I2": bump.I2})


# ---- The engine


def case(name, robust):
    """A scenario with a start, an end and a step."""
    if name == "erf":
        scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.5, weight_decay=0.01)
        return scenario, ld.Start.near_symmetric(scenario, X=0.1), 5.0, 0.5
    return {
        "alike": (ld.SiteSymmetric(10, "relu", learning_rate=0.1), ld.SymmetricStart(0.1, 0.0, 0.3, 0.0), 5.0, 0.5),
        "modes": (ld.LinearModes([3.0, 1.0], depth=3), ld.ModeStart(u=0.1), 2.0, 0.05),
        "robust": (robust.RobustRegression(0.5), robust.Overlaps(R=0.1, Q=0.5), 2.0, 0.05),
    }[name]


@pytest.mark.parametrize("name", ["erf", "alike", "modes", "robust"])
def test_the_engine_runs_any_scenario(name, robust):
    """Of two runs of order 4, the one with half the step has a 15th of their difference as its error, asymptotically;
    allowed is the whole difference, and what the adaptive solver makes itself."""
    engine = load("fixed_steps")
    scenario, start, until, step = case(name, robust)
    coarse, fine = (engine.solve_in_equal_steps(scenario, start, until, step=h, points=3) for h in (step, step / 2))
    exact = ld.solve(scenario, start, until, save_at=3, method="ode", rtol=1e-11, atol=1e-13)
    assert fine.attrs["status"] == "ok"
    for variable in scenario.order_parameters(scenario.initial_state(scenario.as_start(start))):
        difference = np.abs(coarse[variable] - fine[variable]).max()
        assert np.abs(fine[variable] - exact[variable]).max() <= difference + 1e-9
        assert difference < 1e-2


def test_the_engine_says_where_it_ended(robust):
    engine = load("fixed_steps")
    scenario = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=3.0)
    with pytest.warns(ld.LearndynWarning, match="not finite at alpha = "):
        run = engine.solve_in_equal_steps(scenario, ld.Start(Q=1.0, R=0.0), until=2000.0, step=1.0)
    assert run.attrs["status"] == "not_finite"
    assert 1 <= run.sizes["alpha"] < 101
    assert np.isfinite(run.eps_g).all()
    stepped = scenario.replace(learning_rate=ld.schedules.PiecewiseConstant([1.0, 0.5], times=[1.0]))
    with pytest.raises(ld.InputError, match=r"Use ld\.solve"):
        engine.solve_in_equal_steps(stepped, ld.Start(Q=1.0, R=0.0), until=2.0)
