# %% [markdown]
# # Many scenarios on a cluster, into a store that goes on where it ended
#
# One line decides where to compute: processes of this machine, as it stands, or a SLURM cluster, as the comment says.
# Results stream into a Zarr store while they are computed. Whatever ends the script, run it again: what is in the store
# is checked and stays, the rest is computed, and the numbers are those of a run that nothing disturbed.
# docs/scaling.md says what it costs.
#
# Run it as a script (worker processes import it: what starts them stands below `__main__`). As it is it computes 10 000
# scenarios in about a minute; with LEARNDYN_QUICK=1 forty.

# %%
import os
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
from distributed import Client, LocalCluster

import learndyn as ld

# What to change first.
ACTIVATION = "erf"
UNITS = 2
LEARNING_RATES = np.geomspace(0.1, 5.0, 100)
SEEDS = range(100)  # random starts
UNTIL, TIMES = 300.0, 61
WORKERS = 2

QUICK = bool(os.environ.get("LEARNDYN_QUICK"))  # small sizes, to see that it runs
FOLDER = Path(os.environ.get("LEARNDYN_FOLDER", "build/cluster_sweep"))  # for pictures and the store
if QUICK:
    LEARNING_RATES, SEEDS, UNTIL, WORKERS, UNITS = LEARNING_RATES[::20], range(8), 20.0, 1, 1


def cluster():
    """Where to compute. Of a cluster elsewhere its workers must have learndyn in the same versions."""
    return LocalCluster(n_workers=WORKERS, threads_per_worker=1, dashboard_address="localhost:0")
    # On SLURM (pip install dask-jobqueue), in place of the line above:
    #
    #     from dask_jobqueue import SLURMCluster
    #     found = SLURMCluster(cores=1, processes=1, memory="2GB", walltime="01:00:00", queue="normal")
    #     found.scale(jobs=96)
    #     return found


def compute():
    """The sweep; the same call goes on with a store that is there."""
    scenario = ld.StudentTeacher(ld.Student(UNITS, ACTIVATION), ld.Teacher(UNITS, ACTIVATION), learning_rate=1.0)
    start = ld.StartRecipe(ld.Start.random, Q=(0.1, 0.5), X=1e-3)
    over = {"learning_rate": LEARNING_RATES, "start.seed": list(SEEDS)}
    with cluster() as here, Client(here) as client:
        return ld.sweep(
            scenario, start, over, until=UNTIL, save_at=TIMES, observables=["eps_g"], store=str(FOLDER / "sweep.zarr"),
            client=client, progress="lines",
        )  # fmt: skip


def draw(sweep):
    """The error at the end against the learning rate: the median over the starts, and where nine tenths are."""
    last = sweep.eps_g.isel(alpha=-1).load()
    low, median, high = (last.quantile(part, "start.seed") for part in (0.05, 0.5, 0.95))
    with ld.plot.paper():
        figure, ax = plt.subplots()
        ax.fill_between(LEARNING_RATES, low, high, alpha=0.25, linewidth=0, label="nine of ten starts")
        ax.plot(LEARNING_RATES, median, label="median")
        ax.set_xscale("log")
        ax.set_yscale("log")
        ax.set_xlabel(r"$\eta$")
        ax.set_ylabel(rf"$\epsilon_g$ at $\alpha={UNTIL:g}$ (log scale)")
        ax.legend()
        figure.savefig(FOLDER / "rates.pdf")
        figure.savefig(FOLDER / "rates.png")


# %%
if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    sweep = compute()
    print(sweep.attrs["message"])
    draw(sweep)
    print(f"The store is {FOLDER / 'sweep.zarr'}: ld.open_sweep opens it, also while it grows.")
