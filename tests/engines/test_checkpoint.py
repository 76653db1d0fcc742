"""Checkpoints: what the file keeps and refuses, and that a run which was cut ends with the bits of one that was not."""

import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

import learndyn
from learndyn.activations import activation
from learndyn.engines import driver
from learndyn.engines.checkpoint import HEADER, Checkpoint, fingerprint
from learndyn.engines.driver import EarlyStop, run_replicas
from learndyn.engines.streams import generator_from, generator_state, stream
from learndyn.engines.weights import run_weights
from learndyn.errors import InputError, LearndynWarning
from learndyn.scenarios.process import bare
from learndyn.scenarios.student_teacher.steps import make_step

IDENTITY = {"N": 100, "seed": 1, "scenario": {"student": {"units": 2}, "learning_rate": 0.1}, "rows": [0, 1, 2]}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "run.npz"


@pytest.fixture(autouse=True)
def _short_polls(monkeypatch):
    """Runs of a fraction of a second are cut, and their checkpoints written, in the middle."""
    monkeypatch.setattr(driver, "POLL_SECONDS", 0.003)


# ---- The file


def test_the_file_gives_back_every_array(path):
    snapshots = {
        0: {
            "W": np.arange(6.0).reshape(2, 3),
            "state": np.array([2**64 - 1, 0], dtype=np.uint64),
            "words": np.array([]),
        },
        3: {"W": np.full((4, 1), np.nan), "flag": np.array(True), "words": np.array(["diverged", "because of µ"])},
        2: {"W": np.empty((0, 7)), "flag": np.array(False)},
    }
    Checkpoint(path, IDENTITY).write(snapshots)
    again = Checkpoint(path, IDENTITY).read()
    assert again.keys() == snapshots.keys()
    for unit, arrays in snapshots.items():
        assert again[unit].keys() == arrays.keys()
        for name, array in arrays.items():
            if name == "words":
                assert again[unit][name].tolist() == array.tolist()
                continue
            assert again[unit][name].dtype == array.dtype
            np.testing.assert_array_equal(again[unit][name], array, strict=True)
    assert again[0]["W"].flags.owndata


def test_no_file_and_no_units_are_both_a_beginning(path):
    checkpoint = Checkpoint(path, IDENTITY)
    assert checkpoint.read() == {}
    checkpoint.write({})
    assert checkpoint.read() == {}
    checkpoint.remove()
    checkpoint.remove()  # it may be gone already
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"N": 200}, "`N` (100 there, 200 here)"),
        ({"seed": 2}, "`seed` (1 there, 2 here)"),
        ({"scenario": {"student": {"units": 3}, "learning_rate": 0.1}}, "`scenario.student.units` (2 there, 3 here)"),
        ({"method": "weights"}, '`method` ("absent" there, "weights" here)'),
        ({"rows": list(range(100))}, "`rows` ([0, 1, 2] there, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11... here)"),
        ({"N": 200, "seed": 2}, "`N` (100 there, 200 here), `seed` (1 there, 2 here)"),
        (dict.fromkeys("abcdef", 0), "`d` (\"absent\" there, 0 here) and 2 more."),
    ],
)  # fmt: skip
def test_another_runs_file_is_refused_and_left_alone(path, change, told):
    Checkpoint(path, IDENTITY).write({0: {"W": np.ones(3)}})
    before = path.read_bytes()
    with pytest.raises(InputError, match="belongs to another run") as refusal:
        Checkpoint(path, IDENTITY | change).read()
    assert told in str(refusal.value)
    assert str(path) in str(refusal.value)
    assert "Choose another file, or remove this one to begin anew." in str(refusal.value)
    assert path.read_bytes() == before


def test_an_identity_may_hold_tuples_and_be_extended(path):
    Checkpoint(path, {"sizes": (1, 2), "rate": 0.1 + 0.2}).including(N=5).write({})
    assert Checkpoint(path, {"sizes": [1, 2], "rate": 0.1 + 0.2, "N": 5}).read() == {}
    with pytest.raises(InputError, match=r"`N` \(5 there, 6 here\)"):
        Checkpoint(path, {"sizes": (1, 2), "rate": 0.1 + 0.2}).including(N=6).read()


def damaged_files():
    """Name: function from the bytes of a good file to those of a file that is none."""

    def flipped(good):
        middle = good.index(np.full(1000, 1.5).tobytes()) + 4000
        return good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :]

    return {
        "empty": lambda good: b"",
        "text": lambda good: b"N = 100\n",
        "half": lambda good: good[: len(good) // 2],
        "without its end": lambda good: good[:-1],
        "a bit flipped": flipped,
    }


@pytest.mark.parametrize("name", damaged_files())
def test_a_damaged_file_is_refused_and_left_alone(path, name):
    Checkpoint(path, IDENTITY).write({0: {"W": np.full(1000, 1.5)}})
    path.write_bytes(damaged_files()[name](path.read_bytes()))
    before = path.read_bytes()
    told = "is no checkpoint of learndyn" + ("" if name in ("empty", "text") else ", or is damaged")
    with pytest.raises(InputError, match=rf"cannot be used: it {told}\. Choose another file"):
        Checkpoint(path, IDENTITY).read()
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "arrays",
    [
        {"W": np.ones(3)},
        {HEADER: np.ones(3)},
        {HEADER: np.array("{}")},
        {HEADER: np.array("[1]")},
        {HEADER: np.array(json.dumps({"format": 1, "identity": IDENTITY})), "W.units": np.array([0])},
        {HEADER: np.array([{"format": 1}], dtype=object)},
    ],
)
def test_a_foreign_archive_is_refused(path, arrays):
    np.savez(path, **arrays)
    with pytest.raises(InputError, match=r"is no checkpoint of learndyn, or is damaged\."):
        Checkpoint(path, IDENTITY).read()


def test_a_single_array_and_another_format_are_refused(path):
    with path.open("wb") as file:
        np.save(file, np.ones(3))
    with pytest.raises(InputError, match=r"is no checkpoint of learndyn\."):
        Checkpoint(path, IDENTITY).read()
    np.savez(path, **{HEADER: np.array(json.dumps({"format": 2, "identity": IDENTITY}))})
    with pytest.raises(InputError, match="written by another version of learndyn"):
        Checkpoint(path, IDENTITY).read()


def test_a_place_that_cannot_be_written_is_refused_before_the_run(tmp_path):
    with pytest.raises(InputError, match=r"the folder .* does not exist"):
        Checkpoint(tmp_path / "nowhere" / "run.npz")
    with pytest.raises(InputError, match="is a folder"):
        Checkpoint(tmp_path)
    with pytest.raises(InputError, match="`every` must be a finite number of at least 0"):
        Checkpoint(tmp_path / "run.npz", every=-1.0)


def test_a_file_that_cannot_be_read_says_why(path, monkeypatch):
    Checkpoint(path, IDENTITY).write({})

    def closed(*_, **__):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", closed)
    with pytest.raises(InputError, match=r"it cannot be read \(Permission denied\)"):
        Checkpoint(path, IDENTITY).read()


def test_fingerprints_tell_arrays_apart():
    a = np.arange(6.0)
    others = [a.reshape(2, 3), a.astype(int), a[::-1], a[:5], np.nextafter(a, 10)]
    assert len({fingerprint(x) for x in (a, *others)}) == 6
    assert fingerprint(a) == fingerprint(np.repeat(a, 2)[::2])


# ---- Runs of walkers: a random walk a replica, several in lockstep


class Walkers:
    """Adds a normal an update to each replica's place; a row every 10 updates; stops where a place exceeds `limit`."""

    def __init__(self, numbers, record, chunk=7, limit=np.inf, pause=0.0):
        self.numbers, self.position, self.rows, self.finished, self.early_stop = numbers, 0, 0, False, None
        self.advances = 0
        self._record, self._chunk, self._limit, self._pause = record, chunk, limit, pause
        self._place = None
        self._streams = []

    def advance(self):
        time.sleep(self._pause)
        self.advances += 1
        if self._place is None:
            self._place = np.zeros(len(self.numbers))
            self._streams = [stream(5, "overlaps", 10, number) for number in self.numbers]
        for _ in range(self._chunk):
            if not self.finished:
                self._update()
        if self.finished:
            self._place = None

    def _update(self):
        self._place += [rng.standard_normal() for rng in self._streams]
        self.position += 1
        beyond = np.flatnonzero(np.abs(self._place) > self._limit)
        if beyond.size:
            replica = self.numbers[beyond[0]]
            self.finished, self.early_stop = True, EarlyStop("diverged", f"left at {self.position}.", replica)
        elif self.position % 10 == 0:
            self._record[self.numbers, self.rows] = self._place
            self.rows += 1
            self.finished = self.rows == self._record.shape[1]

    def snapshot(self):
        kept = {"record": self._record[self.numbers, : self.rows]}
        if self._place is not None:
            kept |= {"place": self._place.copy(), "streams": np.array([generator_state(rng) for rng in self._streams])}
        return kept

    def restore(self, snapshot):
        assert self._place is None
        self._record[self.numbers, : self.rows] = snapshot["record"]
        if not self.finished:
            self._place, self._streams = snapshot["place"], [generator_from(state) for state in snapshot["streams"]]


GROUPS = [[0, 1, 2], [3], [4, 5]]
ROWS = 30


def walk(checkpoint=None, groups=GROUPS, threads=1, progress=False, units=None, **options):
    """The outcome and what is recorded of it; the units are appended to `units`. A run that is watched takes 0.2 s."""
    record = np.full((6, ROWS), np.nan)
    walkers = [Walkers(numbers, record, pause=0.004 if progress else 0.0, **options) for numbers in groups]
    if units is not None:
        units += walkers
    outcome = run_replicas(walkers, updates=10 * ROWS, threads=threads, progress=progress, checkpoint=checkpoint)
    return outcome, record[outcome.kept, : outcome.rows]


def ctrl_c_at(share):
    """A progress function that interrupts when that share of the updates is made."""

    def progress(done, total):
        if done >= share * total:
            raise KeyboardInterrupt

    return progress


def test_a_checkpointed_run_is_the_same_and_leaves_no_file(path):
    _, record = walk()
    written = []
    outcome, again = walk(
        Checkpoint(path, every=0.0), threads=2, progress=lambda done, total: written.append(path.exists())
    )
    assert any(written)
    assert (outcome.status, outcome.message) == ("ok", "All rows were reached.")
    np.testing.assert_array_equal(again, record)
    assert list(path.parent.iterdir()) == []


@pytest.mark.parametrize(("threads", "resumed_with"), [(2, 1), (1, 3), (3, 2)])
def test_a_run_goes_on_after_ctrl_c_to_the_same_bits(path, threads, resumed_with):
    _, record = walk()
    checkpoint = Checkpoint(path, IDENTITY)
    cut, part = walk(checkpoint, threads=threads, progress=ctrl_c_at(0.3))
    assert cut.status == "interrupted"
    assert f"The same call goes on from here ({path})." in cut.message
    np.testing.assert_array_equal(part, record[cut.kept, : cut.rows])
    seen = []
    outcome, again = walk(
        checkpoint, threads=resumed_with, chunk=11, progress=lambda done, total: seen.append(done / total)
    )
    assert seen[0] >= 0.3  # it did not begin anew
    assert (outcome.status, outcome.kept.tolist()) == ("ok", list(range(6)))
    np.testing.assert_array_equal(again, record)
    assert not path.exists()


def test_a_run_may_be_cut_many_times(path):
    """With fewer threads each time: units from the file that wait for a thread stay in the next file."""
    _, record = walk()
    for threads, share in ((3, 0.2), (2, 0.4), (1, 0.6), (1, 0.8)):
        cut, _ = walk(Checkpoint(path), threads=threads, progress=ctrl_c_at(share))
        assert cut.status == "interrupted"
        assert Checkpoint(path).read().keys() == {0, 1, 2}
    _, again = walk(Checkpoint(path))
    np.testing.assert_array_equal(again, record)


def test_ctrl_c_before_the_first_row_loses_nothing(path):
    _, record = walk()
    with pytest.raises(KeyboardInterrupt):
        walk(Checkpoint(path), chunk=1, progress=ctrl_c_at(0.0))
    assert path.exists()
    _, again = walk(Checkpoint(path))
    np.testing.assert_array_equal(again, record)


def test_a_file_of_the_middle_of_a_run_gives_the_same_bits(path):
    """What a killed process leaves: a copy of the file while the run goes on and other units are further."""
    _, record = walk()
    copies = []

    def copy(done, total):
        if path.exists():
            copies.append(path.read_bytes())

    walk(Checkpoint(path, every=0.0), threads=2, progress=copy)
    different = list(dict.fromkeys(copies))
    assert len(different) >= 2
    for content in (different[0], different[-1]):
        path.write_bytes(content)
        units = []
        outcome, again = walk(Checkpoint(path), chunk=3, units=units)
        assert outcome.status == "ok"
        np.testing.assert_array_equal(again, record)
        assert 3 * sum(unit.advances for unit in units) < 10 * ROWS * len(GROUPS)


@pytest.mark.parametrize("share", [0.05, 0.15, 0.3])
def test_an_early_stop_is_part_of_what_is_kept(path, share):
    """The limit ends the walk of some replica; whether it had stopped before Ctrl-C or stops after, the end is one."""
    whole, record = walk(limit=12.0)
    assert whole.status == "diverged"
    assert 0 < whole.rows < ROWS
    cut, _ = walk(Checkpoint(path), limit=12.0, threads=2, progress=ctrl_c_at(share))
    if path.exists():  # else it had come to its end
        assert "Interrupted" in cut.message
    outcome, again = walk(Checkpoint(path), limit=12.0, chunk=2)
    assert (outcome.status, outcome.message, outcome.rows) == (whole.status, whole.message, whole.rows)
    np.testing.assert_array_equal(again, record)
    assert not path.exists()


def test_a_stop_in_the_file_spares_the_others_the_way_to_their_ends(path):
    whole, _ = walk(limit=12.0)
    first = int(whole.message.split()[1])
    end = int(whole.message.split()[-1].rstrip("."))
    groups = [[first], [number for number in range(6) if number != first]]
    units, again = [], []

    def ctrl_c_after_the_stop(done, total):
        if units[0].early_stop is not None:
            raise KeyboardInterrupt

    walk(Checkpoint(path), groups=groups, limit=12.0, units=units, progress=ctrl_c_after_the_stop)
    assert units[1].position < end
    outcome, _ = walk(Checkpoint(path), groups=groups, limit=12.0, units=again)
    assert (outcome.message, again[0].advances) == (whole.message, 0)
    assert end < again[1].position <= end + 7  # a chunk more at most


def test_units_that_hold_other_replicas_are_refused(path):
    walk(Checkpoint(path), threads=3, progress=ctrl_c_at(0.1))
    before = path.read_bytes()
    for groups in ([[0, 1, 2], [3, 4], [5]], [list(range(6))]):
        units = []
        with pytest.raises(InputError, match="holds other replicas, or the same in other groups"):
            walk(Checkpoint(path), groups=groups, units=units)
        assert all(unit.advances == 0 for unit in units)
    assert path.read_bytes() == before


def test_an_error_in_a_replica_leaves_the_last_file(path):
    class Failing(Walkers):
        def advance(self):
            super().advance()
            if path.exists():
                raise ZeroDivisionError("after the first checkpoint")

    record = np.empty((1, ROWS * 1000))
    with pytest.raises(ZeroDivisionError):
        run_replicas(
            [Failing([0], record, pause=0.01)], updates=1, progress=False, checkpoint=Checkpoint(path, every=0.0)
        )
    assert "unit place" in Checkpoint(path).read()[0]


def test_a_full_disk_does_not_end_a_run(path, monkeypatch):
    def full(self, snapshots):
        raise InputError("File run.npz cannot be written: No space left on device. Choose another place.")

    _, record = walk()
    monkeypatch.setattr(Checkpoint, "write", full)
    with pytest.warns(LearndynWarning, match=r"No checkpoint was written\. File run.npz cannot be written: No space"):
        _, again = walk(Checkpoint(path, every=0.0), progress=lambda done, total: None)
    np.testing.assert_array_equal(again, record)
    with pytest.warns(LearndynWarning, match="No space"):
        cut, _ = walk(Checkpoint(path), progress=ctrl_c_at(0.3))
    assert "goes on from here" not in cut.message


def test_a_snapshot_is_taken_by_the_thread_that_advances(path):
    """Never between two threads, and not more often than asked: one a checkpoint, one when a unit is left."""
    taken = []

    class Watched(Walkers):
        def advance(self):
            self.thread = threading.get_ident()
            super().advance()

        def snapshot(self):
            assert threading.get_ident() == self.thread
            taken.append(self.numbers[0])
            return super().snapshot()

    record = np.empty((2, ROWS))
    units = [Watched([i], record, pause=0.005) for i in range(2)]
    run_replicas(units, updates=10 * ROWS, threads=2, progress=False, checkpoint=Checkpoint(path, every=3600.0))
    assert sorted(taken) == [0, 1]


# ---- Runs of weight vectors

CASES = {"plain": (1, 1, 1000, 60_000), "blocks": (4, 4, 203, 50_000)}  # K, M, N, updates


def descend(case, checkpoint=None, **options):
    K, M, N, updates = CASES[case]
    C, step = np.diag([0.25] * K + [1.0] * M), make_step(activation("relu"), 0.3)
    steps = np.unique(np.linspace(0, updates, 20).astype(np.int64))
    return run_weights(bare(step, C, K), N, steps, replicas=3, seed=9, checkpoint=checkpoint, **options)


def assert_same(run, other):
    assert (run.status, run.message) == (other.status, other.message)
    for name in ("steps", "R", "Q", "J", "B", "replicas"):
        np.testing.assert_array_equal(getattr(run, name), getattr(other, name))


@pytest.mark.parametrize("case", CASES)
def test_weights_go_on_after_ctrl_c_to_the_same_bits(path, case):
    whole = descend(case, record_weights=True)
    cut = descend(case, Checkpoint(path), record_weights=True, threads=2, chunk=37, progress=ctrl_c_at(0.2))
    assert cut.status == "interrupted"
    again = descend(case, Checkpoint(path), record_weights=True, threads=1, chunk=1000)
    assert_same(again, whole)
    assert not path.exists()


def test_weights_do_not_go_on_from_another_run(path):
    descend("plain", Checkpoint(path), progress=ctrl_c_at(0.1))
    for changed in ({"record_weights": True}, {"blocks": True}):
        with pytest.raises(InputError, match=rf"`{next(iter(changed))}` \(false there, true here\)"):
            descend("plain", Checkpoint(path), **changed)
    with pytest.raises(InputError, match=r"`C` .*`K` \(1 there, 4 here\), `N` \(1000 there, .* and 1 more"):
        descend("blocks", Checkpoint(path))


KILLED = """
import os, signal, sys, threading
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from test_checkpoint import Checkpoint, descend, driver

driver.POLL_SECONDS = 0.003
case, path, timers = sys.argv[2], Path(sys.argv[3]), []


def pull_the_plug(done, total):
    if path.exists() and not timers:
        timers.append(threading.Timer(0.03, lambda: os.kill(os.getpid(), signal.SIGKILL)))
        timers[0].start()


descend(case, Checkpoint(path, every=0.0), record_weights=True, threads=2, progress=pull_the_plug)
"""


@pytest.mark.skipif(os.name != "posix", reason="sends a POSIX signal")
@pytest.mark.parametrize("case", CASES)
def test_a_killed_process_is_gone_on_with_to_the_same_bits(path, case):
    env = os.environ | {"PYTHONPATH": str(Path(learndyn.__file__).parents[1])}
    here = str(Path(__file__).parent)
    killed = subprocess.run([sys.executable, "-c", KILLED, here, case, str(path)], env=env, timeout=120)
    assert killed.returncode == -9
    seen = []
    again = descend(
        case,
        Checkpoint(path),
        record_weights=True,
        threads=1,
        chunk=100,
        progress=lambda done, total: seen.append(done),
    )
    assert seen[0] > 0
    assert_same(again, descend(case, record_weights=True))
    assert not path.exists()
