r"""
The best schedule for a plateau and label noise
===============================================

A large learning rate leaves the plateau soon, a small one averages the noise of the labels out. The schedule with the
least error at the end does one after the other, and ``ld.optimal_schedule`` finds it by exact gradients.
"""

import matplotlib.pyplot as plt

import learndyn as ld

scenario = ld.StudentTeacher(
    ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=1.0, label_noise=0.1
)
start = ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=0.1)
best = ld.optimal_schedule(scenario, start, until=120, knots=8, tolerance=1e-3)
best.attrs["status"]

# %%
# The result is a learning curve with its schedule, beside the best constant rate. Its scenario can be used like any
# other: ``ld.scenario_of(best)`` has the schedule as its learning rate, for simulations too.

runs = ld.simulate(
    ld.scenario_of(best), start, until=120, N=10_000, replicas=10, save_at=13, seed=4
)
seen = ld.mean_and_error(runs)
with ld.plot.paper():
    figure, (above, below) = plt.subplots(2, 1, figsize=(5.0, 4.6), sharex=True)
    above.stairs(
        best.numbers.values[0],
        [*best.knot.values, 120],
        baseline=None,
        label="best schedule",
        linewidth=1.2,
    )
    above.axhline(
        best.constant.item(), color=ld.plot.PALETTE[1], linestyle="--", label="best constant rate"
    )
    above.set(ylabel=r"$\eta$", ylim=(0, None))
    above.legend(loc="upper right")
    below.plot(best.alpha, best.eps_g)
    below.plot(best.alpha, best.eps_g_constant, color=ld.plot.PALETTE[1], linestyle="--")
    look = {"fmt": "o", "color": ld.plot.PALETTE[0], "markerfacecolor": "white"}
    below.errorbar(
        seen.alpha, seen.eps_g, yerr=seen.eps_g_error, label=r"$N=10^4$, 10 runs", **look
    )
    below.set(xlabel=r"$\alpha$", ylabel=r"$\epsilon_g$", yscale="log", xlim=(0, 120))
    below.legend(loc="upper right")
    figure.align_ylabels()
plt.show()

# %%
# How many times smaller the error is at the end.

round(float(best.eps_g_constant[-1] / best.eps_g[-1]), 1)
