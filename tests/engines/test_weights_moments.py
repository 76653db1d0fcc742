"""The weights engine with options against exact means: linear units, whose mean overlaps have recursions at every N.

With g(x) = x the error is linear in the input, so that the mean of an update is linear in the overlaps and its mean
over inputs needs no average but <xi xi^T>. Each recursion below is written from the literal update of its option; N is
small, so that a wrong power of N or a missing term shows. It shares nothing with the kernels, nor with the order in
which they draw random numbers.

z-scores of means over REPLICAS runs, two-sided; each case is a family whose smallest p-value times the number of its
comparisons (Bonferroni) is to be at least FALSE_ALARM, fixed here before any number was seen: with right programs some
of the 15 cases fails with a probability of at most 1.5 %, over seeds.
"""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from learndyn.activations import activation
from learndyn.engines.weights import run_weights
from learndyn.scenarios.process import OwnNumbers, Process, Spectrum
from learndyn.scenarios.student_teacher.steps import luck_count, make_step

REPLICAS, FALSE_ALARM = 4000, 1e-3
N, ETA = 12, 0.4
UPDATES = np.array([6, 24])

Q0, R0, T0 = np.array([[0.5, 0.1], [0.1, 0.3]]), np.array([[0.2, 0.1], [0.0, 0.15]]), np.array([[1.0, 0.2], [0.2, 0.8]])


def joint(*rows):
    """Overlaps from the blocks of the upper triangle, row by row."""
    size = len(rows)
    blocks = [[rows[min(a, b)][abs(b - a)] if a <= b else rows[b][a - b].T for b in range(size)] for a in range(size)]
    return np.block(blocks)


def linear(C, *, own=(), rates=(), K=2, M=2, **options):
    """A process of linear units."""
    of_step = {name: options.pop(name) for name in ("label_noise", "keep", "v", "phi") if name in options}
    names = [part.name for part in own]
    step = make_step(activation("linear"), ETA, adaptive_w="w" in names, adaptive_theta="theta" in names, **of_step)
    rates = np.array([options.pop("eta", ETA), *rates])
    return Process(step, K, M, C, rates, own=own, luck=luck_count(step, K), **options)


def simulated(process, n=N):
    run = run_weights(process, n, UPDATES, replicas=REPLICAS, seed=11, threads=2)
    assert run.status == "ok"
    return run.record


def assert_means(record, expected):
    """Each name's sample (replicas, rows, ...) against its means (rows, ...)."""
    p = []
    for name, means in expected.items():
        sample, means = record[name], np.asarray(means)
        z = (sample.mean(0) - means) / (sample.std(0, ddof=1) / np.sqrt(REPLICAS))
        assert z.shape == means.shape
        p.append(2 * stats.norm.sf(np.abs(z)).reshape(-1))
    p = np.concatenate(p)
    assert p.min() * p.size >= FALSE_ALARM, p


def iterated(state, update):
    """The states of a recursion at the rows of UPDATES."""
    rows = []
    for count in range(1, UPDATES[-1] + 1):
        state = update(state, (count - 1) / N)
        if count in UPDATES:
            rows.append(state)
    return [np.array(part) for part in zip(*rows, strict=True)]


PLAIN = joint((Q0, R0), (T0,))
ONES = np.ones((2, 1))  # the error acts on all units alike: tau - sigma = sum_n y_n - sum_i x_i


def pull(R, T):
    """<(tau - sigma) y_n>: sum_m T_mn - sum_j R_jn, the same for every student."""
    return ONES * (T.sum(0) - R.sum(0))


@pytest.mark.parametrize("blocks", [False, True])
def test_weight_decay(blocks):
    decay = 0.9
    (R,) = iterated((R0,), lambda s, t: ((1 - ETA * decay / N) * s[0] + ETA / N * pull(s[0], T0),))
    process = linear(PLAIN, weight_decay=decay)
    run = run_weights(process, N, UPDATES, replicas=REPLICAS, seed=11, blocks=blocks)
    assert_means(run.record, {"R": R})


def test_schedules():
    (R,) = iterated((R0,), lambda s, t: (s[0] + ETA * np.exp(-t) / N * pull(s[0], T0),))
    process = replace(linear(PLAIN), rates=lambda times: ETA * np.exp(-times)[:, None])
    assert_means(simulated(process), {"R": R})


def test_dropout():
    """<m_i (tau - sum_j m_j x_j) y>: one factor p for each student unit in a term."""
    p = 0.6
    both = p * p * np.ones((2, 2)) + (p - p * p) * np.eye(2)
    (R,) = iterated((R0,), lambda s, t: (s[0] + ETA / N * (p * ONES * T0.sum(0) - both @ s[0]),))
    assert_means(simulated(linear(PLAIN, keep=p)), {"R": R})


@pytest.mark.parametrize("batch", [1, 3])
def test_noise_and_minibatches(batch):
    """One unit, D = B - J: <|D + dD|^2> with the cross terms of a batch, and the noise of b labels."""
    s, scale = 0.7, ETA / (N * batch)
    square = batch * (N + 2) + batch * (batch - 1)

    def update(state, t):
        R, D = state
        return R + ETA / N * (1.0 - R), D * (1 - 2 * ETA / N + scale**2 * square) + scale**2 * batch * N * s**2

    R, D = iterated((0.2, 0.3 - 0.4 + 1.0), update)
    C = np.array([[0.3, 0.2], [0.2, 1.0]])
    record = simulated(linear(C, K=1, M=1, batch=batch, label_noise=s))
    record["D"] = record["Q"] - 2 * record["R"] + 1.0
    assert_means(record, {"R": R[:, None, None], "D": D[:, None, None]})


@pytest.mark.parametrize("fast", [False, True])
def test_output_weights(fast):
    """J stands still: <x (v y - w x)> = v R - w Q."""
    v, rate, scale = np.array([1.2, -0.6]), 0.3, 1.0 if fast else 1.0 / N
    own = (OwnNumbers("w", np.array([1.0, -0.5]), fast),)
    (w,) = iterated((own[0].start,), lambda s, t: (s[0] + rate * scale * (R0 @ v - Q0 @ s[0]),))
    process = linear(PLAIN, own=own, rates=[rate, rate], eta=0.0, v=v)
    assert_means(simulated(process), {"w": w})


def test_biases():
    """J stands still: <phi + y - theta - x> = sum phi - sum theta."""
    own = (OwnNumbers("theta", np.array([0.5, -0.2])),)
    phi = np.array([0.8, 0.3])
    (theta,) = iterated((own[0].start,), lambda s, t: (s[0] + 0.7 / N * (phi.sum() - s[0].sum()),))
    process = linear(PLAIN, own=own, rates=[0.7, 0.7], eta=0.0, phi=phi)
    assert_means(simulated(process), {"theta": theta})


def test_momentum_with_decay():
    """V first, from the old J; then J by the new V."""
    gamma, decay = 1.5, 0.5
    RV0 = np.array([[0.1, -0.2], [0.3, 0.0]])
    C = joint((Q0, 0.05 * np.ones((2, 2)), R0), (0.4 * np.eye(2), RV0), (T0,))

    def update(state, t):
        R, RV = state
        RV = (1 - gamma / N) * RV + ETA / N * (pull(R, T0) - decay * R)
        return R + RV / N, RV

    R, RV = iterated((R0, RV0), update)
    assert_means(simulated(linear(C, damping=gamma, weight_decay=decay)), {"R": R, "RV": RV})


def test_a_walking_teacher():
    d = 2.0

    def update(state, t):
        R, T = state
        R = (1 - d / N) * (R + ETA / N * pull(R, T))
        return R, (1 - d / N) ** 2 * T + (1 - (1 - d / N) ** 2) * np.diag(np.diag(T))

    R, T = iterated((R0, T0), update)
    record = simulated(linear(PLAIN, teacher_drift=d))
    record["T12"] = record["T"][:, :, 0, 1]
    # R depends on T through its mean alone: the update is linear in both.
    assert_means(record, {"R": R, "T12": T[:, 0, 1]})
    # Sums of N squares, 24 times: N eps each.
    np.testing.assert_allclose(
        record["T"][:, :, [0, 1], [0, 1]], np.ones((REPLICAS, 2, 1)) * np.diag(T0), rtol=24 * N * np.finfo(float).eps
    )


def test_a_combination_of_reference_vectors():
    """Two references, one teacher that goes over from one to the other."""

    def A(times):
        angle = np.asarray(times)[:, None]
        return np.stack([np.cos(angle), np.sin(angle)], axis=-1)

    R1 = np.array([[0.2, -0.1]])

    def update(state, t):
        R = state[0]
        return (R + ETA / N * (A([t])[0] @ T0 - R),)

    (R,) = iterated((R1,), update)
    process = linear(joint((np.array([[0.5]]), R1), (T0,)), K=1, M=1, combination=A)
    assert_means(simulated(process), {"R": R})


def test_sectors_of_the_input():
    """Each sector pulls with its eigenvalue, by an error that is the same in all of them."""
    eigenvalues, shares = np.array([0.5, 2.0]), np.array([2 / 3, 1 / 3])
    R = np.stack([0.7 * R0, 0.2 * R0])
    T = np.stack([0.6 * T0, 0.4 * T0])
    C = np.stack([joint((0.7 * Q0, R[0]), (T[0],)), joint((0.3 * Q0, R[1]), (T[1],))])

    def update(state, t):
        R = state[0]
        return (np.stack([R[k] + ETA / N * eigenvalues[k] * pull(R[k], T[k]) for k in range(2)]),)

    (R,) = iterated((R,), update)
    assert_means(simulated(linear(C, spectrum=Spectrum(eigenvalues, shares))), {"R": R})


def test_inputs_with_a_mean():
    """<xi xi^T> = 1 + mu mu^T: the error has the mean sum_n e_n - sum_j d_j."""
    d0, e, square = np.array([[0.1], [-0.3]]), np.array([[0.4], [0.2]]), np.array([[0.6]])

    def update(state, t):
        R, d = state
        mean = e.sum() - d.sum()
        return R + ETA / N * (pull(R, T0) + mean * ONES * e[:, 0]), d + ETA / N * mean * (1 + square[0, 0]) * ONES[:, 0]

    R, d = iterated((R0, d0[:, 0]), update)
    C = joint((Q0, R0, d0), (T0, e), (square,))
    assert_means(simulated(linear(C, mean=True)), {"R": R, "d": d})


def test_a_tree():
    """Branches do not see each other: <(tau - sigma) y_i> = T_i - R_i; but their errors add up in the spread."""
    Q, R, T = np.array([0.5, 0.3]), np.array([0.2, -0.1]), np.array([1.0, 0.7])
    C = np.array([[[q, r], [r, t]] for q, r, t in zip(Q, R, T, strict=True)])

    def update(state, t):
        R, Q = state
        D = T - 2 * R + Q  # |B_i - J_i|^2; <e^2 |xi_i|^2> = N sum_j D_j + 2 D_i
        square = (ETA / N) ** 2 * (N * D.sum() + 2 * D)
        return R + ETA / N * (T - R), Q + 2 * ETA / N * (R - Q) + square

    R, Q = iterated((R, Q), update)
    assert_means(simulated(linear(C, tree=True)), {"R": R, "Q": Q})
