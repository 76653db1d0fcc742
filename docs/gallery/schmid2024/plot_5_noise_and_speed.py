r"""
Figure 3: which noise slows learning down
=========================================

The time to 80 % alignment, for many tasks in one call of ``ld.time_to_reach``. Isotropic noise makes supervised
learning faster, and reinforcement learning slower where it is strong.
"""

import learndyn as ld

tasks = [
    ld.GaussianClassification([1.0, 0.0], sigma**2, ld.Supervised())
    for sigma in (0.0, 0.5, 1.0, 2.0)
]
ld.time_to_reach(tasks, [0.0, 1.0], 0.8, until=100).time.values.round(3)

# %%

ld.figures.draw("schmid2024/3a")

# %%
# At a fixed sum, noise along the direction to be learned slows both rules down.

ld.figures.draw("schmid2024/3b")

# %%

ld.figures.draw("schmid2024/3c")
