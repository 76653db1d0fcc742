"""The verb `sweep` in this process, held against `solve` and `simulate` one by one."""

import json

import numpy as np
import pytest
import xarray as xr

import learndyn as ld
from learndyn.sweeps.chunk import run_chunk
from learndyn.sweeps.planning import plan_of, work_of

TWO = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.0)
NEAR = ld.StartRecipe(ld.Start.near_symmetric, Q=0.2, X=1e-3)
RTOL = 1e-8


def codes(result):
    """Statuses in words."""
    words = dict(zip(result.status.attrs["flag_values"], result.status.attrs["flag_meanings"].split(), strict=True))
    return [words[int(code)] for code in result.status.values.ravel()]


def test_members_are_what_solve_gives():
    over = {"learning_rate": [0.3, 1.0], "start.X": [1e-3, 1e-2], "label_noise": [0.0, 0.1]}
    found = ld.sweep(TWO, NEAR, over, until=40, save_at=5)
    assert found.sizes["learning_rate"] == found.sizes["start.X"] == found.sizes["label_noise"] == 2
    for place in np.ndindex(2, 2, 2):
        rate, X, noise = (values[i] for values, i in zip(over.values(), place, strict=True))
        scenario = TWO.replace(learning_rate=rate, label_noise=noise)
        single = ld.solve(scenario, ld.Start.near_symmetric(scenario, 0.2, X), until=40, save_at=5)
        own = found.isel(learning_rate=place[0], label_noise=place[2]).isel({"start.X": place[1]})
        for name in single.data_vars:
            # Other lanes, other roundings: both follow the flow to the tolerance of a step, relative to 1.
            np.testing.assert_allclose(own[name], single[name], rtol=0.0, atol=100 * RTOL)
        assert own.end == 40
        assert own.steps > 0
    assert codes(found) == ["ok"] * 8


def test_units_that_a_member_lacks_are_empty():
    found = ld.sweep(TWO, NEAR, {"K": [1, 3], "M": [2]}, until=2, save_at=2)
    assert found.R.dims == ("K", "M", "alpha", "student", "teacher")
    assert np.isfinite(found.R.sel(K=3)).all()
    assert np.isfinite(found.R.sel(K=1, student=1)).all()
    assert np.isnan(found.R.sel(K=1, student=[2, 3])).all()


def test_categories():
    found = ld.sweep(TWO, NEAR, {"activation": ["erf", "linear"], "learning_rate": [0.5]}, until=1, save_at=2)
    assert found.activation.values.tolist() == ["erf", "linear"]
    erf, linear = (found.eps_g.sel(activation=name).isel(alpha=-1).item() for name in ("erf", "linear"))
    assert erf != linear


def test_bits_depend_on_no_neighbour_no_chunk_and_no_thread():
    rng = np.random.default_rng(1)
    rates, seeds = np.exp(rng.uniform(-2, 1, 40)), np.arange(40)
    recipe = ld.StartRecipe(ld.Start.random, Q=(0.1, 0.5), X=1e-3)

    def swept(rows, **options):
        over = {
            "learning_rate": xr.DataArray(rates[rows], dims="member"),
            "start.seed": xr.DataArray(seeds[rows], dims="member"),
        }
        return ld.sweep(TWO, recipe, over, until=20, save_at=3, **options)

    whole = swept(np.arange(40))
    for other in (swept(np.arange(40), chunk=7, threads=1), swept(np.arange(40), chunk=3, threads=2)):
        xr.testing.assert_identical(other, whole)
    few = swept(np.array([31, 2]))
    for name in ("R", "Q", "eps_g", "steps"):
        np.testing.assert_array_equal(few[name], whole[name].isel(member=[31, 2]))


def test_one_bad_member_does_not_lose_the_rest():
    fast = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
    over = {"learning_rate": [1.0, 50.0], "start.Q[1,1]": [0.25, -1.0], "max_steps": [1, 1000]}
    with pytest.warns(ld.LearndynWarning, match="All 8 scenarios were run: 1 ok, 1 diverged, 2 max steps, 4 refused"):
        found = ld.sweep(fast, ld.Start(Q=0.25, R=0.0), over, until=30, save_at=4)
    assert codes(found) == ["max_steps", "ok", "refused", "refused", "max_steps", "diverged", "refused", "refused"]
    good = found.sel(learning_rate=1.0, max_steps=1000).sel({"start.Q[1,1]": 0.25})
    assert np.isfinite(good.eps_g).all()
    assert good.message == ""
    diverged = found.sel(learning_rate=50.0, max_steps=1000).sel({"start.Q[1,1]": 0.25})
    assert "Learning diverged at alpha" in diverged.message.item()
    assert 0.0 < diverged.end < 30.0
    np.testing.assert_array_equal(np.isfinite(diverged.eps_g), diverged.alpha <= diverged.end)
    refused = found.sel(learning_rate=1.0, max_steps=1).sel({"start.Q[1,1]": -1.0})
    assert "positive semidefinite" in refused.message.item()
    assert np.isnan(refused.R).all()


def test_a_sweep_of_which_nothing_is_possible_is_refused_with_the_reason():
    with pytest.raises(ld.InputError, match="`learning_rate` must be a finite number above 0, but it is -1"):
        ld.sweep(TWO, NEAR, {"learning_rate": [-1.0, -2.0]}, until=1)


def test_closed_forms_and_other_scenarios():
    modes = ld.LinearModes([3.0, 1.0])
    found = ld.sweep(modes, 0.01, {"weight_decay": [0.0, 0.1], "s[1]": [3.0, 2.0]}, until=4, save_at=3)
    for decay in (0.0, 0.1):
        for s in (3.0, 2.0):
            single = ld.solve(ld.LinearModes([s, 1.0], weight_decay=decay), 0.01, until=4, save_at=3)
            np.testing.assert_allclose(found.sel({"weight_decay": decay, "s[1]": s}).u, single.u, atol=100 * RTOL)
    task = ld.GaussianClassification([1.0, 0.0], 0.25, ld.Supervised(), learning_rate=0.01)
    curves = ld.sweep(task, [0.0, 1.0], {"weight_decay": [0.0, 0.5]}, until=5, save_at=3, observables=["alignment"])
    assert dict(curves.alignment.sizes) == {"weight_decay": 2, "t": 3}
    single = ld.solve(task.replace(weight_decay=0.5), [0.0, 1.0], until=5, save_at=3)
    np.testing.assert_allclose(curves.alignment.sel(weight_decay=0.5), single.alignment, atol=100 * RTOL)


def test_quadratures_reach_as_far_as_in_solve():
    tanh = ld.StudentTeacher(ld.Student(1, "tanh"), ld.Teacher(1, "tanh"), learning_rate=0.5)
    found = ld.sweep(tanh, ld.Start(Q=0.25, R=0.0), {"label_noise": [0.0, 9.0]}, until=5, save_at=2)
    for noise in (0.0, 9.0):
        single = ld.solve(tanh.replace(label_noise=noise), ld.Start(Q=0.25, R=0.0), until=5, save_at=2)
        np.testing.assert_allclose(found.sel(label_noise=noise).eps_g, single.eps_g, rtol=0.0, atol=100 * RTOL)


def test_simulations_are_those_of_simulate_with_their_seeds():
    start = ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[0.01, 0.0], [0.0, 0.0]])
    over = {"learning_rate": [0.5, 1.0], "N": [20, 50]}
    options = {"engine": "simulate", "until": 2, "save_at": 3}
    found = ld.sweep(TWO, start, over, replicas=8, **options)
    assert found.eps_g.dims == ("learning_rate", "N", "replica", "alpha")
    assert len(np.unique(found.seed)) == 4
    for rate in over["learning_rate"]:
        for N in over["N"]:
            own = found.sel(learning_rate=rate, N=N)
            single = ld.simulate(
                TWO.replace(learning_rate=rate), start, until=2, N=N, replicas=8, save_at=3, seed=int(own.seed)
            )
            np.testing.assert_array_equal(own.R, single.R)
    again = ld.sweep(TWO, start, {"N": [50], "learning_rate": [1.0, 0.7]}, replicas=8, threads=1, **options)
    np.testing.assert_array_equal(again.Q.sel(N=50, learning_rate=1.0), found.Q.sel(N=50, learning_rate=1.0))
    swept = ld.sweep(TWO, start, {"seed": [4, 5]}, N=20, replicas=2, **options)
    single = ld.simulate(TWO, start, until=2, N=20, replicas=2, save_at=3, seed=5)
    np.testing.assert_array_equal(swept.R.sel(seed=5), single.R)


def test_simulations_that_end_early_keep_their_rows():
    fast = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
    with_bad = {"learning_rate": [1.0, 50.0], "N": [1, 100]}
    with pytest.warns(ld.LearndynWarning, match="1 ok, 1 diverged, 2 refused"):
        found = ld.sweep(fast, ld.Start(Q=0.25, R=0.0), with_bad, until=20, save_at=5, engine="simulate")
    assert codes(found) == ["refused", "ok", "refused", "diverged"]
    assert "N" in found.message.values[0, 0]
    diverged = found.sel(learning_rate=50.0, N=100)
    np.testing.assert_array_equal(np.isfinite(diverged.R.squeeze()), diverged.alpha <= diverged.end)
    assert np.isfinite(found.R.sel(learning_rate=1.0, N=100)).all()


def test_a_result_says_what_it_is():
    found = ld.sweep(TWO, NEAR, {"learning_rate": [1.0]}, until=1, save_at=2, observables=["eps_g"])
    assert list(found.data_vars) == ["eps_g", "status", "message", "end", "steps"]
    options = json.loads(found.attrs["options"])
    assert options["over"] == {"learning_rate": "learning_rate"}
    assert options["quantity"] == "sweep"
    assert json.loads(found.attrs["start_recipe"]) == {"kind": "near_symmetric", "Q": 0.2, "X": 1e-3}
    assert ld.scenario_of(found) == TWO
    assert "jax" in json.loads(found.attrs["versions"])


def test_a_result_is_saved_and_loaded(tmp_path):
    found = ld.sweep(TWO, NEAR, {"learning_rate": [1.0, 0.5], "activation": ["erf"]}, until=1, save_at=2)
    xr.testing.assert_identical(ld.load(ld.save(found, tmp_path / "sweep.nc")), found)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"engine": "theory"}, '`engine` must be "solve" or "simulate"'),
        ({"until": None}, "`until` must say at what time the runs end"),
        ({"observables": "eps_g"}, "`observables` must be a list of names"),
        ({"observables": 3}, "`observables` must be a list of names of variables, but it is 3"),
        ({"progress": "yes"}, '`progress` must be True, False, None or "lines"'),
        ({"observables": ["epsg"]}, "Did you mean 'eps_g'"),
        ({"chunk": (1, 2)}, "`chunk` must be a number of members, or one number for each dim of learning_rate"),
        ({"chunk": 0}, "`chunk` must be a whole number of at least 1"),
        ({"resume": True}, "`resume` needs a `store`"),
        ({"workers": 0}, "`workers` must be a whole number"),
        ({"rtol": 0.0}, "`rtol` must be a finite number above 0"),
        ({"over": {"alpha": [1.0]}}, "Parameter `alpha` of `over`"),
        ({"over": {"learning_rate": xr.DataArray([1.0], dims="alpha")}}, "must not use the name 'alpha'"),
    ],
)
def test_bad_arguments_are_refused(change, sentence):
    arguments = {"over": {"learning_rate": [1.0]}, "until": 1.0, **change}
    with pytest.raises(ld.InputError, match=sentence):
        ld.sweep(TWO, NEAR, **arguments)


def test_chunks_cover_the_sweep_once():
    work = work_of(TWO, NEAR, {"learning_rate": np.linspace(0.1, 1, 5), "K": [1, 2, 3]}, "solve", 1.0, 2, {})
    for chunk, shape in ((None, (5, 3)), (7, (2, 3)), (4, (1, 3)), (2, (1, 2)), ((2, 1), (2, 1)), (1, (1, 1))):
        plan = plan_of(work, ["eps_g"], chunk)
        assert plan.chunk == shape
        seen = np.zeros(plan.shape, int)
        for number in range(len(plan)):
            seen[plan.block(number)] += 1
        assert (seen == 1).all()


def test_hashes_are_of_what_fixes_the_bits():
    def plan(over, chunk=None, observables=("eps_g",), **options):
        return plan_of(work_of(TWO, NEAR, over, "solve", 1.0, 2, options), list(observables), chunk)

    over = {"learning_rate": [0.1, 0.2, 0.3, 0.4]}
    one = plan(over)
    assert plan(over, chunk=2).digest == one.digest
    for other in (plan({"learning_rate": [0.1, 0.2, 0.3, 0.5]}), plan(over, rtol=1e-9), plan(over, observables=["R"])):
        assert other.digest != one.digest
    halves = plan(over, chunk=2)
    longer = plan({"learning_rate": [0.1, 0.2, 0.35, 0.45]}, chunk=2)
    assert halves.chunk_digest(0) == longer.chunk_digest(0)
    assert halves.chunk_digest(1) != longer.chunk_digest(1)


@pytest.mark.parametrize(
    ("engine", "broken_part", "options"),
    [
        ("solve", "learndyn.engines.batch.integrate_many", {}),
        ("simulate", "learndyn.engines.overlaps.run_overlaps", {"N": 10}),
    ],
)
def test_a_failure_of_the_engine_is_a_status(monkeypatch, engine, broken_part, options):
    def broken(*args, **options):
        raise FloatingPointError("no way")

    plan = plan_of(work_of(TWO, NEAR, {"learning_rate": [1.0]}, engine, 1.0, 2, options), None, None)
    monkeypatch.setattr(broken_part, broken)
    found = run_chunk(plan, 0)
    assert found["message"].tolist() == ["FloatingPointError: no way"]
    assert found["status"].tolist() == [6]


def test_more_chunks_than_a_client_can_count_are_refused():
    thousand = np.linspace(0.1, 1.0, 1000)
    over = {"learning_rate": thousand, "label_noise": thousand, "weight_decay": thousand}
    with pytest.raises(ld.InputError, match="`chunk` must be larger: 1000000000 scenarios"):
        ld.sweep(TWO, NEAR, over, until=1, save_at=2, store="memory://chunks.zarr", chunk=1)


def test_what_does_not_fit_is_refused_before_anything_runs(monkeypatch, tmp_path):
    from learndyn.sweeps import estimate

    over = {"learning_rate": np.linspace(0.1, 1, 100)}
    monkeypatch.setattr(estimate, "_free_memory", lambda: 100_000)
    with pytest.raises(ld.InputError, match=r"take .* of memory at a time, but 100 kB are free. Ask for .*: chunk="):
        ld.sweep(TWO, NEAR, over, until=10)
    with pytest.raises(ld.InputError, match=r"results of this sweep take .* Name a `store`"):
        ld.sweep(TWO, NEAR, over, until=10, chunk=1)


def test_progress_in_plain_lines(capsys):
    ld.sweep(TWO, NEAR, {"learning_rate": [0.1, 0.2, 0.3]}, until=1, save_at=2, chunk=1, progress="lines")
    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("Sweep: 3 scenarios in 3 chunks of up to 1; results ")
    assert said[-1].startswith("3 of 3 scenarios (100 %), ")
    assert said[-1].endswith("0 ended early")


def test_a_member_that_ends_before_its_first_row():
    fast = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=1.0)
    tanh = {"activation": ["linear", "tanh"], "max_steps": [1]}
    found = ld.sweep(fast, ld.Start(Q=0.25, R=0.0), tanh, until=30, save_at=[20.0, 30.0])
    assert codes(found) == ["max_steps", "max_steps"]
    assert np.isnan(found.eps_g).all()
    assert (found.end < 20.0).all()


def test_what_is_refused_leaves_no_store(monkeypatch, tmp_path):
    from learndyn.sweeps import estimate

    over = {"learning_rate": [0.1, 0.2]}
    monkeypatch.setattr("learndyn.sweeps.cluster.client.CONNECT_SECONDS", 0.5)
    with pytest.raises(ld.InputError, match="nothing answers at"):
        ld.sweep(TWO, NEAR, over, until=1, store=tmp_path / "a.zarr", client="tcp://127.0.0.1:9")
    monkeypatch.setattr(estimate.shutil, "disk_usage", lambda folder: type("Usage", (), {"free": 100})())
    with pytest.raises(ld.InputError, match=r"The results that are left take up to .* but 0.1 kB are free at"):
        ld.sweep(TWO, NEAR, over, until=1, store=tmp_path / "b.zarr")
    assert list(tmp_path.iterdir()) == []


def test_rows_before_a_members_start_are_refused():
    """They cannot be known; the start stood in them, with the status ok."""
    begin = ld.Start.near_symmetric(TWO, 0.2, 1e-3)
    with pytest.warns(ld.LearndynWarning, match="1 ok, 2 refused"):
        found = ld.sweep(TWO, begin, {"start.at": [0.0, 1.0, 6.0]}, until=5, save_at=3)
    assert codes(found) == ["ok", "refused", "refused"]
    assert np.isnan(found.eps_g[1:]).all()
    assert "`save_at` must lie between the start, 1," in found.message.values[1]
    late = ld.sweep(TWO, begin, {"start.at": [0.0, 1.0]}, until=5, save_at=[2, 5])
    assert codes(late) == ["ok", "ok"]


def test_what_an_engine_refuses_of_a_member_is_its_status():
    scenario = TWO.replace(student=ld.Student(2, "tanh"))
    with pytest.warns(ld.LearndynWarning, match="1 ok, 1 refused"):
        found = ld.sweep(scenario, NEAR, {"samples": [16, 64]}, until=0.1, save_at=2)
    assert codes(found) == ["refused", "ok"]
    assert found.message.values[0].startswith("Argument `samples` must be at least 64")


def test_a_store_of_the_same_parameters_in_another_order_is_refused_with_the_reason(tmp_path):
    over, run = {"learning_rate": [0.5, 1.0], "label_noise": [0.0]}, {"until": 1, "save_at": 2, "store": tmp_path / "a"}
    ld.sweep(TWO, NEAR, over, **run)
    with pytest.raises(ld.InputError, match=r"the order of its parameters \(learning_rate, label_noise there"):
        ld.sweep(TWO, NEAR, dict(reversed(over.items())), **run)
