"""Forgetting curves: fits to curves that are known, their errors, and what is refused."""

import numpy as np
import pytest
import xarray as xr

import learndyn as ld

SEQUENCE = ld.TaskSequence([ld.GaussianClassification(mu, 0.1, "supervised") for mu in np.eye(8)], 0.01)
RUN = ld.solve(SEQUENCE, ld.GaussianWeights(np.eye(8)[0]), save_at=1)


def synthetic(values, name="alignment"):
    """A result in which what is left of task 0 is ``values`` (replica, k) or (k,)."""
    values = np.asarray(values)
    dims = ("replica", "task", "measured_task") if values.ndim == 2 else ("task", "measured_task")
    table = np.zeros((*values.shape, values.shape[-1]))
    table[..., 0] = values
    return RUN.drop_vars("alignment_at_end").assign({f"{name}_at_end": xr.DataArray(table, dims=dims)})


K = np.arange(8)


def test_an_exponential_is_found():
    curve = ld.forgetting_curve(synthetic(0.8 * np.exp(-0.37 * K)))
    # curve_fit stops at relative changes of 1e-8.
    assert float(curve.decay) == pytest.approx(0.37, abs=1e-6)
    assert float(curve.amplitude) == pytest.approx(0.8, abs=1e-6)
    assert float(curve.limit) == 0.0
    assert float(curve.misfit) < 1e-6
    assert "decay_error" not in curve


def test_a_limit_is_fitted_or_given():
    values = 0.3 - 0.25 * np.exp(-0.9 * K)
    fitted = ld.forgetting_curve(synthetic(values, "eps_g"), quantity="eps_g")
    assert float(fitted.limit) == pytest.approx(0.3, abs=1e-6)
    assert float(fitted.decay) == pytest.approx(0.9, abs=1e-5)
    given = ld.forgetting_curve(synthetic(values, "eps_g"), quantity="eps_g", limit=0.3)
    assert float(given.decay) == pytest.approx(0.9, abs=1e-6)


def test_errors_cover_what_is_known():
    # 60 data sets of 40 noisy replicas, whose values share an amplitude: decays scatter by what decay_error says. The
    # rms of 60 z-scores is chi / sqrt(60), 1 +- 0.09; bootstrap errors of 40 replicas scatter by 11 %, which adds less
    # than 2 %. Outside of [0.6, 1.4]: probability below 1e-4.
    rng = np.random.Generator(np.random.SFC64(5))
    z = []
    for _ in range(60):
        amplitudes = 0.8 + 0.1 * rng.standard_normal((40, 1))
        values = amplitudes * np.exp(-0.5 * K) + 0.02 * rng.standard_normal((40, 8))
        curve = ld.forgetting_curve(synthetic(values), bootstrap=60)
        z.append(float((curve.decay - 0.5) / curve.decay_error))
    assert 0.6 < np.sqrt(np.mean(np.square(z))) < 1.4


def test_values_and_errors_are_those_of_the_replicas():
    values = 0.8 * np.exp(-0.5 * K) + np.array([[0.01], [-0.01], [0.03]])
    curve = ld.forgetting_curve(synthetic(values))
    np.testing.assert_allclose(curve.value, values.mean(0))
    np.testing.assert_allclose(curve.error, np.std([0.01, -0.01, 0.03], ddof=1) / np.sqrt(3))


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: ld.forgetting_curve(RUN, 8), "`task` must be one of the tasks 0 to 7"),
        (lambda: ld.forgetting_curve(RUN, 6), "must have 2 tasks or more after task 6 for the fit, but it has 1"),
        (lambda: ld.forgetting_curve(RUN, quantity="eps_g"), "`quantity` must be"),
        (lambda: ld.forgetting_curve(RUN.drop_vars(["alignment_at_end", "accuracy_at_end"])), "for an ld.TaskSequence"),
    ],
)
def test_what_is_refused(make, sentence):
    with pytest.raises(ld.InputError, match=sentence):
        make()
