"""`ld.moment_flow`: published curves, exact covariances of linear rules, size, and what ends or refuses a run."""

import json
from pathlib import Path

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from scipy.linalg import expm
from scipy.stats import norm

import learndyn as ld
from learndyn.engines.theory import drift_at, integrate
from learndyn.scenarios.moments import Form, drift, make_flow

DATA = Path(__file__).parent.parent / "data"
CURVES = json.loads((DATA / "weight_variances.json").read_text())["curves"]
MU, W0 = np.array([1.0, 1.0]) / np.sqrt(2), np.array([1.0, -1.0]) / np.sqrt(2)
START = ld.GaussianWeights(W0, cov=0.1)
K = np.array([[-1.0, 0.5, 0.0], [-0.5, -0.2, 0.1], [0.0, 0.3, -0.4]])


def linear(w):
    import jax.numpy as jnp

    return jnp.asarray(K) @ w


LINEAR = ld.UpdateRule(3, mean=linear)


def traces(curve, second):
    """tr Cov at the times of a published curve, with this coefficient of the second-order term."""
    scenario = ld.GaussianClassification(MU, curve["sigma"] ** 2, curve["rule"], weight_decay=0.1)
    form = Form(2, rank=2)
    flow = make_flow(scenario.mean_update(), form, second=second)
    state = form.pack(W0, START.factor())
    times = np.array(curve["time"])
    run = integrate(flow, state, scenario.values(), times, 0.0, rtol=1e-11, atol=1e-13, limit=1e6, max_steps=10**5)
    return form.variance(run.states).sum(-1)


@pytest.mark.parametrize("curve", CURVES, ids=[f"{c['rule']} {c['sigma']}" for c in CURVES])
def test_published_variances(curve):
    """Theirs have the coefficient 1 where equation (10) has 1/2; 1e-7 is the accuracy stated with them."""
    assert np.abs(traces(curve, 1.0) - curve["trace"]).max() < 1e-7


def test_the_equations_by_hand():
    """Supervised learning without input noise: <f> = mu Phi(-u mu.w) - lambda w, u = sqrt(pi/8), in SciPy."""
    u, decay = np.sqrt(np.pi / 8), 0.1

    def slope(t, state):
        m, C = state[:2], state[2:].reshape(2, 2)
        h = u * MU @ m
        A = -u * norm.pdf(h) * np.outer(MU, MU) - decay * np.eye(2)
        curved = u**2 * h * norm.pdf(h) * (MU @ C @ MU) * MU
        return np.concatenate([norm.sf(h) * MU - decay * m + 0.5 * curved, (A @ C + C @ A.T).ravel()])

    begin = np.concatenate([W0, 0.1 * np.eye(2).ravel()])
    by_hand = solve_ivp(slope, (0, 40), begin, method="DOP853", rtol=1e-12, atol=1e-14, t_eval=CURVES[0]["time"])
    # The tolerance of each step, 1e-11, over some hundred steps.
    np.testing.assert_allclose(traces(CURVES[0], 0.5), by_hand.y[2] + by_hand.y[5], rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("curve", [CURVES[2], CURVES[5]], ids=["supervised", "reinforce"])
def test_the_coefficient_is_a_half(curve):
    """What the equation itself gives is as far from the published curves as noted with them: 1.8e-4 and 1.8e-3."""
    scenario = ld.GaussianClassification(MU, 1.0, curve["rule"], weight_decay=0.1)
    flow = ld.moment_flow(scenario, START, 40, save_at=curve["time"])
    largest = float(np.abs(flow.trace_cov - curve["trace"]).max())
    assert largest == pytest.approx({"supervised": 1.8e-4, "reinforce": 1.8e-3}[curve["rule"]], rel=0.05)
    assert {"alignment", "accuracy", "w", "Cov", "variance"} <= set(flow.data_vars)


@pytest.mark.parametrize(
    ("rule", "rate"), [("supervised", -0.015082721005931922), ("reinforce", -0.012159756928781237)]
)
def test_the_rate_of_the_total_variance(rule, rate):
    """Equation (27) with 1/2 instead of the printed 1/4, at sigma = 0: values of the formula, to their 10 digits."""
    scenario = ld.GaussianClassification([1.0, 0.0], 0.0, rule, weight_decay=0.1)
    C, form = np.array([[0.02, 0.005], [0.005, 0.01]]), Form(2, rank=2)
    L = np.linalg.cholesky(C)
    state = form.pack(np.array([0.7, -0.3]), L)
    slope = drift_at(make_flow(scenario.mean_update(), form), 0.0, state, scenario.values())
    assert 2.0 * (L * form.factor(slope)).sum() == pytest.approx(rate, abs=1e-10)


def test_a_linear_rule_exactly():
    """C(t) = e^{Kt} C e^{K^T t}, from a covariance of rank 2 as from a full one; order 3 adds nothing."""
    factor = np.array([[0.3, 0.0], [0.1, 0.2], [-0.2, 0.1]])
    E = expm(2.0 * K)
    for cov, C in ((ld.Covariance.low_rank(factor), factor @ factor.T), (0.1, 0.1 * np.eye(3))):
        start = ld.GaussianWeights([1.0, 0.0, -1.0], cov=cov)
        row = ld.moment_flow(LINEAR, start, until=2, save_at=2).isel(t=-1)
        np.testing.assert_allclose(row.w, E @ [1.0, 0.0, -1.0], atol=1e-7)
        np.testing.assert_allclose(row.Cov, E @ C @ E.T, atol=1e-7)
        np.testing.assert_allclose(row.variance, np.diag(E @ C @ E.T), atol=1e-7)
        assert float(row.trace_cov) == pytest.approx(np.trace(E @ C @ E.T), abs=1e-7)


def test_a_row_is_a_start():
    start = ld.GaussianWeights([1.0, 0.0, -1.0], cov=0.1)
    whole = ld.moment_flow(LINEAR, start, until=2, save_at=3)
    again = ld.moment_flow(LINEAR, whole.isel(t=1), until=2, save_at=2)
    np.testing.assert_allclose(again.Cov[-1], whole.Cov[-1], atol=1e-7)
    assert again.t.values.tolist() == [1.0, 2.0]


def test_what_is_recorded():
    start = ld.GaussianWeights([1.0, 0.0, -1.0], cov=0.1)
    assert "Cov" not in ld.moment_flow(LINEAR, start, until=2, save_at=2, record=[])
    assert "Cov" in ld.moment_flow(LINEAR, start, until=2, save_at=2, record="Cov")
    doubled = ld.moment_flow(LINEAR, start, until=2, save_at=2, observables={"twice": lambda d: 2 * d.trace_cov})
    assert float(doubled.twice[-1]) == 2 * float(doubled.trace_cov[-1])


def largest_array(jaxpr):
    """The most numbers that any array inside a JAX program has."""
    sizes = [v.aval.size for equation in jaxpr.eqns for v in equation.outvars]
    for equation in jaxpr.eqns:
        for parameter in equation.params.values():
            for inner in parameter if isinstance(parameter, tuple | list) else (parameter,):
                if hasattr(inner, "eqns") or hasattr(inner, "jaxpr"):
                    sizes.append(largest_array(getattr(inner, "jaxpr", inner)))
    return max(sizes, default=0)


@pytest.mark.parametrize(("cov", "rank", "order_of_size"), [(0.5, 3, "n r"), (0.5, 300, "n^2"), ("dense", 3, "n r")])
def test_no_array_is_larger_than_the_state(cov, rank, order_of_size):
    """n = 300: derivatives along columns need some n r numbers; n^3 would be 300 times as many."""
    import jax

    n = 300
    covariance = np.eye(n) if cov == "dense" else cov
    scenario = ld.GaussianClassification(np.eye(n)[0], covariance, "supervised")
    function = drift(scenario.mean_update(), n, rank)
    with jax.enable_x64(True):
        traced = jax.make_jaxpr(function)(0.0, np.zeros(n * (1 + rank)), scenario.values())
    # Two classes and two derivatives, side by side.
    assert n * rank <= largest_array(traced.jaxpr) <= 4 * n * (1 + rank)


def uneven(w):
    """Fast, but slow near 1."""
    import jax.numpy as jnp

    return 1.0 - 0.8 * jnp.exp(-8.0 * (w - 1.0) ** 2)


def rippled(w):
    import jax.numpy as jnp

    return 1.0 + 0.7 * jnp.sin(4.0 * w)


def test_a_distribution_too_wide_for_third_cumulants():
    """The variance gets negative: said with the time, and the part up to there is kept."""
    rule = ld.UpdateRule(1, mean=uneven)
    with pytest.warns(ld.LearndynWarning, match=r"negative eigenvalue at t = .* Use order=2"):
        flow = ld.moment_flow(rule, ld.GaussianWeights([0.0], cov=0.05), until=3, order=3)
    assert flow.attrs["status"] == "lost_positivity"
    assert (flow.variance > 0).all()
    assert 1 < flow.sizes["t"] < 201


def test_third_cumulants_that_become_infinite():
    rule = ld.UpdateRule(1, mean=rippled)
    with pytest.warns(ld.LearndynWarning, match=r"moments grew without bound at t = .* Use order=2"):
        flow = ld.moment_flow(rule, ld.GaussianWeights([0.0], cov=0.05), until=3, order=3)
    assert flow.attrs["status"] in ("diverged", "not_finite")


def test_a_rule_that_becomes_infinite():
    blown = ld.UpdateRule(1, mean=lambda w: w**2)
    with pytest.warns(ld.LearndynWarning, match=r"diverged at t = 0\.99|diverged at t = 1"):
        flow = ld.moment_flow(blown, [1.0], until=2)
    assert flow.attrs["status"] == "diverged"


MISTAKES = {
    "no rule": ((lambda w: w, [1.0]), {}, "`rule` must be an ld.UpdateRule, or a scenario"),
    "a student": (
        (ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0), [1.0]),
        {},
        "but it is an ld.StudentTeacher",
    ),
    "data": (
        (
            ld.DataClassification([[1.0, 0.0], [0.0, 1.0], [-1.0, 0.1], [0.3, -1.0]], [1, 1, -1, -1], "supervised"),
            [1.0, 0.0],
        ),
        {},
        r"but it is an ld\.DataClassification\. Use scenario\.gaussian",
    ),
    "order": ((LINEAR, np.ones(3)), {"order": 4}, "`order` must be 2 or 3, but it is 4"),
    "order and rate": ((LINEAR, np.ones(3)), {"order": 3, "finite_rate": True}, "must be 2 with finite_rate=True"),
    "rate": ((LINEAR, np.ones(3)), {"finite_rate": 1}, "must be True or False, but it is 1"),
    "no scatter": ((LINEAR, np.ones(3)), {"finite_rate": True}, "whose scatter Cov_L"),
    "many": ((ld.UpdateRule(25, mean=lambda w: -w), np.ones(25)), {"order": 3}, "for more than 24 weights"),
    "record": ((LINEAR, np.ones(3)), {"record": "cov"}, "`record` must be"),
    "record S": ((LINEAR, np.ones(3)), {"record": "S"}, "must not ask for S unless order=3"),
    "length": ((LINEAR, np.ones(2)), {}, "must have 3 weights"),
    "not finite": ((ld.UpdateRule(1, mean=lambda w: 1 / w), [0.0]), {}, "mean update and its derivatives are finite"),
}


@pytest.mark.parametrize(("given", "options", "sentence"), MISTAKES.values(), ids=MISTAKES.keys())
def test_each_mistake_has_its_sentence(given, options, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.moment_flow(*given, 1, **options)
