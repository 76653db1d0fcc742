r"""
Training and test error over time
=================================

A linear student of n inputs learns p noisy examples. Training error falls for ever; test error falls, then rises,
most where there are as many inputs as examples. ``ld.FiniteSample`` gives both in the limit of many inputs.
"""

import learndyn as ld

sample = ld.FiniteSample(1.0, label_noise=0.5)
best = ld.optimal_stopping_time(sample)
float(best.t), float(best.test_error), sample.final()["test_error"]

# %%

ld.figures.draw("pretorius2017/generalisation")
