"""The weights engine with options: the updates of the definition in NumPy, ends and bits that do not move."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from learndyn.activations import activation
from learndyn.engines import driver
from learndyn.engines.checkpoint import Checkpoint
from learndyn.engines.streams import stream
from learndyn.engines.weights import draw_weights, run_weights
from learndyn.errors import InputError
from learndyn.scenarios.process import OwnNumbers, Process, Spectrum
from learndyn.scenarios.student_teacher.steps import luck_count, make_step

EPS = np.finfo(float).eps
SEED, ETA = 3, 0.7
K, M = 3, 2
STEPS = np.array([0, 1, 15, 16, 17, 40, 80])  # in and across blocks of 16


def covariance(size, seed=0):
    """Some positive definite overlaps with lengths around 1."""
    A = np.random.default_rng(seed).standard_normal((size, 3 * size))
    return A @ A.T / A.shape[1]


def make_process(activations=("erf", "erf"), eta=ETA, **options):
    """A process from the options of the definition: those of the step, those of the process, and own numbers."""
    of_step = {
        name: options.pop(name)
        for name in ("label_noise", "keep", "output_weight_decay", "v", "phi")
        if name in options
    }
    own = options.pop("own", ())
    names = [part.name for part in own]
    step = make_step(
        activation(activations[0]), eta, teacher=activation(activations[1]),
        adaptive_w="w" in names, adaptive_theta="theta" in names, **of_step,
    )  # fmt: skip
    rates = np.array([eta, *(0.4 for part in own for _ in part.start)])
    settings = {"K": K, "M": M, "C": covariance(K + M), "rates": rates, "own": own} | options
    return Process(step=step, luck=luck_count(step, settings["K"]), **settings)


def start_vectors(process, N, seed):
    """J, V, B, mu, as the engine draws them: rows of C in one space, in sectors, or in branches."""
    rng = stream(seed, "weights", N, 0, 1)
    if process.tree:
        parts = [np.vstack(draw_weights(C, 1, N, rng)) for C in process.C]
        rows = np.stack(parts).swapaxes(0, 1)  # (vectors of a branch, branches, N)
        return rows[0], rows[1] if len(rows) > 2 else np.zeros((process.K, N)), rows[-1], np.zeros(N)
    if process.spectrum is None:
        W = np.vstack(draw_weights(process.C, process.K, N, rng))
    else:
        sizes = process.spectrum.dimensions(N)
        parts = [np.vstack(draw_weights(C, process.K, n, rng)) for C, n in zip(process.C, sizes, strict=True)]
        W = np.concatenate(parts, axis=1)
    S = process.K
    mu = W[-1] if process.mean else np.zeros(N)
    W = W[:-1] if process.mean else W
    return (W[:S], np.zeros((S, N)), W[S:], mu) if process.damping is None else (W[:S], W[S : 2 * S], W[2 * S :], mu)


def literal_descent(process, activations, N, steps, seed, at):
    """The updates as they are defined, one vector after another, on the same random numbers: rows of the record."""
    step = process.step
    student, teacher = (activation(name) for name in activations)
    J, V, B, mu = (part.copy() for part in start_vectors(process, N, seed))
    inputs, luck, walk = (stream(seed, "weights", N, 0, part) for part in (0, 2, 3))
    own = {part.name: np.array(part.start, dtype=float) for part in process.own}
    fast = {part.name: part.fast for part in process.own}
    roots = np.ones(N)
    if process.spectrum is not None:
        roots = np.sqrt(np.repeat(process.spectrum.eigenvalues, process.spectrum.dimensions(N)))
    v = np.ones(process.M) if step.v is None else step.v
    phi = np.zeros(process.M) if step.phi is None else step.phi
    rows = []
    for update in range(steps[-1] + 1):
        if update in steps:
            rows.append({"J": J.copy(), "V": V.copy(), "B": B.copy(), **{n: u.copy() for n, u in own.items()}})
        alpha = np.array([at + update / N])
        rates = process.rates(alpha)[0] if callable(process.rates) else process.rates
        A = np.eye(process.M) if process.combination is None else process.combination(alpha)[0]
        push, changes = np.zeros_like(J), {name: np.zeros_like(u) for name, u in own.items()}
        for _ in range(process.batch):
            count = process.K if process.tree else 1
            xi = mu + roots * inputs.standard_normal((count, N))
            x = np.array([J[i] @ xi[i % count] for i in range(process.K)])
            y = A @ np.array([B[p] @ xi[p % count] for p in range(len(B))])
            noise = 0.0 if step.label_noise is None else step.label_noise * luck.standard_normal()
            m = np.ones(process.K) if step.keep is None else (luck.standard_normal(process.K) < step.keep).astype(float)
            w, theta = own.get("w", np.ones(process.K)), own.get("theta", np.zeros(process.K))
            outputs = m * student.g(x + theta)
            error = v @ teacher.g(y + phi) + noise - w @ outputs
            delta = w * m * student.dg(x + theta) * error
            push += np.array([delta[i] * xi[i % count] for i in range(process.K)]) / process.batch
            if "w" in changes:
                changes["w"] += (error * outputs - (step.output_weight_decay or 0.0) * w) / process.batch
            if "theta" in changes:
                changes["theta"] += delta / process.batch
        push -= (process.weight_decay or 0.0) * J
        if process.damping is None:
            J += rates[0] / N * push
        else:
            V += -process.damping / N * V + rates[0] / N * push
            J += V / N
        place = 1
        for name, u in own.items():
            u += rates[place : place + len(u)] * changes[name] / (1 if fast[name] else N)
            place += len(u)
        if process.teacher_drift is not None:
            cos = 1 - process.teacher_drift / N
            for b in B:
                e = walk.standard_normal(N)
                e -= (e @ b) / (b @ b) * b
                b[:] = cos * b + np.sqrt(1 - cos**2) * np.linalg.norm(b) / np.linalg.norm(e) * e
    return rows, mu


def record_of(process, rows, mu, N):
    """R, Q and so on of the vectors in rows, by name."""
    pairs = {"R": "JB", "Q": "JJ", "RV": "VB", "QJV": "JV", "QV": "VV", "T": "BB", "d": "Jm", "dV": "Vm", "e": "Bm"}
    edges = np.cumsum([0, *process.spectrum.dimensions(N)]) if process.spectrum is not None else None

    def overlaps(a, b):
        if process.tree:
            return np.array([a[i] @ b[i] for i in range(len(a))])
        return a @ b.T if edges is None else np.array([a[:, s:t] @ b[..., s:t].T for s, t in pairwise(edges)])

    found = {
        name: np.array([overlaps(row[a], row.get(b, mu)) for row in rows])
        for name, (a, b) in pairs.items()
        if name in process.record_shapes()
    }
    return found | {part.name: np.array([row[part.name] for row in rows]) for part in process.own}


def rotation(times):
    """A (n, 2, 4): each teacher turns from its vector towards another one."""
    angle = 0.8 * np.asarray(times)[:, None, None]
    return np.concatenate([np.cos(angle) * np.eye(2), np.sin(angle) * np.eye(2)], axis=-1)


def annealed(times):
    """eta and two rates of own numbers, each a different function of time."""
    t = np.asarray(times)[:, None]
    return np.concatenate([ETA / (1 + t), 0.5 * np.exp(-t) * np.ones(K), 0.3 * (t < 1.2) * np.ones(K)], axis=1)


W = OwnNumbers("w", np.array([1.0, -0.5, 0.7]))
THETA = OwnNumbers("theta", np.array([0.2, 0.0, -0.3]))
FAST = OwnNumbers("w", np.array([1.0, -0.5, 0.7]), fast=True)
SPECTRUM = Spectrum(np.array([0.5, 2.0]), np.array([0.6, 0.4]))
TREE = {"tree": True, "M": 3, "C": np.stack([covariance(2, seed) for seed in range(3)])}
SLOW = {
    "w": {"own": (W,), "v": [1.2, -0.6]},
    "fast w": {"own": (FAST,)},
    "theta": {"own": (THETA,), "phi": [0.3, -0.4]},
    "w, theta": {"own": (W, THETA), "output_weight_decay": 0.3},
    "noise": {"label_noise": 0.5},
    "dropout": {"keep": 0.6},
    "decay": {"weight_decay": 0.8},
    "schedules": {"own": (W, THETA), "rates": annealed},
    "all": {
        "own": (W, THETA), "rates": annealed, "label_noise": 0.5, "keep": 0.6, "weight_decay": 0.8,
        "output_weight_decay": 0.3, "v": [1.2, -0.6], "phi": [0.3, -0.4],
    },
}  # fmt: skip
GENERAL = {
    "batch": {"batch": 3},
    "momentum": {"damping": 1.5, "C": covariance(2 * K + M)},
    "walk": {"teacher_drift": 0.6},
    "rotation": {"combination": rotation, "C": covariance(K + 4)},
    "spectrum": {"spectrum": SPECTRUM, "C": np.stack([covariance(K + M, seed) for seed in (1, 2)])},
    "mean": {"mean": True, "C": covariance(K + M + 1)},
    "tree": TREE,
    "tree, all": TREE | SLOW["all"] | {"batch": 2, "teacher_drift": 0.6, "v": [1.2, -0.6, 0.5], "phi": [0.3, -0.4, 0]},
    "all": SLOW["all"]
    | {
        "batch": 2, "damping": 1.5, "teacher_drift": 0.6, "combination": rotation, "mean": True, "spectrum": SPECTRUM,
        "C": np.stack([covariance(2 * K + 4 + 1, seed) for seed in (1, 2)]),
    },
}  # fmt: skip
CASES = [(name, SLOW[name], False) for name in SLOW]
CASES += [(name, SLOW[name], True) for name in ("fast w", "decay", "schedules", "all")]
CASES += [(name, GENERAL[name], None) for name in GENERAL]


@pytest.mark.parametrize(("name", "options", "blocks"), CASES, ids=[f"{c[0]} {c[2]}" for c in CASES])
def test_updates_are_those_of_the_definition(name, options, blocks):
    process, N, at = make_process(**options), 60, 0.4
    run = run_weights(process, N, STEPS, seed=SEED, blocks=blocks, record_weights=True, at=at)
    rows, mu = literal_descent(process, ("erf", "erf"), N, STEPS, SEED, at)
    expected = record_of(process, rows, mu, N)
    assert run.status == "ok"
    assert process.plain == (name in SLOW and blocks is not None)
    assert set(run.record) == set(process.record_shapes()) | {"J", "B"}
    for own in process.own:
        assert np.abs(run.record[own.name][0, -1] - own.start).max() > 1e-3  # something was learned
    # 80 updates; each rounds sums of N terms of order 1 (error at most N eps) and adds a few eps of its own, for each
    # input of a batch. Over alpha = 80 / 60 deviations grow by less than exp(2 eta K alpha) ~ 300, on the fast scale by
    # none: there, w forgets within 10 updates.
    tolerance = 80 * (N + 100) * 3 * EPS
    for quantity, shape in process.record_shapes().items():
        found = run.record[quantity][0]
        assert found.shape == (len(STEPS), *shape)
        np.testing.assert_allclose(found, expected[quantity], rtol=0, atol=tolerance, err_msg=quantity)
        assert np.abs(found[-1] - found[0]).max() > 1e-3
    J = np.array([row["J"] for row in rows])
    np.testing.assert_allclose(run.record["J"][0], J, rtol=0, atol=tolerance)


def test_each_unit_may_have_its_own_activation():
    """Students and teachers of the names in turn: one of each, against the same with numbers of units swapped."""
    names = ["relu", "erf", "linear"]
    C = covariance(K + M)
    order = [2, 0, 1]
    swapped = [*order, 3, 4]

    def run(students, C):
        step = make_step([activation(name) for name in students], 0.5, teacher=[activation("erf"), activation("relu")])
        return run_weights(Process(step, K, M, C, np.array([0.5])), 30, [0, 60], seed=1, replicas=400).R[:, -1]

    first, second = run(names, C), run([names[i] for i in order], C[np.ix_(swapped, swapped)])
    # The same law in another order of units: 6 means at 4.4 combined standard errors, false alarm 6 * 1.1e-5.
    error = np.sqrt((first.var(axis=0)[order] + second.var(axis=0)) / 400)
    assert np.abs((first.mean(axis=0)[order] - second.mean(axis=0)) / error).max() < 4.4


# ---- The bits

BITS = {
    "plain": (SLOW["all"], False),
    "blocks": (SLOW["all"], True),
    "general": (GENERAL["all"], None),
    "tree": (GENERAL["tree, all"], None),
}


def everything(options, blocks, **more):
    arguments = {"replicas": 3, "seed": 8, "blocks": blocks, "record_weights": True, "at": 0.4} | more
    return run_weights(make_process(**options), 60, np.array([0, 7, 32, 1000, 8000]), **arguments)


def assert_same(run, other):
    assert (run.status, run.message) == (other.status, other.message)
    assert set(run.record) == set(other.record)
    for name, values in run.record.items():
        np.testing.assert_array_equal(values, other.record[name], err_msg=name)


@pytest.mark.parametrize("case", BITS)
def test_bits_do_not_depend_on_threads_or_chunks(case):
    first = everything(*BITS[case], threads=1)
    assert np.ptp(first.R[:, -1], axis=0).min() > 0  # replicas differ
    for threads, chunk in ((1, 1), (2, 37), (3, 10**9)):
        assert_same(everything(*BITS[case], threads=threads, chunk=chunk), first)


@pytest.mark.parametrize("case", BITS)
def test_a_cut_run_goes_on_to_the_same_bits(tmp_path, case, monkeypatch):
    path = tmp_path / "run.npz"
    monkeypatch.setattr(driver, "POLL_SECONDS", 0.001)

    def ctrl_c(done, total):
        if done > 1000:
            raise KeyboardInterrupt

    cut = everything(*BITS[case], checkpoint=Checkpoint(path), threads=1, chunk=1, progress=ctrl_c)
    assert cut.status == "interrupted"
    assert_same(everything(*BITS[case], checkpoint=Checkpoint(path), threads=2), everything(*BITS[case]))


def test_a_schedule_goes_on_in_a_continued_run():
    """From alpha = 5 on, a rate that has become 0 there moves nothing; from 0 on, it does."""
    process = make_process(rates=lambda times: ETA * (np.asarray(times)[:, None] < 5.0))
    late, early = (run_weights(process, 20, [0, 40], seed=1, at=at).R[0] for at in (5.0, 0.0))
    np.testing.assert_array_equal(late[0], late[1])
    assert np.abs(early[1] - early[0]).max() > 1e-3


def test_constant_schedules_are_constant_rates():
    constant = run_weights(make_process(), 50, [0, 3000], seed=1, replicas=2)
    scheduled = make_process(rates=lambda times: np.full((len(times), 1), ETA))
    np.testing.assert_array_equal(run_weights(scheduled, 50, [0, 3000], seed=1, replicas=2).R, constant.R)


# ---- Teachers


def test_a_walking_teacher_keeps_its_length_and_turns_by_the_angle_asked_for():
    """B_n(mu) . B_n(mu + 1) = (1 - d / N) |B_n|^2 at every update."""
    N, d = 30, 0.9
    C = covariance(K + M)
    run = run_weights(make_process(teacher_drift=d, C=C), N, np.arange(200), seed=1, record_weights=True)
    B = run.record["B"][0]
    squares = np.diag(C)[K:]
    # Each is a sum of N products: N roundings of terms whose moduli add up to |B_n|^2 at most, and as many in the step.
    np.testing.assert_allclose((B**2).sum(-1), squares * np.ones((200, 1)), rtol=2 * N * EPS)
    cosines = (B[1:] * B[:-1]).sum(-1) / squares
    np.testing.assert_allclose(cosines, 1 - d / N, rtol=4 * N * EPS)
    np.testing.assert_allclose(run.record["T"][0], B @ B.swapaxes(1, 2), rtol=0, atol=N * EPS * squares.max())


# ---- Ends


def test_a_small_dimension_is_refused_in_a_sentence():
    with pytest.raises(InputError, match=r"`N` must leave at least 9 dimensions, .* but N = 8 leaves 8\."):
        run_weights(make_process(**GENERAL["momentum"] | {"mean": True, "C": covariance(9)}), 8, [0, 1], seed=1)
    with pytest.raises(InputError, match=r"at least 5 dimensions for each eigenvalue .* N = 11 leaves 4\."):
        run_weights(make_process(**GENERAL["spectrum"]), 11, [0, 1], seed=1)


@pytest.mark.parametrize("blocks", [False, True])
def test_a_second_layer_that_learns_too_fast_diverges_by_name(blocks):
    """w <- w + eta_w (y - w x) x with x of variance 0.25: <(1 - eta_w x^2)^2> = 1 - eta_w / 2 + 3 eta_w^2 / 16 > 1."""
    own = (OwnNumbers("w", np.ones(1), fast=True),)
    process = make_process(
        ("linear", "linear"), own=own, K=1, M=1, C=np.diag([0.25, 1.0]), rates=np.array([1e-9, 40.0])
    )
    run = run_weights(process, 20, np.arange(0, 4000, 32), seed=1, replicas=2, blocks=blocks)
    assert run.status == "diverged"
    assert "some |w_i| exceeded 1e+06 times 1 + its largest value at the start" in run.message
    assert "try a smaller learning rate of w, which on the fast time scale acts undivided" in run.message
    assert np.all(np.abs(run.record["w"]) <= 2e6)
    calm = replace(process, rates=np.array([1e-9, 0.1]))
    assert run_weights(calm, 20, [0, 4000], seed=1, blocks=blocks).status == "ok"


def test_weights_that_diverge_are_named_even_if_slow_own_numbers_follow():
    process = make_process(("linear", "linear"), eta=40.0, own=(W, THETA))
    run = run_weights(process, 20, np.arange(0, 4000, 32), seed=1)
    assert run.status == "diverged"
    assert "some |J_i|^2 exceeded" in run.message


def test_overflow_of_own_numbers_is_divergence_and_no_warning():
    own = (OwnNumbers("w", np.ones(1), fast=True),)
    process = make_process(("linear", "linear"), own=own, K=1, M=1, C=np.eye(2), rates=np.array([0.1, 1e6]), batch=2)
    run = run_weights(process, 200, [0, 4000], seed=1)
    assert (run.status, run.steps.tolist()) == ("diverged", [0])
    assert "some |w_i|" in run.message
