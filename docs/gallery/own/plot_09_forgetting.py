r"""
Forgetting depends on how alike the tasks are
=============================================

A committee learns four teachers one after another. Each teacher vector has the cosine :math:`\gamma` with the one
before. How much of the first task is lost, and is the next one learned sooner?
"""

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

task = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=1.0)
start = ld.Start(Q=0.2 * np.eye(2), R=0.1 * np.eye(2))
cosines = (0.0, 0.5, 0.9)
curves = [
    ld.solve(ld.TaskSequence([task] * 4, switch=100, overlap=gamma), start) for gamma in cosines
]

# %%
# All tasks are measured all the time: ``eps_g`` has the dimension ``measured_task``. Above, the task that is being
# learned; below, the first one.

with ld.plot.paper():
    figure, (above, below) = plt.subplots(2, 1, figsize=(5.0, 4.6), sharex=True)
    for order, (gamma, curve) in enumerate(zip(cosines, curves, strict=True)):
        at_hand = curve.eps_g.sel(measured_task=curve.current_task)
        above.plot(curve.alpha, at_hand, color=ld.plot.PALETTE[order], label=rf"$\gamma={gamma:g}$")
        below.plot(curve.alpha, curve.eps_g.sel(measured_task=0), color=ld.plot.PALETTE[order])
    for ax, label in ((above, "task at hand"), (below, "first task")):
        for change in (100, 200, 300):
            ax.axvline(change, color="0.6", linewidth=0.6, linestyle=":")
        ax.set(ylabel=rf"$\epsilon_g$, {label}", yscale="log", ylim=(1e-5, 2), xlim=(0, 400))
    below.set_xlabel(r"$\alpha$")
    above.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3)
plt.show()

# %%
# Alike teachers (:math:`\gamma=0.9`) are learned at once, since the units are specialised already, and little of the
# first one is lost. Teachers with nothing in common (:math:`\gamma=0`) leave the student on a plateau, where it
# forgets what it knew and learns nothing new in the time that a task has.
