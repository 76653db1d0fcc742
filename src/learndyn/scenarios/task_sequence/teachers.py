"""Tasks that are teachers: the student keeps its overlaps with the vectors of all of them, and learns from one.

    R_jin = J_i . B_jn,   B_jn . B_km = cosines_jk T_nm,   eps_g_j = <(tau_j - sigma)^2> / 2

Each task is an `ld.StudentTeacher` whose reference vectors are all the teachers' (`motion.Lessons`), the one that is
trained first and the others after it in their order: all tasks of one structure share one compiled program.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from learndyn.errors import InputError
from learndyn.scenarios.base import Quantity
from learndyn.scenarios.student_teacher.motion import Lessons
from learndyn.scenarios.student_teacher.start import Start

if TYPE_CHECKING:
    import xarray as xr

OWN = ("Q", "w", "theta", "eta")


class TeacherTasks:
    """See the module."""

    kind: ClassVar[str] = "student_teacher"
    has_teachers: ClassVar[bool] = True
    measures: ClassVar[dict[str, str]] = {"eps_g": "generalisation error on the task"}
    names_size: ClassVar[bool] = True

    def __init__(self, tasks: tuple[Any, ...], cosines: np.ndarray) -> None:
        self.tasks, self.cosines = tasks, cosines
        indices = np.arange(len(tasks))
        # The trained one first.
        self.orders = [np.concatenate([[stage], indices[indices != stage]]) for stage in indices]

    def check(self) -> None:
        """Refuse tasks that cannot follow each other."""
        first = self.tasks[0]
        for index, task in enumerate(self.tasks):
            given = {
                "teacher_drift": task.teacher_drift is not None,
                "rule": task.rule_name in ("momentum", "natural_gradient"),
                "inputs": task.inputs is not None and not task.inputs.plain,
                "connectivity": task.connectivity == "tree",
            }
            for name, on in given.items():
                if on:
                    raise InputError(
                        f"Argument `{name}` of a task must be left out, but task {index} has {task.shown(name)}: a "
                        "sequence follows the overlaps with the teachers of all tasks, which are known without it. "
                        "Leave it out."
                    )
            for name, here, there in (("K", first.K, task.K), ("M", first.M, task.M)):
                if here != there:
                    raise InputError(
                        f"Argument `tasks` must hold tasks of the same {name}, but task 0 has {name} = {here} and task "
                        f"{index} has {name} = {there}. Give all the same."
                    )
            if not np.array_equal(task.T, first.T):
                raise InputError(
                    f"Argument `tasks` must hold teachers of the same T, but those of task 0 and task {index} differ. "
                    "Give all the same T."
                )
            if task.layout.names != first.layout.names:
                raise InputError(
                    f"Argument `tasks` must hold students with the same numbers that learn, but task 0 has "
                    f"{', '.join(first.layout.names)} and task {index} has {', '.join(task.layout.names)}. "
                    "Give all tasks the same learning rates."
                )
        _ = self.stages

    @property
    def stages(self) -> tuple[Any, ...]:
        """The scenarios to run, one a task."""
        if not hasattr(self, "_stages"):
            cosines = [self.cosines[np.ix_(order, order)] for order in self.orders]
            self._stages = tuple(
                task.replace(teacher_drift=Lessons(own)) for task, own in zip(self.tasks, cosines, strict=True)
            )
        return self._stages

    def first(self, start: Any) -> Start:
        """The start of the first task; R for its teacher alone, or for the vectors of all teachers, task by task."""
        tasks, M = len(self.tasks), self.tasks[0].M
        start = Start.of(start, self.tasks[0])
        R = np.array(start.R)
        if R.shape[1] == M:
            # What the student has of the others lies in the span of the first.
            R = np.concatenate([cosine * R for cosine in self.cosines[0]], axis=1)
        if R.shape[1] != tasks * M:
            raise InputError(
                f"Argument `R` of the start must have {M} columns, the vectors of the first teacher, or {tasks * M}, "
                f"those of all teachers, but it has {R.shape[1]}. Give one column for each teacher vector."
            )
        more = {**dict(start.more), "R_reference": R}
        return self.stages[0].as_start(replace(start, R=R[:, :M], more=more))

    def next(self, stage: int, row: xr.Dataset) -> Start:
        """The start of the task after ``stage``, from the last row of that."""
        start = self.stages[stage].as_start(row)
        R = self._by_task(stage, np.array(dict(start.more)["R_reference"]))
        R = self._flat(stage + 1, R)
        more = {**dict(start.more), "R_reference": R}
        return self.stages[stage + 1].as_start(replace(start, R=R[:, : self.tasks[0].M], more=more))

    def _by_task(self, stage: int, R: np.ndarray) -> np.ndarray:
        """(..., tasks, K, M) in the order of the tasks, from the references of a stage, (..., K, tasks M)."""
        tasks = np.moveaxis(R.reshape(*R.shape[:-1], len(self.tasks), -1), -2, -3)
        found = np.empty_like(tasks)
        found[..., self.orders[stage], :, :] = tasks
        return found

    def _flat(self, stage: int, R: np.ndarray) -> np.ndarray:
        """The inverse of `_by_task`."""
        ordered = np.moveaxis(R[..., self.orders[stage], :, :], -3, -2)
        return ordered.reshape(*ordered.shape[:-2], -1)

    def measured(self, stage: int, run: xr.Dataset) -> dict[str, np.ndarray]:
        """How well each task is known in each row of a run, (rows, tasks)."""
        R = self._by_task(stage, run["R_reference"].values)
        errors = []
        for index, scenario in enumerate(self.stages):
            blocks = {block.name: run[block.name].values for block in scenario.layout.blocks if block.name != "R"}
            states = scenario.layout.pack({**blocks, "R": self._flat(index, R)})
            errors.append(scenario.rows(states, run[scenario.time_name].values)["eps_g"])
        return {"eps_g": np.stack(errors, axis=-1)}

    def kept(self, stage: int, run: xr.Dataset) -> dict[str, np.ndarray]:
        """What else a result has, row by row."""
        own = {name: run[name].values for name in OWN if name in run}
        return {"R": self._by_task(stage, run["R_reference"].values), **own}

    def quantities(self) -> dict[str, Quantity]:
        """The dims and the meaning of what `kept` gives."""
        known = self.stages[0].quantities()
        overlaps = Quantity(("measured_task", "student", "teacher"), "overlaps J_i . B_jn with the teacher of a task")
        return {"R": overlaps, **{name: known[name] for name in OWN if name in known}}

    def coordinates(self) -> dict[str, np.ndarray]:
        """The labels of the units."""
        labels = self.stages[0].coordinates()
        return {name: labels[name] for name in ("student", "student2", "teacher")}

    def fits(self, name: str, numbers: int) -> bool:
        """Whether a variable of so many numbers is part of a result."""
        return True
