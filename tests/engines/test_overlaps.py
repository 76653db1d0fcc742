"""The overlaps engine: updates of the definition, singular starts, bits that do not move, rounding, and its ends."""

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import long_double
from finite_size import FINITE_SIZE, assert_mean_and_spread
from law import SINGULAR, chain, descent, p_values, rejected
from learndyn.activations import activation
from learndyn.engines import driver, overlaps_kernels
from learndyn.engines.checkpoint import Checkpoint
from learndyn.engines.overlaps import run_overlaps
from learndyn.engines.overlaps_kernels import Options, advance
from learndyn.engines.overlaps_lanes import FEW, groups
from learndyn.engines.streams import generator_state, stream
from learndyn.errors import InputError
from learndyn.gaussian.factor import triangular
from learndyn.lanes.random import draw
from learndyn.lanes.types import LANES
from learndyn.scenarios.process import bare
from learndyn.scenarios.student_teacher.steps import make_step

EPS = np.finfo(float).eps
NEVER = 10**12  # updates between two tests for divergence


def covariance(K, M, seed=0):
    """Some positive definite overlaps with lengths around 1."""
    A = np.random.default_rng(seed).standard_normal((K + M, 3 * (K + M)))
    return A @ A.T / A.shape[1]


def coordinates(C, K):
    """F (M, M) and the coordinates a, l of the student in one column: the triangular factor, the teacher first."""
    order = np.roll(np.arange(len(C)), len(C) - K)
    W = triangular(C[np.ix_(order, order)])
    M = len(C) - K
    return np.ascontiguousarray(W[:M, :M]), np.concatenate([W[M:, :M].ravel(), W[M:, M:][np.tril_indices(K)]])


def words(seed, group=0):
    """Streams of LANES replicas, (8, LANES)."""
    streams = [stream(seed, "overlaps", 10, LANES * group + lane, part) for lane in range(LANES) for part in (0, 1)]
    return np.ascontiguousarray(np.array([generator_state(rng)[:4] for rng in streams]).reshape(LANES, 8).T)


# ---- The updates


def updated(act, eta, N, C, K, z, square):
    """C after one update, from the definition: z = (x, y), square = |xi|^2."""
    x, y = z[:K], z[K:]
    delta = act.dg(x) * (act.g(y).sum() - act.g(x).sum())
    C = C.copy()
    C[:K, K:] += eta / N * np.outer(delta, y)
    C[K:, :K] = C[:K, K:].T
    C[:K, :K] += eta / N * (np.outer(delta, x) + np.outer(x, delta)) + (eta / N) ** 2 * square * np.outer(delta, delta)
    return C


@pytest.mark.parametrize(
    ("name", "K", "M", "N"),
    [
        ("relu", 1, 1, 2),  # N = K + M: no chi-square number
        ("erf", 1, 1, 3),
        ("linear", 2, 1, 3),
        ("erf", 1, 3, 5),
        ("relu", 2, 2, 100),
        ("erf", 3, 2, 5),
        ("relu", 3, 4, 8),
        ("erf", 4, 1, 10**6),
        ("relu", 5, 5, 11),
        ("linear", 5, 2, 50),
    ],
)
@pytest.mark.parametrize("width", [LANES, 1])
def test_an_update_is_that_of_the_definition(name, K, M, N, width):
    """The same random numbers, in another form: overlaps instead of coordinates, and no rotations; one replica alone.

    Sums of K + M products here and there, and up to K rotations: some ten roundings a row, of terms up to `size`.
    """
    eta, updates, act = 0.8, 30, activation(name)
    F, start = coordinates(covariance(K, M), K)
    state, streams = np.repeat(start[:, None], width, axis=1), words(3)
    pairs = (K + M + 2) // 2
    numbers = np.empty((updates, 2 * pairs, LANES))
    draw(streams.copy(), pairs, K + M, N - K - M, numbers)
    step, alone = make_step(act, eta), None if width == LANES else True
    rates, limits = np.array([[eta / N]]), np.array([np.inf])
    streams = np.ascontiguousarray(streams[:, :width])
    for update in range(updates):
        a, l = long_double.split(state, K, M)
        reached = advance(
            step, Options(), state, F, K, N, streams, rates, 0, update, update + 1, NEVER, limits, width, alone
        )
        assert reached == (update + 1, -1)
        new_a, new_l = long_double.split(state, K, M)
        assert np.all(new_l[range(K), range(K)] >= 0.0)
        for lane in range(width):
            u, v, chi_square = np.split(numbers[update, : K + M + 1, lane], [M, K + M])
            W = np.block([[a[..., lane], l[..., lane]], [F, np.zeros((M, K))]])
            z = W @ np.concatenate([u, v])
            square = u @ u + v @ v + chi_square[0]
            wanted = updated(act, eta, N, W @ W.T, K, z, square)
            W = np.block([[new_a[..., lane], new_l[..., lane]], [F, np.zeros((M, K))]])
            size = np.abs(wanted).max() + (eta / N) ** 2 * square * np.abs(z).max() ** 2 * (K + M) ** 2
            np.testing.assert_allclose(W @ W.T, wanted, rtol=0, atol=20 * (K + M) * EPS * size)


def test_updates_move_the_overlaps():
    run = run_overlaps(bare(make_step(activation("relu"), 0.8), covariance(2, 2), 2), 10, [0, 30], seed=3, replicas=3)
    assert np.abs(run.R[:, 1] - run.R[:, 0]).min() > 1e-3
    assert np.ptp(run.Q[:, 1], axis=0).min() > 1e-3


@pytest.mark.parametrize("case", FINITE_SIZE)
def test_mean_and_spread_are_those_of_the_exact_finite_size_process(case):
    """22 comparisons in the three cases at 4 combined standard errors: false alarm 22 * 6.3e-5 = 0.14 %, fixed seed."""
    c = FINITE_SIZE[case]
    step = make_step(activation("relu"), c["eta"])
    run = run_overlaps(bare(step, c["C"], c["K"]), c["N"], [c["alpha"] * c["N"]], replicas=8_000, seed=2)
    assert_mean_and_spread(run, c)


# ---- Singular starts


@pytest.mark.parametrize("name", SINGULAR)
def test_singular_starts_have_the_law_of_weight_vectors(name):
    """The statistic of `law`: all comparisons of these cases together reject a right engine once in a thousand."""
    case = SINGULAR[name]
    p = p_values(chain(case, 2000, seed=5), descent(case, 2000, seed=6))
    assert not rejected(p, sum(c.comparisons for c in SINGULAR.values())), p.min(axis=(1, 2))


def test_copies_stay_copies():
    """Equal inputs give equal updates: to the last bit, but for the start's own rounding of 1e-16 in Q."""
    case = SINGULAR["duplicated students"]
    run = run_overlaps(bare(make_step(activation("relu"), 1.0), case.C, 2), 20, [0, 1000], seed=1, replicas=9)
    Q, R = run.Q[:, 1], run.R[:, 1]
    np.testing.assert_allclose(Q, np.broadcast_to(Q[:, :1, :1], Q.shape), rtol=1000 * EPS, atol=0)
    np.testing.assert_allclose(R[:, 0], R[:, 1], rtol=1000 * EPS, atol=0)


def perfect_starts():
    """name: (activation, K, overlaps at which the student is the teacher's function)"""
    T = np.array([[1.0, 0.4], [0.4, 0.7]])

    def start(S):
        """J = S B."""
        W = np.vstack([S, np.eye(S.shape[1])])
        C = T[: S.shape[1], : S.shape[1]]
        return W @ C @ W.T

    return {
        "perceptron": ("relu", 1, start(np.eye(1))),
        "two units": ("erf", 2, start(np.eye(2))),
        "permuted": ("relu", 2, start(np.eye(2)[::-1])),
        "a unit too many": ("erf", 3, start(np.array([[0.0, 1.0], [0.0, 0.0], [1.0, 0.0]]))),
        "two units share one": ("relu", 3, start(np.array([[0.25, 0.0], [0.0, 1.0], [0.75, 0.0]]))),
    }


@pytest.mark.parametrize("name", perfect_starts())
def test_what_is_perfect_stays_perfect(name):
    """1e5 updates. The error signal is the rounding of sigma - tau, some 1e-16, and learning draws it back to zero.

    Where units share a teacher's, their shares alone are free: a random walk of sqrt(1e5) steps of eta / N 1e-16.
    """
    activation_name, K, C = perfect_starts()[name]
    run = run_overlaps(bare(make_step(activation(activation_name), 0.5), C, K), 20, [0, 100_000], seed=1, replicas=8)
    np.testing.assert_allclose(run.R[:, 1], np.broadcast_to(C[:K, K:], run.R[:, 1].shape), rtol=0, atol=1e-13)
    np.testing.assert_allclose(run.Q[:, 1], np.broadcast_to(C[:K, :K], run.Q[:, 1].shape), rtol=0, atol=1e-13)


@pytest.mark.parametrize("Q11", [1e-300, 1e-308, 1e-311, 5e-324])
def test_a_student_of_almost_no_length_leaves_the_others_alone(Q11):
    """Squares below 2e-308 lose their digits: a rotation made of them would shorten the other rows."""
    process = bare(make_step(activation("relu"), 1e-9), np.diag([Q11, 0.5, 1.0]), 2)
    run = run_overlaps(process, 1000, [0, 1], seed=1, replicas=8)
    # One update of 1e-12 times normals and errors of a few units at most.
    np.testing.assert_allclose(run.Q[:, 1, 1, 1], 0.5, rtol=0, atol=1e-10)


@st.composite
def starts(draw):
    """K and overlaps of K + M vectors of round components: zeros, copies, opposites and low rank are common."""
    K, M = draw(st.integers(1, 3)), draw(st.integers(1, 3))
    rank = draw(st.integers(1, K + M + 1))
    component = st.one_of(st.sampled_from([0.0, 1.0, -1.0, 0.5]), st.floats(-1.0, 1.0, width=16))
    A = draw(arrays(float, (K + M, rank), elements=component))
    sources = draw(st.lists(st.integers(0, K + M - 1), min_size=K + M, max_size=K + M))
    A = A[sources] if draw(st.booleans()) else A
    return K, A @ A.T


@given(
    start=starts(),
    name=st.sampled_from(["erf", "relu"]),
    room=st.sampled_from([0, 1, 5, 1000]),
    eta=st.sampled_from([0.01, 0.3, 1.0]),
    seed=st.integers(0, 2**32),
)
def test_overlaps_stay_those_of_vectors(start, name, room, eta, seed):
    K, C = start
    N = len(C) + room
    run = run_overlaps(bare(make_step(activation(name), eta), C, K), N, [0, 1, 50], seed=seed, replicas=3, threads=1)
    T = C[K:, K:]
    for R, Q in zip(run.R.reshape(-1, K, len(T)), run.Q.reshape(-1, K, K), strict=True):
        assert np.isfinite(R).all()
        whole = np.block([[Q, R], [R.T, T]])
        # Products of factors: sums of up to 6 terms, and T = F F^T to rounding.
        assert np.linalg.eigvalsh(Q)[0] >= -10 * EPS * np.trace(Q)
        assert np.linalg.eigvalsh(whole)[0] >= -100 * EPS * np.trace(whole)
        assert np.all(np.abs(R) <= np.sqrt(np.outer(np.diag(Q), np.diag(T))) * (1 + 1e-12) + 1e-300)


# ---- The bits


def run_small(replicas=5, *, name="relu", N=50, steps=(0, 7, 16, 100, 1500), seed=8, **options):
    step = make_step(activation(name), 0.9)
    return run_overlaps(bare(step, covariance(3, 2), 3), N, list(steps), replicas=replicas, seed=seed, **options)


def assert_same(run, other):
    np.testing.assert_array_equal(run.R, other.R)
    np.testing.assert_array_equal(run.Q, other.Q)


@pytest.mark.parametrize("replicas", [2, 17])
@pytest.mark.parametrize(("threads", "chunk"), [(1, 1), (2, 37), (3, 10**9)])
def test_bits_do_not_depend_on_threads_or_chunks(threads, chunk, replicas):
    whole = run_small(replicas, threads=1)
    assert len(np.unique(whole.R[:, -1, 0, 0])) == replicas  # replicas differ
    assert_same(run_small(replicas, threads=threads, chunk=chunk), whole)


@pytest.mark.parametrize("replicas", [1, 3])
def test_bits_do_not_depend_on_the_rows(replicas):
    whole = run_small(replicas, steps=range(0, 301))
    few = run_small(replicas, steps=[5, 33, 300])
    np.testing.assert_array_equal(few.R, whole.R[:, [5, 33, 300]])
    np.testing.assert_array_equal(few.Q, whole.Q[:, [5, 33, 300]])


def test_a_replica_does_not_depend_on_how_many_there_are():
    """3 to 8 replicas fill one group, 9 to 17 two or three of other sizes; one and two run alone."""
    assert FEW == 2
    whole, alone = run_small(17, steps=[0, 300]), run_small(2, steps=[0, 300])
    for replicas in range(FEW + 1, 17):
        few = run_small(replicas, steps=[0, 300])
        np.testing.assert_array_equal(few.R, whole.R[:replicas])
        np.testing.assert_array_equal(few.Q, whole.Q[:replicas])
    one = run_small(1, steps=[0, 300])
    np.testing.assert_array_equal(one.R, alone.R[:1])
    np.testing.assert_array_equal(one.Q, alone.Q[:1])
    # The same random numbers: 300 updates of some 30 roundings each, and of none in which a sign was about to change.
    np.testing.assert_allclose(alone.R, whole.R[:2], rtol=0, atol=300 * 30 * EPS)
    np.testing.assert_allclose(alone.Q, whole.Q[:2], rtol=0, atol=300 * 30 * EPS)


@pytest.mark.parametrize("width", [1, 3, LANES])
def test_groups_hold_all_replicas_once(width):
    for replicas in range(1, 60):
        numbers = groups(replicas, width)
        assert [number for group in numbers for number in group] == list(range(replicas))
        sizes = [len(group) for group in numbers]
        assert max(sizes) <= width
        assert max(sizes) - min(sizes) <= 1
        assert len(numbers) == -(-replicas // width)


def test_seeds_and_sizes_have_numbers_of_their_own():
    first = run_small(2, steps=[300])
    for other in (run_small(2, steps=[300], seed=9), run_small(2, steps=[6 * 51], N=51)):
        assert np.all(other.R != first.R)


def ctrl_c_at(share):
    """A progress function that interrupts when that share of the updates is made."""

    def progress(done, total):
        if done >= share * total:
            raise KeyboardInterrupt

    return progress


LONG_RUN = {"name": "erf", "steps": np.arange(0, 300_001, 30_000)}


@pytest.mark.parametrize("replicas", [2, 11])
def test_a_run_goes_on_after_ctrl_c_to_the_same_bits(tmp_path, monkeypatch, replicas):
    monkeypatch.setattr(driver, "POLL_SECONDS", 0.003)
    checkpoint = Checkpoint(tmp_path / "run.npz")
    whole = run_small(replicas, **LONG_RUN)
    cut = run_small(replicas, **LONG_RUN, threads=2, chunk=1001, checkpoint=checkpoint, progress=ctrl_c_at(0.3))
    assert cut.status == "interrupted"
    again = run_small(replicas, **LONG_RUN, threads=1, chunk=5000, checkpoint=checkpoint)
    assert (again.status, again.message) == (whole.status, whole.message) == ("ok", whole.message)
    assert_same(again, whole)
    assert not checkpoint.path.exists()


def test_a_run_does_not_go_on_from_another(tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "POLL_SECONDS", 0.003)
    checkpoint = Checkpoint(tmp_path / "run.npz")
    run_small(11, **LONG_RUN, chunk=1001, checkpoint=checkpoint, progress=ctrl_c_at(0.1))
    with pytest.raises(InputError, match=r"`replicas` \(11 there, 12 here\)"):
        run_small(12, **LONG_RUN, checkpoint=checkpoint)
    with pytest.raises(InputError, match=r"`N` \(50 there, 51 here\)"):
        run_small(11, **LONG_RUN, N=51, checkpoint=checkpoint)


# ---- Rounding


def test_the_long_error_function_is_better_than_that_of_lanes():
    points = np.linspace(-5.9, 5.9, 200)
    with mpmath.workdps(30):
        exact = [mpmath.erf(mpmath.mpf(float(x))) for x in points]
        values = [mpmath.mpf(np.format_float_positional(v, unique=False, precision=25)) for v in
                  long_double.erf(points.astype(np.longdouble))]  # fmt: skip
        worst = max(abs(v - w) for v, w in zip(values, exact, strict=True))
    assert worst < 1e-18


@pytest.mark.skipif(not long_double.AVAILABLE, reason="no 80-bit numbers here")
@pytest.mark.parametrize("name", ["relu", "erf"])
def test_rounding_grows_as_a_random_walk(name):
    """20 000 updates against 80 bits, K = M = 2; alpha = 0.2, so that learning itself hardly amplifies errors.

    A row passes about 30 roundings an update (its part of H, K rotations and their reciprocal roots), each uniform
    within half a unit of at most the length: standard deviation sqrt(30 / 12) eps |J|, and twice |J| times that for Q.
    A systematic error of 0.05 eps an update would end beyond three of these.
    """
    K, N, updates = 2, 100_000, 20_000
    C = np.array([[0.4, 0.1, 0.3, 0.0], [0.1, 0.5, 0.1, 0.2], [0.3, 0.1, 1.0, 0.0], [0.0, 0.2, 0.0, 1.0]])
    F, start = coordinates(C, K)
    found = long_double.rounding(make_step(activation(name), 0.5), name, F, start, K, N, words(1)[None], [updates])
    bound = 3 * np.sqrt(30 / 12) * EPS * np.sqrt(updates)
    length = 0.9  # of the students during these updates, at most
    assert 0 < found[0, 0] < bound * length
    assert 0 < found[0, 1] < bound * 2 * length**2


def test_memory_does_not_grow_with_the_number_of_updates():
    """A million updates would be 150 MB if their states were kept (the peak is given in KiB)."""
    resource = pytest.importorskip("resource")
    step, C = make_step(activation("relu"), 0.5), np.diag([0.25, 1.0])
    run_overlaps(bare(step, C, 1), 10_000, [0, 10], seed=1)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    run_overlaps(bare(step, C, 1), 10_000, [0, 1_000_000], seed=1)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < 5e6


# ---- Ends


def test_too_small_a_dimension_is_refused():
    with pytest.raises(InputError, match=r"`N` must be at least K \+ M = 3, but it is 2"):
        run_overlaps(bare(make_step(activation("relu"), 0.1), covariance(1, 2), 1), 2, [0, 1], seed=1)


@pytest.mark.parametrize("name", ["linear", "relu"])
def test_divergence_keeps_the_rows_before_and_names_the_replica(name):
    """At eta = 5 the perceptron diverges: linear, |J - B|^2 grows by exp(eta^2 - 2 eta) = 3e6 a unit of alpha."""
    N, steps, replicas = 100, np.arange(0, 3001, 20), 11
    step, C = make_step(activation(name), 5.0), np.diag([0.25, 1.0])

    def run(threads, chunk, count=replicas):
        return run_overlaps(bare(step, C, 1), N, steps, replicas=count, threads=threads, chunk=chunk, seed=1)

    first = run(1, None)
    assert first.status == "diverged"
    rows = first.steps.size
    assert 1 <= rows < steps.size
    assert first.R.shape == (replicas, rows, 1, 1)
    assert np.all(first.Q <= 1e6 * 1.25)
    alpha = float(first.message.split("alpha = ")[1].split(":")[0])
    assert steps[rows - 1] < round(alpha * N) <= steps[rows]
    for threads, chunk in ((2, 7), (3, 10**9)):
        again = run(threads, chunk)
        assert again.message == first.message
        assert_same(again, first)
    # The replica that is named diverges there also when it is the last one, and those before it do not.
    number = int(first.message.split("Replica ")[1].split()[0])
    if number >= FEW:
        assert run(1, None, number + 1).message == first.message
    if number > FEW:
        assert run(1, None, number).message != first.message
    kept = run_overlaps(bare(step, C, 1), N, steps[:rows], replicas=replicas, seed=1)
    assert kept.status == "ok"
    assert_same(kept, first)


def test_overflow_is_divergence_and_no_warning():
    """Between two tests, N updates apart, the weights overflow to NaN."""
    step = make_step(activation("linear"), 1e4)
    run = run_overlaps(bare(step, np.diag([0.25, 1.0]), 1), 500, [0, 2000], seed=1)
    assert (run.status, run.steps.tolist()) == ("diverged", [0])
    assert "Replica 0 diverged at alpha = 1:" in run.message


def test_divergence_before_the_first_row_leaves_no_row():
    step = make_step(activation("linear"), 1e4)
    run = run_overlaps(bare(step, np.diag([0.25, 1.0]), 1), 500, [2000], seed=1)
    assert (run.status, run.R.shape) == ("diverged", (1, 0, 1, 1))


def test_losing_the_perfect_solution_is_not_divergence():
    """ReLU, eta = 2.1: the N to infinity theory settles at R = 0.985953, Q = 1.154796."""
    step = make_step(activation("relu"), 2.1)
    run = run_overlaps(bare(step, np.diag([0.25, 1.0]), 1), 1000, [0, 40_000], replicas=8, seed=1)
    assert run.status == "ok"
    assert run.Q[:, -1].max() < 3  # far below the basin's edge at Q = 37


def test_interrupt_keeps_the_rows_that_were_recorded():
    steps = np.arange(0, 10**9, 1000)
    step, C = make_step(activation("relu"), 0.5), np.diag([0.25, 1.0])

    def interrupt(done, total):
        if done > 4000:
            raise KeyboardInterrupt

    run = run_overlaps(bare(step, C, 1), 100, steps, replicas=17, threads=2, seed=1, progress=interrupt)
    assert run.status == "interrupted"
    rows = run.steps.size
    assert rows > 0
    assert f"The last row is at alpha = {run.steps[-1] / 100:g}" in run.message
    whole = run_overlaps(bare(step, C, 1), 100, steps[: min(rows, 200)], replicas=17, seed=1)
    np.testing.assert_array_equal(run.R[:, : min(rows, 200)], whole.R[run.replicas])


def test_parts_of_the_kernels_are_not_kept_on_disk():
    """numba would find old ones there after a change of the lanes; a kernel is called with a digest of all sources."""
    from numba.core.caching import NullCache
    from numba.core.dispatcher import Dispatcher

    functions = {name: value for name, value in vars(overlaps_kernels).items() if isinstance(value, Dispatcher)}
    kept = {name for name, function in functions.items() if not isinstance(function._cache, NullCache)}
    assert kept == {"advance", "advance_rows"}
    assert len(functions) > 5


@pytest.mark.parametrize("replicas", [1, 3])
def test_rows_that_fill_the_buffer_are_all_there(replicas):
    """2500 rows: the kernel records 1024 of them in one go."""
    step, C = make_step(activation("relu"), 0.5), covariance(2, 2)
    every = run_overlaps(bare(step, C, 2), 50, np.arange(2500), replicas=replicas, seed=1)
    few = run_overlaps(bare(step, C, 2), 50, np.array([0, 1023, 1024, 1025, 2499]), replicas=replicas, seed=1)
    assert every.status == "ok"
    for name in ("R", "Q"):
        np.testing.assert_array_equal(getattr(every, name)[:, few.steps], getattr(few, name))
    np.testing.assert_array_equal(every.Q, np.swapaxes(every.Q, -1, -2))


def test_the_end_is_told_in_the_time_of_the_start():
    step, C = make_step(activation("linear"), 10.0), np.diag([0.25, 1.0])
    run = run_overlaps(bare(step, C, 1), 1000, np.arange(0, 10_000, 100), seed=1, at=100.0, time_name="t")
    assert run.status == "diverged"
    assert "diverged at t = 100." in run.message
