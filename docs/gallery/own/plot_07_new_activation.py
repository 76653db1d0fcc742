r"""
A new activation
================

Does a smooth version of ReLU learn like ReLU, or like a sigmoid? An activation is one function, written with ``xp``
in place of NumPy: theory, simulation and derivatives use the same definition. Averages over Gaussian inputs are by
quadrature, and ``learndyn.testing.check_activation`` measures how accurate they are.
"""

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

bend = ld.new_activation("bend", lambda x, xp: 0.5 * (x + xp.sqrt(x * x + 0.25)))
bend.formula

# %%
# It is then known by its name, everywhere: here in theory and in the exact process at N = 3000.

with ld.plot.paper():
    figure, (left, right) = plt.subplots(1, 2, figsize=(6.6, 2.9), width_ratios=(1, 1.5))
    x = np.linspace(-3, 3, 301)
    for order, name in enumerate(("relu", "bend", "erf")):
        color = ld.plot.PALETTE[order]
        left.plot(x, ld.activation(name).g(x), color=color, label=name)
        scenario = ld.StudentTeacher(ld.Student(2, name), ld.Teacher(2, name), learning_rate=0.2)
        start = ld.Start(Q=0.2 * np.eye(2), R=0.1 * np.eye(2))
        theory = ld.solve(scenario, start, until=300, save_at=151)
        right.plot(theory.alpha, theory.eps_g / theory.eps_g[0], color=color)
        if name == "bend":
            runs = ld.mean_and_error(
                ld.simulate(scenario, start, until=300, N=3000, replicas=8, save_at=13, seed=5)
            )
            right.plot(
                runs.alpha,
                runs.eps_g / theory.eps_g[0].item(),
                "o",
                color=color,
                markerfacecolor="white",
            )
    left.set(xlabel="$x$", ylabel="$g(x)$")
    left.legend(loc="upper left")
    right.set(
        xlabel=r"$\alpha$",
        ylabel=r"$\epsilon_g\,/\,\epsilon_g(0)$",
        yscale="log",
        xlim=(0, 300),
        ylim=(1e-8, 1.5),
    )
plt.show()
