# %% [markdown]
# # A plateau: why learning stands still there, for how long, and what ends it
#
# Two students that begin almost alike learn two teachers. They stay alike for long: that is the plateau. It is a saddle
# of the order parameters; it lasts for ln(1 / X) / lambda, where X is how different the students are at the start and
# lambda the one positive eigenvalue. At finite N chance makes them different, so that every network leaves at its own
# time.
#
# Run it as a script, or cell by cell: `# %%` begins a cell in VS Code, Spyder and PyCharm, and `jupytext --to ipynb`
# makes a notebook. It takes some minutes; with LEARNDYN_QUICK=1 in the environment some seconds.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

# What to change first.
ACTIVATION = "relu"
UNITS = 2
LEARNING_RATE = 0.3
ASYMMETRIES = np.geomspace(1e-8, 1e-1, 8)
LEARNING_RATES = np.geomspace(0.1, 1.0, 7)
SIZES = [10**3, 10**4, 10**5]
REPLICAS = 40
UNTIL = 1000.0

QUICK = bool(os.environ.get("LEARNDYN_QUICK"))  # small sizes, to see that it runs
FOLDER = Path(os.environ.get("LEARNDYN_FOLDER", "build/plateau_study"))  # for pictures and results
if QUICK:
    ASYMMETRIES, LEARNING_RATES = ASYMMETRIES[::3], LEARNING_RATES[3::3]
    SIZES, REPLICAS = [10**2, 10**3], 8
FOLDER.mkdir(parents=True, exist_ok=True)

# %% One curve, and where it is level.
scenario = ld.StudentTeacher(
    ld.Student(UNITS, ACTIVATION), ld.Teacher(UNITS, ACTIVATION), learning_rate=LEARNING_RATE
)  # fmt: skip
start = ld.Start.near_symmetric(scenario, Q=0.25, X=1e-4)
theory = ld.solve(scenario, start, until=UNTIL, save_at=1001)
found = ld.plateaus(theory)
entry, height, end = (float(found[name][0]) for name in ("entry", "height", "exit"))
print(f"The plateau lasts from alpha = {entry:.1f} to {end:.1f}, at eps_g = {height:.4f}.")

# %% The saddle beside it: one direction in which learning leaves, at the rate lambda.
saddle = ld.find_fixed_point(scenario, theory.sel(alpha=(entry + end) / 2, method="nearest"))
rate = float(saddle.eigenvalues[0])
print(f"A {saddle.attrs['kind']}: eigenvalues {saddle.eigenvalues.values.round(4)}.")
print(f"It is left along {saddle.direction.values[0]}, by a factor e in alpha = {1 / rate:.1f}.")
ld.save(theory, FOLDER / "theory.nc")
ld.save(saddle, FOLDER / "saddle.nc")

# %% How long it lasts, over the asymmetry of the start and the learning rate: all in one call.
near = ld.StartRecipe(ld.Start.near_symmetric, Q=0.25)
over = {"learning_rate": LEARNING_RATES, "start.X": ASYMMETRIES}
sweep = ld.sweep(scenario, near, over, until=UNTIL, save_at=1001, observables=["eps_g"])


def length(curve):
    """Length of the first plateau that is left; NaN where there is none."""
    plateaus = ld.plateaus(curve)
    left = plateaus["length"].values[plateaus["left"].values]
    return left[0] if len(left) else np.nan


lengths = np.array(
    [[length(sweep.isel({"learning_rate": i, "start.X": j})) for j in range(len(ASYMMETRIES))]
     for i in range(len(LEARNING_RATES))]
)  # fmt: skip

with ld.plot.paper():
    figure, ax = plt.subplots()
    for i, eta in enumerate(LEARNING_RATES):
        # The slope is that of the saddle at this learning rate; only the offset is fitted.
        at_rate = ld.find_fixed_point(scenario.replace(learning_rate=float(eta)), saddle)
        slope = 1 / float(at_rate.eigenvalues[0])
        offset = np.nanmean(lengths[i] - slope * np.log(1 / ASYMMETRIES))
        color = plt.get_cmap("viridis")(0.9 * i / max(1, len(LEARNING_RATES) - 1))
        ax.plot(ASYMMETRIES, slope * np.log(1 / ASYMMETRIES) + offset, color=color)
        ax.plot(ASYMMETRIES, lengths[i], "o", color=color, markerfacecolor="white", label=rf"$\eta={eta:.2g}$")
    ax.set_xscale("log")
    ax.set_xlabel("$X$, asymmetry of the start")
    ax.set_ylabel(r"length of the plateau, $\Delta\alpha$")
    ax.legend(title=r"lines: $\ln(1/X)/\lambda$ + const")
    figure.savefig(FOLDER / "length.pdf")
    figure.savefig(FOLDER / "length.png")

# %% Finite networks: chance makes the students different, by about 1 / sqrt(N), so that smaller ones leave earlier.
quiet = ld.Start.near_symmetric(scenario, Q=0.25, X=0.0)
runs = ld.simulate(scenario, quiet, until=0.3 * UNTIL, save_at=601, N=SIZES, replicas=REPLICAS, seed=1)
below = (runs.eps_g < 0.5 * height) & (runs.alpha > 0)
left = below.any("alpha")
exits = runs.alpha[below.argmax("alpha")].where(left)

with ld.plot.paper():
    figure, ax = plt.subplots()
    for N in SIZES:
        times = np.sort(exits.sel(N=N).values)
        ax.step(times, np.arange(1, REPLICAS + 1) / REPLICAS, where="post", label=f"$N={N}$")
    ax.set_xlabel(r"$\alpha$ at which $\epsilon_g$ is half of the plateau's")
    ax.set_ylabel("part of the networks")
    ax.legend()
    figure.savefig(FOLDER / "exits.pdf")
    figure.savefig(FOLDER / "exits.png")

print("Median of the times at which networks leave:")
for N in SIZES:
    print(
        f"  N = {N:>7}: alpha = {float(exits.sel(N=N).median('replica')):.1f}, {int(left.sel(N=N).sum())} of {REPLICAS}"
    )
print(f"Each factor 10 in N adds ln(10) / (2 lambda) = {np.log(10) / 2 / rate:.1f}, where N is large.")
print(f"Pictures and results are in {FOLDER}.")
