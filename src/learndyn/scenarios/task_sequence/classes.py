"""Tasks that are pairs of Gaussian classes: what is handed on are the weights, and every task measures them.

alignment_j(t) = d_j . w(t) / (|d_j| |w(t)|),   accuracy_j(t) = sum_y p_y Phi(y mu_jy . w / sqrt(w^T Sigma_jy w))
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from learndyn.errors import InputError
from learndyn.gaussian.namespaces import NUMPY
from learndyn.scenarios.base import Quantity
from learndyn.scenarios.classification import observables

if TYPE_CHECKING:
    import xarray as xr

# More numbers than this are no part of a result row by row.
MOST_WEIGHTS = 10**7


class ClassTasks:
    """See the module."""

    kind: ClassVar[str] = "gaussian_classification"
    has_teachers: ClassVar[bool] = False
    measures: ClassVar[dict[str, str]] = {
        "alignment": "cosine of the weights and the difference of the task's class means",
        "accuracy": "probability to classify a new input of the task right",
    }
    names_size: ClassVar[bool] = False  # whether a simulation must be told N

    def __init__(self, tasks: tuple[Any, ...], cosines: Any) -> None:
        self.stages = tasks

    def check(self) -> None:
        """Refuse tasks that cannot follow each other."""
        first = self.stages[0]
        for index, task in enumerate(self.stages):
            if task.n != first.n:
                raise InputError(
                    f"Argument `tasks` must hold tasks of as many inputs each, but task 0 has {first.n} and task "
                    f"{index} has {task.n}. Give all the same inputs."
                )

    def first(self, start: Any) -> Any:
        """The start of the first task."""
        return self.stages[0].as_start(start)

    def next(self, stage: int, row: xr.Dataset) -> Any:
        """The start of the task after ``stage``, from the last row of that."""
        return self.stages[stage + 1].as_start(row)

    def measured(self, stage: int, run: xr.Dataset) -> dict[str, np.ndarray]:
        """How well each task is known in each row of a run, (rows, tasks)."""
        W, found = run["w"].values, {"alignment": [], "accuracy": []}
        for task in self.stages:
            m, v = observables.fields(W, task.means.values, task.covariances)
            found["alignment"].append(observables.alignment(W, task.means.values, np))
            found["accuracy"].append(observables.accuracy(m, v, task.prior, NUMPY))
        return {name: np.stack(columns, axis=-1) for name, columns in found.items()}

    def kept(self, stage: int, run: xr.Dataset) -> dict[str, np.ndarray]:
        """What else a result has, row by row."""
        return {"w_norm": run["w_norm"].values, "w": run["w"].values}

    def quantities(self) -> dict[str, Quantity]:
        """The dims and the meaning of what `kept` gives."""
        known = self.stages[0].quantities()
        return {name: known[name] for name in ("w_norm", "w")}

    def coordinates(self) -> dict[str, np.ndarray]:
        """The labels of the inputs."""
        return {"input": np.arange(1, self.stages[0].n + 1)}

    def fits(self, name: str, numbers: int) -> bool:
        """Whether a variable of so many numbers is part of a result."""
        return name != "w" or numbers <= MOST_WEIGHTS
