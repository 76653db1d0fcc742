r"""
Where and when the erf committee learns
=======================================

A thousand scenarios in one call: the learning rate against the asymmetry of the start, coloured by the time at which
the error reaches :math:`10^{-3}`.
"""

import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.0)


def start(eta, X):
    """The start of the slides, with the asymmetry X."""
    return ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=X)


# %%
# ``ld.phase_diagram`` solves all of them in batches; with ``refine`` it looks closer where outcomes differ.

small = ld.phase_diagram(
    scenario,
    start,
    500,
    x=("learning_rate", np.linspace(0.1, 3.0, 8)),
    y=("X", np.logspace(-8, -1, 8)),
)
small.outcome.values

# %%

ld.figures.draw("phase-diagram-erf-k2-m2")
