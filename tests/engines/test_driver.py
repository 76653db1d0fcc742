"""The driver's promises, held with replicas that compute nothing: what is kept, in which order, and when it ends."""

import threading
import time

import numpy as np
import pytest

from learndyn.engines.checkpoint import Checkpoint
from learndyn.engines.driver import EarlyStop, run_replicas, thread_count
from learndyn.errors import LearndynWarning

FOREVER = 10**9


class Scripted:
    """Records a row every 10 updates; stops early where `fails_at` says, {replica: position}; raises at `raises_at`."""

    def __init__(self, numbers, rows, fails_at=None, raises_at=None, first_row=0, pause=0.0):
        self.numbers = numbers
        self.position = 0
        self.rows = 0
        self.finished = False
        self.early_stop = None
        self._total, self._fails_at, self._raises_at = rows, fails_at or {}, raises_at
        self._first_row, self._pause = first_row, pause

    def advance(self):
        time.sleep(self._pause)
        self.position += 5
        if self.position == self._raises_at:
            raise ZeroDivisionError("in a replica")
        failed = [number for number in self.numbers if self._fails_at.get(number) == self.position]
        if failed:
            self.finished, self.early_stop = True, EarlyStop("diverged", f"stopped at {self.position}.", min(failed))
        elif self.position % 10 == 0 and self.position > self._first_row:
            self.rows += 1
            self.finished = self.rows == self._total

    def snapshot(self):
        raise AssertionError("nobody asked for a checkpoint")

    restore = snapshot


def each(count, **options):
    """Replicas 0, 1, ..., one a unit."""
    return [Scripted([number], **options) for number in range(count)]


@pytest.mark.parametrize("threads", [None, 1, 3, 20])
def test_all_replicas_run_to_their_ends(threads):
    replicas = each(7, rows=4)
    outcome = run_replicas(replicas, updates=40, threads=threads, progress=False)
    assert (outcome.status, outcome.rows, outcome.kept.tolist()) == ("ok", 4, list(range(7)))
    assert [replica.position for replica in replicas] == [40] * 7


def test_threads_run_replicas_at_the_same_time_and_no_more_than_asked():
    lock, running, most = threading.Lock(), [0], [0]

    class Counting(Scripted):
        def advance(self):
            with lock:
                running[0] += 1
                most[0] = max(most[0], running[0])
            super().advance()
            with lock:
                running[0] -= 1

    run_replicas([Counting([i], rows=5, pause=0.002) for i in range(6)], updates=50, threads=3, progress=False)
    assert most[0] == 3


def test_thread_count_is_bounded_by_replicas_and_cores():
    assert thread_count(1, None) == 1
    assert thread_count(10**6, None) >= 1
    assert thread_count(2, 8) == 2
    assert thread_count(8, 2) == 2


FAILS = {1: 65, 2: 35, 4: 35, 5: 55}


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_the_earliest_stop_ends_the_run_whatever_the_threads(threads):
    replicas = each(7, rows=1000, fails_at=FAILS)
    outcome = run_replicas(replicas, updates=10_000, threads=threads, progress=False)
    # Replicas 2 and 4 stop first, after the rows at 10, 20, 30.
    assert (outcome.status, outcome.rows, outcome.kept.tolist()) == ("diverged", 3, list(range(7)))
    assert outcome.message == "Replica 2 stopped at 35."
    assert all(replica.rows >= 3 for replica in replicas)
    # The last replica starts when another has ended, hence after a stop; it is not run to its end for nothing.
    assert replicas[6].position <= 70
    if threads == 1:
        assert replicas[6].position == 40  # one chunk further than the stop


GROUPS = {
    "alone": [[0], [1], [2], [3], [4], [5], [6]],
    "pairs": [[0, 1], [2, 3], [4, 5], [6]],
    "all": [list(range(7))],
    "shuffled": [[6, 4], [5, 1, 3], [2, 0]],
}


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("groups", GROUPS)
def test_replicas_in_lockstep_end_as_they_do_alone(groups, threads):
    """Of two replicas that stop at the same update the lowest number is named, whatever the groups."""
    units = [Scripted(numbers, rows=1000, fails_at=FAILS) for numbers in GROUPS[groups]]
    outcome = run_replicas(units, updates=10_000, threads=threads, progress=False)
    assert (outcome.status, outcome.rows, outcome.kept.tolist()) == ("diverged", 3, list(range(7)))
    assert outcome.message == "Replica 2 stopped at 35."


@pytest.mark.parametrize("groups", GROUPS)
def test_what_is_kept_is_ascending_numbers_of_replicas(groups):
    outcome = run_replicas([Scripted(numbers, rows=3) for numbers in GROUPS[groups]], updates=30, progress=False)
    assert (outcome.status, outcome.kept.tolist()) == ("ok", list(range(7)))


def test_interrupt_counts_replicas_not_units():
    units = [Scripted([0, 1, 2], rows=3, pause=0.001), Scripted([3, 4], rows=FOREVER, pause=0.001)]
    outcome = run_replicas(units, updates=FOREVER, threads=2, progress=interrupt_when(lambda: units[0].finished))
    assert (outcome.status, outcome.rows, outcome.kept.tolist()) == ("interrupted", 3, [0, 1, 2])
    assert outcome.message == "Interrupted: 3 of 5 replicas had finished and are kept."


def test_an_exception_in_a_replica_stops_the_others_and_is_raised():
    replicas = [Scripted([0], rows=FOREVER), Scripted([1], rows=FOREVER, raises_at=50)]
    with pytest.raises(ZeroDivisionError, match="in a replica"):
        run_replicas(replicas, updates=FOREVER, threads=2, progress=False)
    assert not replicas[0].finished


def test_a_finished_run_is_kept_when_its_checkpoint_cannot_be_removed(tmp_path):
    """A folder of that name cannot be unlinked, also by a superuser."""
    path = tmp_path / "run.npz"

    class Kept(Scripted):
        def snapshot(self):
            return {}

    with pytest.warns(LearndynWarning, match=r"run\.npz is no longer needed, but cannot be removed .*\. Remove it\."):
        outcome = run_replicas(
            [Kept([0], rows=4)],
            updates=40,
            checkpoint=Checkpoint(path),
            progress=lambda done, total: path.mkdir(exist_ok=True),
        )
    assert (outcome.status, outcome.rows, outcome.kept.tolist()) == ("ok", 4, [0])


def interrupt_when(condition):
    """A progress function that does what Ctrl-C does: KeyboardInterrupt in the main thread."""

    def progress(done, total):
        assert threading.current_thread() is threading.main_thread()
        if condition():
            raise KeyboardInterrupt

    return progress


def test_interrupt_keeps_finished_replicas_whole():
    replicas = [Scripted([i], rows=3 if i in (0, 2) else FOREVER, pause=0.001) for i in range(6)]
    progress = interrupt_when(lambda: replicas[0].finished and replicas[2].finished)
    outcome = run_replicas(replicas, updates=FOREVER, threads=4, progress=progress)
    assert (outcome.status, outcome.rows, outcome.kept.tolist()) == ("interrupted", 3, [0, 2])
    assert "2 of 6" in outcome.message


def test_interrupt_before_any_has_finished_keeps_the_rows_that_all_running_ones_have():
    replicas = [Scripted([i], FOREVER, pause=pause) for i, pause in enumerate([0.001, 0.01, 0.0, 0.0])]
    progress = interrupt_when(lambda: min(replicas[0].rows, replicas[1].rows) >= 2)
    outcome = run_replicas(replicas, updates=FOREVER, threads=2, progress=progress)
    assert (outcome.status, outcome.kept.tolist()) == ("interrupted", [0, 1])  # 2 and 3 had not started
    assert outcome.rows == min(replicas[0].rows, replicas[1].rows)


def test_interrupt_without_any_row_is_raised():
    replicas = each(1, rows=FOREVER, first_row=FOREVER)
    with pytest.raises(KeyboardInterrupt):
        run_replicas(replicas, updates=FOREVER, progress=interrupt_when(lambda: True))


def test_interrupt_after_the_last_row_loses_nothing():
    replicas = each(3, rows=2)
    progress = interrupt_when(lambda: all(replica.finished for replica in replicas))
    outcome = run_replicas(replicas, updates=20, threads=1, progress=progress)
    assert (outcome.status, outcome.kept.size) == ("ok", 3)


def test_interrupt_after_an_early_stop_keeps_what_it_left():
    """Replica 0 stops early at update 25; replica 1, slower, is cut off before it gets there."""
    replicas = [Scripted([0], FOREVER, fails_at={0: 25}), Scripted([1], FOREVER, pause=0.5)]
    progress = interrupt_when(lambda: replicas[0].finished)
    outcome = run_replicas(replicas, updates=FOREVER, threads=2, progress=progress)
    assert (outcome.status, outcome.rows, outcome.kept.tolist()) == ("diverged", 2, [0])
    assert "stopped at 25" in outcome.message
    assert "Interrupted" in outcome.message


@pytest.mark.parametrize("units", [[[0], [1]], [[0, 1]]])
def test_progress_counts_the_updates_of_all_replicas(units):
    seen = []
    run_replicas(
        [Scripted(numbers, rows=6, pause=0.03) for numbers in units],
        updates=60,
        threads=1,
        progress=lambda done, total: seen.append((done, total)),
    )
    assert seen[-1] == (120, 120)
    assert len(seen) > 2
    assert np.all(np.diff([done for done, _ in seen]) >= 0)


def test_bar_is_silent_unless_asked_for_or_on_a_terminal(capsys):
    run_replicas(each(1, rows=2), updates=20, progress=None)  # stderr is no terminal here
    run_replicas(each(1, rows=2), updates=20, progress=False)
    assert capsys.readouterr().err == ""
    run_replicas(each(1, rows=2, pause=0.05), updates=20, progress=True)
    assert "simulate" in capsys.readouterr().err
