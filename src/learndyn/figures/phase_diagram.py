"""Where the erf committee learns: the learning rate against the asymmetry of the start, by the batched theory."""

from __future__ import annotations

import numpy as np

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure

SCENARIO = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.0)
POINTS, UNTIL = 32, 500.0


def start(eta: float, X: float) -> ld.Start:
    """Q = diag(0.2, 0.3) as on slide 32 of Straat (2018), R = X I."""
    return ld.Start.near_symmetric(SCENARIO, Q=[0.2, 0.3], X=X)


@figure("phase-diagram-erf-k2-m2", "where and when the erf committee learns: eta against the asymmetry of the start")
def phase_diagram() -> Figure:
    """Small rates stay on the plateau, large ones lose the perfect solution."""
    x = ("learning_rate", np.linspace(0.1, 3.0, POINTS))
    diagram = ld.phase_diagram(SCENARIO, start, UNTIL, x=x, y=("X", np.logspace(-8, -1, POINTS)))
    picture, ax = panels()
    ld.plot.phase_diagram(diagram, ax=ax)
    learned = diagram.outcome == 1
    numbers = {"learned": float(learned.mean()), "diverged": float((diagram.outcome == 2).mean())}
    for X in (-1, 0):
        rates = diagram.learning_rate[learned.isel(X=X)].values
        name = f"X={diagram.X.values[X]:.0e}"
        numbers |= {f"smallest_eta({name})": float(rates[0]), f"largest_eta({name})": float(rates[-1])}
    column = diagram.sel(learning_rate=1.5, method="nearest")
    numbers["eta"] = float(column.learning_rate)
    numbers |= {f"time({X:.0e})": float(column.time.sel(X=X)) for X in diagram.X.values[[0, -1]]}
    return Figure(
        picture,
        numbers,
        "erf soft committee machine, K = M = 2, T = I, from R(0) = X I, Q(0) = diag(0.2, 0.3): the time at which eps_g "
        f"reaches 1e-3, and where it does not up to alpha = {UNTIL:g}. At small eta the plateau lasts longer, by "
        "ln(1/X) / lambda; beyond a rate that does not depend on X the perfect solution is no longer stable. No point "
        "diverges: the squared lengths of erf units grow at most in proportion to time.",
    )
