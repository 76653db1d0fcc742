r"""
Learning rates under label noise
================================

With noisy labels a constant rate stays at a distance of order :math:`\eta s^2`. A rate that falls as
:math:`2/\alpha` averages the noise out as fast as the Cramer-Rao bound allows, :math:`\epsilon_g=s^2/2\alpha`.
"""

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(1, "relu"), ld.Teacher(1, "relu"),
    learning_rate=ld.schedules.PowerLaw(1.0, alpha0=2.0), label_noise=0.3,
)  # fmt: skip
theory = ld.solve(
    scenario, ld.Start(Q=0.25, R=0.0), until=1e4, save_at=ld.logspaced(100, first=0.1)
)
2e4 * float(theory.eps_g[-1]) / 0.3**2  # tends to 1

# %%

ld.figures.draw("2018-learning-rate-adaptation")

# %%
# A rate that follows the error by itself, ``ld.AdaptiveRate``, needs no clock; a floor, the part of the error that is
# taken for noise, decides whether it comes to rest.

ld.figures.draw("2018-adaptive-learning-rate")
