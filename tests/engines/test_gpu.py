"""Theory in batches and diffusions on a GPU: where JAX sees one, and as right as on the CPU."""

import jax
import numpy as np
import pytest

import learndyn as ld
from learndyn.engines import batch, diffusion
from learndyn.engines.batch import integrate_many
from learndyn.engines.diffusion import run_diffusion

pytestmark = pytest.mark.skipif(jax.default_backend() != "gpu", reason="JAX sees no GPU")

ETAS = np.linspace(0.2, 1.5, 50)
SCENARIO = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=0.5)
START = ld.Start.near_symmetric(SCENARIO, Q=[0.2, 0.3], X=1e-2)


def members(rtol):
    values = {name: np.repeat(np.asarray(x)[None], len(ETAS), 0) for name, x in SCENARIO.values().items()}
    states = np.repeat(SCENARIO.initial_state(START)[None], len(ETAS), 0)
    return integrate_many(
        SCENARIO.flow(), states, values | {"learning_rate": ETAS}, np.linspace(0.0, 40.0, 11),
        rtol=rtol, atol=1e-2 * rtol, limits=1e6, max_steps=100_000,
    )  # fmt: skip


def lies_on(array):
    return {device.platform for device in array.devices()}


def seen_platforms(monkeypatch, owner, name, result):
    """Where the arrays lie that a compiled program hands back."""
    real, platforms = getattr(owner, name), set()

    def watched(*arguments, **options):
        program = real(*arguments, **options)

        def call(*inputs):
            found = program(*inputs)
            platforms.update(lies_on(jax.tree.leaves(result(found))[0]))
            return found

        return call

    monkeypatch.setattr(owner, name, watched)
    return platforms


def test_theory_in_batches_agrees_with_the_cpu(monkeypatch):
    monkeypatch.setattr(batch, "_programs", {})
    platforms = seen_platforms(monkeypatch, batch, "compile_program", lambda found: found[0])
    run = members(1e-8)
    assert platforms == {"gpu"}
    assert (run.status == "ok").all()
    monkeypatch.setattr(batch, "_programs", {})
    with jax.default_device(jax.devices("cpu")[0]):
        monkeypatch.setattr(jax, "default_backend", lambda: "cpu")
        exact = members(1e-12)
    # An error of 1e-8 a step over less than 100 steps, which the plateau lets grow by exp(0.07 * 40) < 20 at most.
    np.testing.assert_allclose(run.states, exact.states, rtol=0, atol=1e-8 * 100 * 20)


def test_a_diffusion_agrees_with_theory(monkeypatch):
    # To leading order the mean is the theory's, with a correction of order 1 / N: 1e-7, and 300 standard errors below.
    monkeypatch.setattr(diffusion, "_programs", {})
    platforms = seen_platforms(monkeypatch, diffusion, "compile_program", lambda found: found[0])
    run = run_diffusion(SCENARIO, START, 10**7, np.array([0.0, 5.0, 10.0]), replicas=2000, seed=1)
    assert platforms == {"gpu"}
    theory = ld.solve(SCENARIO, START, 10, save_at=[5, 10])
    expected = SCENARIO.layout.pack({"R": theory.R.values, "Q": theory.Q.values})
    mean, error = run.states.mean(0)[1:], run.states.std(0, ddof=1)[1:] / np.sqrt(2000)
    # 14 comparisons at 4 standard errors: a false alarm in 1 of 1100 runs.
    assert (abs(mean - expected) < 4 * error + 1e-6).all()
