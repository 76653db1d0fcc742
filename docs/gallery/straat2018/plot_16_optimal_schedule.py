r"""
The best schedule on a plateau
==============================

Which learning rate, as a function of time, leaves the least error at the end? ``ld.optimal_schedule`` finds it by
exact gradients through the solution, from a constant rate as its first guess. The greedy rate, which lowers the error
fastest at each moment, never leaves the plateau.
"""

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=1.0)
start = ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-3)

# %%
# The figure is the result of ``ld.optimal_schedule(scenario, start, until=100, knots=50)`` and of
# ``ld.greedy_schedule(scenario, start, until=100)``.

best = ld.figures.draw("2018-optimal-schedule")
best

# %%
# The error at the end: of the best schedule, of the best constant rate, and of the greedy rate.

[best.numbers[name] for name in ("eps_g_best", "eps_g_constant", "eps_g_greedy")]
