"""The overlaps engine: the exact finite-size process of the order parameters, without weight vectors.

For Gaussian inputs (R, Q) is a Markov chain at every N >= K + M: an update needs x = J xi and y = B xi, which are
Gaussian with the covariance [[Q, R], [R^T, T]], and |xi|^2 beyond them, which is chi-square. So

    R' = R + (eta / N) delta y^T,   Q' = Q + (eta / N) (delta x^T + x delta^T) + (eta / N)^2 |xi|^2 delta delta^T

is drawn in O(K (K + M)), whatever N is, with the law of gradient descent on weight vectors. What else a process may
hold (`learndyn.scenarios.process`) keeps this: output weights and biases are further numbers, and minibatches,
velocities, a walking teacher and several sectors of the inputs are more vectors and more chi-square numbers.

There are two chains. Where an update takes one white input (own numbers, noise, dropout, decay and schedules included),
replicas advance in the lanes of vector registers (`learndyn.engines.overlaps_lanes`); all else runs on plain numbers,
one replica at a time (`learndyn.engines.overlaps_general`). Threads are in `learndyn.engines.driver`.

Random numbers: replica r at N draws from the streams "overlaps" of `learndyn.engines.streams`. Same scenario, seed,
number of replicas and kind of CPU: the same bits, for any number of threads, any chunks and rows.

Rounding: an update is a rotation and an addition, each correct to some 1e-16 of the lengths. Over a run these errors
add up as in a random walk (`benchmarks/verification.py` measures them against 80-bit arithmetic), far below 1 / N.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any

import numpy as np
from threadpoolctl import threadpool_limits

from learndyn.engines.checkpoint import Checkpoint, fingerprint
from learndyn.engines.driver import Progress
from learndyn.engines.overlaps_general import GeneralPlan
from learndyn.engines.overlaps_lanes import LanePlan
from learndyn.engines.simulation import Clock, SimulatedRun, run_units
from learndyn.scenarios.process import Process


def run_overlaps(
    process: Process,
    N: int,
    steps: np.ndarray,
    *,
    replicas: int = 1,
    threads: int | None = None,
    chunk: int | None = None,
    seed: int,
    progress: Progress = None,
    checkpoint: Checkpoint | None = None,
    at: float = 0.0,
    time_name: str = "alpha",
) -> SimulatedRun:
    """Simulate the chain of the order parameters and record them.

    Parameters
    ----------
    process
        What is repeated, and the overlaps at the start; these may be singular. `learndyn.scenarios.process.bare` makes
        that of a single update rule.
    N
        Dimension of the inputs (in a tree: of a branch), below 2^53; each sector must have as many dimensions as there
        are vectors in it, K + M where there are no options.
    steps
        Update counts at which a row is recorded, increasing; 0 is the start.
    replicas
        Number of independent runs.
    threads
        Groups of replicas that run at the same time; None: as many as this process has cores.
    chunk
        Updates between two looks at Ctrl-C; None: about 0.1 s. Does not change the result.
    seed
        A non-negative integer.
    progress
        As in `learndyn.engines.driver.run_replicas`.
    checkpoint
        Where to keep what is needed to go on after an interruption; its identity gains all arguments here that fix
        the bits. The caller's part is what the step and the schedules hold, and versions.
    at, time_name
        Time of the start, and its name; for schedules and messages.

    Returns
    -------
    SimulatedRun
        With what `Process.record_shapes` names; with status ``"diverged"``, and the rows before, when some Q_ii
        exceeded 1e6 trace(C), an own number 1e6 times its start or 1, or one of them became NaN; this is tested at
        every row and every N updates.

    Raises
    ------
    InputError
        When N is too small, or the checkpoint cannot be used.
    KeyboardInterrupt
        When interrupted before any row was recorded.
    """
    clock, steps = Clock(N, at, time_name), np.array(steps, dtype=np.int64)
    kind = LanePlan if process.plain else GeneralPlan
    plan = kind.of(process, clock, steps, seed, chunk, replicas)
    begin = perf_counter()
    plan.compile()
    compiling = perf_counter() - begin
    shapes = process.record_shapes()
    record = {name: np.empty((replicas, steps.size, *shape)) for name, shape in shapes.items()}
    units = plan.units(replicas, record)
    if checkpoint is not None:
        shared = _identity(process, N, steps, replicas, seed, at)
        checkpoint = checkpoint.including(**shared, **plan.identity())
    with threadpool_limits(limits=1, user_api="blas"):
        return run_units(
            units, record, steps, clock, threads=threads, progress=progress, checkpoint=checkpoint, compiling=compiling
        )


def _identity(process: Process, N: int, steps: np.ndarray, replicas: int, seed: int, at: float) -> dict[str, Any]:
    """All arguments that fix the bits, for a checkpoint; not the chunk."""
    return {
        "engine": "overlaps",
        "C": fingerprint(np.array(process.C, dtype=float)),
        "K": process.K,
        "N": N,
        "rows": fingerprint(steps),
        "replicas": replicas,
        "seed": seed,
        "own": fingerprint(process.own_start),
        "at": at,
    }
