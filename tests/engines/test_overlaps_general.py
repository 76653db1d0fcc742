"""The general chain: updates of the definition, exact means, singular starts, bits that do not move, and its ends."""

from dataclasses import replace

import numpy as np
import pytest
from numba.core.caching import NullCache
from numba.core.dispatcher import Dispatcher
from scipy.special import ndtr

from family import Case, Descent, process_of
from family_cases import GENERAL, WHOLE, turning
from learndyn.engines import driver, overlaps_general_kernels
from learndyn.engines.checkpoint import Checkpoint
from learndyn.engines.overlaps import run_overlaps
from learndyn.engines.overlaps_general import GeneralPlan, Rows
from learndyn.engines.overlaps_general_kernels import draw_directions
from learndyn.engines.simulation import Clock
from learndyn.engines.streams import stream
from learndyn.errors import InputError

EPS = np.finfo(float).eps
MOVES = {"batch": 2, "damping": 1.0, "drift": 0.4, "decay": 0.3}
EVERYTHING = Case(2, 2, 20, (20,), **WHOLE, batch=2, damping=1.0, spectrum=((0.5, 1.5), (0.5, 0.5)),
                  combination=turning, at=0.3)  # fmt: skip
UPDATES = {
    **{name: case for name, case in GENERAL.items() if "all at once" not in name},
    "everything in two sectors": EVERYTHING,
    "a walk in two sectors": Case(2, 2, 20, (20,), **MOVES, spectrum=((0.5, 1.5), (0.5, 0.5))),
}


def run(case, steps=None, *, seed=1, replicas=1, **options):
    steps = np.array(case.steps if steps is None else steps)
    return run_overlaps(process_of(case), case.N, steps, seed=seed, replicas=replicas, at=case.at, **options)


# ---- The update


class Given:
    """Numbers that are given, in the order in which a descent asks for random ones."""

    def __init__(self, normals, uniforms):
        self.normals, self.uniforms = normals, uniforms

    def standard_normal(self, shape):
        return self.normals.pop(0).reshape(shape)

    def random(self, shape):
        return self.uniforms.pop(0).reshape(shape)


class InFrame(Descent):
    """The literal descent of one replica, on the vectors that the coordinates of a chain stand for.

    G (L, n, r + n) are the directions that the chain has drawn, luck (b, ...) what it has drawn for noise and dropout.
    """

    def __init__(self, case, W, own, G, luck):
        self.case, self.n = case, 1
        self.edges = G.shape[2] * np.arange(len(W) + 1)
        rows, wide = Rows.of(process_of(case)), np.concatenate([W, np.zeros((*W.shape[:2], G.shape[1]))], axis=2)
        self.B, self.J = self.joined(wide[:, rows.B]), self.joined(wide[:, rows.J])
        self.V = np.zeros_like(self.J) if case.damping is None else self.joined(wide[:, rows.V])
        self.mu = wide[:, rows.mean].sum(1).reshape(-1)
        self.lengths = np.linalg.norm(self.B, axis=2)
        own = list(own.reshape(-1, 1, case.K))
        self.w = own.pop(0) if case.eta_w is not None else np.array([case.w or (1.0,) * case.K])
        self.theta = own.pop(0) if case.eta_theta is not None else np.array([case.theta or (0.0,) * case.K])
        self.G = G
        noise = [] if case.noise is None else [luck[:, 0]]
        walk = [] if case.drift is None else [self.joined(G[:, case.batch :])]
        self.rng = Given(noise + walk, [] if case.keep is None else [ndtr(luck[:, -case.K :])])

    def joined(self, parts):
        """Vectors (L, units, columns) of sectors as (1, units, L columns); in a tree a unit has one sector."""
        if self.case.tree:
            parts = np.eye(len(parts))[..., None] * parts
        return parts.swapaxes(0, 1).reshape(1, parts.shape[1], -1)

    def inputs(self):
        eigenvalues = self.case.spectrum[0] if self.case.spectrum else [1.0] * len(self.G)
        xi = np.sqrt(eigenvalues)[:, None, None] * self.G[:, : self.case.batch]
        return xi.swapaxes(0, 1).reshape(1, self.case.batch, -1) + self.mu


@pytest.mark.parametrize("name", UPDATES)
def test_an_update_is_that_of_the_definition(name):
    """The same random numbers, on vectors instead of their triangular coordinates, one update after another.

    An entry is a sum of r + n products, reflected r times: some (r + n)^2 roundings of terms of up to `size`.
    """
    case = UPDATES[name]
    process = process_of(case)
    plan = GeneralPlan.of(process, Clock(case.N, case.at), np.array(case.steps), 1, None, 1)
    W, own = plan.start.copy(), process.own_start
    rng, again = (stream(5, "overlaps", case.N, 0) for _ in range(2))
    L, r = W.shape[:2]
    count = case.batch + (0 if case.drift is None else process.references)
    for update in range(20):
        G = np.empty((L, count, r + count))
        for sector in range(L):
            draw_directions(again, int(plan.rule.sizes[sector]) - r, r, G[sector])
        descent = InFrame(case, W, own, G, again.standard_normal((case.batch, process.luck)))
        descent.update(update)
        assert plan.advance(W, own, rng, update, update + 1) == (update + 1, False)
        assert all((np.triu(part, 1) == 0.0).all() and (np.diag(part) >= 0.0).all() for part in W)
        wanted = descent.record()
        size = max(float(np.abs(value).max()) for value in wanted.values())
        for key, value in plan.overlaps(W).items():
            np.testing.assert_allclose(value, wanted[key][0], rtol=0, atol=10 * (r + count) ** 2 * EPS * size)
        adaptive = [wanted[key] for key, rate in (("w", case.eta_w), ("theta", case.eta_theta)) if rate is not None]
        np.testing.assert_allclose(own, np.ravel(adaptive), rtol=0, atol=100 * (r + count) * EPS * size)


def test_directions_beyond_the_frame_are_those_of_gaussian_vectors():
    """S S^T is Wishart distributed: mean m 1, variances 2 m on and m beside the diagonal, <S_01^2 S_00> as there.

    5 numbers at 4.5 standard errors, three dimensions: false alarm 1e-4, fixed seed. With one dimension and three
    vectors, S S^T has rank one.
    """
    rng, samples = stream(1, "overlaps", 10, 0), 40_000
    for free in (1, 2, 7):
        G = np.empty((3, 5))
        A = np.empty((samples, 3, 3))
        for index in range(samples):
            draw_directions(rng, free, 2, G)
            A[index] = G[:, 2:] @ G[:, 2:].T
        assert np.linalg.matrix_rank(A[0]) == min(free, 3)
        # Of m-dimensional Gaussian vectors a, b, c: <|a|^2> = m, <(a.b)^2> = m, <|a|^4> = m (m + 2),
        # <(a.b)(b.c)(c.a)> = m, <(a.b)^2 |a|^2> = m (m + 2).
        a, ab, bc, ca = A[:, 0, 0], A[:, 0, 1], A[:, 1, 2], A[:, 2, 0]
        for values, mean in (
            (A[:, 2, 2], free), (bc**2, free), (A[:, 1, 1] ** 2, free * (free + 2)), (ab * bc * ca, free),
            (ab**2 * a, free * (free + 2)),
        ):  # fmt: skip
            assert abs(values.mean() - mean) < 4.5 * values.std() / np.sqrt(samples)


# ---- Means that are known


LINEAR = {
    "two inputs": Case(1, 1, 4, (1, 8), "linear", batch=2, eta=0.9),
    "more inputs than dimensions are left": Case(1, 1, 3, (1, 6), "linear", batch=3, eta=0.9),
}
STRAIGHT = {
    "momentum": Case(1, 1, 8, (1, 24), "linear", damping=1.5, decay=0.4),
    "a walk": Case(1, 1, 6, (1, 18), "linear", drift=0.9),
    "a mean": Case(1, 1, 6, (1, 18), "linear", mean=True, eta=0.3),
    "two eigenvalues": Case(1, 1, 12, (1, 36), "linear", spectrum=((0.5, 2.0), (0.25, 0.75)), eta=0.4),
    "a tree": Case(2, 2, 6, (1, 18), "linear", tree=True),
}


@pytest.mark.parametrize("name", LINEAR)
def test_the_distance_of_a_linear_perceptron_shrinks_as_it_must(name):
    """With b inputs, <|J - B|^2> shrinks by 1 - 2 eta / N + (eta^2 / (b N^2)) (N + 1 + b) an update, at every N.

    For D = J - B and D' = D - (eta / (b N)) sum_a (D . xi_a) xi_a: <(D . xi_a)^2 |xi_a|^2> = (N + 2) |D|^2, and two
    different inputs give |D|^2. Two times, 4 standard errors: false alarm 1.3e-4, fixed seed.
    """
    case, replicas = LINEAR[name], 8000
    N, b, eta = case.N, case.batch, case.eta
    found = run(case, replicas=replicas, seed=2)
    T = case.overlaps[1, 1]
    distance = (found.Q - 2 * found.R)[..., 0, 0] + T
    start = case.overlaps[0, 0] - 2 * case.overlaps[0, 1] + T
    factor = 1 - 2 * eta / N + eta**2 / (b * N**2) * (N + 1 + b)
    error = distance.std(0) / np.sqrt(replicas)
    assert np.all(np.abs(distance.mean(0) - start * factor ** np.array(case.steps)) < 4 * error)
    # The test sees the cross terms: without them the factor has N + 2 instead.
    without = start * (1 - 2 * eta / N + eta**2 / (b * N**2) * (N + 2)) ** case.steps[1]
    assert abs(distance.mean(0)[1] - without) > 6 * error[1]


def sectors_of(C):
    """Overlaps (L, rows, rows), of one sector where there is one."""
    return C if C.ndim == 3 else C[None]


def mean_overlaps(case):
    """<R>, and <d> or <RV>, of a linear student after the last step: J gains (eta / N) <xi xi^T> (B - J).

    Rows of C are J, V, B and the mean mu, as far as they are there; <xi xi^T> is the eigenvalue, or 1 + mu mu^T.
    """
    rate, walk, means = case.eta / case.N, 1.0 - (case.drift or 0.0) / case.N, []
    sectors = sectors_of(case.overlaps)
    for C, eigenvalue in zip(sectors, case.spectrum[0] if case.spectrum else np.ones(len(sectors)), strict=True):
        B = 1 if case.damping is None else 2
        R, T, RV = C[0, B], C[B, B], C[1, B]
        d, e, square = (C[0, -1], C[B, -1], C[-1, -1]) if case.mean else (0.0, 0.0, 0.0)
        for _ in range(case.steps[1]):
            gain = eigenvalue * (T - R) + (e - d) * e - (case.decay or 0.0) * R
            d += rate * (e - d) * (1.0 + square)
            RV = RV if case.damping is None else (1.0 - case.damping / case.N) * RV + rate * gain
            R = walk * (R + (rate * gain if case.damping is None else RV / case.N))
        means.append([R] + [d] * case.mean + [RV] * (case.damping is not None))
    return np.array(means)


@pytest.mark.parametrize("name", STRAIGHT)
def test_the_mean_overlap_of_a_linear_student_is_exact(name):
    """At every N; 4 standard errors, ten numbers in all: false alarm 6e-4, fixed seed."""
    case, replicas = STRAIGHT[name], 6000
    found = run(case, replicas=replicas, seed=3)
    names = [name for name in ("R", "d", "RV") if name in found.record]
    values = np.stack([found.record[name][:, 1].reshape(replicas, -1) for name in names], axis=-1)
    error = values.std(0) / np.sqrt(replicas)
    assert np.all(np.abs(values.mean(0) - mean_overlaps(case)) < 4 * error)
    start = sectors_of(case.overlaps)[:, 0, 1 if case.damping is None else 2]
    assert np.all(np.abs(values[..., 0].mean(0) - start) > 6 * error[:, 0])  # learning is seen


# ---- Starts and long runs


@pytest.mark.parametrize("name", UPDATES)
def test_the_first_row_is_the_start(name):
    case = UPDATES[name]
    process, record = process_of(case), run(case, [0, 1], replicas=2).record
    K, V, P = process.students, 0 if case.damping is None else process.students, process.references
    C = sectors_of(process.C)
    J, V, B = slice(K), slice(K, K + V), slice(K + V, K + V + P)
    for key, i, j in (("R", J, B), ("Q", J, J), ("T", B, B), ("RV", V, B), ("QJV", J, V), ("QV", V, V),
                      ("d", J, slice(-1, None)), ("dV", V, slice(-1, None)), ("e", B, slice(-1, None))):  # fmt: skip
        if key in record:
            for values in record[key][:, 0]:
                np.testing.assert_allclose(values.ravel(), C[:, i, j].ravel(), rtol=0, atol=1e-14)
    for part in process.own:
        np.testing.assert_array_equal(record[part.name][:, 0], np.tile(part.start, (2, 1)))


def test_a_walking_teacher_keeps_its_length():
    """The length at the start is put back at every update, so that roundings do not add up over 20 000 of them."""
    case = UPDATES["a walk in two sectors"]
    T = run(case, [0, 20_000]).record["T"][0].sum(1)  # of both sectors
    np.testing.assert_allclose(np.diagonal(T[1]), np.diagonal(T[0]), rtol=0, atol=100 * EPS)
    assert abs(T[1, 0, 1] - T[0, 0, 1]) > 0.01


@pytest.mark.parametrize("options", [{"batch": 3}, {"damping": 1.0}])
def test_what_is_perfect_stays_perfect(options):
    """The student has the teacher's vectors and no speed: 20 000 updates, whose errors are roundings, and unlearned."""
    case = Case(2, 2, 12, (20_000,), **options)
    process = process_of(case)
    T = np.array([[1.0, 0.4], [0.4, 0.7]])
    rows = [1, 0] + ([2, 2] if "damping" in options else []) + [0, 1]  # the third vector is zero
    vectors = np.block([[T, np.zeros((2, 1))], [np.zeros((1, 3))]])
    found = run_overlaps(replace(process, C=vectors[np.ix_(rows, rows)]), case.N, np.array([20_000]), seed=1)
    np.testing.assert_allclose(found.R[0, 0], T[::-1], rtol=0, atol=1e-13)
    np.testing.assert_allclose(found.Q[0, 0], T[::-1, ::-1], rtol=0, atol=1e-13)


def test_a_student_of_almost_no_length_leaves_the_others_alone():
    """Squares of 1e-160 vanish: a reflection made of them would not be one."""
    case = Case(2, 1, 1000, (1,), batch=2, eta=1e-160)
    process = replace(process_of(case), C=np.diag([1e-320, 0.5, 1.0]))
    found = run_overlaps(process, case.N, np.array([0, 50]), seed=1, replicas=4)
    np.testing.assert_allclose(found.Q[:, 1, 1, 1], 0.5, rtol=0, atol=100 * EPS)
    np.testing.assert_allclose(found.R[:, 1, :, 0], found.R[:, 0, :, 0], rtol=0, atol=100 * EPS)


# ---- The bits


LONG = np.array([0, 3, 4095, 4097, 9000])  # beyond what a schedule is evaluated for at once
SCHEDULED = replace(EVERYTHING, N=400, eta=0.3)


def assert_same(found, wanted, rows=slice(None)):
    assert found.record.keys() == wanted.record.keys()
    for name in found.record:
        np.testing.assert_array_equal(found.record[name], wanted.record[name][:, rows])


@pytest.mark.parametrize(("threads", "chunk"), [(1, 1), (2, 37), (3, 10**9)])
def test_bits_do_not_depend_on_threads_or_chunks(threads, chunk):
    steps = LONG[:3] if chunk == 1 else LONG
    whole = run(SCHEDULED, steps, replicas=3, threads=1)
    assert len(np.unique(whole.R[:, -1, 0, 0, 0])) == 3
    assert_same(run(SCHEDULED, steps, replicas=3, threads=threads, chunk=chunk), whole)


def test_bits_depend_neither_on_the_rows_nor_on_how_many_replicas_there_are():
    whole = run(SCHEDULED, LONG, replicas=2)
    assert_same(run(SCHEDULED, LONG[[0, 2, 4]], replicas=2), whole, [0, 2, 4])
    np.testing.assert_array_equal(run(SCHEDULED, LONG).R, whole.R[:1])


def test_a_run_goes_on_after_ctrl_c_to_the_same_bits(tmp_path, monkeypatch):
    monkeypatch.setattr(driver, "POLL_SECONDS", 0.003)
    checkpoint = Checkpoint(tmp_path / "run.npz")
    steps = np.arange(0, 100_001, 10_000)
    whole = run(SCHEDULED, steps, replicas=3)

    def press(done, total):
        if done >= 0.3 * total:
            raise KeyboardInterrupt

    cut = run(SCHEDULED, steps, replicas=3, threads=2, chunk=1001, checkpoint=checkpoint, progress=press)
    assert cut.status == "interrupted"
    with pytest.raises(InputError, match="`replicas`"):
        run(SCHEDULED, steps, replicas=4, checkpoint=checkpoint)
    again = run(SCHEDULED, steps, replicas=3, threads=1, chunk=5000, checkpoint=checkpoint)
    assert again.status == whole.status == "ok"
    assert_same(again, whole)


def test_parts_of_the_kernel_are_not_kept_on_disk():
    """numba would find old ones there after a change of a step; the kernel is called with a digest of all sources."""
    functions = {name: value for name, value in vars(overlaps_general_kernels).items() if isinstance(value, Dispatcher)}
    kept = {name for name, function in functions.items() if not isinstance(function._cache, NullCache)}
    assert kept == {"advance_general"}
    assert len(functions) > 5


# ---- Ends


def test_growing_weights_and_growing_own_numbers_are_told_apart():
    weights = replace(GENERAL["two inputs"], N=50, eta=20.0)
    found = run(weights, np.arange(0, 5000, 10))
    assert found.status == "diverged"
    assert "|J_i|^2 exceeded" in found.message
    fast = replace(EVERYTHING, eta_w=5.0, fast=True, schedule=slow, eta=0.01)
    found = run(fast, np.arange(0, 5000, 10))
    assert found.status == "diverged"
    assert "|w_i| exceeded" in found.message
    assert np.isfinite(found.record["w"]).all()
    again = run(fast, np.arange(0, 5000, 10), chunk=7)
    assert again.message == found.message
    assert_same(again, found)


def slow(times):
    return 1.0 / (1.0 + 0.01 * times)


def test_too_few_dimensions_are_refused():
    with pytest.raises(InputError, match=r"`N` must leave at least 8 dimensions for each eigenvalue.*N = 14 leaves 7"):
        run(replace(EVERYTHING, N=14))
    with pytest.raises(InputError, match=r"`N` must leave at least 4 dimensions.*N = 3 leaves 3"):
        run(replace(GENERAL["two inputs"], N=3))
