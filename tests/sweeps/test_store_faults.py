"""Stores after faults: damaged and lost files, killed writers, two clients, a full disk."""

import json
import os
import signal
import socket
import time

import fsspec
import pytest
import xarray as xr

from learndyn.errors import InputError, LearndynWarning
from learndyn.sweeps.store import lock as store_lock
from learndyn.sweeps.store import open_store, open_sweep
from learndyn.sweeps.store.place import LocalPlace
from store_cases import chunk_files, expected, filled, finished, plan_of, run_python, write_all

ALL = set(range(9))


@pytest.fixture
def folder(tmp_path):
    """A full store."""
    filled(tmp_path / "sweep.zarr")
    return tmp_path / "sweep.zarr"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """The files of a store in which nothing ever went wrong."""
    folder = tmp_path_factory.mktemp("undisturbed") / "sweep.zarr"
    filled(folder)
    return chunk_files(folder)


# ---- Damaged and lost files


def flipped(data):
    return data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :]


DAMAGES = {
    "flipped": flipped,
    "cut": lambda data: data[:-1],
    "empty": lambda data: b"",
    "longer": lambda data: data + b"\0",
    "lost": lambda data: None,
}


def damage(path, how):
    data = DAMAGES[how](path.read_bytes())
    path.unlink()
    if data is not None:
        path.write_bytes(data)


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("key", ["Q/c.2.1.0.0", "message/c.0.0", ".learndyn/chunks/00000007.json"])
def test_damage_is_told_once_and_the_chunk_is_computed_again(folder, undisturbed, key, how):
    """The first is a block at the edge, a part of a whole one; the second holds no text at all."""
    number = {"Q": 7, "m": 0, ".": 7}[key[0]]
    damage(folder / key, how)
    with open_store(folder, plan_of()) as store:
        if (key[0], how) == (".", "lost"):
            assert store.finished() == ALL - {number}  # that is how a chunk looks that was not written
        else:
            told = f"Store {folder} has 1 damaged chunk, of 9; it will be computed again."
            with pytest.warns(LearndynWarning) as warned:
                assert store.finished() == ALL - {number}
            assert [str(each.message) for each in warned] == [told]
        assert store.finished() == ALL - {number}  # no second warning
        write_all(store, [number])
        assert store.finished() == ALL
    assert chunk_files(folder) == undisturbed


def test_files_that_are_lost_are_told_to_who_reads(folder):
    """Their members are NaN, and their status says ok."""
    damage(folder / "eps_g" / "c.2.1.0", "lost")
    with pytest.warns(LearndynWarning, match="has lost 1 of its files: what was in them is NaN"):
        found = open_sweep(folder)
    assert found.eps_g.isnull().all("alpha").sum() == 1


def test_several_damages_are_one_warning(folder):
    for key, how in {"eps_g/c.0.1.0": "flipped", "eps_g/c.1.1.0": "lost", "seed/c.1.1": "cut"}.items():
        damage(folder / key, how)
    with (
        open_store(folder, plan_of()) as store,
        pytest.warns(LearndynWarning, match="has 2 damaged chunks, of 9; they"),
    ):
        assert store.finished() == ALL - {1, 4}


def test_without_verifying_files_are_believed_but_not_records(folder):
    damage(folder / "eps_g/c.0.1.0", "flipped")
    damage(folder / ".learndyn/chunks/00000005.json", "flipped")
    with open_store(folder, plan_of()) as store, pytest.warns(LearndynWarning, match="1 damaged chunk"):
        assert store.finished(verify=False) == ALL - {5}


def test_a_record_of_another_place_or_plan_counts_for_nothing(folder):
    records = folder / ".learndyn" / "chunks"
    (records / "00000003.json").write_bytes((records / "00000002.json").read_bytes())
    (records / "00000009.json").write_bytes((records / "00000002.json").read_bytes())  # the plan has 9 chunks
    (records / "notes.json").write_text("{}")
    with open_store(folder, plan_of()) as store, pytest.warns(LearndynWarning, match="1 damaged chunk"):
        assert store.finished() == ALL - {3}
    (records / "00000003.json").write_bytes(b"[" * 100_000)
    with open_store(folder, plan_of()) as store, pytest.warns(LearndynWarning, match="1 damaged chunk"):
        assert store.finished() == ALL - {3}


def test_a_chunk_of_another_plan_is_computed_again_in_silence(folder, monkeypatch):
    """As when a plan says more of what fixes the bits than it did."""
    with open_store(folder, plan_of()) as store:
        monkeypatch.setattr(type(store.plan), "chunk_digest", lambda self, number: "another")
        assert store.finished() == set()


@pytest.mark.parametrize("key", ["zarr.json", "Q/zarr.json", "learning_rate/c/0", "activation/zarr.json"])
@pytest.mark.parametrize("how", ["cut", "lost", "empty"])
def test_damaged_labels_and_descriptions_are_mended(folder, undisturbed, key, how):
    damage(folder / key, how)
    assert finished(folder) == ALL
    assert chunk_files(folder) == undisturbed


def test_a_reader_of_damaged_descriptions_is_told_what_mends_them(folder):
    for key in ("zarr.json", "activation/c/0"):
        damage(folder / key, "cut")
        with pytest.raises(InputError, match=rf"Store {folder} cannot be read: .*\. Give the same ld.sweep"):
            open_sweep(folder)
        open_store(folder, plan_of()).close()
        assert open_sweep(folder).attrs["status"] == "ok"


def test_a_damaged_plan_is_refused(folder):
    plan = folder / ".learndyn" / "plan.json"
    good = plan.read_bytes()
    for bad in (b"", b"[]", b"{}", good[:-9], good.replace(b'"chunks": 9', b'"chunks": 8')):
        plan.write_bytes(bad)
        for use in (lambda: open_store(folder, plan_of()), lambda: open_sweep(folder)):
            with pytest.raises(InputError, match=r"its plan \(.learndyn/plan.json\) is damaged"):
                use()
    plan.unlink()
    with pytest.raises(InputError, match=r"its plan \(.learndyn/plan.json\) is lost"):
        open_store(folder, plan_of())
    assert sum("/c" in key for key in chunk_files(folder)) == 9 * 5 + 5  # those of labels too


# ---- Killed writers

KILLED = """
import os, signal
from learndyn.sweeps.store import arrays as store_arrays, place as store_place, store
from store_cases import plan_of, arrays_of, write_all

def kill(*_):
    os.kill(os.getpid(), signal.SIGKILL)

at, folder = sys.argv[1:]
with store.open_store(folder, plan_of()) as opened:
    write_all(opened, [0, 1, 2, 3])
    if at == "between arrays":
        blocks = opened.writer._blocks._arrays
        blocks["status"] = type("Killing", (), {"__setitem__": kill})()
    elif at == "while writing a file":
        def half(path, data):
            with path.open("wb") as file:
                file.write(data[: len(data) // 2])
            kill()
        store_place.Path.write_bytes = half
    elif at == "before the record":
        store.record_of = kill
    else:
        real = store.record_of
        def then_kill(*arguments):
            store_place.Path.replace = kill
            return real(*arguments)
        store.record_of = then_kill
    write_all(opened, [4])
"""


@pytest.mark.parametrize(
    "at", ["between arrays", "while writing a file", "before the record", "while writing the record"]
)
def test_a_writer_killed_in_a_chunk_loses_that_chunk_alone(tmp_path, undisturbed, at):
    folder = tmp_path / "sweep.zarr"
    code, _, err = run_python(KILLED, at, folder)
    assert code == -signal.SIGKILL, err
    with open_store(folder, plan_of(), resume=True) as store:
        assert store.finished() == {0, 1, 2, 3}
        write_all(store, [4, 5, 6, 7, 8])
        assert store.finished() == ALL
        store.seal({})
        xr.testing.assert_identical(store.dataset().load(), expected(plan_of()))
    left = {key: data for key, data in chunk_files(folder).items() if key != "zarr.json"}
    assert left == {key: data for key, data in undisturbed.items() if key != "zarr.json"}


# ---- Two clients

HOLDING = """
import time
from learndyn.sweeps.store import open_store
from store_cases import plan_of, write_all

store = open_store(sys.argv[1], plan_of())
write_all(store, [2])
print("open", flush=True)
time.sleep(600)
"""


def test_the_second_client_is_refused_until_the_first_is_gone(tmp_path):
    folder = tmp_path / "sweep.zarr"
    first = run_python(HOLDING, folder, wait=False)
    try:
        assert first.stdout.readline() == "open\n", first.stderr.read()
        told = (
            rf"Store {folder} is in use by process {first.pid} on {socket.gethostname()} since 20\d\d-.*\. Wait until"
        )
        with pytest.raises(InputError, match=told):
            open_store(folder, plan_of())
        assert open_sweep(folder).attrs["message"].startswith("1 of 9")  # who reads needs no lock
    finally:
        first.kill()
        first.communicate()
    with open_store(folder, plan_of(), resume=True) as store:
        assert store.finished() == {2}


def test_one_process_is_one_client_too(tmp_path):
    with open_store(tmp_path / "sweep.zarr", plan_of()) as store:
        with pytest.raises(InputError, match=f"in use by process {os.getpid()}"):
            open_store(tmp_path / "sweep.zarr", plan_of())
        store.close()
        store.close()
    open_store(tmp_path / "sweep.zarr", plan_of()).close()
    assert sorted(path.name for path in (tmp_path / "sweep.zarr" / ".learndyn").iterdir()) == ["lock", "plan.json"]


@pytest.fixture
def memory(tmp_path, monkeypatch):
    """A place elsewhere, whose lock is an object with a heartbeat."""
    monkeypatch.setattr(store_lock, "SETTLE_SECONDS", 0.0)
    monkeypatch.setattr(store_lock, "BEAT_SECONDS", 0.01)
    return f"memory:/{tmp_path}/sweep.zarr"


def beat(url, **changes):
    """The lock as it is; with changes, as another client writes it."""
    system, root = fsspec.url_to_fs(url)
    found = json.loads(system.cat_file(f"{root}/.learndyn/lock"))
    if changes:
        system.pipe_file(f"{root}/.learndyn/lock", json.dumps(found | changes).encode())
    return found


def until(condition):
    for _ in range(1000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("it did not come to this within 10 s")


def test_a_lock_elsewhere_beats_refuses_and_goes(memory):
    with open_store(memory, plan_of()):
        first = beat(memory)
        until(lambda: beat(memory)["beat"] > first["beat"])
        with pytest.raises(InputError, match=rf"in use by process {os.getpid()} on .* free 5 minutes later"):
            open_store(memory, plan_of())
    system, root = fsspec.url_to_fs(memory)
    assert not system.exists(f"{root}/.learndyn/lock")
    open_store(memory, plan_of()).close()


def test_a_lock_elsewhere_that_beats_no_more_is_taken_over(memory):
    first = open_store(memory, plan_of())
    first._lock._stop.set()  # killed
    first._lock._thread.join()
    beat(memory, beat=time.time() - store_lock.STALE_SECONDS - 1)
    with open_store(memory, plan_of()):
        mine = beat(memory)["token"]
        assert mine != first._lock._token
        first.close()
        assert beat(memory)["token"] == mine


def test_a_client_whose_lock_was_taken_over_leaves_it(memory):
    with open_store(memory, plan_of()) as store:
        beat(memory, token="another")
        until(lambda: not store._lock._thread.is_alive())
        time.sleep(0.05)
        assert beat(memory)["token"] == "another"
    assert beat(memory)["token"] == "another"


@pytest.mark.parametrize("lock", [b"", b"[]", b"half"])
def test_a_damaged_lock_elsewhere_is_nobodys(memory, lock):
    filled(memory)
    system, root = fsspec.url_to_fs(memory)
    system.pipe_file(f"{root}/.learndyn/lock", lock)
    open_store(memory, plan_of()).close()


# ---- A full disk

FULL = """
import os, subprocess
import numpy as np
from pathlib import Path
from learndyn.errors import InputError
from learndyn.sweeps.store import open_store
from store_cases import plan_of, arrays_of, write_all, finished

disk = Path(sys.argv[1])
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=True)
print("mounted", flush=True)
folder = disk / "sweep.zarr"
with open_store(folder, plan_of()) as store:
    write_all(store, [0, 1, 2])
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:  # to the last page
        try:
            while True:
                file.write(bytes(4096))
        except OSError:
            pass
    for number in (3, 4):
        try:
            write_all(store, [number])
        except InputError as error:
            print(error)
    print(sorted(store.finished()))
    try:
        open_store(disk / "second.zarr", plan_of())
    except InputError as error:
        print(error)
    print(sorted(path.name for path in disk.iterdir()))
    filler.unlink()
    write_all(store, range(3, 9))
    print(len(store.finished()), len(list(disk.rglob("*part*"))))
"""


def test_a_full_disk_is_told_and_finished_chunks_stay(tmp_path):
    code, out, err = run_python(FULL, tmp_path, wrap=("unshare", "--map-root-user", "--mount"))
    if "mounted" not in out:
        pytest.skip(f"no disk of its own can be mounted here: {err.strip().splitlines()[-1:]}")
    assert code == 0, err
    told = out.splitlines()[1:]
    full = (
        f"Store {tmp_path}/sweep.zarr is full (No space left on device): what is left, 6 of 9 chunks, needs about "
        "{} kB. Make room and give the same command again: it goes on from the chunks that are finished."
    )
    sizes = [line.split("about ")[1].split(" kB")[0] for line in told[:2]]
    assert told[:2] == [full.format(size) for size in sizes]
    assert told[2] == "[0, 1, 2]"
    assert told[3].startswith(f"Store {tmp_path}/second.zarr cannot be made or opened: No space left on device.")
    assert told[4] == "['filler', 'sweep.zarr']"
    assert told[5] == "9 0"
    # Six chunks of three members (the last row has one): 8 numbers of 8 bytes and more, hardly compressed.
    assert all(0.5 < float(size) < 6.0 for size in sizes)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (PermissionError(13, "Permission denied"), "cannot be written any more: Permission denied. Mend that"),
        (OSError(30, "Read-only file system"), "cannot be written any more: Read-only file system. Mend that"),
        (
            OSError(122, "Disk quota exceeded"),
            "is full (Disk quota exceeded): what is left, 9 of 9 chunks, needs about",
        ),
        (FileNotFoundError("sweep.zarr"), "cannot be written any more: sweep.zarr. Mend that"),
    ],
)
def test_what_forbids_writing_is_told(tmp_path, monkeypatch, error, told):
    def fail(*_):
        raise error

    with open_store(tmp_path / "sweep.zarr", plan_of()) as store:
        monkeypatch.setattr(LocalPlace, "write", fail)
        with pytest.raises(InputError) as refusal:
            write_all(store, [0])
        assert told in str(refusal.value)
        with pytest.raises(InputError):
            store.seal({})


def test_a_store_that_was_taken_away_does_not_come_back_in_part(tmp_path):
    with open_store(tmp_path / "sweep.zarr", plan_of()) as store:
        write_all(store, [0])
        (tmp_path / "sweep.zarr").rename(tmp_path / "elsewhere.zarr")
        with pytest.raises(InputError, match="cannot be written any more: No such file or directory"):
            write_all(store, [1])
    assert [path.name for path in tmp_path.iterdir()] == ["elsewhere.zarr"]
    assert finished(tmp_path / "elsewhere.zarr") == {0}


def test_other_failures_of_a_disk_or_net_are_as_they_are(tmp_path, monkeypatch):
    """They may pass, and who called may try again."""

    def fail(*_):
        raise OSError(5, "Input/output error")

    with open_store(tmp_path / "sweep.zarr", plan_of()) as store:
        monkeypatch.setattr(LocalPlace, "write", fail)
        with pytest.raises(OSError, match="Input/output error"):
            write_all(store, [0])


def test_a_store_on_a_read_only_disk_is_refused_in_a_sentence(tmp_path, monkeypatch):
    filled(tmp_path / "sweep.zarr")
    monkeypatch.setattr("os.access", lambda path, mode: False)
    with pytest.raises(InputError, match=f"the folder {tmp_path}/sweep.zarr is not writable. Choose another"):
        open_store(tmp_path / "sweep.zarr", plan_of())
    with pytest.raises(InputError, match=f"the folder {tmp_path} is not writable. Choose another"):
        open_store(tmp_path / "other.zarr", plan_of())
    assert open_sweep(tmp_path / "sweep.zarr").attrs["status"] == "ok"
