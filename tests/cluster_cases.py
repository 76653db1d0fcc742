"""Chunks with known results for the tests of clusters, and a store of plain files: what workers import.

What a chunk does beside its result is told by the plan's `work`, a dict:

    raises   numbers that raise an exception
    hogs     numbers that take more and more memory
    holds    numbers that wait to be killed, the first time
    seconds  how long each takes
    folder   where each notes that it has begun, and in which process
"""

import os
import signal
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from learndyn.errors import InputError
from learndyn.sweeps.plan import Plan, Variable

SIZE = 3
VARIABLES = (
    Variable("x", ("row",), (2,), "float64", {}),
    Variable("status", (), (), "int8", {}),
    Variable("message", (), (), "str", {}),
)


def plan(chunks, folder, **work):
    """A plan of so many chunks, the last of them with one member."""
    members = SIZE * (chunks - 1) + 1
    return Plan({"folder": str(folder), **work}, ("i",), (members,), (SIZE,), VARIABLES, {}, {}, {})


def expected(plan, number):
    """The result of a chunk: fractions, whose bits a mistake would show; the first member of each tenth chunk fails."""
    members = np.arange(plan.block(number)[0].start, plan.block(number)[0].stop)
    status = np.where((members % (10 * SIZE)) == 0, 2, 0).astype("int8")
    text = np.array([f"member {i}" if bad else "" for i, bad in zip(members, status, strict=True)], dtype=object)
    return {"x": np.stack([1 / (members + 3), np.sqrt(members)], axis=1), "status": status, "message": text}


def compute(plan, number, threads=None):
    """A chunk in a worker."""
    assert threads == 1
    work = plan.work
    begun = Path(work["folder"]) / f"begun-{number}"
    before = begun.exists()
    with begun.open("a") as file:
        file.write(f"{os.getpid()}\n")
    if number in work.get("raises", ()):
        raise ArithmeticError("no such\nnumber.")
    if number in work.get("holds", ()) and not before:
        time.sleep(600)
    taken = []
    while number in work.get("hogs", ()):
        taken.append(np.ones(2**21))  # 16 MiB
        time.sleep(0.005)
    time.sleep(work.get("seconds", 0))
    return expected(plan, number)


def threads_of_libraries(plan, number, threads=None):
    """How many threads XLA and each BLAS compute on in a worker, and where JAX keeps its programs."""
    import jax
    import jax.numpy as jnp
    from threadpoolctl import threadpool_info

    jax.jit(lambda x: jnp.sin(x).sum())(jnp.ones(100_000)).block_until_ready()
    names = [path.read_text().strip() for path in Path("/proc/self/task").glob("*/comm")]
    return {
        "status": np.zeros(1, "int8"),
        "xla": np.array([names.count("tf_XLAEigen")]),
        "blas": np.array([library["num_threads"] for library in threadpool_info() if library["user_api"] == "blas"]),
        "cache": np.array(jax.config.jax_compilation_cache_dir),
    }


def processes(folder):
    """Of the chunks that have begun: the processes in which they did, one for each time."""
    return {int(path.name.split("-")[1]): path.read_text().split() for path in Path(folder).glob("begun-*")}


@dataclass
class Files:
    """A writer of one file for each chunk, which is there whole or not at all."""

    folder: str
    full: list[int] = field(default_factory=list)
    broken: list[int] = field(default_factory=list)

    def path(self, number):
        return Path(self.folder) / f"chunk-{number}.npz"

    def finished(self):
        return {int(path.stem.split("-")[1]) for path in Path(self.folder).glob("chunk-*.npz")}

    def write(self, plan, number, arrays, info):
        if number in self.full:
            raise InputError("The disk is full.")
        if number in self.broken:
            raise ConnectionError("gone")
        assert info["seconds"] >= 0
        temporary = Path(self.folder) / f"part-{number}"
        with temporary.open("wb") as file:
            np.savez(file, x=arrays["x"], status=arrays["status"], message=arrays["message"].astype("U"))
        os.replace(temporary, self.path(number))
        return f"record {number}"


# A script as a user writes one, without `if __name__ == "__main__"`; what it defines must reach the workers.
SCRIPT = """
import sys, cluster_cases
from learndyn.sweeps.cluster import cluster_client, run_on_cluster
print("the script runs", flush=True)
def compute(plan, number, threads=None):
    return cluster_cases.compute(plan, number, threads)
folder, chunks, seconds = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
plan, files = cluster_cases.plan(chunks, folder, seconds=seconds), cluster_cases.Files(folder)
missing = [number for number in range(chunks) if number not in files.finished()]
done = []
try:
    with cluster_client("local", workers=2) as client:
        run_on_cluster(plan, missing, files, client, done.append, run=compute)
except KeyboardInterrupt:
    print("interrupted", flush=True)
    sys.exit(7)
print("done", len(done), sum(each.failures for each in done), flush=True)
"""


def script_command(folder, chunks, seconds):
    """Run the script above: its arguments for `subprocess`, in a session of its own."""
    path = Path(folder) / "script.py"
    path.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    return {
        "args": [sys.executable, str(path), str(folder), str(chunks), str(seconds)],
        "env": environment,
        "start_new_session": True,
        "text": True,
    }


def kill(pid):
    os.kill(int(pid), signal.SIGKILL)
