"""The verb `sweep`: many scenarios at once, in this process or on a cluster, kept in memory or in a store."""

from __future__ import annotations

import warnings
from contextlib import ExitStack
from typing import Any

import xarray as xr

from learndyn.arguments import count
from learndyn.engines.driver import thread_count
from learndyn.errors import InputError, LearndynWarning
from learndyn.sweeps.done import Done
from learndyn.sweeps.estimate import estimate, refuse_too_large
from learndyn.sweeps.local import run_here
from learndyn.sweeps.memory import Memory
from learndyn.sweeps.plan import Plan
from learndyn.sweeps.planning import plan_of, work_of
from learndyn.sweeps.progress import Reporter, reporter


class EndedEarly(LearndynWarning):
    """A sweep ended early, or some of its scenarios could not be run: the warning repeats the message of its result."""


def sweep(
    scenario: Any,
    start: Any,
    over: Any,
    *,
    until: float | None = None,
    engine: str = "solve",
    save_at: Any = None,
    observables: Any = None,
    store: Any = None,
    resume: bool = False,
    client: Any = None,
    workers: int | None = None,
    chunk: Any = None,
    threads: int | None = None,
    storage_options: dict[str, Any] | None = None,
    progress: bool | str | None = None,
    **options: Any,
) -> xr.Dataset:
    """One labelled dataset of many scenarios: a dim for each swept parameter.

    Every combination of the values is run, each as if it ran alone: its bits depend neither on the other scenarios nor
    on threads, chunks, processes or interruptions (on one kind of CPU).

    Parameters
    ----------
    scenario
        The scenario of which numbers are swept, as for `solve`; not an `ld.TaskSequence`.
    start
        Where all begin, as for `solve`; or an `ld.StartRecipe`, which makes a start for each scenario.
    over
        Parameters and their values: ``{"learning_rate": [0.1, 1.0], "start.X": [1e-3, 1e-6], "K": [2, 3]}``. A
        parameter is a field of the scenario (``"label_noise"``), of a part of it (``"student.activation"``; ``"units"``
        and ``"activation"`` change student and teacher together, ``"K"`` and ``"M"`` are their numbers of units), of
        the start (``"start.X"``, ``"start.seed"``), an entry of a matrix (``"start.R[1,2]"``, counted from 1), or an
        option of the engine (``"rtol"``, ``"N"``, ``"seed"``). Values are numbers, words or switches. Values in an
        `xarray.DataArray` go along its dim: parameters that share a dim go along it together.
    until
        The time at which all runs end.
    engine
        ``"solve"``: theory; ``"simulate"``: finite size, which needs ``N`` where `simulate` does.
    save_at
        As for `solve`; the same for all runs.
    observables
        Names of the variables to keep; all when not given.
    store
        A Zarr store to keep the results in: a local path, or any URL that fsspec knows (``"s3://..."``). Chunks are
        written as they are done, and not held in memory; the same call goes on where an earlier one ended. None: in
        memory.
    resume
        Demand that the store is there to go on from.
    client
        Where to compute. None: in this process, on all cores. ``"local"``: processes of this machine. An address
        (``"tcp://..."``) or a `distributed.Client`: a Dask cluster, which needs learndyn on its workers.
    workers
        Number of processes of this machine, which then compute; the number of cores for ``client="local"``.
    chunk
        How many scenarios are computed and stored together, or how many values of each dim; about a second of work
        when not given. Words and switches are a chunk each.
    threads
        Threads of this process; None: all cores. On a cluster each worker has one.
    storage_options
        Options of fsspec for the store.
    progress
        Show a progress bar; None: on a terminal, for sweeps over a second. ``"lines"``: plain lines.
    **options
        Options of the engine: ``rtol``, ``atol``, ``max_steps``, ``method``, ``samples`` of `solve`; ``N``,
        ``replicas``, ``method``, ``tolerance``, ``seed`` of `simulate`. A simulation whose seed is not swept has a seed
        of its own, drawn from ``seed`` (0) and from what it is; the variable ``seed`` tells it.

    Returns
    -------
    xarray.Dataset
        The variables of `solve` or `simulate` with the dims of the sweep first; units that a member does not have, and
        times that it did not reach, are NaN. For each member ``status`` (0: ok; ``attrs["flag_meanings"]`` names the
        codes), ``message`` (why it ended early, else empty) and ``end`` (the time that it reached). One bad scenario
        does not lose the rest. With a store, values are read when they are used.

    Raises
    ------
    InputError
        One sentence that names the argument, the value, what is allowed, and a next step. What does not fit into
        memory or on the disk is refused before anything runs.

    Notes
    -----
    Cost: docs/scaling.md. Ctrl-C keeps the chunks that are done (``attrs["status"]`` is then ``"interrupted"``).
    A simulation's rows are made at whole updates, nearest to the times of `save_at`, which label them.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    >>> curves = ld.sweep(
    ...     perceptron, ld.Start(Q=0.25, R=0.0), over={"learning_rate": [0.5, 1.0, 6.0]}, until=30, save_at=[0, 30],
    ...     observables=["eps_g"],
    ... )
    >>> dict(curves.eps_g.sizes)
    {'learning_rate': 3, 'alpha': 2}
    >>> curves.eps_g.sel(alpha=30).values.round(4).tolist()
    [0.0002, 0.0, 0.072]
    """
    plan = planned(
        scenario, start, over, until=until, engine=engine, save_at=save_at, observables=observables, client=client,
        workers=workers, chunk=chunk, **options,
    )  # fmt: skip
    return computed(
        plan, store=store, resume=resume, client=client, workers=workers, threads=threads,
        storage_options=storage_options, progress=progress,
    )  # fmt: skip


def planned(
    scenario: Any,
    start: Any,
    over: Any,
    *,
    until: float | None = None,
    engine: str = "solve",
    save_at: Any = None,
    observables: Any = None,
    client: Any = None,
    workers: int | None = None,
    chunk: Any = None,
    **options: Any,
) -> Plan:
    """The plan of a sweep: all that can be refused before a place to keep it is looked at."""
    work = work_of(scenario, start, over, engine, until, save_at, options)
    workers = None if workers is None else count(workers, "workers")
    return plan_of(work, observables, chunk, processes=_processes(client, workers))


def computed(
    plan: Plan,
    *,
    store: Any = None,
    resume: bool = False,
    client: Any = None,
    workers: int | None = None,
    threads: int | None = None,
    storage_options: dict[str, Any] | None = None,
    progress: bool | str | None = None,
) -> xr.Dataset:
    """What `sweep` does with a plan."""
    threads = None if threads is None else count(threads, "threads")
    workers = None if workers is None else count(workers, "workers")
    if store is None and resume:
        raise InputError(
            "Argument `resume` needs a `store` to go on from, but there is none. Name it: store='....zarr'."
        )
    elsewhere = client not in (None, "local")
    with ExitStack() as stack:
        # What is refused leaves no empty store behind.
        refuse_too_large(plan, None, store=store, workers=workers)
        if elsewhere:
            client = stack.enter_context(_cluster(client, workers))
        place = _place(stack, plan, store, storage_options, resume)
        there = place.finished() if store is not None else set()
        refuse_too_large(place.plan, there, store=store, workers=workers)
        missing = [number for number in range(len(place.plan)) if number not in there]
        done = sum(place.plan.chunk_members(number) for number in there)
        with reporter(progress, place.plan.members, done) as report:
            if missing:
                cores = cores_of(client, workers, threads)
                report.say(estimate(place.plan, there, cores=cores, pilot=progress is not False).sentence())
            status = _Computer(place, client, workers, threads).run(missing, report)
        return _result(place, status, store is not None)


def _result(place: Any, status: str, stored: bool) -> xr.Dataset:
    """The labelled result, with how the sweep as a whole ended."""
    counts = place.counts()
    message = _message(place.plan.members, counts, status)
    attrs = {"status": status, "message": message}
    if stored:
        place.seal(attrs)
        result = place.dataset()
    else:
        result = place.dataset(attrs)
    bad = {name: number for name, number in counts.items() if name in ("refused", "failed")}
    if status != "ok" or bad:
        warnings.warn(message, EndedEarly, stacklevel=4)
    return result


def _message(members: int, counts: dict[str, int], status: str) -> str:
    """'All 100 scenarios were run: 98 ok, 2 diverged.'"""
    told = ", ".join(f"{number} {name.replace('_', ' ')}" for name, number in counts.items())
    begin = {
        "ok": f"All {members} scenarios were run",
        "interrupted": "Interrupted; chunks that are done are kept, and with a store the same call goes on",
        "incomplete": "Some chunks could not be computed; with a store the same call tries them again",
    }[status]
    return f"{begin}: {told}."


def cores_of(client: Any, workers: int | None, threads: int | None) -> int | None:
    """How many cores compute; None where that is not known before they do."""
    return None if client not in (None, "local") else workers or thread_count(10**6, threads)


def _processes(client: Any, workers: int | None) -> int:
    """How many processes compute, as far as that is known before they are there; 0 where it is this one."""
    if workers is not None:
        return workers
    return 0 if client is None else thread_count(10**6, None)


def _place(stack: ExitStack, plan: Plan, store: Any, storage_options: Any, resume: bool) -> Any:
    """Where results go."""
    if store is None:
        return Memory(plan)
    from learndyn.sweeps.store import open_store

    return stack.enter_context(open_store(store, plan, storage_options=storage_options, resume=bool(resume)))


def _cluster(where: Any, workers: int | None) -> Any:
    from learndyn.sweeps.cluster import cluster_client

    return cluster_client(where, workers=workers)


class _Computer:
    """Runs the chunks that are missing, here or elsewhere."""

    def __init__(self, place: Any, client: Any, workers: int | None, threads: int | None) -> None:
        self._place, self._client, self._workers, self._threads = place, client, workers, threads
        self.errors: list[str] = []

    def run(self, missing: list[int], report: Reporter) -> str:
        """Compute these chunks; how the sweep ended."""
        plan = self._place.plan

        def on_done(done: Done) -> None:
            if done.error:
                self.errors.append(done.error)
                report.say(done.error)
                report.count(0, plan.chunk_members(done.number))
                return
            if done.arrays is not None:
                self._place.take(done)
            report.count(plan.chunk_members(done.number), done.failures)

        try:
            if self._client is None and self._workers is None:
                run_here(plan, missing, self._place.writer, on_done, threads=self._threads)
            else:
                self._on_cluster(plan, missing, on_done)
        except KeyboardInterrupt:
            return "interrupted"
        return "incomplete" if self.errors else "ok"

    def _on_cluster(self, plan: Plan, missing: list[int], on_done: Any) -> None:
        from learndyn.sweeps.cluster import run_on_cluster

        if not missing:
            return
        with _cluster(self._client, self._workers) as client:
            run_on_cluster(plan, missing, self._place.writer, client, on_done)
