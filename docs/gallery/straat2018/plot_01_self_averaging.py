r"""
Order parameters are self-averaging
===================================

Why can a network of a million weights be described by a few numbers? For the same reason for which the magnetisation
of a magnet needs no random average: the sum of many independent contributions hardly fluctuates. The slides begin
with the ideal paramagnet, :math:`M=\sum_i S_i/N`, whose standard deviation over realisations is :math:`1/\sqrt N`.
"""

import learndyn as ld

ld.figures.draw("2018-paramagnet")

# %%
# The overlaps of a student with itself and its teacher, :math:`Q=J\cdot J` and :math:`R=J\cdot B`, behave alike. One
# call simulates a ReLU perceptron at several sizes; with the default ``method="overlaps"`` a run needs no weight
# vectors, so that a million inputs cost as much for an update as ten.

scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
start = ld.Start(Q=0.25, R=0.0)
runs = ld.simulate(scenario, start, until=20, N=[100, 1000], replicas=20, save_at=[20], seed=1)
runs.R.std("replica").values.ravel()

# %%
# ``ld.fluctuations`` gives the leading order of this spread, :math:`N\,\mathrm{Var}(R)` at large N, as the solution
# of an equation of its own. Nothing is fitted: lines are this theory, markers are 100 runs for each N (slide 12).

ld.figures.draw("2018-order-parameter-spread")
