r"""
What happens above the critical learning rate
=============================================

At the perfect solution R = Q = 1 the flow of the ReLU perceptron has the eigenvalues :math:`-\eta/2` and
:math:`\eta(\eta-2)/2` (slide 22). The second one changes sign at :math:`\eta_c=2`.
"""

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
float(ld.critical_learning_rate(scenario).learning_rate)

# %%

ld.figures.draw("2018-relu-perceptron-eigenvalues")

# %%
# To lose the perfect solution is not to diverge: at :math:`\eta=2.1` learning settles at another stable point (slides
# 23 and 24).

ld.figures.draw("2018-relu-perceptron-eta2.1-order-parameters")

# %%

ld.figures.draw("2018-relu-perceptron-eta2.1-generalisation-error")

# %%
# Both points can be followed as the learning rate changes: the imperfect one parts from the perfect one at
# :math:`\eta_c`, takes over its stability, and ends in a fold. Only beyond the fold does learning diverge from any
# start.

branch = ld.continue_fixed_point(
    scenario, "learning_rate", (2.1, 2.3), start=ld.Start(Q=1.15, R=0.98)
)
branch.event_kind.values.tolist(), branch.event_learning_rate.values.round(4).tolist()

# %%

ld.figures.draw("2018-relu-perceptron-fixed-points")
