r"""
Fluctuations fall as one over the square root of N
==================================================

How much does a single run differ from the theory? ``ld.fluctuations`` solves a linear equation for the covariance of
the order parameters along the learning curve, :math:`\dot P=JP+PJ^T+D`, whose solution is N times the covariance at
large N. Standard deviations of simulated runs, times :math:`\sqrt N`, have to fall on one curve.
"""

import matplotlib.pyplot as plt

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(1, "erf"), ld.Teacher(1, "erf"), learning_rate=0.5)
start = ld.Start(Q=0.25, R=0.0)
limit = ld.fluctuations(scenario, start, until=20, save_at=81)
sizes = [30, 300, 3000]
runs = ld.simulate(scenario, start, until=20, N=sizes, replicas=400, save_at=21, seed=3)

# %%
# Nothing is fitted. Even thirty inputs are many for this purpose: 400 runs hardly tell them from the limit.

with ld.plot.paper():
    figure, axes = plt.subplots(1, 2, figsize=(6.6, 2.9), sharex=True)
    for ax, name in zip(axes, ("R", "Q"), strict=True):
        ax.plot(
            limit.alpha,
            limit[f"{name}_std"].squeeze(),
            color="black",
            label=r"theory, $N\to\infty$",
        )
        for order, N in enumerate(sizes):
            spread = runs[name].sel(N=N).squeeze(drop=True).std("replica", ddof=1) * N**0.5
            error = spread / (2 * 399) ** 0.5
            ax.errorbar(
                runs.alpha, spread, yerr=error, color=ld.plot.PALETTE[order], marker="os^"[order], linestyle="none",
                markerfacecolor="white", elinewidth=0.8, label=f"$N={N}$",
            )  # fmt: skip
        ax.set(
            xlabel=r"$\alpha$",
            ylabel=rf"$\sqrt{{N}}\,\times$ standard deviation of ${name}$",
            xlim=(0, 20),
        )
        ax.set_ylim(0, None)
    axes[0].legend(loc="upper right")
plt.show()
