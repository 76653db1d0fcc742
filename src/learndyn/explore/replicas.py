"""Replicas at finite N for a page: run in a thread of their own, told how far they are, and cancelled."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import xarray as xr

from learndyn.explore.curves import Drawn, drawn
from learndyn.explore.setup import Setup
from learndyn.options import logspaced
from learndyn.results import time_of
from learndyn.scenarios.linear_modes.scenario import LinearModes
from learndyn.scenarios.student_teacher.scenario import StudentTeacher

ROWS = 61
FEWEST = 2
# Families whose number of inputs is a choice of the simulation.
WITH_N = (StudentTeacher.kind,)


@dataclass(frozen=True)
class Replicas:
    """A simulation of a setup."""

    setup: Setup
    options: dict[str, Any]
    result: xr.Dataset
    drawn: Drawn


def options_of(setup: Setup, N: int, replicas: int, seed: int) -> dict[str, Any]:
    """The options of `ld.simulate`: rows on the time axis of the page, at whole updates."""
    size = {"N": N} if setup.family.kind in WITH_N else {}
    if setup.family.kind == LinearModes.kind and setup.scenario.dropout_keep == 1.0:
        replicas = 1  # nothing is drawn: every run is the same
    times = logspaced(ROWS) if setup.log_time else ROWS
    return {"until": setup.options["until"], **size, "replicas": replicas, "save_at": times, "seed": seed}


class Running:
    """One simulation in a thread. `tell` gets Replicas, an exception, or None where nothing was kept."""

    def __init__(
        self, setup: Setup, options: dict[str, Any], progress: Callable[[float], None], tell: Callable[[Any], None]
    ) -> None:
        self._setup, self._options = setup, options
        self._progress, self._tell = progress, tell
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._run, name="learndyn-explore-replicas", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def cancel(self) -> None:
        """End soon; replicas that are through are kept."""
        self._cancelled.set()

    @property
    def cancelled(self) -> bool:
        """Whether it was told to end."""
        return self._cancelled.is_set()

    def _report(self, done: int, total: int) -> None:
        """Called by the driver ten times a second; an interrupt ends it as Ctrl-C would."""
        if self.cancelled:
            raise KeyboardInterrupt
        self._progress(done / total if total else 0.0)

    def _run(self) -> None:
        from learndyn.verbs import simulate

        report: Any = self._report
        try:
            result = simulate(self._setup.scenario, self._setup.start, **self._options, progress=report)
            # A run that was cancelled at its beginning may have no more than that.
            rows = result.sizes[time_of(result)]
            found: Any = None
            if rows >= FEWEST:
                found = Replicas(self._setup, self._options, result, drawn(result, self._setup.family))
        except KeyboardInterrupt:
            found = None
        except Exception as error:
            # Whatever it is, the page says it.
            found = error
        self._tell(found)
