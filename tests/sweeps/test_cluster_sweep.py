"""Sweeps into a store by processes that are killed; what a cluster computes beside what this process does."""

import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
import xarray as xr

import learndyn as ld
from learndyn.sweeps.cluster import client as cluster_client

RATES = [0.1 * (i + 1) for i in range(10)]
# A script as a user writes one; each chunk takes some tenths of a second.
SCRIPT = """
import sys
import learndyn as ld
scenario = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
result = ld.sweep(
    scenario, ld.Start(Q=0.25, R=0.0), over={"learning_rate": [0.1 * (i + 1) for i in range(10)]}, engine="simulate",
    N=20_000, until=100, save_at=5, observables=["Q", "R"], chunk=1, store=sys.argv[1], workers=2, progress=False,
)
"""


@pytest.fixture(autouse=True)
def compiled_programs(monkeypatch, tmp_path_factory):
    """Processes do not fill the user's folder."""
    monkeypatch.setenv("LEARNDYN_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "programs"))


def sweep(store, **options):
    """What the script computes, in this process."""
    scenario = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    return ld.sweep(
        scenario, ld.Start(Q=0.25, R=0.0), over={"learning_rate": RATES}, engine="simulate", N=20_000, until=100,
        save_at=5, observables=["Q", "R"], chunk=1, store=store, progress=False, **options,
    )  # fmt: skip


def chunks(store):
    """Bytes of the files with results (c, c.0.0), and when they were written."""
    files = [path for path in store.rglob("*") if path.is_file() and path.name.split(".")[0] == "c"]
    return {str(path.relative_to(store)): (path.read_bytes(), path.stat().st_mtime_ns) for path in files}


def records(store):
    return len(list((store / ".learndyn" / "chunks").rglob("*.json")))


def wait_for(condition, script):
    end = time.monotonic() + 120
    while not condition():
        assert script.poll() is None, script.communicate()
        assert time.monotonic() < end
        time.sleep(0.01)


def workers(script):
    """Its processes that have computed."""
    return [child for child in psutil.Process(script.pid).children() if child.cpu_times().user > 0.5]


@pytest.mark.parametrize("which", ["the client", "a worker and the client"])
def test_it_is_killed(tmp_path, which):
    store, path = tmp_path / "sweep.zarr", tmp_path / "script.py"
    path.write_text(SCRIPT)
    command = [sys.executable, str(path), str(store)]
    script = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: records(store) >= 2, script)
    if which != "the client":
        workers(script)[0].kill()
        before = records(store)
        wait_for(lambda: records(store) >= before + 2, script)
    left = workers(script)
    os.kill(script.pid, signal.SIGKILL)
    script.communicate()
    psutil.wait_procs(left, timeout=20)
    assert not any(process.is_running() for process in left)
    killed, finished = chunks(store), records(store)
    assert 2 <= finished < len(RATES)

    here = sweep(store)
    undisturbed = sweep(tmp_path / "undisturbed.zarr")
    whole, expected = chunks(store), chunks(tmp_path / "undisturbed.zarr")
    assert len([name for name in whole if name.startswith("Q")]) == len(RATES)
    # Those with a record were not written again, and all are what they would have been.
    assert len([name for name in whole if name.startswith("Q") and killed.get(name) == whole[name]]) >= finished
    assert {name: data for name, (data, _) in whole.items()} == {name: data for name, (data, _) in expected.items()}
    assert here.attrs["status"] == "ok"
    xr.testing.assert_identical(here.load(), undisturbed.load())


def test_theory_on_a_cluster_has_the_bits_of_theory_here(tmp_path):
    scenario = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    options = {"over": {"learning_rate": RATES}, "until": 10, "save_at": 3, "chunk": 8, "progress": False}
    here = ld.sweep(scenario, ld.Start(Q=0.25, R=0.0), **options)
    with cluster_client.cluster_client("local", workers=1) as client:
        there = ld.sweep(scenario, ld.Start(Q=0.25, R=0.0), client=client, **options)
    xr.testing.assert_identical(here, there)
