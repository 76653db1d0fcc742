r"""
A plateau, and the direction in which it is left
================================================

Learning stands still although the rule can be learned. Where, why, and what ends it? Two ReLU units learn two ReLU
units, from a start at which both students are almost alike.
"""

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

scenario = ld.StudentTeacher(ld.Student(2, "relu"), ld.Teacher(2, "relu"), learning_rate=0.1)
start = ld.Start.near_symmetric(scenario, Q=[0.2, 0.3], X=1e-5)
theory = ld.solve(scenario, start, until=600, save_at=601, rtol=1e-10, atol=1e-13)

# %%
# ``ld.plateaus`` finds the level parts of a curve; ``ld.find_fixed_point``, started from a row inside, finds the
# point of the flow that makes it.

plateau = ld.plateaus(theory).isel(plateau=0)
middle = float(np.sqrt(plateau.entry * plateau.exit))
point = ld.find_fixed_point(scenario, theory.sel(alpha=middle, method="nearest"))
point.attrs["kind"]

# %%
# The one positive eigenvalue sets the time: what is not symmetric grows as :math:`e^{\lambda\alpha}`. Its direction
# says what happens: unit 1 turns to one teacher and unit 2 to the other.

escape = point.eigenvectors.isel(mode=0)
dict(zip(escape.parameter.values.tolist(), escape.values.round(2).tolist(), strict=True))

# %%

with ld.plot.paper():
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.6, 2.9), width_ratios=(1.6, 1))
    left.plot(theory.alpha, theory.eps_g)
    left.axvspan(
        float(plateau.entry), float(plateau.exit), color=ld.plot.PALETTE[5], alpha=0.25, linewidth=0
    )
    left.axhline(float(point.eps_g), color="0.4", linewidth=0.8, linestyle="--")
    left.annotate(
        "the saddle",
        (590, float(point.eps_g)),
        xytext=(0, 4),
        textcoords="offset points",
        ha="right",
    )
    left.set(
        xlabel=r"$\alpha$", ylabel=r"$\epsilon_g$", yscale="log", ylim=(1e-5, 1), xlim=(0, 600)
    )
    rates = point.eigenvalues.values.real
    right.axhline(0.0, color="0.6", linewidth=0.6)
    right.vlines(range(1, 8), 0.0, rates, color="0.6", linewidth=0.8)
    right.scatter(
        range(1, 8),
        rates,
        c=np.where(rates > 0, ld.plot.PALETTE[1], ld.plot.PALETTE[0]),
        zorder=3,
        s=22,
    )
    right.annotate(
        "escape",
        (1, rates[0]),
        xytext=(7, -2),
        textcoords="offset points",
        color=ld.plot.PALETTE[1],
    )
    right.set(xlabel="mode", ylabel=r"eigenvalue $\lambda$ at the saddle", xticks=range(1, 8))
plt.show()
