"""Figures by name, and the simulation data that come with the package."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import learndyn as ld
from learndyn.figures import simulations


def test_unknown_name_is_refused_with_a_suggestion():
    with pytest.raises(ld.InputError, match="Did you mean '2018-relu-k2-m2-order-parameters'"):
        ld.figures.draw("2018-relu-k2-m2-order-parameter")


def test_every_figure_is_described():
    for name in ld.figures.names():
        assert name.startswith(("2018-", "2019-", "phase-diagram-", "pretorius2017/", "schmid2024/"))
        assert 20 < len(ld.figures.describe(name)) < 100


def test_listing_figures_loads_no_heavy_package():
    program = (
        "import sys, learndyn as ld; [ld.figures.describe(name) for name in ld.figures.names()]; "
        "print([m for m in ('jax', 'numba', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_figure_shows_itself_in_a_notebook():
    assert ld.figures.draw("2018-relu-and-derivative")._repr_png_().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", sorted(simulations.DATA))
def test_committed_data_are_complete_and_small(name):
    path = simulations.FOLDER / f"{name}.nc"
    assert path.stat().st_size < 200_000
    data = simulations.read(name)
    assert data.attrs["engine"] in ("overlaps", "weights")
    assert data.attrs["status"] == "ok"
    assert int(data.attrs["seed"]) > 0
    assert "numba" in json.loads(data.attrs["versions"])
    assert path.name in (simulations.FOLDER / "README.md").read_text()


def test_no_data_file_without_its_function():
    assert {path.stem for path in simulations.FOLDER.glob("*.nc")} == set(simulations.DATA)


def test_committed_data_are_what_the_function_makes():
    committed, fresh = (f("perceptron-n3-weights") for f in (simulations.read, simulations.make))
    # Bits are promised on one kind of CPU; elsewhere sums differ by rounding, which this contracting flow keeps small.
    for name in ("R", "Q", "eps_g", "J", "B"):
        np.testing.assert_allclose(fresh[name], committed[name], rtol=0, atol=1e-9)
    assert (fresh.attrs["scenario"], fresh.attrs["seed"]) == (committed.attrs["scenario"], committed.attrs["seed"])


def test_recomputed_figure_is_the_committed_one():
    drawn = [ld.figures.draw("2019-perceptron-r3", recompute=recompute).numbers for recompute in (False, True)]
    assert drawn[0] == pytest.approx(drawn[1], abs=1e-9)


def test_the_large_run_follows_the_theory():
    runs = simulations.read("relu-k2-m2-n10000")
    times = [20.0, 50.0, 100.0]
    theory = ld.solve(ld.scenario_of(runs), ld.start_of(runs), 100, save_at=[0.0, *times])
    # Fluctuations of sums that the instability of the plateau does not amplify are below 0.5 / sqrt(N) each
    # (finite_N-005: 0.45 at eta = 0.3, where they are larger), those of the sum of four at most four times that. 120
    # comparisons at 5 standard deviations.
    for name in ("R", "Q"):
        total, expected = (result[name].sel(alpha=times).sum(result[name].dims[-2:]) for result in (runs, theory))
        assert float(np.abs(total - expected).max()) < 5 * 4 * 0.5 / 100
    # The runs are the chain's, of which `make` draws the same first ones again, whatever their number.
    again = ld.simulate(ld.scenario_of(runs), ld.start_of(runs), 20, N=10_000, replicas=1, seed=2019, save_at=[20])
    assert float(np.abs(again.R - runs.R.sel(replica=[0], alpha=[20])).max()) < 1e-9


def test_an_unknown_data_set_is_refused():
    with pytest.raises(ld.InputError, match="names of data sets"):
        simulations.write(["nothing"])
