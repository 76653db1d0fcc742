"""The ways to choose where a student begins."""

import numpy as np
import pytest
from scipy import stats

import learndyn as ld


def scenario(K, M, T=None):
    return ld.StudentTeacher(ld.Student(K), ld.Teacher(M, T=T), learning_rate=0.5)


def test_starts_are_canonical():
    plain = ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[0.0, 1.0], [0.5, 0.0]], at=1.0)
    other = ld.Start(Q=np.array([[0.2, 0], [0, 0.3]]), R=((0, 1), (0.5, 0)), at=np.int32(1))
    assert plain == other
    assert hash(plain) == hash(other)
    assert plain.Q == ((0.2, 0.0), (0.0, 0.3))
    assert ld.Start(Q=1, R=0) == ld.Start(Q=[[1.0]], R=[[0.0]])
    # Rounding is symmetrised away.
    assert ld.Start(Q=[[1, 0.1], [0.1 + 1e-12, 1]], R=np.zeros((2, 1))).Q[0][1] == 0.1 + 0.5e-12


def test_near_symmetric():
    start = ld.Start.near_symmetric(scenario(3, 2), Q=[0.2, 0.3, 0.25], X=1e-3, at=2)
    np.testing.assert_array_equal(start.Q, np.diag([0.2, 0.3, 0.25]))
    np.testing.assert_array_equal(start.R, [[1e-3, 0], [0, 1e-3], [0, 0]])
    assert start.at == 2.0
    np.testing.assert_array_equal(ld.Start.near_symmetric(scenario(2, 3), Q=0.2).Q, 0.2 * np.eye(2))


def test_random_draws_what_the_slides_draw():
    # Q_ii uniform in [0.1, 0.5], all else uniform in [0, X]: Kolmogorov-Smirnov over 400 starts. Three comparisons at
    # 1e-6 each: a correct draw fails one seed in 3e5.
    s, X = scenario(3, 2), 1e-3
    starts = [ld.Start.random(s, X=X, seed=k) for k in range(400)]
    Q, R = np.array([x.Q for x in starts]), np.array([x.R for x in starts])
    i, k = np.triu_indices(3, 1)
    for sample, low, high in ((np.diagonal(Q, axis1=1, axis2=2), 0.1, 0.5), (Q[:, i, k], 0, X), (R, 0, X)):
        assert stats.kstest(sample.ravel(), stats.uniform(low, high - low).cdf).pvalue > 1e-6
    np.testing.assert_array_equal(Q, np.swapaxes(Q, 1, 2))
    assert ld.Start.random(s, X=X, seed=1) == starts[1]
    assert ld.Start.random(s, X=X, seed=1) != starts[2]
    # Without a seed a new one is drawn each time.
    assert ld.Start.random(s) != ld.Start.random(s)
    lengths = np.diag(ld.Start.random(s, Q=(0.7, 0.7), seed=0).Q)
    np.testing.assert_array_equal(lengths, 0.7)


def test_from_weights():
    rng = np.random.default_rng(0)
    J, B = rng.standard_normal((3, 7)), rng.standard_normal((2, 7))
    start = ld.Start.from_weights(J, B, at=3)
    np.testing.assert_allclose(start.Q, J @ J.T, rtol=1e-15)
    np.testing.assert_allclose(start.R, J @ B.T, rtol=1e-15)
    s = ld.StudentTeacher(ld.Student(3), ld.Teacher.from_weights(B), learning_rate=0.1)
    assert s.as_start(start) == start
    C = s.covariance(start)
    np.testing.assert_allclose(C, np.concatenate([J, B]) @ np.concatenate([J, B]).T, rtol=1e-14)


@pytest.mark.parametrize(("K", "M", "N"), [(2, 3, 30), (3, 3, 6)])
def test_random_weights_have_the_moments_of_normal_weights(K, M, N):
    # J_ia ~ N(0, Q/N): <Q_ik> = Q delta_ik, Var Q_ii = 2 Q^2 / N, Var Q_ik = Q^2 / N, <R> = 0, <Q_ik R_jn> = 0,
    # Cov R_in R_im = Q T_nm / N. Each as a mean over 4000 starts, in standard errors.
    T = [[1.3, 0.4, -0.5], [0.4, 0.9, 0.1], [-0.5, 0.1, 0.7]]
    s, length = scenario(K, M, T), 0.6
    starts = [ld.Start.random_weights(s, N=N, Q=length, seed=k) for k in range(4000)]
    Q, R = np.array([x.Q for x in starts]), np.array([x.R for x in starts])
    i, k = np.triu_indices(K)
    z = []

    def compare(samples, expected):
        z.append((samples.mean(0) - expected) / (samples.std(0, ddof=1) / np.sqrt(len(samples))))

    mean = length * (i == k)
    compare(Q[:, i, k], mean)
    compare((Q[:, i, k] - mean) ** 2, length**2 / N * (1 + (i == k)))
    compare(R.reshape(4000, -1), 0.0)
    for n, m in ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2)):
        compare(R[:, :, n] * R[:, :, m], length * T[n][m] / N)
    compare(R[:, 0, :] * R[:, 1, :], 0.0)
    compare((Q[:, i, k] - mean) * R[:, :1, 0], 0.0)
    z = np.concatenate([x.ravel() for x in z])
    # False-alarm rate 1e-6 for all comparisons together.
    assert np.abs(z).max() < stats.norm.isf(1e-6 / (2 * z.size))


def test_random_weights_at_the_smallest_dimension_are_a_covariance():
    s = scenario(3, 2)
    for seed in range(20):
        assert np.linalg.eigvalsh(s.covariance(ld.Start.random_weights(s, N=5, seed=seed)))[0] > -1e-12


def test_a_row_of_a_result_is_a_start():
    s = scenario(2, 3)
    run = ld.solve(s, ld.Start.near_symmetric(s, at=1.0), until=3, save_at=5)
    row = run.sel(alpha=2.4, method="nearest")
    start = s.as_start(row)
    assert start.at == 2.5
    np.testing.assert_array_equal(start.R, run.R[3])
    np.testing.assert_array_equal(start.Q, run.Q[3])
    assert s.as_start(row.transpose(...)) == start
    # A row without a time begins at 0; dims may stand in any order.
    bare = row.drop_vars("alpha").transpose("teacher", "student2", "student", ...)
    assert s.as_start(bare) == ld.Start(start.Q, start.R)
    with pytest.raises(ld.InputError, match=r"it still has the dim `alpha`. Choose one: result.sel\(alpha="):
        s.as_start(run)
    with pytest.raises(ld.InputError, match=r"must hold R and Q"):
        s.as_start(row.drop_vars("R"))
    with pytest.raises(ld.InputError, match=r"`Q` of the start must have shape \(3, 3\)"):
        scenario(3, 3).as_start(row)
