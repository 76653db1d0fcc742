"""What the figures of Schmid & Murray (2024) share: the task, the starts, and the curves that the authors published.

The text does not give starts and dimensions; those of the authors' published curves are taken. |mu| = 1 throughout.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

import learndyn as ld

RULES: dict[str, Any] = {"SL": ld.Supervised(), "RL": ld.Reinforce()}
NAMES = {"SL": "supervised (SL)", "RL": "reinforcement (RL)"}
# Blue and vermilion of `ld.plot.PALETTE`; names of figures are listed without matplotlib.
COLORS = {"SL": "#0072B2", "RL": "#D55E00"}
# A level that the alignment has to reach.
LEVEL = 0.8
DIAGONAL = (np.sqrt(0.5), np.sqrt(0.5))


@cache
def published() -> dict[str, Any]:
    """The authors' curves, at a few points (data/schmid2024.json tells where they are from)."""
    return json.loads((Path(__file__).parent / "data" / "schmid2024.json").read_text(encoding="utf-8"))


def task(rule: str, sigma: float, weight_decay: float = 0.0, n: int = 2, **options: Any) -> ld.GaussianClassification:
    """Classes N(+-e_1, sigma^2 I) of n inputs."""
    return ld.GaussianClassification(np.eye(n)[0], sigma**2, RULES[rule], weight_decay, **options)


def orthogonal_start(n: int = 2) -> ld.GaussianWeights:
    """w = e_2, orthogonal to mu: as of the published curves."""
    return ld.GaussianWeights(np.eye(n)[1])


def mark_published(ax: Any, x: Any, y: Any, **look: Any) -> None:
    """The authors' points, as crosses."""
    look = {"color": "black", "marker": "x", "markersize": 4, "linestyle": "none", "zorder": 4} | look
    ax.plot(x, y, **look)
