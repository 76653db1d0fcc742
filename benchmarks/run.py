"""`make bench`: every claim of speed, measured now. Ratios are against a named peer or floor in the same run."""

from __future__ import annotations

import os
import platform
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

import analysis
import classification
import explore
import fixed_points
import generalisation
import learning_rates
import linear
import mean_flow
import overlaps
import simulate
import solve
import sweeps
import two_layers
from table import show

if __name__ == "__main__":
    print(f"{platform.processor() or platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print("Medians over several runs; machines are noisy, ratios hold better than times.\n", flush=True)
    for module in (
        solve,
        two_layers,
        fixed_points,
        learning_rates,
        analysis,
        mean_flow,
        simulate,
        classification,
        generalisation,
        linear,
        overlaps,
        sweeps,
        explore,
    ):
        show(module.rows())
        print(flush=True)
    overlaps.tables()
