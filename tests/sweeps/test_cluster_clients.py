"""Scripts that compute on processes of their own, killed or interrupted in the middle, and run again."""

import os
import signal
import subprocess
import time

import psutil
import pytest

import cluster_cases
from learndyn.sweeps.cluster import client as cluster_client

CHUNKS, SECONDS = 24, 0.1
# Ctrl-C: until it is back, that is how long it may take; a worker has 4 seconds to end its chunk.
INTERRUPT_SECONDS = 10


def started(folder, seconds=SECONDS):
    """A script that runs, and the files that it writes."""
    command = cluster_cases.script_command(folder, CHUNKS, seconds)
    script = subprocess.Popen(**command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    return script, cluster_cases.Files(str(folder))


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


def family(script):
    """Processes of the session of a script."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getsid(process.pid) == script.pid and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except (ProcessLookupError, psutil.NoSuchProcess):
            pass
    return found


def contents(files):
    return {
        number: (files.path(number).read_bytes(), files.path(number).stat().st_mtime_ns) for number in files.finished()
    }


@pytest.fixture(autouse=True)
def compiled_programs(monkeypatch, tmp_path_factory):
    """Processes do not fill the user's folder."""
    monkeypatch.setenv("LEARNDYN_CACHE_DIR", str(tmp_path_factory.getbasetemp() / "programs"))


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The bytes of all chunks, computed here."""
    folder = tmp_path_factory.mktemp("undisturbed")
    plan, files = cluster_cases.plan(CHUNKS, folder), cluster_cases.Files(str(folder))
    for number in range(CHUNKS):
        files.write(plan, number, cluster_cases.compute(plan, number, 1), {"seconds": 0})
    return {number: data for number, (data, _) in contents(files).items()}


def assert_goes_on(before, files, undisturbed):
    """Finished chunks stay as they were, files of others are those of the undisturbed run."""
    after = contents(files)
    assert {number: after[number] for number in before} == before
    assert {number: data for number, (data, _) in after.items()} == {number: undisturbed[number] for number in after}
    return after


def interrupt(script):
    """Ctrl-C: a terminal sends it to all processes. Nothing is said about it but what the script says."""
    os.killpg(script.pid, signal.SIGINT)
    output, errors = script.communicate(timeout=INTERRUPT_SECONDS)
    assert (output, errors) == ("the script runs\ninterrupted\n", "")
    assert script.returncode == 7
    wait_for(lambda: not family(script), 20)


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
def test_a_client_that_is_killed_and_one_that_is_interrupted(tmp_path, undisturbed):
    script, files = started(tmp_path)
    wait_for(lambda: len(files.finished()) >= 4)
    assert len(family(script)) >= 3
    script.kill()
    script.communicate()
    wait_for(lambda: not family(script), 20)  # nobody is left behind
    killed = assert_goes_on({}, files, undisturbed)
    assert len(killed) < CHUNKS

    script, _ = started(tmp_path)
    wait_for(lambda: len(files.finished()) >= len(killed) + 4)
    interrupt(script)
    interrupted = assert_goes_on(killed, files, undisturbed)
    assert len(interrupted) < CHUNKS

    script, _ = started(tmp_path, seconds=0)
    output, errors = script.communicate(timeout=120)
    # Once: the script is not run by its workers. One member of chunks 0, 10 and 20 does not end well.
    failures = len({0, 10, 20} - interrupted.keys())
    assert output == f"the script runs\ndone {CHUNKS - len(interrupted)} {failures}\n"
    assert (errors, script.returncode) == ("", 0)
    assert assert_goes_on(interrupted, files, undisturbed).keys() == undisturbed.keys()


@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C is another thing there")
@pytest.mark.parametrize("when", ["in long chunks", "while processes start"])
def test_ctrl_c(tmp_path, when):
    """A chunk that goes on for long is not waited for; processes that have just been started are quiet too."""
    script, _ = started(tmp_path, seconds=300)
    wait_for(lambda: cluster_cases.processes(tmp_path) if when == "in long chunks" else len(family(script)) >= 3)
    interrupt(script)


def test_nothing_of_it_stays_in_the_process(tmp_path):
    """Environment, spawning and signals are as before."""
    import multiprocessing.spawn

    environment, preparation = dict(os.environ), multiprocessing.spawn.get_preparation_data
    held = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    with cluster_client.cluster_client("local", workers=1):
        assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == held
    assert dict(os.environ) == environment
    assert multiprocessing.spawn.get_preparation_data is preparation
    assert signal.pthread_sigmask(signal.SIG_BLOCK, ()) == held
