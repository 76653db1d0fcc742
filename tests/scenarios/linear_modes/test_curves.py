"""The strength of a mode in closed form: given numbers, integration, gradient descent, extremes, and the time back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import learndyn as ld
from learndyn.scenarios.linear_modes import curves, times
from linear_networks import ODE, descend, flow, vectors

# Given numbers.


def test_the_scalar_network_of_the_slides():
    for case in vectors("scalar"):
        # Time of the slides: alpha t. Both signs of y: the strength of the mode has the sign of u0 / y.
        x, y, t = case["x"], case["y"], np.array(case["t"]) * case["lr"]
        sign = np.sign(x * y)
        u = ld.LinearModes(abs(x * y), x * x).strengths(sign * case["u0"], t)[:, 0]
        np.testing.assert_allclose(sign * u, case["out"]["u"], rtol=case["tolerance"])
        root = np.sqrt(abs(case["u0"]))
        task = ld.DeepLinear.scalar(x, y)
        run = ld.solve(task, ld.LinearWeights([[root]], [[np.sign(case["u0"]) * root]]), t[-1], save_at=t)
        np.testing.assert_allclose(run.W.values.ravel(), case["out"]["u"], rtol=case["tolerance"])


def test_modes_with_decay_and_noise():
    for case in vectors("decay"):
        modes = ld.LinearModes(case["s"], 1.0 + case["eps"], weight_decay=case["lam"], time_scale=case["tau"])
        u = modes.strengths(case["u0"], [*case["t"], 1e4])[:, 0]
        np.testing.assert_allclose(u, [*case["out"]["u"], case["out"]["u_inf"]], rtol=case["tolerance"])


def test_denoising_autoencoders():
    for case in vectors("autoencoder"):
        task = ld.DeepLinear.autoencoder(
            [case["lam"]], input_noise=np.sqrt(case["noise_var"]), weight_decay=case["weight_decay"]
        )
        u = task.modes().strengths(case["u0"], [*case["t"], 1e4])[:, 0]
        np.testing.assert_allclose(u, [*case["out"]["u"], case["out"]["u_inf"]], rtol=case["tolerance"])
        # Decay alone has the same limit at gamma = lambda s^2 / (lambda + s^2).
        if case["weight_decay"] == 0.0:
            plain = ld.LinearModes(case["lam"], case["lam"], weight_decay=case["out"]["equivalent_decay"])
            assert plain.strengths(0.01, [1e4])[0, 0] == pytest.approx(case["out"]["u_inf"], rel=case["tolerance"])


def test_times_of_unbalanced_modes():
    for case in vectors("unbalanced"):
        w = [[case["w1_0"]], [case["w2_0"]]]
        modes = ld.LinearModes(case["s"], case["beta"])
        found = modes.time_to(ld.ModeStart(strengths=w), case["uf"])
        np.testing.assert_allclose(found, case["out"]["t"], rtol=case["tolerance"])


def test_balanced_modes_of_any_depth():
    for case in vectors("depth"):
        modes = ld.LinearModes(case["s"], depth=case["D"], time_scale=case["tau"])
        for t, u in zip(case["t"], case["out"]["u"], strict=True):
            if abs(u - case["s"]) > 1e-3:  # nearer to s than that, the digits of u do not hold the time
                # dt = du / (D u^(2 - 2/D) (s - u)): what an error of the given u is in the time.
                slope = case["D"] * u ** (2 - 2 / case["D"]) * (case["s"] - u)
                assert modes.time_to(case["u0"], u)[0] == pytest.approx(t, abs=case["tolerance"] * u / slope)


def test_the_items_of_the_slide():
    (case,) = vectors("items")
    modes = ld.DeepLinear.items().modes()
    np.testing.assert_array_equal(ld.DeepLinear.items().correlation.values, case["Sigma31"])
    np.testing.assert_allclose(modes.s.values, case["out"]["singular_values"], rtol=1e-14)
    np.testing.assert_allclose(modes.strengths(case["a0"], case["t"]), case["out"]["u"], rtol=case["tolerance"])


# Against the integrated flow.


def draw(rng, depth):
    """s, beta, decay, u0, c of a case, each of them at a special value at times."""
    s, beta, decay = rng.uniform(0.2, 3.0), rng.uniform(0.3, 2.0), 0.0
    u0 = rng.choice([1.0, -1.0]) * 10.0 ** rng.uniform(-2, 0.5)
    c = 0.0
    if depth == 2 and rng.random() < 0.5:
        c = rng.choice([1.0, -1.0]) * 10.0 ** rng.uniform(-3, 1)
    elif rng.random() < 0.6:
        decay = rng.choice([s, rng.uniform(0.0, 4.0)])
    if rng.random() < 0.15:
        s = 0.0
    if rng.random() < 0.1:
        u0 = 0.0
    return s, beta, decay, u0, c


def test_integration_gives_the_same_strengths_and_weights():
    rng, at = np.random.default_rng(7), np.linspace(0.0, 4.0, 9)
    for _ in range(30):
        depth = int(rng.choice([1, 2, 2]))
        s, beta, decay, u0, c = draw(rng, depth)
        modes, start = ld.LinearModes(s, beta, depth=depth, weight_decay=decay), ld.ModeStart(u0, c)
        w = modes.closed_form(start)(at)
        layers = [np.array([[each]]) for each in start.layers(depth, 1)[:, 0]]
        expected = np.array(flow(layers, np.array([[s]]), np.array([[beta]]), at, decay)).reshape(len(at), depth)
        np.testing.assert_allclose(w, expected, rtol=0, atol=ODE, err_msg=f"{depth, s, beta, decay, u0, c}")
        np.testing.assert_allclose(modes.strengths(start, at)[:, 0], expected.prod(-1), rtol=0, atol=ODE)


def test_many_modes_are_each_on_their_own():
    rng, at = np.random.default_rng(8), np.array([0.0, 0.5, 3.0])
    s, u0 = rng.uniform(0.0, 2.0, 20), rng.normal(0.0, 0.1, 20)
    c = np.where(rng.random(20) < 0.5, 0.0, rng.normal(0.0, 1.0, 20))
    together = ld.LinearModes(s, 0.7).strengths(ld.ModeStart(u0, c), at)
    for mode in range(20):
        alone = ld.LinearModes(s[mode], 0.7).strengths(ld.ModeStart(u0[mode], c[mode]), at)
        np.testing.assert_allclose(together[:, mode], alone[:, 0], rtol=1e-12, atol=1e-300)


def test_gradient_descent_comes_to_it_in_first_order():
    start, t = ld.ModeStart(0.1, 0.3), 1.5
    w = [np.array([[each]]) for each in start.layers(2, 1)[:, 0]]
    exact = ld.LinearModes(1.2, 0.8).strengths(start, [t])[0, 0]
    rates = np.array([0.02, 0.01, 0.005])
    errors = [descend(w, np.array([[1.2]]), np.array([[0.8]]), rate, round(t / rate)) for rate in rates]
    errors = np.array([(a @ b).item() - exact for b, a in errors])
    # e(eta) = a eta + b eta^2 + ...: halving halves, and twice the distance to that is halved too.
    ratios = errors[:-1] / errors[1:]
    assert abs(ratios[1] - 2.0) < 0.6 * abs(ratios[0] - 2.0) < 0.1


# Extremes.


@given(st.floats(-3, 3), st.floats(0, 5), st.floats(0.01, 5), st.floats(0, 6), st.floats(-10, 10), st.floats(0, 1e8))
def test_every_strength_is_finite_and_between_start_and_end(u0, s, beta, decay, c, t):
    found = [curves.balanced(u0, t, s, beta, decay), curves.unbalanced(u0, c, t, s, beta)]
    ends = [np.sign(u0) * max(np.sign(u0) * s - decay, 0.0) / beta, s / beta]
    for u, end in zip(found, ends, strict=True):
        low, high = min(u0, end), max(u0, end)
        slack = 1e-12 * (abs(u0) + abs(end)) + 1e-300
        assert low - slack <= u <= high + slack


def test_limits():
    # s = lambda: algebraic, u0 / (1 + 2 beta u0 t).
    np.testing.assert_allclose(curves.balanced(0.5, 7.0, 1.3, 2.0, 1.3), 0.5 / (1 + 2 * 2.0 * 0.5 * 7.0), rtol=1e-15)
    # So near to it that 1 - e^{-2 a t} has five digits left; the exact curve differs by the order of a t = 3e-12.
    found = curves.balanced(0.5, 3.0, 1e-12, 2.0, 0.0)
    np.testing.assert_allclose(found, 0.5 / (1 + 2 * 2.0 * 0.5 * 3.0), rtol=1e-11)
    # lambda > s: dies as e^{-2 (lambda - s) t}, to the last digit.
    found = curves.balanced(0.01, 100.0, 1.0, 1.0, 2.0)
    np.testing.assert_allclose(found, 0.01 * np.exp(-200.0) / (1 + 0.01), rtol=1e-13)
    # A start of 1e-300 is learned at ln(1e300) / (2 s), half of s.
    np.testing.assert_allclose(curves.balanced(1e-300, np.log(1e300) / 2, 1.0, 1.0, 0.0), 0.5, rtol=1e-10)
    # From u = 0: nothing without imbalance; with it, t(theta) from 0.
    assert curves.balanced(0.0, 1e6, 1.0, 1.0, 0.0) == 0.0 == curves.unbalanced(0.0, 0.0, 1e6, 1.0, 1.0)
    assert curves.unbalanced(0.0, 1e-8, 1e6, 1.0, 2.0) == 0.5
    # Nothing to learn and no imbalance: dw/dt = -beta w^3.
    np.testing.assert_allclose(curves.unbalanced(0.3, 0.0, 5.0, 0.0, 1.0), 0.3 / (1 + 2 * 0.3 * 5.0), rtol=1e-15)
    # One layer with nothing that pulls.
    assert curves.one_layer(0.3, 5.0, 0.0, 0.0, 0.0) == 0.3


def test_small_imbalance_joins_balance():
    # u moves with c by c^2 / (2 u0) at most, relative 1e-16 here.
    u = curves.unbalanced(0.1, 1e-9, np.linspace(0, 10, 7), 1.0, 0.5)
    np.testing.assert_allclose(u, curves.balanced(0.1, np.linspace(0, 10, 7), 1.0, 0.5, 0.0), rtol=1e-14)


# The time to a strength.


@given(st.floats(0.2, 3), st.floats(0.3, 2), st.floats(-1, 1), st.floats(0.0, 5), st.booleans(), st.floats(0.01, 3))
def test_the_time_is_the_inverse(s, beta, u0, c, turned, t):
    c = -c if turned else c
    u = float(curves.unbalanced(u0, c, t, s, beta))
    back = float(times.unbalanced(u0, u, c, s, beta))
    rate = abs(s - beta * u) * np.hypot(c, 2 * u)
    if rate > 1e-6:
        # An error of rounding in u, of 1e-14 of its range, over the rate.
        assert abs(back - t) <= 1e-14 * (abs(u0) + s / beta) / rate + 1e-12 * t


@pytest.mark.parametrize(
    ("u0", "u", "s", "c", "decay"),
    [(0.1, 0.5, 1.0, 0.0, 0.2), (0.1, 0.02, 1.0, 0.0, 2.0), (0.1, 0.05, 1.0, 0.0, 1.0), (-0.2, -0.1, 1.0, 0.0, 0.3),
     (-0.2, 0.4, 1.0, 0.3, 0.0), (2.0, 1.3, 1.0, -0.4, 0.0), (0.1, 0.5, 0.0, 0.0, 0.0), (0.3, 0.2, 0.0, 0.5, 0.0)],
)  # fmt: skip
def test_the_strength_at_that_time(u0, u, s, c, decay):
    modes, start = ld.LinearModes(s, 0.9, weight_decay=decay, time_scale=2.0), ld.ModeStart(u0, c)
    t = modes.time_to(start, u)
    if (s, u0, u) == (0.0, 0.1, 0.5):
        assert t[0] == np.inf  # nothing to learn: it only shrinks
    else:
        np.testing.assert_allclose(modes.strengths(start, t)[0, 0], u, rtol=1e-12)


def test_the_formula_of_saxe():
    # t = tau / A [ln (A + b + 2 s T) / (A - b - 2 s T)], T = tanh(theta / 2), sinh theta = 2 u / c, b = beta c.
    s, beta, c = 1.4, 0.6, 0.5
    A, b = np.hypot(beta * c, 2 * s), beta * c

    def G(u):
        T = np.tanh(np.arcsinh(2 * u / c) / 2)
        return np.log((A + b + 2 * s * T) / (A - b - 2 * s * T)) / A

    for u0, u in ((0.0, 1.0), (-0.3, 2.0), (0.01, 0.02)):
        np.testing.assert_allclose(times.unbalanced(u0, u, c, s, beta), G(u) - G(u0), rtol=1e-12)


@pytest.mark.parametrize("depth", [3, 4, 7])
@pytest.mark.parametrize(("s", "u0", "u"), [(2.0, 0.1, 1.5), (2.0, 5.0, 1.7), (0.0, 3.0, 0.1), (1.0, -2.0, -0.3)])
def test_deep_times_against_integration(depth, s, u0, u):
    modes = ld.LinearModes(s, 1.3, depth=depth)
    t = modes.time_to(u0, u)[0]
    layers = [np.array([[each]]) for each in ld.ModeStart(u0).layers(depth, 1)[:, 0]]
    end = flow(layers, np.array([[s]]), np.array([[1.3]]), [0.0, t])[-1]
    assert product_of(end) == pytest.approx(u, abs=ODE)


def product_of(layers):
    return float(np.prod([each.item() for each in layers]))


def test_where_a_mode_never_gets():
    modes = ld.LinearModes([1.0, 1.0, 0.2, 0.0])
    assert np.isinf(modes.time_to([0.1, -0.1, 0.1, 0.0], [1.1, 0.5, 0.3, 0.5])).all()
    assert (ld.LinearModes(1.0, depth=1).time_to(0.1, [0.1]) == 0.0).all()
    assert np.isinf(ld.LinearModes(1.0, depth=4).time_to(0.1, 1.1)).all()
    assert np.isinf(ld.LinearModes(1.0, depth=1).time_to(0.1, -0.5)).all()
