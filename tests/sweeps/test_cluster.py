"""Chunks on a cluster of two processes: results, errors of chunks, workers that die; what is told of clusters."""

import multiprocessing
import sys
import threading
import time
from itertools import count

import numpy as np
import pytest
import xarray as xr

import cluster_cases
import learndyn as ld
from learndyn.errors import InputError
from learndyn.sweeps.cluster import client as cluster_client
from learndyn.sweeps.cluster import run as cluster
from learndyn.sweeps.cluster import worker as cluster_worker


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Where workers keep compiled programs: not in the user's folder."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LEARNDYN_CACHE_DIR", str(tmp_path_factory.mktemp("programs")))
        yield tmp_path_factory.getbasetemp()


@pytest.fixture(scope="module")
def client(programs):
    with cluster_client.cluster_client("local", workers=2, memory_limit="450 MiB") as client:
        yield client


def run(plan, numbers, client, writer=None, **options):
    """What was told, by number."""
    told = []
    cluster.run_on_cluster(plan, numbers, writer, client, told.append, run=cluster_cases.compute, **options)
    assert len({done.number for done in told}) == len(told)
    return {done.number: done for done in told}


def assert_equal(plan, dones):
    for number, done in dones.items():
        assert done.error == ""
        expected = cluster_cases.expected(plan, number)
        assert done.failures == np.count_nonzero(expected["status"])
        assert done.arrays.keys() == expected.keys()
        for name, values in expected.items():
            np.testing.assert_array_equal(done.arrays[name], values, strict=True)


def wait_for(condition, seconds=60):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_arrays_come_back_as_they_are_computed_here(client, tmp_path):
    plan = cluster_cases.plan(40, tmp_path, seconds=0.01)
    dones = run(plan, range(40), client)
    assert dones.keys() == set(range(40))
    assert_equal(plan, dones)
    assert all(done.seconds >= 0.01 and done.record is None for done in dones.values())
    assert len({pid for pids in cluster_cases.processes(tmp_path).values() for pid in pids}) == 2
    plugins = client.run(lambda dask_worker: list(dask_worker.plugins)).values()
    assert not any(name.startswith("learndyn") for names in plugins for name in names)  # the plan is gone again


def test_a_writer_takes_them_in_the_worker(client, tmp_path):
    plan, files = cluster_cases.plan(12, tmp_path), cluster_cases.Files(str(tmp_path))
    dones = run(plan, [3, 7, 11], client, files)
    assert {number: (done.record, done.arrays) for number, done in dones.items()} == {
        number: (f"record {number}", None) for number in (3, 7, 11)
    }
    assert files.finished() == {3, 7, 11}
    with np.load(files.path(11)) as archive:
        np.testing.assert_array_equal(archive["x"], cluster_cases.expected(plan, 11)["x"], strict=True)


def test_a_sweep_into_a_store_has_the_bits_of_one_here(client, tmp_path, monkeypatch):
    """Of the same source: it may be edited while the tests run, which is refused elsewhere."""
    monkeypatch.setattr(cluster_client, "check_workers", lambda client: None)
    scenario = ld.StudentTeacher(ld.Student(1), ld.Teacher(1), learning_rate=1.0)
    options = {"over": {"learning_rate": [0.5, 1.0, 1.5]}, "engine": "simulate", "N": 50, "until": 4, "chunk": 1}
    here = ld.sweep(scenario, ld.Start(Q=0.25, R=0.0), **options, progress=False)
    there = ld.sweep(scenario, ld.Start(Q=0.25, R=0.0), **options, progress=False, client=client, store=tmp_path / "s")
    assert there.attrs["status"] == "ok"
    xr.testing.assert_equal(here, there.load())


def test_no_chunks_are_no_error(client, tmp_path):
    assert run(cluster_cases.plan(3, tmp_path), [], client) == {}


def test_a_chunk_that_raises_does_not_lose_the_others(client, tmp_path):
    plan = cluster_cases.plan(9, tmp_path, raises=[2, 8])
    dones = run(plan, range(9), client)
    assert {number for number, done in dones.items() if done.error} == {2, 8}
    assert dones[2].error.startswith(
        "Chunk 2 could not be computed: ArithmeticError: no such number (cluster_cases.py,"
    )
    assert dones[2].failures == 0
    assert_equal(plan, {number: done for number, done in dones.items() if not done.error})


def test_a_chunk_that_cannot_be_written_does_not_lose_the_others(client, tmp_path):
    files = cluster_cases.Files(str(tmp_path), broken=[1])
    dones = run(cluster_cases.plan(4, tmp_path), range(4), client, files)
    assert "Chunk 1 could not be written: ConnectionError: gone (" in dones[1].error
    assert files.finished() == {0, 2, 3}


def test_a_full_disk_ends_the_run(client, tmp_path):
    files = cluster_cases.Files(str(tmp_path), full=[5])
    with pytest.raises(InputError, match="The disk is full"):
        run(cluster_cases.plan(1000, tmp_path, seconds=0.02), range(1000), client, files)
    # Those before it, those beside it, and what was begun until the news had come: not a large part of the rest.
    assert set(range(4)) <= files.finished()
    assert len(files.finished()) < 500
    assert_nothing_is_left(client)


def assert_nothing_is_left(client):
    """Nothing that was called off is still to be computed."""
    wait_for(lambda: not any(client.processing().values()))


def test_few_are_under_way_however_many_there_are(client, tmp_path):
    asked = count()
    told = []
    plan = cluster_cases.plan(10**6, tmp_path)
    cluster.run_on_cluster(
        plan, asked, None, client, told.append, stop=lambda: len(told) >= 10, run=cluster_cases.compute
    )
    assert 10 <= len(told) <= 10 + 2 * cluster.PER_THREAD
    assert next(asked) <= len(told) + 2 * cluster.PER_THREAD
    assert_nothing_is_left(client)


def test_a_worker_that_is_killed_in_a_chunk(client, tmp_path):
    plan = cluster_cases.plan(20, tmp_path, holds=[7])

    def kill():
        wait_for(lambda: cluster_cases.processes(tmp_path).get(7))
        cluster_cases.kill(cluster_cases.processes(tmp_path)[7][0])

    killer = threading.Thread(target=kill)
    killer.start()
    dones = run(plan, range(20), client)
    killer.join()
    assert dones.keys() == set(range(20))
    assert_equal(plan, dones)
    assert len(set(cluster_cases.processes(tmp_path)[7])) == 2


def test_a_chunk_that_takes_more_memory_than_there_is(client, tmp_path, monkeypatch):
    monkeypatch.setattr(cluster, "DEATHS", 2)
    dones = run(cluster_cases.plan(12, tmp_path, hogs=[4]), range(12), client)
    assert dones.keys() == set(range(12))
    assert dones[4].error == (
        "Chunk 4 could not be computed: its worker died 2 times, perhaps of too little memory. Make chunks smaller, or "
        "give each worker more memory."
    )
    assert len(cluster_cases.processes(tmp_path)[4]) == 2
    plan = cluster_cases.plan(12, tmp_path)
    assert_equal(plan, {number: done for number, done in dones.items() if number != 4})
    assert_equal(plan, run(plan, [4], client))


@pytest.mark.skipif(sys.platform != "linux", reason="threads have names in /proc")
def test_a_worker_computes_on_one_thread_and_keeps_its_programs(client, programs, tmp_path):
    told = []
    cluster.run_on_cluster(
        cluster_cases.plan(1, tmp_path), [0], None, client, told.append, run=cluster_cases.threads_of_libraries
    )
    (done,) = told
    assert done.error == ""
    assert done.arrays["xla"].tolist() == [1]
    assert set(done.arrays["blas"].tolist()) == {1}
    assert str(done.arrays["cache"]).startswith(str(programs))


def test_a_cluster_that_is_there(client, tmp_path):
    plan = cluster_cases.plan(5, tmp_path)
    address = client.scheduler.address
    with cluster_client.cluster_client(address) as other:
        assert other is not client
        assert_equal(plan, run(plan, range(5), other))
    with cluster_client.cluster_client(client) as same:
        assert same is client
    assert client.status == "running"


def test_other_versions_are_refused(client, monkeypatch):
    monkeypatch.setattr(cluster_worker, "_version", lambda name: "0.0" if name == "numpy" else "none")
    with (
        pytest.raises(InputError, match=r"has other versions, .*; numpy \d.* there, 0\.0 here; ") as caught,
        cluster_client.cluster_client(client),
    ):
        pass
    assert "Worker tcp://" in str(caught.value)


def test_workers_without_learndyn_are_refused(client):
    name = "learndyn.sweeps.cluster.worker"

    def hide(name):
        import sys

        sys.modules[name] = None

    def show(name):
        import sys

        sys.modules.pop(name, None)  # not there in a worker that has just been started again

    client.run(hide, name)
    try:
        with (
            pytest.raises(InputError, match=r"Worker tcp://.* cannot import learndyn \("),
            cluster_client.cluster_client(client),
        ):
            pass
    finally:
        client.run(show, name)


def test_nothing_answers(monkeypatch):
    monkeypatch.setattr(cluster_client, "CONNECT_SECONDS", 0.3)
    with (
        pytest.raises(InputError, match=r"nothing answers at 'tcp://127\.0\.0\.1:1' \("),
        cluster_client.cluster_client("tcp://127.0.0.1:1"),
    ):
        pass


@pytest.mark.parametrize("where", ["nowhere", "abc://x", 3, ["tcp://127.0.0.1:1"]])
def test_what_is_no_cluster(where, monkeypatch):
    monkeypatch.setattr(cluster_client, "CONNECT_SECONDS", 0.3)
    with pytest.raises(InputError, match="Argument `client` must be"), cluster_client.cluster_client(where):
        pass


def test_arguments_of_processes_are_for_processes(client):
    with pytest.raises(InputError, match="`workers`"), cluster_client.cluster_client(client, workers=2):
        pass
    with pytest.raises(InputError, match="`workers`"), cluster_client.cluster_client("local", workers=0):
        pass


@pytest.mark.parametrize("limit", ["much", 0, -1, "5 XB", [1]])
def test_what_is_no_limit_of_memory(limit):
    with pytest.raises(InputError, match="`memory_limit`"), cluster_client.cluster_client(memory_limit=limit):
        pass


def test_a_process_that_is_being_started_begins_no_others(monkeypatch):
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(InputError, match="imports the script again"), cluster_client.cluster_client("local"):
        pass


def test_a_cluster_without_workers(monkeypatch):
    from distributed import Client, LocalCluster

    monkeypatch.setattr(cluster_client, "CONNECT_SECONDS", 0.3)
    with (
        LocalCluster(n_workers=0, processes=False, dashboard_address=":0") as empty,
        Client(empty, set_as_default=False) as client,
        pytest.raises(InputError, match=r"The cluster at inproc://.* has no workers"),
        cluster_client.cluster_client(client),
    ):
        pass
