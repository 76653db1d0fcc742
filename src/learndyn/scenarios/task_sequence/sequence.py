"""Several tasks, learned one after another by one student: the sequence's data.

task 0 from the start;  task k + 1 from where task k ended;  every task measured all the way
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np

from learndyn.arguments import array, nested, number, or_list, positive_semidefinite, shown, symmetric, type_shown
from learndyn.errors import InputError
from learndyn.scenarios.base import Quantity
from learndyn.scenarios.reached import Reached
from learndyn.scenarios.shown import Shown
from learndyn.scenarios.task_sequence.classes import ClassTasks
from learndyn.scenarios.task_sequence.teachers import TeacherTasks

# How tasks of a kind follow each other.
FAMILIES: dict[str, Any] = {family.kind: family for family in (ClassTasks, TeacherTasks)}


@dataclass(frozen=True)
class TaskSequence(Shown):
    """Tasks learned one after another, and when one gives way to the next: continual learning and forgetting.

    `ld.solve` and `ld.simulate` take it in place of a scenario; `ld.forgetting_curve` reads their results.

    Parameters
    ----------
    tasks
        Scenarios of one kind: each an `ld.GaussianClassification` of the same n inputs, or each an `ld.StudentTeacher`
        of the same K and M, whose teachers have the same T and whose students have the same numbers that learn.
        Everything else may differ from task to task (rule, learning rate, decay, noise, ...).
    switch
        When a task ends. An `ld.Reached`: when a quantity, measured on the task, reaches a level. A number: each task
        takes that long. A list of increasing times, one fewer than there are tasks: the next task begins there, and
        the last one ends at the `until` of the verb.
    overlap
        For teachers: the cosine of each vector of a teacher with the same vector of the next one (0: tasks have nothing
        in common; teachers further apart then have its powers), or the matrix (tasks, tasks) of the cosines. Vectors
        of different numbers are as in T times that cosine. For classes it is left out: their means tell.

    Raises
    ------
    InputError
        When there is no task, or tasks do not fit each other, or `switch` does not fit them.

    Notes
    -----
    A result has the dims ``task`` (which was trained, from 0 as in the papers) and ``measured_task`` (on which
    knowledge was measured): ``begin`` and ``end`` (task), with an `ld.Reached` also ``reached`` (task);
    ``alignment_at_end`` and ``accuracy_at_end``, or ``eps_g_at_end`` (task, measured_task); and row by row
    ``current_task``, ``alignment``, ``accuracy`` and ``w``, or ``eps_g``, ``R`` and ``Q``. Rows have the dim of the
    time where all replicas change tasks together. Where each does so at its own time the dim is ``row``: as many rows
    for each task, at equal fractions of its duration, with the time as a variable of (replica, row).

    Simulations run each replica by itself, with a stream of its own for each task. What a rule remembers beside the
    weights (the running mean of the reward in `ld.Reinforce`) begins anew with every task. With an `ld.Reached` a task
    is simulated for ``at_most`` and cut where the level is first seen to be reached: choose it no longer than needed.

    Reference: Schmid & Murray (2024) arXiv:2409.03749, Fig. 6.

    Examples
    --------
    >>> import learndyn as ld
    >>> tasks = [ld.GaussianClassification(mu, 0.25, ld.Supervised(), 1.0) for mu in ([1.0, 0.0], [0.0, 1.0])]
    >>> sequence = ld.TaskSequence(tasks, switch=ld.Reached("alignment", 0.8, at_most=10))
    >>> run = ld.solve(sequence, ld.GaussianWeights([0.0, 1.0]))
    >>> run.alignment_at_end.round(3).values.tolist()
    [[0.8, 0.6], [0.6, 0.8]]
    """

    kind: ClassVar[str] = "task_sequence"

    tasks: tuple[Any, ...] | Any
    switch: Any  # an `ld.Reached`, a duration, or a tuple of times
    overlap: Any = None  # a cosine, or a matrix of cosines as nested tuples

    def __post_init__(self) -> None:
        tasks = _tasks(self.tasks)
        object.__setattr__(self, "tasks", tasks)
        object.__setattr__(self, "switch", _switch(self.switch, tasks))
        object.__setattr__(self, "overlap", _overlap(self.overlap, tasks))
        self.family.check()

    @cached_property
    def family(self) -> Any:
        """What one task hands to the next, and how they are measured."""
        return FAMILIES[self.tasks[0].kind](self.tasks, self.cosines)

    @property
    def cosines(self) -> np.ndarray | None:
        """Cosines (tasks, tasks) of the teachers; None where there are none."""
        if self.overlap is None or isinstance(self.overlap, tuple):
            return None if self.overlap is None else np.array(self.overlap)
        apart = np.arange(len(self.tasks))
        return np.power(self.overlap, np.abs(apart[:, None] - apart))

    @property
    def time_name(self) -> str:
        """The name of the time."""
        return self.tasks[0].time_name

    @property
    def time(self) -> Quantity:
        """What the time is."""
        return self.tasks[0].time

    def as_start(self, start: Any) -> Any:
        """The start of the first task, checked."""
        return self.family.first(start)

    def to_plain(self) -> dict[str, Any]:
        """As a dict of lists."""
        from learndyn.scenarios.plain import scenario_to_plain

        switch = self.switch
        if isinstance(switch, Reached):
            switch = {name: getattr(switch, name) for name in ("quantity", "level", "at_most", "direction", "looks")}
        plain = {"tasks": [scenario_to_plain(task) for task in self.tasks], "switch": switch}
        return plain if self.overlap is None else plain | {"overlap": self.overlap}


def refuse_for_tasks(**options: Any) -> None:
    """Refuse options of a verb that a sequence does not have, given by name; None and False are left out."""
    for name, value in options.items():
        if value is not None and value is not False:
            raise InputError(
                f"Argument `{name}` must be left out for an ld.TaskSequence, but it is {shown(value)}. Run a single "
                "task with it."
            )


def _tasks(value: Any) -> tuple[Any, ...]:
    from learndyn.scenarios.plain import scenario_from_plain

    if not isinstance(value, list | tuple) or len(value) == 0:
        raise InputError(
            f"Argument `tasks` must be a list of scenarios, at least one, but it is {shown(value)}. "
            "Write ld.TaskSequence([first, second], switch=...)."
        )
    tasks = tuple(scenario_from_plain(task) if isinstance(task, dict) else task for task in value)
    for index, task in enumerate(tasks):
        if getattr(task, "kind", None) not in FAMILIES or isinstance(task, type):
            raise InputError(
                f"Argument `tasks` must hold scenarios of the kinds {or_list(sorted(FAMILIES))}, but task {index} is "
                f"{type_shown(task)}. Leave this one out, or describe it as one of these."
            )
        if task.kind != tasks[0].kind:
            raise InputError(
                f"Argument `tasks` must hold scenarios of one kind, but task 0 is {type_shown(tasks[0])} and task "
                f"{index} {type_shown(task)}. Run the kinds one by one."
            )
    return tasks


def _switch(value: Any, tasks: tuple[Any, ...]) -> Reached | float | tuple[float, ...]:
    if isinstance(value, dict):
        value = Reached(**value)
    if isinstance(value, Reached):
        for task in tasks:
            # Refused by the task itself.
            task.observable(value.quantity, np)
        return value
    if isinstance(value, list | tuple | np.ndarray) and np.ndim(value) > 0:
        times = array(value, "switch", hint="Give times, one duration, or an ld.Reached.")
        if times.shape != (len(tasks) - 1,) or (np.diff(times) <= 0.0).any():
            raise InputError(
                f"Argument `switch` must have {len(tasks) - 1} increasing times, one fewer than there are tasks, but "
                f"it is {shown(value)}. Give one number for a duration of every task."
            )
        return tuple(times.tolist())
    return number(value, "switch", above=0.0)


def _overlap(value: Any, tasks: tuple[Any, ...]) -> Any:
    if not FAMILIES[tasks[0].kind].has_teachers:
        if value is not None:
            raise InputError(
                f"Argument `overlap` is for tasks with teachers, but these are of the kind {tasks[0].kind}, whose "
                "means tell how much they have in common. Leave it out."
            )
        return None
    cosines = array(0.0 if value is None else value, "overlap")
    if cosines.ndim == 0:
        if abs(float(cosines)) > 1.0:
            raise InputError(
                f"Argument `overlap` must be a cosine, from -1 to 1, but it is {float(cosines):g}. "
                "Divide it by the lengths of the two vectors."
            )
        return float(cosines)
    if cosines.shape != (len(tasks), len(tasks)):
        raise InputError(
            f"Argument `overlap` must be a cosine, or a matrix of those of {len(tasks)} tasks with each other, but it "
            f"has shape {cosines.shape}. Give one number, or a row for each task."
        )
    cosines = symmetric(cosines, "overlap")
    if np.abs(np.diag(cosines) - 1.0).max() > 1e-9:
        raise InputError(
            "Argument `overlap` must have ones on its diagonal, the cosine of a task with itself, but it has others. "
            "Set them to 1."
        )
    positive_semidefinite(cosines, "overlap", "Make some smaller: no vectors have such cosines.")
    return nested(cosines)
