"""How long plateaus last, three ways: goes with slides 34 to 38 of Straat (2018)."""

from __future__ import annotations

import numpy as np

import learndyn as ld
from learndyn.figures.canvas import panels
from learndyn.figures.registry import Figure, figure
from learndyn.figures.straat2018_committee import FLOW, Q_0, flow, solve

DECADES = np.arange(2, 9)


def _lasting(activation: str) -> dict[str, np.ndarray]:
    """Times of the escape from R = X I, Q = diag(0.2, 0.3), measured and predicted, and the length of the plateau."""
    scenario = flow(2, 2, activation)
    found: dict[str, list[float]] = {"measured": [], "predicted": [], "refined": [], "length": [], "rate": []}
    for X in 10.0**-DECADES:
        start = ld.Start(Q_0, X * np.eye(2))
        escape = ld.escape_time(scenario, start)
        for name in ("measured", "predicted", "refined"):
            found[name].append(float(escape[name]))
        found["rate"].append(float(escape.rates[0]))
        plateaus = ld.plateaus(solve(scenario, start, 1.5 * found["measured"][-1] + 30.0, save_at=801))
        left = plateaus.length.values[plateaus.left.values]
        found["length"].append(float(left[0]) if left.size else np.nan)
    return {name: np.array(values) for name, values in found.items()}


@figure("2018-plateau-slopes", "how plateaus grow with ln(1/X), measured and predicted (goes with slides 34 to 38)")
def plateau_slopes() -> Figure:
    """Each factor e in the asymmetry costs 1 / lambda_5, at once for ReLU and slowly for erf."""
    picture, (above, below) = panels(2, size=(ld.plot.COLUMN, 5.0), sharex=True)
    numbers: dict[str, float] = {}
    for order, activation in enumerate(("relu", "erf")):
        found, X = _lasting(activation), 10.0**-DECADES
        look = {"color": ld.plot.PALETTE[order], "markerfacecolor": "white"}
        name, marker = (("ReLU", "o"), ("erf", "s"))[order]
        above.plot(X, found["measured"], marker, label=f"{name}: escape", **look)
        above.plot(X, found["length"], "^v"[order], label="length", **look)
        above.plot(X, found["predicted"], "--", linewidth=0.8, label="predicted from the start", **look)
        above.plot(X, found["refined"], "-", linewidth=0.8, label="from the approach", **look)
        slopes, rate = np.diff(found["measured"]) / np.log(10.0), float(found["rate"][-1])
        below.plot(np.sqrt(X[1:] * X[:-1]), rate * slopes, marker, label=name, **look)
        numbers[f"rate_{activation}"] = rate
        for word in ("measured", "refined", "length"):
            numbers |= {f"{word}_{activation}({k})": float(t) for k, t in zip(DECADES, found[word], strict=True)}
        numbers |= {f"slope_{activation}({k})": float(slope) for k, slope in zip(DECADES[1:], slopes, strict=True)}
    below.axhline(1.0, color="0.6", linewidth=0.6)
    above.set(xscale="log", ylabel=r"$\eta\alpha$", ylim=(0, None))
    above.legend(ncols=2, fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1.0), borderaxespad=0.2)
    below.set(xlabel="$X$", ylabel=r"$\lambda_5\,d(\eta\alpha)/d\ln(1/X)$", ylim=(0.95, 1.2))
    below.legend()
    return Figure(
        picture,
        numbers,
        f"K = M = 2, T = I, R(0) = X I, Q(0) = diag(0.2, 0.3), {FLOW}. Above: the time at which the part along the "
        "direction that grows reaches 0.1 (measured, and predicted by the linearised flow), and the length of the "
        "plateau within 10 % of its height. Below: what a factor e in X costs, over 1/lambda_5. The predictions from "
        "the start are off by a constant, since it is far from the plateau. For erf two directions relax "
        "algebraically.",
    )
