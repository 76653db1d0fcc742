r"""
One scenario, three ways to compute it
======================================

A learning curve that is computed three times by means that have nothing in common but the scenario: the equations of
the order parameters for infinitely many inputs, the exact random process of the order parameters at N = 1000, which
needs no weight vectors, and gradient descent on weight vectors.
"""

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(2, "erf"), ld.Teacher(2, "erf"), learning_rate=1.0)
start = ld.Start(Q=0.2 * np.eye(2), R=0.1 * np.eye(2))
theory = ld.solve(scenario, start, until=80, save_at=81)
process = ld.simulate(scenario, start, until=80, N=1000, replicas=100, save_at=17, seed=1)
weights = ld.simulate(
    scenario, start, until=80, N=1000, replicas=12, save_at=17, seed=2, method="weights"
)

# %%
# The start, R = 0.1, is well above the noise of a run, :math:`1/\sqrt N\approx0.03`: otherwise runs would leave the
# plateau at times of their own. Process and weights agree in law; the theory of infinitely many inputs may be off by
# a term of order 1/N, here less than one percent. Error bars are one standard error.

runs = {"exact process": ld.mean_and_error(process), "weight vectors": ld.mean_and_error(weights)}
with ld.plot.paper():
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(5.0, 4.6), sharex=True, height_ratios=(1.6, 1)
    )
    above.plot(theory.alpha, theory.eps_g, color="black", label=r"theory, $N\to\infty$")
    for order, (name, seen) in enumerate(runs.items()):
        expected = theory.eps_g.sel(alpha=seen.alpha)
        look = {
            "color": ld.plot.PALETTE[order],
            "marker": "os"[order],
            "linestyle": "none",
            "markerfacecolor": "none",
        }
        above.errorbar(
            seen.alpha, seen.eps_g, yerr=seen.eps_g_error, label=f"{name}, $N=1000$", **look
        )
        off = 100 * (seen.eps_g / expected - 1)
        below.errorbar(
            seen.alpha + 0.6 * order,
            off,
            yerr=100 * seen.eps_g_error / expected,
            elinewidth=0.8,
            **look,
        )
    below.axhline(0.0, color="0.6", linewidth=0.6)
    above.set(ylabel=r"$\epsilon_g$", yscale="log")
    below.set(xlabel=r"$\alpha$", ylabel="off theory, in %", xlim=(-1, 82))
    above.legend()
    figure.align_ylabels()
plt.show()
