"""Chunks of a sweep on the workers of a Dask cluster (`distributed`).

    run_on_cluster   compute chunks, whatever happens to single ones and to workers

The client keeps a few chunks for each thread of the cluster under way and holds no more of them than that, so that a
million of them cost it nothing. Results go from the workers to the store.
"""

from __future__ import annotations

import contextlib
import queue
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from time import monotonic
from typing import Any
from uuid import uuid4

import numpy as np

from learndyn.errors import InputError, LearndynError, first_line
from learndyn.sweeps.done import Done
from learndyn.sweeps.plan import Plan

# Chunks under way for each thread: one is computed, the others wait so that no thread does.
PER_THREAD = 4
# A chunk whose worker dies so often is given up. After the first time it runs while no other does, so that a chunk is
# not blamed for what another one did to their worker.
DEATHS = 3
# Seconds between looks at how many threads there are, and whether the run is to stop.
LOOK_SECONDS, STOP_SECONDS = 2.0, 0.2
# Seconds without any worker after which the run is given up.
PATIENCE_SECONDS = 300.0


def run_on_cluster(
    plan: Plan,
    numbers: Iterable[int],
    writer: Any,
    client: Any,
    on_done: Callable[[Done], None],
    *,
    stop: Callable[[], bool] | None = None,
    run: Callable[..., dict[str, np.ndarray]] | None = None,
) -> None:
    """Compute chunks of a plan on the workers of a cluster.

    Parameters
    ----------
    plan, numbers
        The sweep, and which chunks of it; they may be many.
    writer
        Takes the results of a chunk into the store, in the worker: ``writer.write(plan, number, arrays, info)``. None:
        they come back here.
    client
        A `distributed.Client` (`cluster_client`).
    on_done
        Is told of each chunk as it ends, in this thread. A chunk that could not be computed has an ``error``: it raised
        an exception, or its worker died three times, the later times while nothing else ran.
    stop
        Is asked several times a second; once it is true, what has not begun is called off and the run returns.
    run
        Computes a chunk, as `learndyn.sweeps.chunk.run_chunk`, which is meant when it is not given.

    Raises
    ------
    InputError
        When the store cannot take more, which calls off the rest.
    LearndynError
        When the scheduler is lost, or has had no workers for five minutes.
    KeyboardInterrupt
        At Ctrl-C, when what has not begun has been called off. What was told to ``on_done`` is finished, and nothing is
        half-written: a store holds a chunk once its record is there. A chunk that was being computed may still be
        finished by its worker, and is then in the store.

    Notes
    -----
    Cost: 3 ms for each chunk beside computing it; 2.5 ms of them are CPU time of the client, in which the scheduler of
    a local cluster runs. The plan is sent to each worker once. Memory of the client: that of a few chunks for each
    thread of the cluster, and some 600 bytes for each chunk that is done (Dask remembers the last 100 000).
    """
    sweep = _Sweep(client, stop or (lambda: False))
    try:
        sweep.enter(plan, writer, run)
        sweep.all(iter(numbers), on_done)
    finally:
        sweep.leave()


class _Sweep:
    """Chunks on a cluster: which are under way, and which have to be tried again."""

    def __init__(self, client: Any, stop: Callable[[], bool]) -> None:
        self._client, self._stop = client, stop
        self.name = f"learndyn-{uuid4().hex[:8]}"
        self._under_way: dict[Any, int] = {}
        self._ended: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._again: deque[int] = deque()  # each alone
        self._deaths: Counter[int] = Counter()
        self._tasks, self._alone = 0, False
        self._threads, self._looked, self._seen = 0, -float("inf"), monotonic()

    def enter(self, plan: Plan, writer: Any, run: Callable[..., Any] | None) -> None:
        """Give the plan to all workers, present and future."""
        from learndyn.sweeps.cluster.worker import Chunks, this_process

        try:
            self._client.register_plugin(Chunks(plan, writer, run, this_process()), self.name)
        except (ImportError, AttributeError) as error:
            raise InputError(
                f"The workers of the cluster cannot load the sweep ({first_line(error)}). Install there what its "
                "scenario is made of."
            ) from None

    def leave(self) -> None:
        """Call off what is left, and take the plan away."""
        with contextlib.suppress(Exception):  # the cluster may be gone
            if self._under_way:
                self._client.cancel(list(self._under_way), force=True)
            self._under_way.clear()
            self._client.unregister_worker_plugin(self.name)

    def all(self, numbers: Iterator[int], on_done: Callable[[Done], None]) -> None:
        """Compute them, then those that may have killed their worker."""
        more = True
        while not self._stop():
            if more:
                more = self._refill(numbers)
            if not self._under_way:
                if not self._again:
                    return
                self._alone = True
                self._submit([self._again.popleft()])
            for done in self._results():
                on_done(done)

    def _refill(self, numbers: Iterator[int]) -> bool:
        """Begin as many as there is room for; whether there may be more."""
        self._look()
        room = max(1, PER_THREAD * self._threads) - len(self._under_way)
        chosen = list(islice(numbers, max(room, 0)))
        self._submit(chosen)
        return len(chosen) >= room

    def _look(self) -> None:
        """How many threads the cluster has, which may change."""
        if monotonic() - self._looked < LOOK_SECONDS:
            return
        self._threads = sum(self._client.nthreads().values())
        self._looked = monotonic()
        if self._threads:
            self._seen = self._looked
        elif self._looked - self._seen > PATIENCE_SECONDS:
            raise LearndynError(
                f"The cluster has had no workers for {PATIENCE_SECONDS / 60:.0f} minutes. Start some; with a store, "
                "the same call goes on from the chunks that are done."
            )

    def _submit(self, numbers: list[int]) -> None:
        from learndyn.sweeps.cluster.worker import compute_chunk

        if not numbers:
            return
        keys = [(self.name, self._tasks + i) for i in range(len(numbers))]
        self._tasks += len(numbers)
        futures = self._client.map(compute_chunk, [self.name] * len(numbers), numbers, key=keys, pure=False)
        for future, number in zip(futures, numbers, strict=True):
            self._under_way[future] = number
            future.add_done_callback(self._ended.put)

    def _results(self) -> list[Done]:
        """Those that have ended by now, or soon; perhaps none."""
        try:
            ended = [self._ended.get(timeout=STOP_SECONDS)]
        except queue.Empty:
            self._look()
            return []
        while not self._ended.empty():
            ended.append(self._ended.get())
        values = _gathered(self._client, ended)
        results = []
        for future in ended:
            number = self._under_way.pop(future)
            done = values.get(future) or self._failed(number, future)
            if done is not None:
                results.append(done)
        return results

    def _failed(self, number: int, future: Any) -> Done | None:
        """What is told of a chunk without a result; None where it is to be tried again."""
        from distributed import KilledWorker

        if future.status == "cancelled":
            raise LearndynError(
                "The connection to the scheduler of the cluster was lost. Start it again; with a store, the same call "
                "goes on from the chunks that are done."
            )
        error = future.exception()
        if isinstance(error, InputError):
            raise error
        if not isinstance(error, KilledWorker):
            from learndyn.sweeps.cluster.worker import told

            return Done(number, 0.0, 0, error=told(number, error))
        self._deaths[number] += error.allowed_failures + 1
        if self._alone and self._deaths[number] >= DEATHS:
            return Done(number, 0.0, 0, error=_died(number, self._deaths[number]))
        self._again.append(number)
        return None


def _gathered(client: Any, futures: list[Any]) -> dict[Any, Done]:
    """The results of those that have one; a result that is lost with its worker is computed again."""
    while futures := [future for future in futures if future.status not in ("error", "cancelled")]:
        values = client.gather(futures, errors="skip", direct=False)
        if len(values) == len(futures):
            return dict(zip(futures, values, strict=True))
    return {}


def _died(number: int, times: int) -> str:
    return (
        f"Chunk {number} could not be computed: its worker died {times} times, perhaps of too little memory. Make "
        "chunks smaller, or give each worker more memory."
    )
