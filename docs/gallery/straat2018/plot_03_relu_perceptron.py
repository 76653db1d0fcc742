r"""
The ReLU perceptron: theory and gradient descent
================================================

One ReLU unit learns another from examples, each used once: :math:`J\leftarrow J+(\eta/N)\,\delta\,\xi` with
:math:`\delta=(\tau-\sigma)\,g'(x)`. For :math:`N\to\infty` the overlaps follow two differential equations in
:math:`\alpha` = updates / N. The slides hold them against one run of gradient descent at N = 1000 (slides 19 and 20).
"""

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
start = ld.Start(Q=0.25, R=0.0)
theory = ld.solve(scenario, start, until=100)
[round(theory[name][-1].item(), 4) for name in ("R", "Q", "eps_g")]

# %%
# The markers come from ``ld.simulate(..., method="weights")``: plain gradient descent on weight vectors.

ld.figures.draw("2018-relu-perceptron-order-parameters")

# %%
# The generalisation error :math:`\epsilon_g=\frac12\langle(\sigma-\tau)^2\rangle` of the same runs.

ld.figures.draw("2018-relu-perceptron-generalisation-error")
