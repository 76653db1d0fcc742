# %% [markdown]
# # An activation of one's own, from its formula to a learning curve that is checked
#
# ELU, x for x > 0 and exp(x) - 1 below, is not in the library. One function is enough: its derivative is taken from the
# formula, its averages over Gaussian inputs come by quadrature, and the simulation compiles it. Then it is held against
# the simulation, which uses no averages at all, and beside ReLU and erf.
#
# Run it as a script, or cell by cell (`# %%`). It takes some minutes, most of them the quadrature of K = M = 2; with
# LEARNDYN_QUICK=1, for a perceptron, well under one.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

# What to change first: the function below, and these.
UNITS = 2
LEARNING_RATE = 0.5
UNTIL = 300.0
N, REPLICAS = 10**4, 20
OTHERS = ["relu", "erf"]

QUICK = bool(os.environ.get("LEARNDYN_QUICK"))  # small sizes, to see that it runs
FOLDER = Path(os.environ.get("LEARNDYN_FOLDER", "build/new_activation"))  # for pictures and results
if QUICK:
    UNITS, UNTIL, N, REPLICAS, OTHERS = 1, 10.0, 1000, 20, ["relu"]
FOLDER.mkdir(parents=True, exist_ok=True)


# %% The function. `xp` is NumPy, JAX, or what compiled code knows: write xp.exp, and xp.maximum or xp.where for `if`.
def elu(x, xp):
    """x above 0, exp(x) - 1 below."""
    return xp.maximum(x, 0.0) + xp.exp(xp.minimum(x, 0.0)) - 1.0


activation = ld.new_activation("elu", elu)

# %% Does it fit together? Derivative, averages, compiled code: each against a second way.
if not QUICK:
    print(ld.testing.check_activation(activation))

# %% Theory and simulation of the same scenario.
scenario = ld.StudentTeacher(ld.Student(UNITS, "elu"), ld.Teacher(UNITS, "elu"), learning_rate=LEARNING_RATE)
start = ld.Start.near_symmetric(scenario, Q=np.linspace(0.2, 0.3, UNITS), X=0.03)
theory = ld.solve(scenario, start, until=UNTIL, save_at=51, rtol=1e-6)
runs = ld.simulate(scenario, start, until=UNTIL, save_at=51, N=N, replicas=REPLICAS, seed=1)
ld.save(theory, FOLDER / "theory.nc")
ld.save(runs, FOLDER / "runs.nc")

# What 1 / N shifts is of the size of the spread here: compare in standard deviations of single runs.
deviation = (runs.eps_g.mean("replica") - theory.eps_g.values) / runs.eps_g.std("replica", ddof=1)
print(f"The mean of {REPLICAS} networks with N = {N} is within {float(np.abs(deviation[1:]).max()):.2f} standard "
      "deviations of a single run from the theory.")  # fmt: skip

# %% Beside the others, at the same learning rate.
curves = {"elu": theory}
for name in OTHERS:
    other = scenario.replace(student=ld.Student(UNITS, name), teacher=ld.Teacher(UNITS, name))
    curves[name] = ld.solve(other, start, until=UNTIL, save_at=51)

with ld.plot.paper():
    figure, ax = plt.subplots()
    for name, curve in curves.items():
        ax.plot(curve.alpha, curve.eps_g / curve.eps_g[0], label=name)
    mean = ld.mean_and_error(runs)
    ax.errorbar(mean.alpha[1::5], mean.eps_g[1::5] / float(theory.eps_g[0]),
                mean.eps_g_error[1::5] / float(theory.eps_g[0]),
                fmt="o", color="C0", markerfacecolor="white", label=f"elu, $N={N}$")  # fmt: skip
    ax.set_yscale("log")
    ax.set_xlabel(r"$\alpha$")
    ax.set_ylabel(r"$\epsilon_g(\alpha)\,/\,\epsilon_g(0)$ (log scale)")
    ax.legend()
    figure.savefig(FOLDER / "activations.pdf")
    figure.savefig(FOLDER / "activations.png")

# %% At which learning rate each loses the solution. Where none does, the library says so.
for name in curves:
    each = scenario.replace(student=ld.Student(UNITS, name), teacher=ld.Teacher(UNITS, name))
    try:
        print(f"{name:>5}: critical learning rate {float(ld.critical_learning_rate(each).learning_rate):.3f}")
    except ld.InputError as none:
        print(f"{name:>5}: {none}")
print(f"Pictures and results are in {FOLDER}.")
