"""ld.simulate: its methods, several N in one call, checkpoints, recorded weights, and what it refuses."""

import json
import re
import warnings

import numpy as np
import pytest

import learndyn as ld
from learndyn.engines.streams import ENGINES
from learndyn.scenarios import methods
from learndyn.verbs import gradient_request, request_parts, simulation_request
from learndyn.verbs.simulation import check_simulation

PERCEPTRON = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5)
START = ld.Start(Q=0.25, R=0.0)
METHODS = ["overlaps", "weights"]
END = 10.0**7  # half a minute of updates, of which a test that is interrupted makes a tenth of a second


def run(until=2.0, **options):
    return ld.simulate(PERCEPTRON, START, until, **({"N": 50, "seed": 1, "progress": False} | options))


# ---- Methods


def test_the_exact_process_is_the_default():
    default, named = run(replicas=3), run(replicas=3, method="overlaps")
    assert default.attrs["engine"] == "overlaps"
    assert default.equals(named)


def test_every_method_has_a_stream_of_its_own():
    # "descent" is the stream of scenarios that descend on a sample and have no method to choose.
    assert sorted([*methods.METHODS, "descent"]) == sorted(ENGINES)
    assert sorted(methods.METHODS) == sorted([*METHODS, "diffusion"])
    assert methods.METHODS[0] == run(replicas=1, until=0.1).attrs["engine"]


def test_methods_have_random_numbers_of_their_own():
    overlaps, weights = (run(replicas=400, save_at=[2], method=method).R.values.ravel() for method in METHODS)
    # Independent samples: the correlation has a standard error of 1 / sqrt(400); five of them, 6e-7.
    assert abs(np.corrcoef(overlaps, weights)[0, 1]) < 5 / 20


@pytest.mark.parametrize("method", [*METHODS, "diffusion"])
def test_results_carry_what_made_them(method, tmp_path):
    result = run(N=2000, replicas=2, save_at=[0.5, 2.0], method=method)
    options = json.loads(result.attrs["options"])
    assert (result.attrs["engine"], result.attrs["seed"]) == (method, "1")
    assert (options["N"], options["replicas"], options["until"]) == (2000, 2, 2.0)
    assert ("std_step_error" in options) == (method == "diffusion")
    assert result.R.dims == ("replica", "alpha", "student", "teacher")
    np.testing.assert_allclose(result.alpha, [0.5, 2.0])
    ld.save(result, tmp_path / "result.nc")
    assert ld.load(tmp_path / "result.nc").identical(result)


@pytest.mark.parametrize(
    ("save_at", "kept"),
    [
        (None, None),
        (5, 5),
        ([0, 1.5], [0, 1.5]),
        (np.array([0.5]), [0.5]),
        (ld.logspaced(3), {"logspaced": 3}),
        (ld.logspaced(3, 0.5), {"logspaced": 3, "first": 0.5}),
        (np.linspace(0, 2, 33), None),  # long, and all rows are there to see
    ],
)
def test_results_name_the_times_that_were_asked_for(save_at, kept):
    assert json.loads(run(save_at=save_at).attrs["options"]).get("save_at") == kept


def test_results_name_what_else_was_asked_for():
    options = json.loads(run(N=4, method="weights", record_weights=True).attrs["options"])
    assert options["record_weights"] is True
    assert "record_weights" not in json.loads(run().attrs["options"])
    options = json.loads(run(N=2000, method="diffusion", tolerance=0.01).attrs["options"])
    assert options["tolerance"] == 0.01


def test_a_size_may_be_an_array_without_axes():
    assert run(N=np.array(50)).equals(run(N=50))
    assert "N" not in run(N=np.array(50)).dims


@pytest.mark.parametrize("method", [*METHODS, "diffusion"])
def test_a_row_goes_on(method):
    first = run(N=2000, method=method)
    onward = ld.simulate(PERCEPTRON, first.isel(alpha=-1, replica=0), 3.0, N=2000, seed=2, method=method)
    assert onward.alpha.values[[0, -1]].tolist() == [2.0, 3.0]
    np.testing.assert_allclose(onward.R.isel(alpha=0).item(), first.R.isel(alpha=-1).item(), rtol=1e-14)


def test_weight_vectors_are_returned_on_request():
    result = run(N=4, replicas=2, method="weights", record_weights=True, save_at=[0, 1, 2])
    assert result.J.dims == ("replica", "alpha", "student", "input")
    assert result.B.dims == ("replica", "teacher", "input")
    # Sums of 4 products of order 1.
    np.testing.assert_allclose(
        (result.J * result.B).sum("input"), result.R.transpose("replica", "alpha", ...), atol=1e-14
    )
    np.testing.assert_allclose((result.J**2).sum("input").squeeze(), result.Q.squeeze(), atol=1e-14)
    assert "J" not in run(N=4, method="weights")


@pytest.mark.parametrize("method", METHODS)
def test_an_end_is_told_in_the_time_of_the_start(method):
    """At eta = 3.5 the linear perceptron diverges: after the last row, and at the latest where the next one is."""
    linear = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=3.5)
    with pytest.warns(ld.LearndynWarning, match="diverged") as caught:
        result = ld.simulate(linear, ld.Start(Q=0.25, R=0.0, at=100.0), 300, N=30, seed=1, method=method, save_at=2001)
    told = re.search(r"at alpha = ([\d.]+): some", str(caught[0].message))
    assert told is not None
    # Rows are 0.1 apart, rounded to whole updates (1 / 30 more at most); six digits are told.
    assert 0 < float(told[1]) - result.alpha.values[-1] < 0.1 + 1 / 30 + 1e-3


# ---- Several N


@pytest.mark.parametrize("method", METHODS)
def test_a_size_among_several_is_that_size_alone(method):
    sizes = [50, 20, 101]
    several = run(N=sizes, replicas=3, save_at=[0, 1, 2], method=method)
    assert several.R.dims == ("N", "replica", "alpha", "student", "teacher")
    assert several.N.values.tolist() == sizes
    for N in sizes:
        alone = run(N=N, replicas=3, save_at=[0, 1, 2], method=method)
        np.testing.assert_array_equal(several.R.sel(N=N), alone.R)
        np.testing.assert_array_equal(several.eps_g.sel(N=N), alone.eps_g)
    assert several.T.dims == ("teacher", "teacher2")
    assert json.loads(several.attrs["options"])["N"] == sizes


def test_times_are_those_asked_for_and_updates_those_made():
    several = run(N=[3, 1000], until=1.0, save_at=5)
    assert several.alpha.values.tolist() == [0.0, 0.25, 0.5, 0.75, 1.0]
    assert several.updates.sel(N=1000).values.tolist() == [0, 250, 500, 750, 1000]
    assert several.updates.sel(N=3).values.tolist() == [0, 1, 2, 2, 3]  # 0.75, 1.5 (to even), 2.25
    row = several.R.sel(N=3, replica=0).squeeze()
    assert row[2] == row[3]


def test_several_sizes_of_a_diffusion_state_their_step_errors():
    several = run(N=[10**4, 10**9], replicas=2, save_at=[2], method="diffusion")
    options = json.loads(several.attrs["options"])
    assert len(options["std_step_error"]) == len(options["steps"]) == 2
    assert several.alpha.values.tolist() == [2.0]


def test_several_sizes_can_be_averaged_drawn_saved_and_summed_up(tmp_path):
    from learndyn import summary

    several = run(N=[20, 50], replicas=5, save_at=11)
    assert ld.mean_and_error(several).eps_g_error.dims == ("N", "alpha")
    assert len(ld.plot.learning_curve(several).get_legend().get_texts()) == 2
    ld.plot.order_parameters(ld.solve(PERCEPTRON, START, 2), several)
    ld.save(several, tmp_path / "several.nc")
    assert ld.load(tmp_path / "several.nc").identical(several)
    table = summary.table(ld.solve(PERCEPTRON, START, 2.0), several).splitlines()
    last = several.eps_g.isel(alpha=-1)
    shown = [line.split() for line in table[1:]]
    assert [int(cells[0]) for cells in shown] == [20, 50]
    np.testing.assert_allclose([float(c[1]) for c in shown], last.mean("replica"), rtol=1e-3)
    np.testing.assert_allclose([float(c[3]) for c in shown], last.std("replica", ddof=1) * several.N**0.5, rtol=1e-3)


def test_several_sizes_keep_the_rows_that_all_have_when_one_diverges():
    """At eta = 3.5 the linear perceptron diverges at every N, at times of its own."""
    linear = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=3.5)
    with pytest.warns(ld.LearndynWarning, match="N = 30: .* diverged") as caught:
        several = ld.simulate(linear, START, 50, N=[30, 300], replicas=3, seed=1)
    assert len(caught) == 1
    assert several.attrs["status"] == "diverged"
    assert "N = 300: " in several.attrs["message"]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ld.LearndynWarning)
        rows = [ld.simulate(linear, START, 50, N=N, replicas=3, seed=1).sizes["alpha"] for N in (30, 300)]
    assert several.sizes["alpha"] == min(rows)
    assert np.isfinite(several.Q).all()


@pytest.mark.parametrize("kept", [0, 1])
def test_ctrl_c_keeps_the_sizes_that_are_done(monkeypatch, kept):
    from learndyn.engines import overlaps

    calls = []

    def interrupted(*arguments, real=overlaps.run_overlaps, **options):
        calls.append(arguments)
        if len(calls) > kept:
            raise KeyboardInterrupt
        return real(*arguments, **options)

    monkeypatch.setattr(overlaps, "run_overlaps", interrupted)
    if kept == 0:
        with pytest.raises(KeyboardInterrupt):
            run(N=[20, 50])
        return
    with pytest.warns(ld.LearndynWarning, match="N = 20 are kept"):
        several = run(N=[20, 50])
    assert several.attrs["status"] == "interrupted"
    assert several.N.values.tolist() == [20]


# ---- Checkpoints


def press(done, total):
    """Ctrl-C at the first report that finds updates made, within the first tenths of a second."""
    if done > 0:
        raise KeyboardInterrupt


@pytest.mark.parametrize(("method", "until"), [("overlaps", 25_000.0), ("weights", 600.0)])
def test_an_interrupted_run_goes_on_from_its_checkpoint(method, until, tmp_path):
    path = tmp_path / "run.npz"
    # A second or more, on any machine.
    options = {"N": 400, "until": until, "replicas": 3, "method": method, "save_at": 2001}

    with pytest.warns(ld.LearndynWarning, match="The same call goes on from here"):
        cut = run(**options, checkpoint=path, progress=press)
    assert cut.attrs["status"] == "interrupted"
    whole = run(**options, checkpoint=path)
    assert not path.exists()
    np.testing.assert_array_equal(whole.R, run(**options).R)


def test_a_checkpoint_belongs_to_one_call(tmp_path):
    path = tmp_path / "run.npz"
    with pytest.warns(ld.LearndynWarning):
        run(until=END, checkpoint=path, progress=press, save_at=[0, END])
    for change in ({"seed": 2}, {"method": "weights"}, {"replicas": 2}, {"N": 60}):
        with pytest.raises(ld.InputError, match=next(iter(change))):
            run(until=END, checkpoint=path, save_at=[0, END], **change)
    with pytest.raises(ld.InputError, match="scenario"):
        ld.simulate(PERCEPTRON.replace(learning_rate=0.4), START, END, N=50, seed=1, checkpoint=path, save_at=[0, END])
    assert path.exists()


def test_a_checkpoint_belongs_to_what_fixes_the_bits(tmp_path, monkeypatch):
    path = tmp_path / "run.npz"
    options = {"until": END, "checkpoint": path, "save_at": [0, END]}
    with pytest.warns(ld.LearndynWarning):
        run(**options, progress=press)

    def versions(packages, real=request_parts.versions):
        return real(packages) | {package: "0.0" for package in packages if package in changed}

    monkeypatch.setattr(request_parts, "versions", versions)
    for changed in (["numba"], ["llvmlite"], ["numpy"], ["learndyn"]):
        with pytest.raises(ld.InputError, match=rf'`versions\.{changed[0]}` \(".*" there, "0\.0" here\)'):
            run(**options)
    changed = ["xarray", "jax", "jaxlib", "diffrax", "scipy"]
    with pytest.warns(ld.LearndynWarning, match="goes on from here"):
        run(**options, progress=press)
    monkeypatch.setattr(simulation_request, "kind_of_cpu", lambda: "znver9 01234567")
    with pytest.raises(
        ld.InputError, match=r'differs in `kind of CPU` \("\S+ [0-9a-f]{8}" there, "znver9 01234567" here'
    ):
        run(**options)


def test_versions_of_jax_fix_the_bits_of_a_diffusion_alone():
    assert {"jax", "jaxlib", "diffrax"} <= request_parts.versions_of("diffusion").keys()
    for method in METHODS:
        assert request_parts.versions_of(method).keys() == {"learndyn", "numpy", "numba", "llvmlite"}


# ---- Refusals


class _DataInputs(ld.StudentTeacher):
    gaussian_inputs = False


@pytest.mark.parametrize("method", ["overlaps", "diffusion"])
def test_inputs_that_are_data_need_weight_vectors(method):
    scenario = _DataInputs(PERCEPTRON.student, PERCEPTRON.teacher, 0.5)
    with pytest.raises(ld.InputError, match="`method` must be 'weights' for a scenario whose inputs are data"):
        ld.simulate(scenario, START, 1, N=50, method=method)


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"N": 1}, r"`N` must be at least K \+ M = 2, but it is 1\."),
        ({"N": [50, 1]}, r"`N` must be at least K \+ M = 2, but it is 1\."),
        ({"N": 10.5}, r"`N` must be a whole number of at least 2, but it is 10\.5\."),
        ({"N": "1000"}, r"`N` must be .* at least 2, but it is '1000'\. Give a number such as 2, without quotes\."),
        ({"N": True}, r"`N` must be a whole number of at least 2, but it is True\."),
        ({"N": [10, None]}, r"`N` must be a whole number of at least 2, but it is None\."),
        ({"N": []}, r"`N` must be a whole number, or several, but it is empty\."),
        ({"N": [50, 50]}, r"`N` must hold different numbers"),
        ({"N": 10**17}, r"`N` must be at most 9007199254740992, but it is 100000000000000000\."),
        ({"N": np.array(10.5)}, r"`N` must be a whole number of at least 2, but it is 10\.5\."),
        ({"N": 2 * 10**15, "until": 1000.0}, r"method='diffusion' for a large N"),
        ({"method": "overlap"}, r"`method` must be .* Did you mean 'overlaps'\?"),
        ({"tolerance": 0.1}, r"`tolerance` is for method='diffusion'"),
        ({"method": "diffusion", "N": 2000, "tolerance": -1}, r"`tolerance` must be"),
        ({"method": "diffusion", "N": 2000, "tolerance": 0.5}, r"`tolerance` must be above 0 and at most 0\.1"),
        ({"method": "diffusion", "N": 999}, r"`N` must be at least 1000 for method='diffusion'"),
        ({"method": "diffusion", "N": [10**6, 999]}, r"`N` must be at least 1000 for method='diffusion'"),
        ({"record_weights": True}, r"`record_weights` is for method='weights'"),
        ({"method": "weights", "record_weights": True, "N": [5, 6]}, r"`record_weights` is for a single N"),
        ({"checkpoint": "run.npz", "N": [5, 6]}, r"`checkpoint` is for a single N"),
        ({"checkpoint": 5}, r"`checkpoint` must be the name of a file, but it is 5\."),
        ({"checkpoint": b"abc"}, r"`checkpoint` must be the name of a file, but it is b'abc'\."),
        ({"checkpoint": "nowhere/run.npz"}, r"the folder nowhere does not exist"),
        ({"checkpoint_every": np.nan}, r"`checkpoint_every` must be a finite number of at least 0, but it is nan\."),
        ({"checkpoint_every": -1}, r"`checkpoint_every` must be a finite number of at least 0, but it is -1\."),
        # 201 rows, but one at most an update: 101 rows of R and Q, 16 bytes each.
        ({"replicas": 10**12}, r"`replicas` must .* but 1000000000000 replicas of 101 rows take 1\.62e\+06 GB\."),
        ({"replicas": 10**18}, r"`replicas` must leave room in memory"),  # more bytes than NumPy can count
        ({"replicas": 0}, r"`replicas` must be a whole number of at least 1"),
        ({"until": 0.0}, r"`until` must be later than the start"),
    ],
)
def test_mistakes_are_refused_in_a_sentence(options, sentence):
    with pytest.raises(ld.InputError, match=sentence) as refusal:
        run(**options)
    assert "\n" not in str(refusal.value)
    with pytest.raises(ld.InputError, match=sentence):
        check_simulation(PERCEPTRON, START, **({"until": 2.0, "N": 50} | options))


def test_a_check_runs_nothing(monkeypatch):
    monkeypatch.setattr(simulation_request.Request, "run", None)
    check_simulation(PERCEPTRON, START, 1e6, N=[10**5, 10**6], replicas=10, observables={})


def test_memory_that_ends_in_the_run_is_a_sentence(monkeypatch):
    def greedy(*_, **__):
        raise MemoryError

    monkeypatch.setattr("learndyn.engines.overlaps.run_overlaps", greedy)
    # 101 rows of R and Q, 3 replicas: 4848 bytes.
    with pytest.raises(ld.InputError, match=r"3 replicas of 101 rows take 4\.85e-06 GB"):
        run(replicas=3)


def test_gradient_flow_has_no_finite_size():
    for method in (*METHODS, "diffusion"):
        with pytest.raises(ld.InputError, match="dynamics='sgd'"):
            ld.simulate(PERCEPTRON.replace(dynamics="gradient_flow"), START, 1, N=2000, method=method)


@pytest.mark.parametrize(
    ("scenario", "start", "options", "said"),
    [
        (
            PERCEPTRON,
            START,
            {"N": 1000, "replicas": 16},
            r"1\.6e\+13 updates, about 111 hours on .*`until` = 1e\+09 is a ",
        ),
        (PERCEPTRON, START, {"N": 1000, "method": "weights"}, r"1e\+12 updates, about 1,389 hours"),
        (
            ld.LinearModes([1.0], learning_rate=1e-3),
            0.01,
            {},
            r"1e\+12 updates, .* a time t, the learning rate, 0\.001",
        ),
    ],
)
def test_simulations_of_very_many_updates_are_said_to_be_so(monkeypatch, scenario, start, options, said):
    for request in (simulation_request.Request, gradient_request.GradientRequest):
        monkeypatch.setattr(request, "run", lambda *_: _stop())
    with pytest.warns(ld.LearndynWarning, match=said), pytest.raises(RuntimeError, match="not now"):
        ld.simulate(scenario, start, until=1e9, save_at=2, **options)


def _stop():
    raise RuntimeError("not now")
