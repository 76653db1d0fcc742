"""Output weights on both time scales: their limits, their null space, and what simulations make of them."""

import numpy as np
import pytest

import learndyn as ld

Q, R = [[0.7, 0.15], [0.15, 0.5]], [[0.3, -0.2], [0.1, 0.25]]
START = ld.Start(Q, R)


def two_layers(activation="erf", v=(1.2, -3.0), **options):
    options = {"output_learning_rate": 0.1} | options
    return ld.StudentTeacher(ld.Student(2, activation), ld.Teacher(2, activation, output_weights=v), 0.4, **options)


def fast(**options):
    return two_layers(output_time_scale="fast", **options)


def test_w_of_the_fast_scale_is_where_learning_w_stands_still():
    for options in ({}, {"output_weight_decay": 0.2}, {"dropout_keep": 0.7}, {"activation": "relu"}):
        s = fast(**options)
        w = s.rows(s.initial_state(s.as_start(START)))["w"]
        slow = s.replace(output_time_scale="N")
        # One linear equation for each unit, solved to rounding; G has a condition number below 100.
        np.testing.assert_allclose(ld.drift(slow, ld.Start(Q, R, w=w)).w, 0.0, rtol=0, atol=1e-12)


def test_the_fast_scale_is_the_limit_of_large_rates_of_the_slow_one():
    curve = ld.solve(fast(), START, until=20, save_at=[20])
    gaps = []
    for rate in (400.0, 800.0):
        slow = ld.solve(two_layers(output_learning_rate=rate), START, until=20, save_at=[20])
        gaps.append(float(abs(slow.R - curve.R).max() + abs(slow.w - curve.w).max()))
    # w lags by the order of 1 / eta_w behind the first layer, up to the next order.
    assert gaps[1] / gaps[0] == pytest.approx(0.5, abs=0.05)


def test_what_lies_in_the_null_space_of_w_stays():
    # Equal units: only w_1 + w_2 is determined by the outputs.
    equal = [[0.5, 0.5], [0.5, 0.5]], [[0.3, 0.2], [0.3, 0.2]]
    s = fast()
    rows = [s.rows(s.initial_state(s.as_start(ld.Start(*equal, w=w))))["w"] for w in ([1.0, 1.0], [2.0, 0.0])]
    assert rows[0].sum() == pytest.approx(rows[1].sum(), abs=1e-9)
    assert rows[0][0] - rows[0][1] == pytest.approx(0.0, abs=1e-9)
    assert rows[1][0] - rows[1][1] == pytest.approx(2.0, abs=1e-9)
    run = ld.solve(s, ld.Start(*equal, w=[2.0, 0.0]), until=5)
    assert run.attrs["status"] == "ok"
    assert np.isfinite(run.w).all()


def test_simulation_on_the_fast_scale_tends_to_theory_as_the_rate_falls():
    # At any N, w fluctuates with a variance of order eta_w, which biases the first layer by as much; and it lags behind
    # by 1 / (N eta_w), which N = 1e5 makes small beside it. The bias is a eta_w + b eta_w^2 + c / (N eta_w): with the
    # first two fitted at 0.4 and 0.2, it is known at 0.1 up to 5 standard errors (of all three, for 7 numbers: false
    # alarm 1e-5) and the lag, c below 20 as measured by runs at N = 1000.
    s, until, N, replicas, rates = fast(), 4.0, 100_000, 32, (0.4, 0.2, 0.1)
    theory = ld.solve(s, START, until=until, save_at=[until])
    upper = np.triu_indices(2)
    exact = np.concatenate([theory.R.values.ravel(), theory.Q.values[0][upper]])
    biases, errors = [], []
    for rate in rates:
        runs = ld.simulate(
            s.replace(output_learning_rate=rate), START, until=until, N=N, replicas=replicas, save_at=[until], seed=4
        )
        values = np.concatenate([runs.R.values.reshape(replicas, -1), runs.Q.values[:, 0][:, *upper]], axis=1)
        biases.append(values.mean(0) - exact)
        errors.append(values.std(0, ddof=1) / np.sqrt(replicas))
    # Lagrange: b(0.1) of a parabola through 0, b(0.2) and b(0.4).
    expected = 0.75 * biases[1] - 0.125 * biases[0]
    error = np.sqrt(errors[2] ** 2 + (0.75 * errors[1]) ** 2 + (0.125 * errors[0]) ** 2)
    assert (np.abs(biases[2] - expected) <= 5 * error + 20 / (N * rates[2])).all()
    assert np.abs(biases[0]).max() > 20 * error.max()  # the effect is there, so that its fall says something
    assert np.abs(biases[2]).max() < 0.4 * np.abs(biases[0]).max()


def test_a_too_large_rate_on_the_fast_scale_is_divergence_of_w():
    with pytest.warns(UserWarning, match="diverged"):
        run = ld.simulate(fast(output_learning_rate=8.0), START, until=5, N=200, replicas=3, seed=1)
    assert run.attrs["status"] == "diverged"
    assert "w" in run.attrs["message"]


@pytest.mark.parametrize("activation", ["erf", "tanh"])
def test_sign_of_an_odd_unit_and_its_weight_can_be_exchanged(activation):
    # J_1 -> -J_1, w_1 -> -w_1 leaves every output as it is.
    s = two_layers(activation)
    flip = np.array([-1.0, 1.0])
    one = ld.drift(s, ld.Start(Q, R, w=[0.8, -1.3]))
    other = ld.drift(s, ld.Start(Q * np.outer(flip, flip), flip[:, None] * R, w=flip * [0.8, -1.3]))
    np.testing.assert_allclose(other.R, flip[:, None] * one.R, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.Q, np.outer(flip, flip) * one.Q, rtol=0, atol=1e-9)
    np.testing.assert_allclose(other.w, flip * one.w, rtol=0, atol=1e-9)


def test_lengths_and_weights_of_relu_units_can_be_exchanged():
    # J_1 -> c J_1, w_1 -> w_1 / c leaves the function of a ReLU student as it is.
    s, c = two_layers("relu"), np.array([2.5, 1.0])
    one = s.rows(s.initial_state(s.as_start(ld.Start(Q, R, w=[0.8, 1.3]))))
    other = s.rows(s.initial_state(s.as_start(ld.Start(Q * np.outer(c, c), c[:, None] * R, w=[0.8, 1.3] / c))))
    assert other["eps_g"] == pytest.approx(one["eps_g"], abs=1e-14)


def test_units_can_be_exchanged_with_all_that_belongs_to_them():
    s = ld.StudentTeacher(
        ld.Student(2, "erf"), ld.Teacher(2, "erf", output_weights=[1.2, -3.0], biases=[0.2, -0.4]), 0.4,
        output_learning_rate=0.1, bias_learning_rate=0.2, label_noise=0.3, dropout_keep=0.8,
    )  # fmt: skip
    one = ld.drift(s, ld.Start(Q, R, w=[0.8, -1.3], theta=[0.1, 0.3]))
    swapped = ld.Start(np.array(Q)[::-1, ::-1], R[::-1], w=[-1.3, 0.8], theta=[0.3, 0.1])
    other = ld.drift(s, swapped)
    np.testing.assert_allclose(other.R, one.R[::-1], rtol=0, atol=1e-12)
    np.testing.assert_allclose(other.Q, one.Q[::-1, ::-1], rtol=0, atol=1e-12)
    for name in ("w", "theta"):
        np.testing.assert_allclose(other[name], one[name][::-1], rtol=0, atol=1e-12)


def test_a_start_without_a_second_layer_says_what_is_missing():
    plain = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), 0.4)
    with pytest.raises(ld.InputError, match="`w` of the start needs a scenario with output weights"):
        ld.solve(plain, ld.Start(Q, R, w=[0.5, 0.5]), until=1)
    with pytest.raises(ld.InputError, match="`theta` of the start needs a scenario with biases"):
        ld.solve(plain, ld.Start(Q, R, theta=[0.5, 0.5]), until=1)
    with pytest.raises(ld.InputError, match="'fast' needs output weights that learn"):
        plain.replace(output_time_scale="fast")
