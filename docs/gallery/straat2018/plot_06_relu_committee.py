r"""
The plateau of the ReLU committee
=================================

Two ReLU units learn two ReLU units. From a start without preference both students learn the same mixture of the
teachers first: a plateau, on which the error stands still until the small asymmetry of the start has grown. The
slides take the limit of small learning rates, ``dynamics="gradient_flow"``, in which only :math:`\eta\alpha` counts
(slides 33 to 36).
"""

# sphinx_gallery_thumbnail_number = 2

import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=1.0, dynamics="gradient_flow"
)
start = ld.Start(Q=np.diag([0.2, 0.3]), R=[[0.0, 1.2822e-3], [1.2822e-3, 0.0]])
theory = ld.solve(scenario, start, until=80, rtol=1e-10, atol=1e-14)
ld.figures.draw("2018-relu-k2-m2-order-parameters")

# %%

ld.figures.draw("2018-relu-k2-m2-generalisation-error")

# %%
# The plateau is a fixed point of the flow, a saddle: six directions lead to it and one leads away. A row of the curve
# is a place to search from.

plateau = ld.find_fixed_point(scenario, theory.sel(alpha=15, method="nearest"))
plateau.attrs["kind"], plateau.eigenvalues.values.round(4).tolist()

# %%
# All numbers that the slide prints are found again.

ld.figures.draw("2018-relu-k2-m2-plateau")

# %%
# The deviation from symmetry grows as :math:`e^{\lambda_5\eta\alpha}`, so that each factor e in the asymmetry X of
# the start costs a time :math:`1/\lambda_5`.

ld.figures.draw("2018-relu-k2-m2-plateau-length")
