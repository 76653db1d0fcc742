r"""
The equations behind a curve
============================

Which equations does a call of ``ld.solve`` integrate? ``ld.equations`` writes them down, for this very scenario: what
is off is not there, and what is on stands with its symbol. A notebook shows them as formulas; ``.latex`` is for a
paper.
"""

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5, label_noise=0.1
)
equations = ld.equations(scenario, explicit=True)
print(equations.latex)

# %%
# The same as a picture.

equations.picture()

# %%
# They are not a text beside the program: the same formulas can be evaluated, and give what ``ld.drift`` gives.

start = ld.Start(Q=0.25, R=0.1)
formulas, drift = equations.evaluate(start), ld.drift(scenario, start)
{name: (float(formulas[name].item()), drift[name].item()) for name in ("R", "Q")}
