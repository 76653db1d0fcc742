r"""
A teacher on a random walk, and a change of tasks
=================================================

"Time-dependent rule" stands among the outlook of the slides. A teacher that walks at random,
:math:`B(\mu)\cdot B(\mu+1)=1-\delta/N`, is followed at a distance. A small learning rate is too slow and a large one
makes noise: to leading order :math:`\epsilon_g=\delta/\eta(2-\eta)`.
"""

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(1, "relu"),
    ld.Teacher(1, "relu"),
    learning_rate=1.0,
    teacher_drift=ld.RandomWalk(0.01),
)
tracking = ld.solve(scenario, ld.Start(Q=0.25, R=0.0), until=30)
float(tracking.eps_g[-1])

# %%

ld.figures.draw("2018-random-walk")

# %%
# A teacher that is replaced at :math:`\alpha=100`. Where the two tasks are related, the units keep their
# specialisation and there is no second plateau; the first task is forgotten to the error of the second teacher on it.

switched = ld.StudentTeacher(
    ld.Student(2, "relu"),
    ld.Teacher(2, "relu"),
    learning_rate=0.3,
    teacher_drift=ld.Switch([100.0], overlap=0.6),
)
start = ld.Start(Q=[[0.2, 0.0], [0.0, 0.2]], R=[[0.1, 0.0], [0.0, 0.1]])
theory = ld.solve(switched, start, until=200, save_at=[0, 99, 100, 200])
theory.eps_g.values

# %%

ld.figures.draw("2018-task-switch")
