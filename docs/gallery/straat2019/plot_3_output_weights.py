r"""
Output weights, fixed and learned
=================================

A teacher :math:`\tau=\sum_n v_n\,g(y_n)` with the output weights v = (1.2, 3). A student whose output weights are one
makes up for them with longer weight vectors, since :math:`g(cx)=c\,g(x)` for ReLU: :math:`Q_{ii}\to v_i^2`.
"""

import numpy as np

import learndyn as ld

teacher = ld.Teacher(2, "relu", output_weights=[1.2, 3])
fixed = ld.StudentTeacher(ld.Student(2, "relu"), teacher, learning_rate=0.1)
start = ld.Start(Q=0.2 * np.eye(2), R=1e-3 * np.eye(2))
theory = ld.solve(fixed, start, until=3000)
np.diag(theory.Q[-1]).round(3)

# %%

ld.figures.draw("2019-output-weights-fixed")

# %%
# Output weights that learn, by ``output_learning_rate``, without the factor 1/N of the first layer. Signs are found
# first, within a few hundred examples. Where the signs of the two teacher units differ, some runs are trapped.

learned = fixed.replace(output_learning_rate=0.1, output_time_scale="fast")
ld.figures.draw("2019-output-weights-adaptive")

# %%
# With the factor 1/N for both layers the start of w decides which of the equivalent networks is found: small output
# weights before long vectors, or the other way round.

ld.figures.draw("2019-two-realisations")
