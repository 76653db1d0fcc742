r"""
Three units learn three
=======================

With a random start whose overlaps are at most :math:`10^{-12}`, the plateau lasts until rounding-sized differences
have grown (slide 40). Tolerances are arguments: ``rtol=1e-10, atol=1e-14`` keep such a start apart from zero.
"""

# sphinx_gallery_thumbnail_number = 3

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(3, "relu"), ld.Teacher(3, "relu"), learning_rate=1.0, dynamics="gradient_flow"
)
start = ld.Start.random(scenario, Q=(0.1, 0.5), X=1e-12, seed=7)
theory = ld.solve(scenario, start, until=250, rtol=1e-10, atol=1e-14)
ld.figures.draw("2018-relu-k3-m3-order-parameters")

# %%

ld.figures.draw("2018-relu-k3-m3-generalisation-error")

# %%
# A start in which all units are alike stays so. Four numbers then stand for the whole matrix, for any K, and
# ``ld.SiteSymmetric`` has their equations (slide 41).

alike = ld.SiteSymmetric(3, "relu", learning_rate=1.0, dynamics="gradient_flow")
reduced = ld.solve(alike, ld.SymmetricStart(R=1e-3, S=0.0, Q=0.25, C=0.0), until=60)
{name: round(float(reduced[name][-1]), 4) for name in "RSQC"}

# %%

ld.figures.draw("2018-relu-k3-m3-site-symmetry")

# %%
# The same for erf units, which the slides do not show: the plateau is longer still.

ld.figures.draw("2018-erf-k3-m3-order-parameters")

# %%

ld.figures.draw("2018-erf-k3-m3-generalisation-error")
