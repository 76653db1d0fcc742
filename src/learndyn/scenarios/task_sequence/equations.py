"""The equations of several tasks, learned one after another: those of a task, with what the sequence adds."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from learndyn.formulas.system import System
from learndyn.scenarios.reached import Reached


def system_of(sequence: Any) -> System:
    """The equations of the first task, and what differs in the others."""
    from learndyn.scenarios.equations import system_of as of_task

    tasks = sequence.tasks
    stages = getattr(sequence.family, "stages", tasks)
    first = of_task(stages[0])
    different = [
        entry.name
        for entry in fields(tasks[0])
        if any(getattr(task, entry.name) != getattr(tasks[0], entry.name) for task in tasks)
    ]
    remark = f"These are the equations of the first of {len(tasks)} tasks, learned one after another {_when(sequence)}."
    if different:
        remark += f" The others have another {', '.join(different)}."
    return replace(
        first, title=f"{len(tasks)} tasks, one after another: {first.title}", remarks=(*first.remarks, remark)
    )


def _when(sequence: Any) -> str:
    if isinstance(sequence.switch, Reached):
        return f"until {sequence.switch.quantity} reaches {sequence.switch.level:g}"
    if isinstance(sequence.switch, tuple):
        return f"from the times {', '.join(f'{time:g}' for time in sequence.switch)} on"
    return f"for a time of {sequence.switch:g} each"
