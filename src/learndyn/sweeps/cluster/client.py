"""A client of a Dask cluster: of processes on this machine that are made for it, or of a cluster that is there.

The processes of this machine are spawned (JAX and fork deadlock) with one thread each, end when the client's process
ends, however that ends, and are quiet. They do not import the user's script again: what it defines is sent by value,
so that a script needs no ``if __name__ == "__main__"``, and starting them does not run it again and again.
"""

from __future__ import annotations

import logging
import multiprocessing
import multiprocessing.spawn
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from learndyn.arguments import count, shown
from learndyn.errors import InputError, first_line
from learndyn.extras import require

CONNECT_SECONDS = 10
# Of the machine's memory, so much is for the workers together; the rest is for the client and the system.
WORKERS_MEMORY = 0.9
SETTINGS = {
    "distributed.worker.multiprocessing-method": "spawn",
    "distributed.worker.daemon": True,
    # Results are written or sent at once. A worker never waits for memory, which would be for ever: it ends.
    "distributed.worker.memory.target": False,
    "distributed.worker.memory.spill": False,
    "distributed.worker.memory.pause": False,
    "distributed.worker.memory.terminate": 0.95,
    # A worker has the next chunk while it computes one, which spares 2 ms each; more would wait for a slow one.
    "distributed.scheduler.worker-saturation": 1.1,
    # Nobody looks at these.
    "distributed.scheduler.http.routes": [],
    "distributed.worker.http.routes": [],
    "distributed.worker.profile.enabled": False,
    "distributed.admin.system-monitor.gil.enabled": False,
    "distributed.diagnostics.nvml": False,
}
SCHEDULER = {
    "allowed_failures": 0,  # a chunk whose worker has died is tried again by `run_on_cluster`, apart from the others
    "dashboard_address": "127.0.0.1:0",  # any port: a fixed one may be taken, of which Dask would warn
}
# Read when a process starts; Dask would leave them in the environment of the client.
ENVIRONMENT = {
    "OMP_NUM_THREADS": "1",
    "OPENBLAS_NUM_THREADS": "1",
    "MKL_NUM_THREADS": "1",
    "MALLOC_TRIM_THRESHOLD_": "65536",
    "DASK_LOGGING__DISTRIBUTED": "critical",
}
SET_BY_DASK = ("PYTHONHASHSEED", "__DASK_PARENT_PID")
NOISY = ("distributed", "tornado", "asyncio")


@contextmanager
def cluster_client(where: Any = None, *, workers: int | None = None, memory_limit: Any = None) -> Iterator[Any]:
    """A client to compute with; what was made for it ends with the block.

    Parameters
    ----------
    where
        A `distributed.Client`, which is used and not closed; the address of a scheduler, such as
        ``"tcp://10.0.0.1:8786"``; ``"local"`` or None: processes of this machine.
    workers
        How many processes of this machine; the number of cores when not given. Not for a cluster that is there.
    memory_limit
        Of a process of this machine, in bytes or as ``"2 GiB"``: one that takes more is ended, and its chunk is told
        as failed if that happens again and again. An equal share of nine tenths of the memory when not given.

    Yields
    ------
    distributed.Client

    Raises
    ------
    InputError
        When no scheduler answers within 10 seconds, when it has no workers, or when learndyn, or what it computes with,
        is missing on the workers or of another version there.

    Notes
    -----
    Cost: half a second of two free cores to start two processes on this machine, and as much for the first chunk of
    each, which imports JAX; 210 MB each. Closing takes 0.3 seconds; a worker in the middle of a chunk has 4 seconds to
    end it, and is then killed.

    Examples
    --------
    >>> from learndyn.sweeps.cluster.client import cluster_client
    >>> with cluster_client("local", workers=2) as client:  # doctest: +SKIP
    ...     len(client.nthreads())
    2
    """
    require("sweep", "A sweep in several processes")
    if where is None or where == "local":
        with _local(workers, memory_limit) as client:
            yield client
        return
    if workers is not None or memory_limit is not None:
        raise InputError(
            "Arguments `workers` and `memory_limit` are for processes of this machine, but a cluster is given, which "
            "has workers of its own. Leave them out."
        )
    with _connected(where) as client:
        check_workers(client)
        yield client


@contextmanager
def _connected(where: Any) -> Iterator[Any]:
    """A client of a cluster that is there."""
    from distributed import Client

    if isinstance(where, Client):
        if where.asynchronous:
            raise InputError(
                "Argument `client` must be a client that waits, but it is an asynchronous one. Make another: "
                "distributed.Client(address)."
            )
        yield where
        return
    if not isinstance(where, str):
        raise InputError(
            f'Argument `client` must be "local", the address of a scheduler ("tcp://...") or a distributed.Client, but '
            f"it is {shown(where)}. Leave it out for this process."
        )
    with _quiet_logs():
        try:
            client = Client(where, timeout=CONNECT_SECONDS, set_as_default=False)
        except (OSError, ValueError, TypeError) as error:
            raise InputError(
                f'Argument `client` must be "local" or the address of a scheduler that answers, such as '
                f'"tcp://10.0.0.1:8786", but nothing answers at {shown(where)} ({first_line(error)}). Start one: '
                "dask scheduler."
            ) from None
        with client:
            yield client


def check_workers(client: Any) -> None:
    """Refuse a cluster without workers, or one whose workers would compute other bits than the client.

    Raises
    ------
    InputError
        One sentence that names what differs, and where.
    """
    from learndyn.sweeps.cluster.worker import versions

    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError:
        raise InputError(
            f"The cluster at {_address(client)} has no workers. Start some: dask worker {_address(client)}."
        ) from None
    mine = versions()
    for worker, theirs in client.run(versions, on_error="return").items():
        if isinstance(theirs, ImportError) or "ModuleNotFoundError" in str(theirs):  # Dask may wrap it
            raise InputError(
                f"Worker {worker} cannot import learndyn ({first_line(theirs)}). Install learndyn there, of the "
                "version that is here."
            )
        if isinstance(theirs, BaseException):
            raise InputError(f"Worker {worker} does not answer ({first_line(theirs)}). Start it again.")
        differing = [f"{name} {theirs.get(name, 'none')} there, {mine[name]} here" for name in mine]
        differing = [text for text, name in zip(differing, mine, strict=True) if theirs.get(name) != mine[name]]
        if differing:
            raise InputError(
                f"Worker {worker} has other versions, and would not compute the same: {'; '.join(differing)}. Install "
                "the same on both sides, and start the workers again."
            )


def _address(client: Any) -> str:
    return client.scheduler.address if client.scheduler is not None else "?"


@contextmanager
def _local(workers: int | None, memory_limit: Any) -> Iterator[Any]:
    """Processes of this machine, and a client of them."""
    _refuse_half_started()
    number = _cores() if workers is None else count(workers, "workers")
    import dask.config
    from distributed import Client, LocalCluster
    from distributed.system import MEMORY_LIMIT

    limit = int(WORKERS_MEMORY * MEMORY_LIMIT / number) if memory_limit is None else _bytes(memory_limit)
    # All of these hold until the end, for a worker that dies is started again.
    with _environment(), _script_left_alone(), _quiet_logs(), dask.config.set(SETTINGS):
        with dask.config.set({"distributed.nanny.pre-spawn-environ": {}}), _interrupts_held():
            options: dict[str, Any] = {"dashboard_address": None, "scheduler_kwargs": SCHEDULER}
            cluster = LocalCluster(
                n_workers=number, threads_per_worker=1, processes=True, memory_limit=limit,
                silence_logs=logging.CRITICAL, **options,
            )  # fmt: skip
        with cluster, Client(cluster, set_as_default=False) as client:
            client.wait_for_workers(number)
            yield client


def _bytes(memory_limit: Any) -> int:
    from dask.utils import parse_bytes

    try:
        limit = parse_bytes(memory_limit)
        if limit <= 0:
            raise ValueError
    except (ValueError, TypeError, AttributeError, KeyError):
        raise InputError(
            'Argument `memory_limit` must be a number of bytes or a text such as "2 GiB", but it is '
            f"{shown(memory_limit)}. "
            'Write memory_limit="2 GiB".'
        ) from None
    return limit


def _cores() -> int:
    """Those that this process may use."""
    from dask.system import CPU_COUNT

    return CPU_COUNT


def _refuse_half_started() -> None:
    """A process that is still being started cannot start others."""
    if getattr(multiprocessing.current_process(), "_inheriting", False):
        raise InputError(
            "A process that is being started imports the script again, and cannot begin a sweep on processes of its "
            'own. Put what the script does below `if __name__ == "__main__":`.'
        )


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Threads made here, and the processes that they start, do not hear of Ctrl-C: the client tells them what to do."""
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    from multiprocessing.resource_tracker import ensure_running

    ensure_running()  # it would let signals through again when it is started later, in a thread
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def _script_left_alone() -> Iterator[None]:
    """Workers of Dask that are spawned do not import the script of the client.

    Any other process that is spawned meanwhile does, as ever.
    """
    original = multiprocessing.spawn.get_preparation_data

    def without_script(name: str) -> dict[str, Any]:
        data = original(name)
        if name.startswith("Dask Worker process"):
            data.pop("init_main_from_path", None)
            data.pop("init_main_from_name", None)
        return data

    multiprocessing.spawn.get_preparation_data = without_script
    try:
        yield
    finally:
        if multiprocessing.spawn.get_preparation_data is without_script:
            multiprocessing.spawn.get_preparation_data = original


@contextmanager
def _environment() -> Iterator[None]:
    """What processes read when they start."""
    before = {name: os.environ.get(name) for name in (*ENVIRONMENT, *SET_BY_DASK)}
    os.environ.update(ENVIRONMENT)
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(name, None)
            if value is not None:
                os.environ[name] = value


@contextmanager
def _quiet_logs() -> Iterator[None]:
    """Dask tells of lost connections and of workers that are started again; here the sweep tells what matters."""
    import distributed  # noqa: F401 - gives its loggers levels of their own

    names = [name for name in logging.root.manager.loggerDict if name.split(".")[0] in NOISY]
    before = [(logger, logger.level) for logger in map(logging.getLogger, names)]
    for logger, _ in before:
        logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        for logger, level in before:
            logger.setLevel(level)
