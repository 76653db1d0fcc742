"""`ld.UpdateRule`: any functions as a scenario, averages over samples with their error, and what is refused."""

import numpy as np
import pytest
from scipy.stats import t as student

import learndyn as ld

POINT = ld.GaussianWeights([0.6, 0.8])


def oja(w, x):
    return (w @ x) * (x - (w @ x) * w)


def scaled(z):
    import jax.numpy as jnp

    return z * jnp.array([2.0, 1.0])


OJA = ld.UpdateRule(2, update=oja, inputs=scaled, normals=2, samples=1024)


def example(z, u):
    """Class and input of one example of two classes in two dimensions."""
    import jax.numpy as jnp

    y = jnp.where(u[0] < 0.5, 1.0, -1.0)
    return y, y * jnp.array([1.0, 0.2]) + 0.7 * z


def logistic_regression(w, given):
    from jax.scipy.stats import norm

    y, x = given
    return ((y + 1) / 2 - norm.cdf(np.sqrt(np.pi / 8) * (w @ x))) * x - 0.1 * w


def test_fixed_points_and_their_spectrum():
    """Oja's rule finds the eigenvector of the largest eigenvalue; normals have covariance 1 exactly."""
    point = ld.find_fixed_point(OJA, [0.9, 0.1])
    # -(l1 - l2) and -2 l1 for the eigenvalues 4 and 1.
    np.testing.assert_allclose(point.eigenvalues, [-3.0, -8.0], rtol=1e-9)
    np.testing.assert_allclose(point.w, [1.0, 0.0], atol=1e-9)
    assert ld.stability(OJA, [1.0, 0.0]).attrs["kind"] == "attractive"


def test_the_flow_from_a_point():
    """Oja's flow is |w| = 1 with tan(angle) ~ e^{-3 t}."""
    curve = ld.solve(OJA, POINT, until=2, save_at=3)
    np.testing.assert_allclose(curve.w[:, 1] / curve.w[:, 0], 0.8 / 0.6 * np.exp([0.0, -3.0, -6.0]), rtol=1e-6)
    np.testing.assert_allclose(curve.w_norm, 1.0, rtol=1e-7)


def test_a_sampled_average_and_its_error():
    """Against closed forms, by Student's t with 7 degrees of freedom; false alarm 1e-3 in all."""
    rule = ld.UpdateRule(2, update=logistic_regression, inputs=example, normals=2, uniforms=1, samples=512)
    exact = ld.GaussianClassification([1.0, 0.2], 0.49, "supervised", weight_decay=0.1)
    start = ld.GaussianWeights([0.0, 0.5], cov=0.05)
    sampled, theory = (ld.moment_flow(one, start, 4, save_at=[0, 1, 4]) for one in (rule, exact))
    limit = student.isf(1e-3 / 2 / 6, 7)
    assert (np.abs(sampled.w - theory.w)[1:] < limit * sampled.w_error[1:]).all()
    assert (np.abs(sampled.trace_cov - theory.trace_cov)[1:] < limit * sampled.trace_cov_error[1:]).all()
    # The errors are small, but there: a part in 10^2 at 512 samples.
    assert (sampled.w_error[1:] > 1e-6).all()
    assert (sampled.w_error < 1e-2).all()
    assert "w_error" not in theory


def test_scatter_of_a_sampled_average():
    """f = x - w has Cov_L(f) = Cov(x), which is 1 exactly."""
    import jax

    rule = ld.UpdateRule(2, update=lambda w, x: x - w, normals=2, samples=64)
    with jax.enable_x64(True):
        scatter = rule.mean_update().covariance(jax.numpy.ones(2), rule.values())
    np.testing.assert_allclose(scatter, np.eye(2), atol=1e-13)


def test_results_know_their_rule(tmp_path):
    curve = ld.solve(OJA, POINT, until=1, save_at=2)
    assert ld.scenario_of(curve) is OJA
    assert ld.start_of(curve) == POINT
    loaded = ld.load(ld.save(curve, tmp_path / "oja.nc"))
    assert loaded.identical(curve)
    with pytest.raises(ld.InputError, match="Python functions of another process"):
        ld.scenario_of(loaded.assign_attrs(scenario=loaded.attrs["scenario"].replace("token", "taken")))
    with pytest.raises(ld.InputError, match=r"ld\.UpdateRule, which is made of functions, cannot be written"):
        ld.write_scenario_file(tmp_path / "oja.toml", OJA)
    assert not (tmp_path / "oja.toml").exists()


def test_other_numbers_do_not_compile_again():
    rule = OJA.replace(learning_rate=0.5)
    assert rule.flow() is OJA.flow()
    assert rule.replace(samples=2048).flow() is not OJA.flow()
    assert OJA.replace() == OJA
    assert hash(OJA) == hash(OJA.replace())


def asks(w):
    return -w if w[0] > 0 else w


MISTAKES = {
    "neither": ({"dimension": 2}, "`mean` must be given, or else `update`, but neither is"),
    "both": ({"dimension": 2, "mean": lambda w: w, "update": oja, "normals": 2}, "but both are"),
    "no function": ({"dimension": 2, "mean": 3.0}, "`mean` must be a function, but it is 3.0"),
    "shape": ({"dimension": 2, "mean": lambda w: w[:1]}, r"shape \(2,\), but it gives one of shape \(1,\)"),
    "a tuple": ({"dimension": 2, "mean": lambda w: (w, w)}, "but it gives a tuple"),
    "complex": ({"dimension": 2, "mean": lambda w: 1j * w}, "must give real numbers"),
    "a branch": (
        {"dimension": 2, "mean": asks},
        "must be a function that JAX can follow, but for arrays of .* it failed with Tracer",
    ),
    "numpy": ({"dimension": 2, "mean": lambda w: np.asarray(w)}, "Write it with jax.numpy instead of NumPy"),
    "scatter": (
        {"dimension": 2, "mean": lambda w: w, "covariance": lambda w: w},
        r"`covariance` must give .* \(2, 2\)",
    ),
    "no draws": ({"dimension": 2, "update": oja}, "`normals` or `uniforms` must say how many"),
    "sampler": (
        {"dimension": 2, "update": oja, "normals": 2, "inputs": lambda z: float(z[0])},
        "`inputs` must be a function",
    ),
    "misfit": ({"dimension": 2, "update": oja, "normals": 3}, "`update` must be a function that JAX can follow"),
    "closed and sampled": ({"dimension": 2, "mean": lambda w: w, "normals": 2}, "must be left out with `mean`"),
    "dimension": ({"dimension": 0, "mean": lambda w: w}, "`dimension` must be a whole number of at least 1"),
    "rate": (
        {"dimension": 2, "mean": lambda w: w, "learning_rate": 0},
        "`learning_rate` must be a finite number above 0",
    ),
    "name": ({"dimension": 2, "mean": lambda w: w, "name": ""}, "`name` must be text"),
}


@pytest.mark.parametrize(("arguments", "sentence"), MISTAKES.values(), ids=MISTAKES.keys())
def test_each_mistake_has_its_sentence(arguments, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        ld.UpdateRule(**arguments)


def test_inputs_that_are_not_finite():
    import jax.numpy as jnp

    rule = ld.UpdateRule(1, update=lambda w, x: x - w, inputs=lambda z: jnp.log(z), normals=1, samples=64)
    with pytest.raises(ld.InputError, match="`inputs` must give finite numbers"):
        ld.solve(rule, [1.0], until=1)


def test_what_needs_more_than_a_mean_update_is_refused():
    with pytest.raises(ld.InputError, match=r"must not be an ld\.UpdateRule for"):
        ld.simulate(OJA, POINT, until=1, N=100, seed=1)
    with pytest.raises(ld.InputError, match=r"must not be an ld\.UpdateRule for"):
        ld.simulate(OJA, POINT, until=1)
    with pytest.raises(ld.InputError, match=r"must be an ld\.StudentTeacher for ld\.fluctuations"):
        ld.fluctuations(OJA, POINT, until=1)
    with pytest.raises(ld.InputError, match=r"must have 2 weights"):
        ld.solve(OJA, [1.0, 2.0, 3.0], until=1)
    with pytest.raises(ld.InputError, match="`samples` must be left out"):
        ld.solve(OJA, POINT, until=1, samples=64)
