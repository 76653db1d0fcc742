r"""
Hebb, perceptron and AdaTron
============================

A sign unit has no gradient; it learns by rules of its own. The rule is an option of the scenario, by name or as an
``ld.Rule`` of yours, and each has its own power law at late times.
"""

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(1, "sign"), ld.Teacher(1, "sign"), learning_rate=1.0, rule="adatron"
)
theory = ld.solve(scenario, ld.Start(Q=1.0, R=0.0), until=300, rtol=1e-10, atol=1e-13)
300 * float(theory.eps_g[-1]) / 2  # tends to 3/2

# %%

ld.figures.draw("2018-sign-rules")
