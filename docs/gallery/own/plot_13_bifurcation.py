r"""
Label noise opens a bifurcation
===============================

Without label noise the ReLU perceptron has the perfect solution at any learning rate, and an imperfect one that takes
over its stability at :math:`\eta_c=2`. Any noise removes the perfect solution: what remains is one branch of stable
points that folds back, and learning diverges beyond the fold, at a smaller learning rate the more noise there is.
"""

import matplotlib.pyplot as plt

import learndyn as ld

perceptron = ld.StudentTeacher(ld.Student(1, "relu"), ld.Teacher(1, "relu"), learning_rate=0.5)
begin = ld.Start(Q=0.25, R=0.0)

# %%
# ``ld.continue_fixed_point`` follows a point through folds, by pseudo-arclength, with its eigenvalues all along. It
# begins where learning comes to rest.

branches = {}
for noise in (0.3, 0.1, 0.03):
    scenario = perceptron.replace(label_noise=noise)
    settled = ld.solve(scenario, begin, until=200).isel(alpha=-1)
    branches[noise] = ld.continue_fixed_point(scenario, "learning_rate", (0.5, 2.3), start=settled)
{
    noise: round(float(branch.learning_rate.max()), 4) for noise, branch in branches.items()
}  # where it folds back

# %%
# Without noise, the imperfect branch begins at :math:`\eta_c` (black). Stable points are full, unstable ones dashed.

branches[0.0] = ld.continue_fixed_point(
    perceptron, "learning_rate", (2.1, 2.3), start=ld.Start(Q=1.15, R=0.98)
)
down = ld.continue_fixed_point(
    perceptron, "learning_rate", (2.1, 1.95), start=ld.Start(Q=1.15, R=0.98)
)
with ld.plot.paper():
    figure, ax = plt.subplots(figsize=(5.0, 3.4))
    ax.plot(down.learning_rate, down.eps_g, color="black")
    for (noise, branch), color in zip(
        branches.items(), [*ld.plot.PALETTE[:3], "black"], strict=True
    ):
        stable = branch.unstable == 0
        ax.plot(
            branch.learning_rate, branch.eps_g.where(stable), color=color, label=f"$s={noise:g}$"
        )
        ax.plot(branch.learning_rate, branch.eps_g.where(~stable), color=color, linestyle="--")
    ax.set(xlabel=r"$\eta$", ylabel=r"$\epsilon_g$ where learning stands still", xlim=(1.4, 2.3))
    ax.set(yscale="log", ylim=(1e-4, 30))
    ax.legend(loc="upper left", title="label noise")
plt.show()
