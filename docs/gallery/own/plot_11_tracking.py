r"""
Following a teacher that turns
==============================

A teacher that turns with constant speed is followed with a lag. A larger learning rate shortens the lag, up to where
its noise costs more. The error that stays has a minimum over the learning rate, which moves with the speed.
"""

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

perceptron = ld.StudentTeacher(
    ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.5, label_noise=0.1,
    teacher_drift=ld.Rotation(0.03),
)  # fmt: skip
start = ld.Start(Q=1.0, R=1.0)
theory = ld.solve(perceptron, start, until=30, save_at=121)
runs = ld.simulate(perceptron, start, until=30, N=1000, replicas=10, save_at=31, seed=7)

# %%
# One sweep over the learning rate and the speed; its last row is the stationary state.

speeds, rates = (0.01, 0.03, 0.1), np.linspace(0.05, 1.9, 38)
sweep = ld.sweep(
    perceptron, start, until=200, save_at=[0, 200], observables=["eps_g"], progress=False,
    over={"learning_rate": rates, "teacher_drift.speed": list(speeds)},
)  # fmt: skip

# %%

with ld.plot.paper():
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.6, 3.0))
    ld.plot.learning_curve(theory, runs, ax=left)
    left.set_title(r"speed 0.03, $\eta=0.5$")
    for order, speed in enumerate(speeds):
        stays = sweep.eps_g.isel(alpha=-1).sel({"teacher_drift.speed": speed}).values
        best = stays.argmin()
        right.plot(rates, stays, color=ld.plot.PALETTE[order], label=f"speed {speed:g}")
        right.plot(rates[best], stays[best], "o", color=ld.plot.PALETTE[order])
    right.set(xlabel=r"$\eta$", ylabel=r"stationary $\epsilon_g$", yscale="log", xlim=(0, 1.9))
    right.legend(loc="upper center")
plt.show()
