# %% [markdown]
# # The learning rate as a function of time with which most is learned
#
# How much does the best schedule gain over the best constant learning rate, and over the rate that makes eps_g fall
# fastest at every moment? The schedule is found by exact gradients in the theory (N to infinity) and then tried on
# finite networks, and written to a scenario file that `learndyn run` reads.
#
# Run it as a script, or cell by cell (`# %%`). It takes about two minutes; with LEARNDYN_QUICK=1 some seconds.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import learndyn as ld

# What to change first.
ACTIVATION = "erf"
UNITS = 2
LABEL_NOISE = 0.0
UNTIL = 100.0  # eps_g counts at this time alone
KNOTS = 40
FORM = "piecewise_linear"  # or "piecewise_constant", "spline"
N, REPLICAS = 10**4, 20

QUICK = bool(os.environ.get("LEARNDYN_QUICK"))  # small sizes, to see that it runs
FOLDER = Path(os.environ.get("LEARNDYN_FOLDER", "build/optimal_schedule"))  # for pictures and results
if QUICK:
    UNITS, UNTIL, KNOTS, N, REPLICAS = 1, 5.0, 4, 200, 4
FOLDER.mkdir(parents=True, exist_ok=True)

# %% The scenario; its learning rate is what we look for, so that any number will do.
scenario = ld.StudentTeacher(
    ld.Student(UNITS, ACTIVATION), ld.Teacher(UNITS, ACTIVATION), learning_rate=1.0, label_noise=LABEL_NOISE
)
start = ld.Start.near_symmetric(scenario, Q=np.linspace(0.2, 0.3, UNITS), X=1e-3)

# %% The best schedule for the end. `first` may hold one of your own to begin with.
best = ld.optimal_schedule(scenario, start, until=UNTIL, knots=KNOTS, form=FORM)
print(f"{best.attrs['status']} after {best.attrs['iterations']} iterations: {best.attrs['message']}")
constant = float(best.constant.sel(control="learning_rate"))
print(f"eps_g at alpha = {UNTIL:g}: {float(best.eps_g[-1]):.3e}; with the best constant, {constant:.3f}: "
      f"{float(best.eps_g_constant[-1]):.3e}.")  # fmt: skip
ld.save(best, FOLDER / "best.nc")

# %% The rate that makes eps_g fall fastest at every moment. It stays on a plateau, from which it sees no way down.
greedy = ld.greedy_schedule(scenario, start, until=UNTIL)
print(f"Greedily: {float(greedy.eps_g[-1]):.3e}.")

# %% On finite networks: the scenario with its schedule is in the result.
with_schedule = ld.scenario_of(best)
runs = ld.simulate(with_schedule, start, until=UNTIL, save_at=51, N=N, replicas=REPLICAS, seed=1)
ld.save(runs, FOLDER / "runs.nc")
ld.write_scenario_file(
    FOLDER / "best.toml",
    with_schedule,
    start,
    solve={"until": UNTIL},
    simulate={"N": N, "replicas": REPLICAS, "seed": 1},
)

# %% The picture: error above, learning rate below.
with ld.plot.paper():
    figure, (above, below) = plt.subplots(2, 1, figsize=(3.4, 4.2), sharex=True)
    mean = ld.mean_and_error(runs)
    for each, label in ((best.eps_g, "optimal"), (best.eps_g_constant, f"constant, {constant:.2g}"),
                        (greedy.eps_g, "greedy")):  # fmt: skip
        above.plot(each.alpha, each, label=label)
    above.errorbar(mean.alpha[1::5], mean.eps_g[1::5], mean.eps_g_error[1::5], fmt="o", color="black",
                   markerfacecolor="white", label=f"optimal, $N={N}$")  # fmt: skip
    above.set_yscale("log")
    above.set_ylabel(r"$\epsilon_g$ (log scale)")
    above.legend()
    below.plot(best.alpha, best.learning_rate)
    below.axhline(constant, color="C1")
    below.plot(greedy.alpha, greedy.learning_rate, color="C2")
    below.set_xlabel(r"$\alpha$")
    below.set_ylabel(r"$\eta$")
    below.margins(x=0)
    figure.savefig(FOLDER / "schedule.pdf")
    figure.savefig(FOLDER / "schedule.png")
print(f"Pictures, results and the scenario file are in {FOLDER}.")
