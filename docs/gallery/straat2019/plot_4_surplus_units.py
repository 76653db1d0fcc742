r"""
Complex students learn a simple rule
====================================

Five erf units learn one, with and without label noise, and held back by weight decay or dropout: options of the
scenario, in theory and simulation alike. Noise decides here: it is large, s = 1.
"""

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(5, "erf"), ld.Teacher(1, "erf"), learning_rate=0.2, label_noise=1.0, dropout_keep=0.5
)
start = ld.Start.random_weights(scenario, 1000, Q=0.2, seed=1)
theory = ld.solve(scenario, start, until=300)
float(theory.eps_g[-1])

# %%

ld.figures.draw("2019-complex-students-k5-m1")

# %%
# Ten units that learn two.

ld.figures.draw("2019-complex-students-k10-m2")

# %%
# For small learning rates each unit too many adds its share of noise: :math:`\epsilon_g=\eta s^2(K-M+M/\sqrt3)/2\pi`
# for erf units, a law of S. Goldt, M. Advani, A. Saxe, F. Krzakala and L. Zdeborova (2019).

ld.figures.draw("2019-complex-students-noise")
