r"""
The plateau of the erf committee
================================

Two sigmoidal units, :math:`g(x)=\mathrm{erf}(x/\sqrt2)`, learn two from the start of the ReLU committee. The plateau
is longer, because the direction in which it is left grows more slowly (slides 37 and 38).
"""

# sphinx_gallery_thumbnail_number = 2

import learndyn as ld

ld.figures.draw("2018-erf-k2-m2-order-parameters")

# %%

ld.figures.draw("2018-erf-k2-m2-generalisation-error")

# %%
# Here the fixed point is known in closed form, :math:`R_{in}=1/\sqrt6` and :math:`Q_{ik}=1/3`. The eigenvalues that
# the slide prints are not those of the flow, which are :math:`(-30,-15,-14,-9,1,0,0)\cdot4/(5\sqrt{15}\,\pi)`.

ld.figures.draw("2018-erf-k2-m2-plateau")

# %%
# ``ld.escape_time`` measures when a run leaves, and predicts it from the linearised flow, once from the start and
# once from where the run comes closest to the plateau.

scenario = ld.StudentTeacher(
    ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=1.0, dynamics="gradient_flow"
)
start = ld.Start(Q=[[0.2, 0.0], [0.0, 0.3]], R=[[1e-4, 0.0], [0.0, 1e-4]])
escape = ld.escape_time(scenario, start)
[round(float(escape[name]), 1) for name in ("measured", "predicted", "refined")]

# %%
# For ReLU the law :math:`\ln(1/X)/\lambda_5` holds at once; for erf only slowly, because two directions approach the
# plateau algebraically (their eigenvalues are zero).

ld.figures.draw("2018-plateau-slopes")
