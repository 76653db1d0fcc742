"""The parts of the output-weight figures: names of units, and the stored single runs against theory on the plateau."""

from __future__ import annotations

import numpy as np
import pytest
import xarray as xr

import learndyn as ld
from learndyn.figures import simulations, simulations_outlook
from learndyn.figures.straat2019_two_layers import in_order


@pytest.mark.parametrize("name", ["fixed", "positive", "mixed"])
def test_units_are_named_by_the_teacher_units_that_they_take(name):
    runs = simulations.read(f"relu-output-weights-{name}")
    named = in_order(runs)
    last = named.isel(alpha=-1)
    cosine = last.R / np.sqrt(xr.DataArray(last.Q.values.diagonal(axis1=-2, axis2=-1), dims=("replica", "student")))
    trace = cosine.sel(student=1, teacher=1).values + cosine.sel(student=2, teacher=2).values
    other = cosine.sel(student=1, teacher=2).values + cosine.sel(student=2, teacher=1).values
    assert (trace >= other).all()
    # What is exchanged is exchanged in all variables.
    for replica, swapped in enumerate(named.swapped.values):
        order = [1, 0] if swapped else [0, 1]
        before, after = runs.isel(replica=replica), named.isel(replica=replica)
        np.testing.assert_array_equal(after.R.values, before.R.values[:, order])
        np.testing.assert_array_equal(after.Q.values, before.Q.values[:, order][:, :, order])
    assert ld.scenario_of(named) == ld.scenario_of(runs)


def test_runs_with_fixed_output_weights_follow_theory_before_they_differ():
    runs = simulations.read("relu-output-weights-fixed").sel(alpha=[20.0, 40.0, 60.0])
    theory = ld.solve(ld.scenario_of(runs), ld.start_of(runs), 60, save_at=[0.0, 20.0, 40.0, 60.0]).sel(
        alpha=runs.alpha
    )
    # Sums over the student units do not see to first order which of them is ahead. Student's t with 7 degrees of
    # freedom: P(|t| > 12) = 6e-6, 9 comparisons.
    for name, dims in (("R", ["student"]), ("Q", ["student", "student2"])):
        total, expected = runs[name].sum(dims), theory[name].sum(dims)
        error = total.std("replica", ddof=1) / np.sqrt(runs.sizes["replica"])
        assert float((abs(total.mean("replica") - expected) / error).max()) < 12


def test_the_error_on_the_first_task_is_eps_g_while_it_is_learned():
    scenario, observables = simulations_outlook.switching(0.6)
    theory = ld.solve(
        scenario, simulations_outlook.COMMITTEE_START, 102, save_at=[0, 20, 90, 102], observables=observables
    )
    before, after = theory.isel(alpha=slice(0, 3)), theory.isel(alpha=3)
    # Rounding of sums of ten terms below 1.
    np.testing.assert_allclose(before.eps_first, before.eps_g, rtol=0, atol=1e-14)
    assert float(after.eps_first) != float(after.eps_g)
