"""The labelled result of a sequence of tasks, of theory and of simulations; its layout is told by `ld.TaskSequence`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr

from learndyn.errors import InputError
from learndyn.results import attributes
from learndyn.scenarios.reached import Reached
from learndyn.scenarios.task_sequence.sequence import TaskSequence


@dataclass(frozen=True)
class Stage:
    """One task of one replica: its rows, the first at its begin and the last at its end."""

    times: np.ndarray
    measured: dict[str, np.ndarray]  # (rows, tasks)
    kept: dict[str, np.ndarray]  # (rows, ...)
    reached: bool
    status: str
    message: str

    @classmethod
    def of(cls, sequence: TaskSequence, index: int, run: xr.Dataset, reached: bool) -> Stage:
        """The task ``index`` from its run."""
        family, attrs = sequence.family, run.attrs
        times = run[sequence.time_name].values
        return cls(
            times, family.measured(index, run), family.kept(index, run), reached, attrs["status"], attrs["message"]
        )  # fmt: skip


def dataset(
    sequence: TaskSequence,
    start: Any,
    replicas: list[list[Stage]],
    *,
    engine: str,
    options: dict[str, Any],
    seed: int | None = None,
    interrupted: bool = False,
    own_times: bool = False,
) -> xr.Dataset:
    """All stages of all replicas, those of theory without the dim ``replica``, with the rows below each other."""
    numbers = np.arange(len(replicas))
    if interrupted:
        numbers = np.array([n for n in numbers if len(replicas[n]) == len(sequence.tasks)], dtype=int)
        if len(numbers) == 0:
            raise KeyboardInterrupt
    replicas, status, message = _verdict(sequence, [replicas[n] for n in numbers], interrupted, seed is not None)
    lead = () if seed is None else ("replica",)
    table = _Table(sequence, replicas, lead, "row" if own_times else sequence.time_name)
    coordinates: dict[str, Any] = {"measured_task": np.arange(len(sequence.tasks)), **sequence.family.coordinates()}
    coordinates |= {"task": np.arange(len(replicas[0]))} | ({} if seed is None else {"replica": numbers})
    coordinates[sequence.time_name] = table.times()
    result = xr.Dataset({**table.ends(), **table.rows()}, coordinates)
    used = {dim for variable in result.data_vars.values() for dim in variable.dims}
    result = result.drop_vars([name for name in sequence.family.coordinates() if name not in used])
    result.attrs = attributes(
        sequence, start, engine=engine, status=status, message=message, options=options, seed=seed
    )  # fmt: skip
    return result


class _Table:
    """The variables of a result: ``rows()`` of all tasks below each other, ``ends()`` one number a task."""

    def __init__(self, sequence: TaskSequence, replicas: list[list[Stage]], lead: tuple[str, ...], dim: str) -> None:
        self.sequence, self.replicas, self.lead, self.dim = sequence, replicas, lead, dim
        # The row in which a task begins is the last of the task before. Where updates are few, times may come twice:
        # they stay where each replica has its own, so that all have as many rows.
        self.chosen = []
        for index, stage in enumerate(replicas[0]):
            kept = np.arange(len(stage.times))
            if dim != "row":
                kept = np.unique(stage.times, return_index=True)[1]
            self.chosen.append(kept[min(index, 1) :])

    def times(self) -> xr.Variable:
        """The time of each row."""
        time = self.sequence.time
        label = {"long_name": time.description, "units": time.units}
        below = [self._below([stage.times for stage in stages]) for stages in self.replicas]
        if self.dim == "row":
            return xr.Variable(("replica", "row"), np.array(below), label)
        return xr.Variable((self.dim,), below[0], label)

    def rows(self) -> dict[str, xr.Variable]:
        """What varies from row to row."""
        family, found = self.sequence.family, {}
        task = self._below([np.full(len(stage.times), k) for k, stage in enumerate(self.replicas[0])])
        label = {"long_name": "task that is trained, or was up to here", "units": "1"}
        found["current_task"] = xr.Variable((self.dim,), task, label)
        for name, description in family.measures.items():
            values = self._stacked([self._below([s.measured[name] for s in stages]) for stages in self.replicas])
            dims = (*self.lead, self.dim, "measured_task")
            found[name] = xr.Variable(dims, values, {"long_name": description, "units": "1"})
        for name, quantity in family.quantities().items():
            if not all(name in stage.kept for stages in self.replicas for stage in stages):
                continue
            numbers = len(self.replicas) * len(task) * self.replicas[0][0].kept[name][0].size
            if not family.fits(name, numbers):
                continue
            values = self._stacked([self._below([s.kept[name] for s in stages]) for stages in self.replicas])
            text = {"long_name": quantity.description, "units": quantity.units}
            found[name] = xr.Variable((*self.lead, self.dim, *quantity.dims), values, text)
        return found

    def ends(self) -> dict[str, xr.Variable]:
        """Begin and end of each task, and what is known then."""
        clock, dims = self.sequence.time.units, (*self.lead, "task")
        columns = {
            "begin": (lambda stage: stage.times[0], {"long_name": "time at which a task begins", "units": clock}),
            "end": (lambda stage: stage.times[-1], {"long_name": "time at which a task ends", "units": clock}),
        }
        if isinstance(self.sequence.switch, Reached):
            text = {"long_name": "whether a task ended because its level was reached", "units": "1"}
            columns["reached"] = (lambda stage: stage.reached, text)
        found = {}
        for name, (of, text) in columns.items():
            values = [np.array([of(stage) for stage in stages]) for stages in self.replicas]
            once = self.dim != "row" and name in ("begin", "end")  # then all replicas have the same
            found[name] = xr.Variable(("task",) if once else dims, values[0] if once else self._stacked(values), text)
        for name, description in self.sequence.family.measures.items():
            last = [np.array([s.measured[name][-1] for s in stages]) for stages in self.replicas]
            text = {"long_name": f"{description}, at the end of another", "units": "1"}
            found[f"{name}_at_end"] = xr.Variable((*dims, "measured_task"), self._stacked(last), text)
        return found

    def _below(self, parts: list[np.ndarray]) -> np.ndarray:
        return np.concatenate([part[kept] for part, kept in zip(parts, self.chosen, strict=True)])

    def _stacked(self, of_replicas: list[np.ndarray]) -> np.ndarray:
        return np.stack(of_replicas) if self.lead else of_replicas[0]


def _verdict(
    sequence: TaskSequence, replicas: list[list[Stage]], interrupted: bool, simulated: bool
) -> tuple[list[list[Stage]], str, str]:
    """The stages that all replicas have, the status and its sentence."""
    name = sequence.time_name
    ended = [
        (n, k, stage) for n, stages in enumerate(replicas) for k, stage in enumerate(stages) if stage.status != "ok"
    ]
    if ended:
        n, k, stage = min(ended, key=lambda entry: entry[1])
        where = f"Task {k} of replica {n}" if simulated else f"Task {k}"
        if not simulated:
            return replicas, stage.status, f"{where}: {stage.message}"
        if k == 0:
            raise InputError(f"{where} could not be run to its end: {stage.message}")
        return [stages[:k] for stages in replicas], stage.status, f"{where}: {stage.message} The tasks before are kept."
    short = [(n, k, stage) for n, stages in enumerate(replicas) for k, stage in enumerate(stages) if not stage.reached]
    if interrupted:
        return replicas, "interrupted", f"Interrupted: {len(replicas)} replicas are kept, with all their tasks."
    if not short:
        return replicas, "ok", "All tasks were trained to their end."
    n, k, stage = short[0]
    rule, value = sequence.switch, _trained(sequence, k, stage)
    which = f"Task {k} of replica {n} (one of {len(short)} such)" if simulated else f"Task {k}"
    return replicas, "not_reached", (
        f"{which} ended at {name} = {stage.times[-1]:.6g}, after at_most = {rule.at_most:g}, with {rule.quantity} = "
        f"{value:.4g}, short of {rule.level:g}: raise at_most, or choose a level that the task can reach."
    )  # fmt: skip


def _trained(sequence: TaskSequence, index: int, stage: Stage) -> float:
    """The quantity of the rule at the end of a stage, on its own task."""
    quantity = sequence.switch.quantity
    if quantity in stage.measured:
        return float(stage.measured[quantity][-1, index])
    return float(stage.kept[quantity][-1])
