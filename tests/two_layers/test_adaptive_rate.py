"""A learning rate that adapts: its flow, its limits in closed form, both simulations, and what is refused.

The mean update of eta beside all other options is held against drawn inputs in `test_flow`. Statistics here are those
of `agreement`, the false-alarm rate 0.1 % for each of the two families.
"""

import numpy as np
import pytest
from scipy.integrate import solve_ivp
from test_flow import CASES as FLOW

import learndyn as ld
from agreement import Case, against_weights, limit_of_chain, theory
from law import STATISTICS, rejected
from learndyn.engines import theory as engine
from learndyn.engines.streams import stream
from learndyn.scenarios.plain import scenario_from_plain, scenario_to_plain

murata = ld.AdaptiveRate.murata
START = ld.Start(Q=1.0, R=0.0)


def linear(rate, **options):
    return ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), rate, **options)


def noisy(rate):
    """One shape for most tests: they share what is compiled."""
    return linear(rate, label_noise=0.5, weight_decay=0.2)


RULE = murata(0.6, a=0.8, b=0.7, floor=0.1)


# ---- The linear perceptron: E = Q - 2 R + 1 obeys E' = -2 eta E + eta^2 (E + s^2), <e> = (E + s^2) / 2


def test_linear_perceptron_is_a_system_of_three_numbers():
    a, b, floor, s = 3.0, 1.2, 0.1, 0.5
    times = np.linspace(0.0, 20.0, 21)

    def right(t, z):
        R, Q, eta = z
        E = Q - 2 * R + 1
        return [eta * (1 - R), 2 * eta * (R - Q) + eta**2 * (E + s**2), a * eta * (b * ((E + s**2) / 2 - floor) - eta)]

    expected = solve_ivp(right, (0, 20), [0.0, 1.0, 0.7], "DOP853", times, rtol=1e-12, atol=1e-14).y
    run = ld.solve(linear(murata(0.7, a, b, floor), label_noise=s), START, 20, save_at=times, rtol=1e-10, atol=1e-12)
    found = np.stack([run.R.values.ravel(), run.Q.values.ravel(), run.eta.values])
    # Some hundred steps of 1e-10 each, in a flow that contracts.
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-8)
    np.testing.assert_allclose(run.eps_g, (found[1] - 2 * found[0] + 1) / 2, rtol=0, atol=1e-15)


def tail(rate, **options):
    """c and d of eta = c / (alpha + shift), E = d / (alpha + shift): slopes of the inverses between late times.

    What is left out is smaller by ln(alpha) / alpha: 1e-4 at 10^5.
    """
    run = ld.solve(linear(rate, **options), START, 1e6, save_at=[1e5, 1e6], atol=1e-16)
    return 9e5 / np.diff(1 / run.eta.values)[0], 9e5 / np.diff(1 / (2 * run.eps_g.values))[0]


TAIL = 1e-3  # relative: ten times what is left out


def test_with_noise_and_its_floor_eta_falls_as_c_over_alpha():
    # -1 = a (b d / 2 - c), (2 c - 1) d = c^2 s^2: for a = 4, b = s = 1 they are 12 c^2 - 12 c + 2 = 0, d = 2 c - 1 / 2.
    c, d = tail(murata(0.5, a=4, b=1, floor=0.5), label_noise=1.0)
    assert c == pytest.approx((3 + np.sqrt(3)) / 6, rel=TAIL)
    assert d == pytest.approx(2 * (3 + np.sqrt(3)) / 6 - 0.5, rel=TAIL)


def test_without_noise_eps_g_falls_to_zero():
    # s = 0: c = 1 / 2, d = (a - 2) / (a b) for a > 2.
    c, d = tail(murata(0.5, a=4, b=1))
    assert c == pytest.approx(0.5, rel=TAIL)
    assert d == pytest.approx(0.5, rel=TAIL)


def test_with_noise_and_no_floor_eta_settles():
    # b (E + s^2) / 2 = eta, E = eta s^2 / (2 - eta): eta (2 - eta) = b s^2. For b = 3/4, s = 1: eta = 1/2, E = 1/3.
    run = ld.solve(linear(murata(0.9, a=2, b=0.75), label_noise=1.0), START, 200, save_at=[200])
    # The slowest mode falls as exp(-0.36 alpha); 1e-8 is the solver's.
    np.testing.assert_allclose([run.eta.item(), run.eps_g.item()], [1 / 2, 1 / 6], rtol=0, atol=1e-7)


def test_a_rate_that_no_error_moves_is_a_power_law():
    times = np.linspace(0, 50, 26)
    falling = ld.schedules.PowerLaw(0.8, alpha0=1 / (0.5 * 0.8))
    rule, schedule = (
        ld.solve(linear(rate, label_noise=0.3), START, 50, save_at=times, rtol=1e-10, atol=1e-12)
        for rate in (murata(0.8, a=0.5, b=0), falling)
    )
    # As above.
    np.testing.assert_allclose(rule.eta, falling(times), rtol=0, atol=1e-8)
    np.testing.assert_allclose(rule.eps_g, schedule.eps_g, rtol=0, atol=1e-8)


@pytest.mark.parametrize("rule", ["hebb", "natural_gradient", ld.Momentum(0.5)])
def test_eta_follows_the_mean_error_under_every_rule(rule):
    s = linear(murata(0.7, a=3, b=1.2, floor=0.1), rule=rule, label_noise=0.5)
    eps_g = (0.8 - 2 * 0.3 + 1) / 2
    expected = 3 * 0.7 * (1.2 * (eps_g + 0.5**2 / 2 - 0.1) - 0.7)
    assert ld.drift(s, ld.Start(Q=0.8, R=0.3)).eta.item() == pytest.approx(expected, rel=1e-12)


def test_the_error_of_quadrature_counts_by_the_rate_of_the_moment():
    s = ld.StudentTeacher(ld.Student(1, "tanh"), ld.Teacher(1, "tanh"), 0.3)
    start = ld.Start(Q=0.8, R=0.3)
    errors = []
    for scenario, more in ((s, {}), (s.replace(learning_rate=murata(0.9, a=3, b=1)), {"eta": 0.3})):
        state = scenario.initial_state(ld.Start(start.Q, start.R, more=more))[None]
        errors.append(scenario.drift_errors(state, np.zeros(1))[0])
    assert errors[1] == errors[0] > 0.0


# ---- Simulations


N, REPLICAS = 400, 200  # and 4 N, to remove what is of order 1 / N
SMALL_N, MANY = 60, 1000
CASES = {
    "all": Case(*FLOW["all, adaptive rate"]),
    "hebb": Case(linear(murata(0.7, a=0.8, b=0.3, floor=0.2), rule="hebb", label_noise=0.5), ld.Start(Q=0.5, R=0.2)),
}
COMPARISONS = sum(case.numbers for case in CASES.values())
BY_WEIGHTS = Case(noisy(RULE), ld.Start(Q=0.5, R=0.2))


@pytest.mark.parametrize("name", CASES)
def test_means_of_the_chain_tend_to_theory(name):
    case = CASES[name]
    limit = limit_of_chain(case, N, REPLICAS, seed=1)
    p = limit.p_values(theory(case))
    assert p.size == case.numbers
    assert not rejected(p, COMPARISONS), p
    # The same statistic sees a rule that is slightly different.
    h = case.scenario.learning_rate.h
    other = case.scenario.replace(learning_rate=murata(case.scenario.learning_rate.initial, h.a, h.b, h.floor + 0.1))
    assert rejected(limit.p_values(theory(Case(other, case.start))), COMPARISONS)


def test_the_chain_has_the_law_of_weight_vectors():
    p = against_weights(BY_WEIGHTS, SMALL_N, MANY, seed=2)
    assert p.size == len(STATISTICS) * BY_WEIGHTS.numbers
    assert not rejected(p, p.size), p


def test_a_rule_that_changes_nothing_is_a_constant_rate():
    # Both take the same random numbers; 60 updates of some roundings each, in a flow that does not expand by 100.
    options = {"until": 3, "N": 20, "replicas": 3, "save_at": [1, 3], "seed": 3}
    rates = 0.6, murata(0.6, a=1e-300, b=0)
    constant, adaptive = (ld.simulate(noisy(rate), BY_WEIGHTS.start, **options) for rate in rates)
    assert (adaptive.eta == 0.6).all()
    for variable in set(constant.data_vars) - {"cosine", "specialisation", "length"}:
        np.testing.assert_allclose(adaptive[variable], constant[variable], rtol=0, atol=1e-12, err_msg=variable)


@pytest.mark.parametrize(("rate", "ends"), [(murata(0.6, a=0.5, b=1.5, floor=0.1), None), (murata(1.0, 50, 0.5), 0.0)])
def test_updates_are_those_of_the_definition(rate, ends):
    """Inputs and noise are drawn again; the second rule would make the rate negative, and it ends at 0."""
    size, a, b, floor = 20, rate.h.a, rate.h.b, rate.h.floor
    scenario = linear(rate, label_noise=0.1)
    run = ld.simulate(scenario, START, 2, N=size, seed=1, method="weights", record_weights=True)
    J, B = run.J.values[0], run.B.values[0]
    rng, luck = (stream(1, "weights", size, 0, part) for part in (0, 2))
    eta = [rate.initial]
    for update in range(2 * size):
        xi = rng.standard_normal(size)
        error = (B @ xi - J[update] @ xi)[0] + 0.1 * luck.standard_normal()
        # Sums of 20 products in another order.
        np.testing.assert_allclose(J[update + 1], J[update] + eta[-1] / size * error * xi, rtol=0, atol=1e-14)
        eta.append(max(eta[-1] + a / size * eta[-1] * (b * (error**2 / 2 - floor) - eta[-1]), 0.0))
    np.testing.assert_allclose(run.eta.values[0], eta, rtol=0, atol=1e-12)
    assert ends is None or run.eta.values[0, -1] == ends


def press(done, total):
    """Ctrl-C at the first report that finds updates made."""
    if done > 0:
        raise KeyboardInterrupt


def test_an_interrupted_run_goes_on_from_its_checkpoint(tmp_path):
    scenario, path = noisy(RULE), tmp_path / "run.npz"
    # Half a second or more, of which a tenth is made when the keys are pressed.
    options = {"until": 25_000.0, "N": 400, "replicas": 3, "save_at": 2001, "seed": 1}
    with pytest.warns(ld.LearndynWarning, match="The same call goes on from here"):
        cut = ld.simulate(scenario, START, **options, checkpoint=path, progress=press)
    assert cut.attrs["status"] == "interrupted"
    whole = ld.simulate(scenario, START, **options, checkpoint=path)
    np.testing.assert_array_equal(whole.eta, ld.simulate(scenario, START, **options).eta)
    with pytest.warns(ld.LearndynWarning, match="The same call goes on from here"):
        ld.simulate(scenario, START, **options, checkpoint=path, progress=press)
    other = noisy(murata(0.6, a=0.8, b=0.7, floor=0.2))
    with pytest.raises(ld.InputError, match="differs in `scenario`"):
        ld.simulate(other, START, **options, checkpoint=path)


# ---- Results and starts


def test_a_row_goes_on_with_the_rate_that_it_has():
    scenario = noisy(murata(0.7, a=3, b=1.2, floor=0.1))
    whole = ld.solve(scenario, START, 8, save_at=[4, 8])
    rest = ld.solve(scenario, whole.isel(alpha=0), 8, save_at=[8])
    # Two solutions to 1e-8 a step.
    np.testing.assert_allclose(rest.isel(alpha=-1).eta, whole.isel(alpha=-1).eta, rtol=1e-6)
    np.testing.assert_allclose(rest.isel(alpha=-1).Q, whole.isel(alpha=-1).Q, rtol=1e-6)
    assert whole.eta.dims == ("alpha",)

    runs = ld.simulate(scenario, whole.isel(alpha=0), 5, N=50, replicas=3, seed=1)
    assert runs.eta.dims == ("replica", "alpha")
    np.testing.assert_array_equal(runs.eta.isel(alpha=0), whole.eta.values[0])
    # A constant rate leaves the one that was reached behind, and a rule begins anew after it.
    assert "eta" not in ld.solve(scenario.replace(learning_rate=0.1), whole.isel(alpha=0), 8)
    constant = ld.solve(linear(0.1), START, 1, save_at=[1]).isel(alpha=0)  # a row without a rate
    assert dict(scenario.as_start(constant).more)["eta"] == 0.7


def test_a_start_may_have_a_rate():
    scenario = noisy(murata(0.7, a=3, b=1.2))
    start = ld.Start(Q=1.0, R=0.0, more={"eta": 0.25})
    assert ld.solve(scenario, start, 1, save_at=[0, 1]).eta.values[0] == 0.25
    with pytest.raises(ld.InputError, match=r"`eta` must be a finite number of at least 0, but it is -0\.1"):
        scenario.as_start(ld.Start(Q=1.0, R=0.0, more={"eta": -0.1}))
    with pytest.raises(ld.InputError, match="`eta` of the start belongs to an option"):
        linear(0.1).as_start(start)


def test_other_numbers_never_compile_again():
    scenario = noisy(murata(0.7, a=3, b=1.2))
    ld.solve(scenario, START, 1)
    programs = len(engine._programs)
    ld.solve(scenario.replace(learning_rate=murata(0.3, a=1, b=2, floor=0.3)), START, 2)
    assert len(engine._programs) == programs


# ---- Rules of one's own


def follow(error, eta, xp):
    return 3.0 * eta * (1.2 * (error - 0.1) - eta)


def test_a_function_is_the_rule_that_it_computes():
    by_name, own = murata(0.7, a=3, b=1.2, floor=0.1), ld.AdaptiveRate(0.7, follow)
    named, function = (ld.solve(noisy(rate), START, 5, save_at=[1, 5]) for rate in (by_name, own))
    np.testing.assert_allclose(function.eta, named.eta, rtol=0, atol=1e-14)
    options = {"until": 2, "N": 20, "replicas": 3, "seed": 1, "save_at": [2]}
    named, function = (ld.simulate(noisy(rate), START, **options) for rate in (by_name, own))
    np.testing.assert_allclose(function.eta, named.eta, rtol=0, atol=1e-14)
    assert ld.scenario_of(function).learning_rate == own
    assert own == ld.AdaptiveRate(0.7, follow)
    assert own != ld.AdaptiveRate(0.8, follow)
    with pytest.raises(ld.InputError, match="adapts by a function cannot be written to a file"):
        ld.write_scenario_file("rule.toml", linear(own))
    plain = scenario_to_plain(linear(own))
    plain["learning_rate"]["token"] = "of another process"
    with pytest.raises(ld.InputError, match="follows a Python function of another process"):
        scenario_from_plain(plain)


def test_a_function_that_cannot_be_compiled_is_refused_by_simulations():
    table = {"a": 1.0}
    scenario = linear(ld.AdaptiveRate(0.7, lambda error, eta, xp: table["a"] * eta * (error - eta)))
    assert ld.solve(scenario, START, 1).attrs["status"] == "ok"
    with pytest.raises(ld.InputError, match=r"`h` of an .*cannot be simulated"):
        ld.simulate(scenario, START, 1, N=20)


@pytest.mark.parametrize(
    ("h", "sentence"),
    [
        (0.3, r"`h` must be a function h\(error, eta, xp\), but it is 0\.3"),
        (lambda error, eta, xp: eta * error**2, r"`h` must be affine in the error.* whole distribution"),
        (lambda error, eta, xp: eta * xp.minimum(error, 5.0), "`h` must be affine in the error.* error = 10"),
        (lambda error, eta, xp: error - 0.1, "`h` must be at least 0 at eta = 0.* it is -0.1 and 0.9"),
        (lambda error, eta, xp: 0.1 - error, "`h` must be at least 0 at eta = 0"),
        (lambda error, eta, xp: error / eta, "`h` must be finite .* not for eta = 0"),
        (lambda error, eta: error, r"`h` must be a function h\(error, eta, xp\).* it failed"),
        (lambda error, eta, xp: error if eta > 0 else eta, "it failed.* xp.where instead of if"),
        (lambda error, eta, xp: np.zeros(5), "`h` must give one number for each error and rate"),
    ],
)
def test_what_is_no_rule_is_refused(h, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.AdaptiveRate(0.5, h)


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: murata(0.0, 1, 1), "`initial` must be a finite number above 0"),
        (lambda: murata(0.5, 0, 1), "`a` must be a finite number above 0"),
        (lambda: murata(0.5, 1, -1), "`b` must be a finite number of at least 0"),
        (lambda: murata(0.5, 1, 1, np.nan), "`floor` must be a finite number of at least 0"),
        (lambda: linear(murata(0.5, 1, 1), dynamics="gradient_flow"), "`learning_rate` must be .*gradient_flow"),
        (
            lambda: linear(0.1, output_learning_rate=murata(0.5, 1, 1)),
            "`output_learning_rate` must be a number or a schedule, but it is an ld.AdaptiveRate",
        ),
        (lambda: linear({"kind": "murata", "initial": 0.5, "a": 1, "bb": 1}), "`learning_rate.bb` is unknown"),
        (lambda: linear({"kind": "murata", "initial": 0.5, "a": 1}), "`learning_rate.b` is missing"),
        (lambda: linear({"kind": "murata", "initial": 0.5, "a": 0, "b": 1}), "`learning_rate.a` must be .* above 0"),
        (lambda: linear({"kind": "muratta", "initial": 0.5}), "`learning_rate.kind` must be .* Did you mean 'murata'"),
        (lambda: linear({"kind": "muratta", "a": 0.5}), "`learning_rate.kind` must be .*Did you mean 'murata'"),
        (lambda: ld.fluctuations(linear(murata(0.5, 1, 1)), START, 1), "for constant learning rates"),
    ],
)
def test_what_is_not_known_is_refused_in_a_sentence(make, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        make()


def test_a_rule_is_equal_to_its_own_file(tmp_path):
    scenario = linear(murata(0.5, a=4, b=1, floor=0.125), label_noise=0.5)
    path = ld.write_scenario_file(tmp_path / "rule.toml", scenario, ld.Start(Q=1.0, R=0.0, more={"eta": 0.2}))
    again = ld.read_scenario_file(path)
    assert again.scenario == scenario
    assert hash(again.scenario) == hash(scenario)
    assert dict(again.start.more)["eta"] == 0.2
    assert eval(repr(scenario.learning_rate), {"AdaptiveRate": ld.AdaptiveRate}) == scenario.learning_rate
    result = ld.solve(scenario, START, 1, save_at=[0, 1])
    ld.save(result, tmp_path / "result.nc")
    assert ld.scenario_of(ld.load(tmp_path / "result.nc")) == scenario
