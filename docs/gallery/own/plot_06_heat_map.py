r"""
A hundred scenarios in one call: a heat map from a sweep
========================================================

How does the time on the plateau depend on the learning rate and on the number of units? ``ld.sweep`` runs every
combination, on all cores, and gives one dataset with a dimension for each parameter. With ``store="runs.zarr"`` the
same call writes to a file, and goes on where it was interrupted.
"""

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(2), ld.Teacher(2), learning_rate=1.0)
near = ld.StartRecipe(ld.Start.near_symmetric, Q=0.2)
sweep = ld.sweep(
    scenario, near, until=400, save_at=81, observables=["eps_g"], progress=False,
    over={"learning_rate": np.linspace(0.2, 2.0, 10), "start.X": [1e-1, 1e-2, 1e-3, 1e-4, 1e-5], "units": [2, 3]},
)  # fmt: skip
dict(sweep.eps_g.sizes)

# %%
# The error at :math:`\alpha=150` for two units that learn two, and for three that learn three: dark where the plateau
# was left in time.

with ld.plot.paper():
    figure, axes = plt.subplots(1, 2, figsize=(7.0, 2.8))
    for ax, units in zip(axes, (2, 3), strict=True):
        ld.plot.heat_map(sweep, "learning_rate", "start.X", units=units, at=150, ax=ax)
        ax.set_title(f"$K=M={units}$")
plt.show()

# %%
# The same data as learning curves, one for each start.

with ld.plot.paper():
    figure, ax = plt.subplots(figsize=(5.0, 3.2))
    ld.plot.family(sweep, "start.X", units=2, learning_rate=1.0, ax=ax)
plt.show()
