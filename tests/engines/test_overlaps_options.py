"""Options of the chain in lanes: updates of the definition, one replica alone, bits that do not move, and its ends."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import ndtr

import long_double
from family import Case, Descent, process_of
from family_cases import LANES as CASES
from learndyn.engines import driver
from learndyn.engines.checkpoint import Checkpoint
from learndyn.engines.overlaps import run_overlaps
from learndyn.engines.overlaps_lanes import LanePlan
from learndyn.engines.simulation import Clock
from learndyn.engines.streams import lane_states
from learndyn.lanes.random import draw
from learndyn.lanes.types import LANES
from learndyn.scenarios.process import OwnNumbers

EPS = np.finfo(float).eps
EVERYTHING = CASES["all at once"]
SCHEDULED = replace(EVERYTHING, N=400, eta=0.3)
LONG = np.array([0, 3, 4095, 4097, 9000])  # beyond what a schedule is evaluated for at once


def run(case, steps, *, seed=1, replicas=1, **options):
    return run_overlaps(process_of(case), case.N, np.array(steps), seed=seed, replicas=replicas, **options)


class Given:
    """Numbers that are given, in the order in which a descent asks for random ones."""

    def __init__(self, noise, uniforms):
        self.noise, self.uniforms = noise, uniforms

    def standard_normal(self, shape):
        return self.noise.reshape(shape)

    def random(self, shape):
        return self.uniforms.reshape(shape)


class InFrame(Descent):
    """The literal descent of all lanes on the vectors that a state stands for, with the numbers that a chain has drawn.

    The frame has a further direction, along which the input has the component chi.
    """

    def __init__(self, case, plan, state, numbers):
        K, M = case.K, case.M
        self.case, self.n = case, LANES
        split = K * M + K * (K + 1) // 2
        a, l = long_double.split(state[:split], K, M)
        self.J = np.concatenate([a, l, np.zeros((K, 1, LANES))], axis=1).transpose(2, 0, 1)
        self.B = np.tile(np.concatenate([plan.F, np.zeros((M, K + 1))], axis=1), (LANES, 1, 1))
        self.V, self.mu, self.edges = np.zeros_like(self.J), np.zeros(K + M + 1), np.array([0, K + M + 1])
        own = list(state[split:].T.reshape(LANES, -1, K).swapaxes(0, 1))
        self.w = own.pop(0) if case.eta_w is not None else np.tile(case.w or (1.0,) * K, (LANES, 1))
        self.theta = own.pop(0) if case.eta_theta is not None else np.tile(case.theta or (0.0,) * K, (LANES, 1))
        self.xi = np.concatenate([numbers[: K + M], np.sqrt(numbers[K + M : K + M + 1])]).T[:, None]
        luck = numbers[K + M + 1 : K + M + 1 + plan.process.luck].T
        self.rng = Given(luck[:, :1], ndtr(luck[:, -K:]))

    def inputs(self):
        return self.xi


@pytest.mark.parametrize("name", CASES)
def test_an_update_is_that_of_the_definition(name):
    """The same random numbers on vectors, without rotations.

    Sums of K + M products here and there, and up to K rotations: some ten roundings a row, of terms up to `size`.
    """
    case = CASES[name]
    plan = LanePlan.of(process_of(case), Clock(case.N), np.array([30]), 1, None, LANES)
    K, M, luck = case.K, case.M, plan.process.luck
    state, words = np.repeat(plan.start[:, None], LANES, axis=1), lane_states(1, "overlaps", case.N, range(LANES), 2)
    pairs, again = (K + M + 2 + luck) // 2, words.copy()
    for update in range(30):
        numbers = np.empty((1, 2 * pairs, LANES))
        draw(again, pairs, K + M, case.N - K - M, numbers)
        descent = InFrame(case, plan, state, numbers[0])
        descent.update(update)
        assert plan.advance(state, words, LANES, update, update + 1, 0, plan.buffer())[:2] == (update + 1, -1)
        wanted, found = descent.record(), InFrame(case, plan, state, numbers[0]).record()
        size = max(float(np.abs(value).max()) for value in wanted.values())
        for key, value in wanted.items():
            np.testing.assert_allclose(found[key], value, rtol=0, atol=100 * (K + M) * EPS * size)


@pytest.mark.parametrize("name", ["all at once", "biases"])
def test_one_replica_alone_has_the_numbers_of_its_lane(name):
    """The same random numbers: 200 updates of some 30 roundings each, and no sign that was about to change."""
    case = replace(CASES[name], N=200)
    alone, group = run(case, [0, 200], replicas=2), run(case, [0, 200], replicas=3)
    for key in group.record:
        np.testing.assert_allclose(alone.record[key], group.record[key][:2], rtol=0, atol=200 * 30 * EPS)
        assert np.abs(alone.record[key][:, 1] - alone.record[key][:, 0]).max() > 1e-3


def assert_same(found, wanted, rows=slice(None)):
    assert found.record.keys() == wanted.record.keys()
    for name in found.record:
        np.testing.assert_array_equal(found.record[name], wanted.record[name][:, rows])


@pytest.mark.parametrize("replicas", [2, 11])
@pytest.mark.parametrize(("threads", "chunk"), [(1, 1), (2, 37), (3, 10**9)])
def test_bits_do_not_depend_on_threads_or_chunks(threads, chunk, replicas):
    steps = LONG[:3] if chunk == 1 else LONG
    whole = run(SCHEDULED, steps, replicas=replicas, threads=1)
    assert len(np.unique(whole.record["w"][:, -1, 0])) == replicas
    assert_same(run(SCHEDULED, steps, replicas=replicas, threads=threads, chunk=chunk), whole)
    assert_same(run(SCHEDULED, steps[[0, -1]], replicas=replicas), whole, [0, -1])


def test_a_schedule_that_is_constant_is_a_constant_rate():
    """The same bits: a row for each update, or one for all."""
    constant = replace(SCHEDULED, schedule=None)
    assert_same(run(replace(SCHEDULED, schedule=lambda times: np.ones(len(times))), LONG, replicas=3),
                run(constant, LONG, replicas=3))  # fmt: skip


def test_a_schedule_is_asked_for_the_times_of_updates_only():
    """From the time of the start to that of the last row, though it is evaluated for thousands of updates at once."""
    asked = []

    def schedule(times):
        asked.append(times)
        return np.ones(len(times))

    process = process_of(replace(SCHEDULED, schedule=schedule))
    run_overlaps(process, SCHEDULED.N, np.array([0, 5000]), seed=1, replicas=3, at=2.5)
    times = np.unique(np.concatenate(asked))
    np.testing.assert_allclose(times, 2.5 + np.arange(5001) / SCHEDULED.N, rtol=4 * EPS)


def test_options_that_do_nothing_change_nothing():
    """No decay, and own numbers that stay: the plain chain with its random numbers; 200 updates of 30 roundings."""
    plain = Case(1, 2, 50, (200,), "erf", eta=1.0)
    idle = replace(plain, eta_w=0.0, eta_theta=0.0, decay=0.0)
    found, wanted = run(idle, [0, 200], replicas=3), run(plain, [0, 200], replicas=3)
    for name in ("R", "Q"):
        np.testing.assert_allclose(found.record[name], wanted.record[name], rtol=0, atol=200 * 30 * EPS)
    np.testing.assert_array_equal(found.record["w"], np.ones((3, 2, 1)))


@pytest.mark.parametrize("replicas", [2, 11])
def test_a_run_goes_on_after_ctrl_c_to_the_same_bits(tmp_path, monkeypatch, replicas):
    monkeypatch.setattr(driver, "POLL_SECONDS", 0.003)
    checkpoint = Checkpoint(tmp_path / "run.npz")
    steps = np.arange(0, 200_001, 20_000)
    whole = run(SCHEDULED, steps, replicas=replicas)

    def press(done, total):
        if done >= 0.3 * total:
            raise KeyboardInterrupt

    cut = run(SCHEDULED, steps, replicas=replicas, threads=2, chunk=1001, checkpoint=checkpoint, progress=press)
    assert cut.status == "interrupted"
    again = run(SCHEDULED, steps, replicas=replicas, threads=1, chunk=5000, checkpoint=checkpoint)
    assert again.status == "ok"
    assert_same(again, whole)


# ---- Ends


@pytest.mark.parametrize("replicas", [1, 11])
def test_output_weights_that_grow_are_divergence_with_their_name(replicas):
    """On the fast scale w follows a map of its own: beyond eta_w <g^2> = 2 it grows, however small eta is."""
    case = replace(CASES["fast output weights"], eta_w=40.0, eta=1e-9)
    steps = np.arange(0, 4000, 5)
    found = run(case, steps, replicas=replicas)
    assert found.status == "diverged"
    assert "some |w_i| exceeded 1e+06 times 1 + its largest value at the start" in found.message
    assert 1 <= found.steps.size < steps.size
    assert np.abs(found.record["w"]).max() <= 2e6
    for threads, chunk in ((2, 7), (3, 10**9)):
        again = run(case, steps, replicas=replicas, threads=threads, chunk=chunk)
        assert again.message == found.message
        assert_same(again, found)


def test_weight_vectors_that_grow_are_named_where_own_numbers_are_slow():
    found = run(replace(EVERYTHING, eta=60.0, eta_w=0.1, schedule=None, N=50), np.arange(0, 4000, 5), replicas=3)
    assert found.status == "diverged"
    assert "some |J_i|^2 exceeded" in found.message


def test_own_numbers_are_recorded_by_their_names():
    """Two kinds of numbers, each in its place: those that do not learn stay where they start."""
    process = process_of(replace(EVERYTHING, eta_w=0.0, w_decay=None, schedule=None))
    assert [part.name for part in process.own] == ["w", "theta"]
    assert isinstance(process.own[0], OwnNumbers)
    found = run_overlaps(process, EVERYTHING.N, np.array([0, 50]), seed=1, replicas=3)
    np.testing.assert_array_equal(found.record["w"], np.tile(EVERYTHING.w, (3, 2, 1)))
    np.testing.assert_array_equal(found.record["theta"][:, 0], np.tile(EVERYTHING.theta, (3, 1)))
    assert np.abs(found.record["theta"][:, 1] - found.record["theta"][:, 0]).min() > 1e-4
