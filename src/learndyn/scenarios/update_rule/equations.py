"""The equations of weights that learn by any rule, as formulas of its mean update."""

from __future__ import annotations

from typing import Any

import sympy as sp

from learndyn.formulas.nodes import call
from learndyn.formulas.system import Equation, Line, Meaning, System

w = sp.Symbol("weights")
MOMENTS = (
    Line(r"\frac{dm_i}{dt}",
         r"\langle f_i \rangle(m) + \frac{1}{2} \sum_{k,l} C_{kl} "
         r"\frac{\partial^2 \langle f_i \rangle}{\partial w_k \partial w_l}(m)",
         "from weights with mean m and covariance C"),
    Line(r"\frac{dC}{dt}", r"A C + C A^T, \quad A_{ik} = \frac{\partial \langle f_i \rangle}{\partial w_k}(m)"),
)  # fmt: skip


def system_of(scenario: Any) -> System:
    """The equations of a scenario."""
    return System(
        title=f"{scenario.name}: {scenario.n} weights",
        time="t",
        update=(Line(r"\mathbf{w}", r"\mathbf{w} + \eta \, f(\mathbf{w}, x)", "", r"\leftarrow"), *MOMENTS),
        equations=(Equation("w", w, (), (), call("mean_update", w)),),
        definitions=(),
        error=(),
        meanings=(
            Meaning(
                r"\langle f \rangle",
                "the mean update <f>",
                "a function of yours" if scenario.update is None else f"an average over {scenario.samples} inputs",
            ),
            Meaning(r"\eta", "learning rate; t = eta times updates", f"{scenario.learning_rate:.10g}"),
        ),
        numbers=lambda start: {"weights": scenario.initial_state(start)[: scenario.n], "mean_update": _mean(scenario)},
    )


def _mean(scenario: Any) -> Any:
    """<f> as a function of NumPy weights."""

    def mean(weights: Any) -> Any:
        import jax
        import numpy as np

        with jax.enable_x64(True):
            return np.asarray(scenario.mean_update().mean(jax.numpy.asarray(weights), scenario.values()))

    return mean
