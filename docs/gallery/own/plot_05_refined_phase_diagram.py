r"""
A phase diagram, refined along its boundary
===========================================

For which learning rates and label noises does a ReLU perceptron come below an error of 0.02? A coarse grid finds the
regions; with ``refine=4`` each cell on their boundary is halved four times, and all other points are spared.
"""

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=1.0)
diagram = ld.phase_diagram(
    scenario, ld.Start(Q=0.25, R=0.0), until=200, threshold=0.02, refine=4,
    x=("learning_rate", np.linspace(0.1, 2.5, 13)), y=("label_noise", np.linspace(0.0, 0.8, 9)),
)  # fmt: skip
float(diagram.computed.mean())  # the share of the fine grid that had to be run

# %%
# ``ld.phase_boundary`` gives the boundary as points with their uncertainty. The dotted line is what the error that
# label noise leaves would make of it to leading order, :math:`\eta s^2/4(2-\eta)=0.02`.

boundary = ld.phase_boundary(diagram, "learned")
with ld.plot.paper():
    figure, ax = plt.subplots(figsize=(5.0, 3.4))
    ld.plot.phase_diagram(diagram, ax=ax)
    ax.plot(boundary.learning_rate, boundary.label_noise, ".", color="black", markersize=1.5)
    eta = np.linspace(0.1, 1.99, 200)
    ax.plot(eta, np.sqrt(0.08 * (2 - eta) / eta), color="white", linestyle=":", linewidth=1.6)
    ax.set(xlim=(0.1, 2.5), ylim=(0, 0.8))
plt.show()
