"""The weights engine: right updates, exact starts, the law of the finite-size process, and bits that do not move."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import learndyn
from finite_size import FINITE_SIZE, assert_mean_and_spread
from learndyn.activations import activation
from learndyn.engines.streams import stream
from learndyn.engines.weights import draw_weights, run_weights, uses_blocks
from learndyn.errors import InputError
from learndyn.scenarios.process import bare
from learndyn.scenarios.student_teacher.steps import make_step

EPS = np.finfo(float).eps


def covariance(K, M, seed=0):
    """Some positive definite overlaps with lengths around 1."""
    A = np.random.default_rng(seed).standard_normal((K + M, 3 * (K + M)))
    return A @ A.T / A.shape[1]


# ---- The start


def singular_overlaps():
    v = np.array([1.0, -2.0, 0.5])
    duplicate = np.array([[0.3, 0.3, 0.1], [0.3, 0.3, 0.1], [0.1, 0.1, 1.0]])
    graded = np.diag([1e-12, 0.2, 1e6])
    graded[0, 1] = graded[1, 0] = 0.9 * np.sqrt(1e-12 * 0.2)
    return {
        "generic": covariance(1, 2),
        "rank one": np.outer(v, v),
        "duplicated unit": duplicate,
        "perfectly specialised": np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]),
        "student at zero": np.diag([0.0, 1.0, 2.0]),
        "very different lengths": graded,
    }


@pytest.mark.parametrize("name", singular_overlaps())
@pytest.mark.parametrize("N", [3, 4, 1000])
def test_start_has_exactly_the_overlaps_asked_for(name, N):
    C = singular_overlaps()[name]
    J, B = draw_weights(C, 1, N, np.random.default_rng(5))
    assert (J.shape, B.shape) == ((1, N), (2, N))
    W = np.vstack([J, B])
    lengths = np.sqrt(np.diag(C))
    assert np.all(np.abs(W @ W.T - C) <= 1e-12 * np.outer(lengths, lengths))


def test_starts_are_oriented_at_random():
    """The first coordinate of a unit vector in 3 dimensions is uniform on (-1, 1): mean 0, variance 1/3."""
    rng = np.random.default_rng(1)
    first = np.array([draw_weights(np.eye(2), 1, 3, rng)[0][0, 0] for _ in range(3000)])
    # Four standard errors each (variance of x^2 is 4/45): two comparisons, false alarm 1.3e-4.
    assert abs(first.mean()) < 4 * np.sqrt(1 / 3 / 3000)
    assert abs((first**2).mean() - 1 / 3) < 4 * np.sqrt(4 / 45 / 3000)


def test_too_small_a_dimension_is_refused():
    with pytest.raises(InputError, match=r"`N` must be at least K \+ M = 3, but it is 2"):
        run_weights(bare(make_step(activation("relu"), 0.1), covariance(1, 2), 1), 2, [0, 1], seed=1)


# ---- The updates


def plain_loop(name, eta, C, K, N, steps, seed):
    """The same descent, written plainly in NumPy from the definition, on the same random numbers: rows of R, Q, J."""
    act = activation(name)
    J, B = draw_weights(C, K, N, stream(seed, "weights", N, 0, 1))
    J, rng, R, Q, path = J.copy(), stream(seed, "weights", N, 0), [], [], []
    for update in range(steps[-1] + 1):
        if update in steps:
            path.append(J.copy())
            R.append(J @ B.T)
            Q.append(J @ J.T)
        xi = rng.standard_normal(N)
        x, y = J @ xi, B @ xi
        delta = act.dg(x) * (act.g(y).sum() - act.g(x).sum())
        J += eta / N * np.outer(delta, xi)
    return np.array(R), np.array(Q), np.array(path)


@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize(
    ("name", "K", "M", "N"),
    [
        ("relu", 1, 1, 2),  # the smallest
        ("relu", 2, 3, 50),
        ("erf", 3, 2, 513),  # one column in the last tile
        ("relu", 5, 4, 1200),
    ],
)
def test_both_kernels_make_the_updates_of_the_definition(name, K, M, N, blocks):
    C = covariance(K, M)
    steps = np.array([0, 1, 15, 16, 17, 40, 100])  # in and across blocks of 16
    run = run_weights(
        bare(make_step(activation(name), 0.8), C, K), N, steps, seed=3, blocks=blocks, record_weights=True
    )
    R, Q, J = plain_loop(name, 0.8, C, K, N, steps, seed=3)
    assert run.status == "ok"
    assert np.abs(R[-1] - R[0]).max() > 1e-3  # something was learned
    # 100 updates; each rounds sums of N terms of order 1 (error at most N eps) and adds a few eps of its own.
    # Deviations do not grow by more than exp(eta alpha K) ~ 50 over the run (N = 2) and hardly for the larger N.
    tolerance = 100 * (N + 100) * EPS
    np.testing.assert_allclose(run.R[0], R, rtol=0, atol=tolerance)
    np.testing.assert_allclose(run.Q[0], Q, rtol=0, atol=tolerance)
    assert run.J is not None
    np.testing.assert_allclose(run.J[0], J, rtol=0, atol=tolerance)


def test_the_kernel_follows_from_the_numbers_of_units_alone():
    assert not uses_blocks(2, 2)
    assert uses_blocks(10, 10)
    for K, M in ((2, 2), (4, 4)):
        C, step = covariance(K, M), make_step(activation("erf"), 0.5)
        runs = [run_weights(bare(step, C, K), 100, [37], seed=1, blocks=b).Q for b in (None, uses_blocks(K, M))]
        np.testing.assert_array_equal(*runs)


# ---- The bits


@pytest.mark.parametrize("blocks", [False, True])
def test_bits_do_not_depend_on_threads_or_chunks(blocks):
    """N is no multiple of the tile (512) or of a vector register; rows and divergence tests cut blocks and chunks."""
    K, M, N = 3, 2, 1003
    steps = np.array([0, 7, 32, 100, 1500])

    def run(threads, chunk):
        step = make_step(activation("relu"), 0.9)
        run = run_weights(
            bare(step, covariance(K, M), K), N, steps, replicas=3, threads=threads, chunk=chunk, blocks=blocks, seed=8
        )
        return run.R, run.Q

    R, Q = run(1, None)
    assert np.ptp(R[:, -1], axis=0).min() > 0  # replicas differ
    for threads, chunk in ((1, 1), (2, 37), (3, 10**9)):
        again = run(threads, chunk)
        np.testing.assert_array_equal(again[0], R)
        np.testing.assert_array_equal(again[1], Q)


def test_recorded_weight_vectors_are_those_whose_overlaps_are_recorded():
    K, M, N, replicas = 2, 3, 40, 3
    C, process = covariance(K, M), bare(make_step(activation("relu"), 0.9), covariance(K, M), K)
    arguments = process, N, [0, 5, 100]
    run = run_weights(*arguments, replicas=replicas, seed=6, record_weights=True)
    assert run.J is not None
    assert run.B is not None
    assert (run.J.shape, run.B.shape) == ((replicas, 3, K, N), (replicas, M, N))
    for index in range(replicas):
        J, B = draw_weights(C, K, N, stream(6, "weights", N, index, 1))
        np.testing.assert_array_equal(run.J[index, 0], J)
        np.testing.assert_array_equal(run.B[index], B)
    # A sum of N products, in another order: N roundings of terms whose moduli add up to |J_i| |B_n| at most.
    lengths = np.sqrt(np.max(run.Q) * np.trace(C))
    np.testing.assert_allclose(np.einsum("rtin,rmn->rtim", run.J, run.B), run.R, rtol=0, atol=N * EPS * lengths)
    plain = run_weights(*arguments, replicas=replicas, seed=6)
    assert (plain.J, plain.B) == (None, None)
    np.testing.assert_array_equal(plain.R, run.R)
    np.testing.assert_array_equal(plain.Q, run.Q)


@pytest.mark.parametrize("blocks", [False, True])
def test_rows_change_a_run_by_rounding_only(blocks):
    step, C = make_step(activation("erf"), 0.9), covariance(2, 2)
    few = run_weights(bare(step, C, 2), 203, [0, 300], seed=4, blocks=blocks)
    many = run_weights(bare(step, C, 2), 203, np.arange(0, 301), seed=4, blocks=blocks)
    np.testing.assert_allclose(many.R[:, [0, -1]], few.R, rtol=0, atol=300 * 203 * EPS)
    np.testing.assert_allclose(many.Q[:, [0, -1]], few.Q, rtol=0, atol=300 * 203 * EPS)


def test_a_replica_does_not_depend_on_how_many_there_are():
    step, C = make_step(activation("erf"), 0.9), covariance(2, 2)
    few = run_weights(bare(step, C, 2), 50, [0, 300], seed=4, replicas=2)
    many = run_weights(bare(step, C, 2), 50, [0, 300], seed=4, replicas=5)
    np.testing.assert_array_equal(many.R[:2], few.R)
    assert not np.array_equal(run_weights(bare(step, C, 2), 50, [0, 300], seed=5).R[0], few.R[0])


# ---- The law


@pytest.mark.parametrize("case", FINITE_SIZE)
def test_mean_and_spread_are_those_of_the_exact_finite_size_process(case):
    """22 comparisons in the three cases at 4 combined standard errors: false alarm 22 * 6.3e-5 = 0.14 %, fixed seed."""
    c = FINITE_SIZE[case]
    run = run_weights(
        bare(make_step(activation("relu"), c["eta"]), c["C"], c["K"]), c["N"], [c["alpha"] * c["N"]],
        replicas=c["replicas"], seed=2,
    )  # fmt: skip
    assert_mean_and_spread(run, c)


# ---- Ends


@pytest.mark.parametrize("blocks", [False, True])
@pytest.mark.parametrize("name", ["linear", "relu"])
def test_divergence_keeps_the_rows_before_and_says_where(name, blocks):
    """At eta = 5 the perceptron diverges: linear, |J - B|^2 grows by exp(eta^2 - 2 eta) = 3e6 a unit of alpha."""
    N, steps = 100, np.arange(0, 3001, 20)
    step = make_step(activation(name), 5.0)

    def run(threads, chunk):
        C = np.diag([0.25, 1.0])
        return run_weights(bare(step, C, 1), N, steps, replicas=6, threads=threads, chunk=chunk, blocks=blocks, seed=1)

    first = run(1, None)
    assert first.status == "diverged"
    rows = first.steps.size
    assert 1 <= rows < steps.size
    assert first.R.shape == (6, rows, 1, 1)
    assert np.all(first.Q <= 1e6 * 1.25)
    # The place is tested at every row: the first row that is missing is where it was noticed, or a test before it.
    assert "diverged at alpha = " in first.message
    alpha = float(first.message.split("alpha = ")[1].split(":")[0])
    assert steps[rows - 1] < round(alpha * N) <= steps[rows]
    for threads, chunk in ((2, 7), (6, 10**9)):
        again = run(threads, chunk)
        assert again.message == first.message
        np.testing.assert_array_equal(again.R, first.R)


def test_overflow_is_divergence_and_no_warning():
    """Between two tests the weights overflow to NaN."""
    step = make_step(activation("linear"), 1e4)
    run = run_weights(bare(step, np.diag([0.25, 1.0]), 1), 500, [0, 2000], seed=1)
    assert (run.status, run.steps.tolist()) == ("diverged", [0])
    assert "Replica 0 diverged at alpha = 1.024" in run.message  # 512 updates: N rounded up to a multiple of 16


def test_divergence_before_the_first_row_leaves_no_row():
    step = make_step(activation("linear"), 1e4)
    run = run_weights(bare(step, np.diag([0.25, 1.0]), 1), 500, [2000], seed=1)
    assert (run.status, run.R.shape) == ("diverged", (1, 0, 1, 1))


def test_losing_the_perfect_solution_is_not_divergence():
    """ReLU, eta = 2.1: the N to infinity theory settles at R = 0.985953, Q = 1.154796."""
    step = make_step(activation("relu"), 2.1)
    run = run_weights(bare(step, np.diag([0.25, 1.0]), 1), 1000, [0, 40_000], replicas=4, seed=1)
    assert run.status == "ok"
    assert run.Q[:, -1].max() < 3  # far below the basin's edge at Q = 37


def test_interrupt_keeps_the_rows_that_were_recorded():
    steps = np.arange(0, 10**8, 1000)

    def interrupt(done, total):
        if done > 4000:
            raise KeyboardInterrupt

    step = make_step(activation("relu"), 0.5)
    run = run_weights(
        bare(step, np.diag([0.25, 1.0]), 1), 100, steps, replicas=3, threads=2, seed=1, progress=interrupt
    )
    assert run.status == "interrupted"
    assert run.replicas.tolist() == [0, 1]
    rows = run.steps.size
    assert run.R.shape == (2, rows, 1, 1)
    assert f"The last row is at alpha = {run.steps[-1] / 100:g}" in run.message
    whole = run_weights(bare(step, np.diag([0.25, 1.0]), 1), 100, steps[:rows], replicas=2, seed=1)
    np.testing.assert_array_equal(run.R, whole.R)


CTRL_C = """
import os, signal, threading
import numpy as np
from learndyn.activations import activation
from learndyn.engines.weights import run_weights
from learndyn.scenarios.process import bare
from learndyn.scenarios.student_teacher.steps import make_step

timers = []
signal.signal(signal.SIGINT, signal.default_int_handler)  # a test run in the background hands down a deaf one


def press(done, total):
    # Once rows are there, send the signal soon after, while the main thread waits for the kernels.
    if done > 200 and not timers:
        timers.append(threading.Timer(0.03, lambda: os.kill(os.getpid(), signal.SIGINT)))
        timers[0].start()


step, C = make_step(activation("relu"), 0.5), np.diag([0.25, 1.0])
run = run_weights(bare(step, C, 1), 100_000, np.arange(0, 10**9, 100), seed=1, progress=press)
print(run.status, run.steps.size, run.timings["run"])
"""


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
def test_the_signal_of_ctrl_c_ends_a_run_within_a_chunk():
    env = os.environ | {"PYTHONPATH": str(Path(learndyn.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", CTRL_C], env=env, capture_output=True, text=True, check=True, timeout=60
    )
    status, rows, seconds = done.stdout.split()
    assert status == "interrupted"
    assert int(rows) > 1
    assert float(seconds) < 20  # a few chunks of some 0.1 s on an idle machine; to the end it would take days


def test_memory_does_not_grow_with_the_number_of_updates():
    """20 000 inputs of 10 000 numbers would be 1.6 GB; a run holds a few vectors (the peak is given in KiB)."""
    resource = pytest.importorskip("resource")
    step, C = make_step(activation("relu"), 0.5), np.diag([0.25, 1.0])
    run_weights(bare(step, C, 1), 10_000, [0, 10], seed=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run_weights(bare(step, C, 1), 10_000, [0, 20_000], seed=1)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 50 * 10_000 * 8
