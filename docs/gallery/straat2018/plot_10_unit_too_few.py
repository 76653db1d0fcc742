r"""
A unit too few: K = 2 learns M = 3
==================================

The rule cannot be represented and an error remains. One ReLU unit takes one teacher unit, the other takes two, after
a long shoulder in the learning curve (slides 47 and 48).
"""

# sphinx_gallery_thumbnail_number = 2

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(2, "relu"), ld.Teacher(3, "relu"), learning_rate=1.0, dynamics="gradient_flow"
)
start = ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-3)
theory = ld.solve(
    scenario, start, until=3000, save_at=ld.logspaced(400, first=0.1), rtol=1e-10, atol=1e-14
)
theory.R[-1].round(3).values.tolist(), float(theory.eps_g[-1])

# %%

ld.figures.draw("2018-relu-k2-m3-order-parameters")

# %%

ld.figures.draw("2018-relu-k2-m3-generalisation-error")

# %%
# Two erf units take a teacher unit each and share the third (slides 49 and 50).

ld.figures.draw("2018-erf-k2-m3-order-parameters")

# %%

ld.figures.draw("2018-erf-k2-m3-generalisation-error")
