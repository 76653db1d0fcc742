r"""
Which constant learning rate is best?
=====================================

It depends on what is asked for: the smallest error at a given time, the shortest time to a given error, or the
fastest decay at last (slide 25). ``ld.optimal_learning_rate`` answers each.
"""

# sphinx_gallery_thumbnail_number = 2

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.1)
start = ld.Start(Q=0.25, R=0.0)
quickest = ld.optimal_learning_rate(scenario, start, 60, criterion="time", target=1e-4)
float(quickest.learning_rate), float(quickest.value)

# %%
# Learning curves, and the time to three errors against the learning rate.

ld.figures.draw("2018-relu-perceptron-learning-rates")

# %%
# By no criterion does the limit of large N give the 0.83 that the slide names. At finite N the squared distance to
# the solution shrinks by :math:`1-\eta/N+\eta^2(N+2)/2N^2` an update, which is fastest at :math:`\eta=N/(N+2)`: 0.83
# for N = 10.

ld.figures.draw("2018-optimal-learning-rate")
