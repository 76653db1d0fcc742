"""The equations of the weight matrices of a linear network as formulas, layer by layer."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from learndyn.formulas.nodes import Transposed, chain, minus, plus, symbols, times, written
from learndyn.formulas.system import Equation, Line, Meaning, System
from learndyn.formulas.walker import of_walker
from learndyn.scenarios.deep_linear.flow import unpack
from learndyn.scenarios.linear_modes.equations import options_on

decay, tau = symbols("lambda tau")
E, W = symbols("E W")


def system_of(scenario: Any) -> System:
    """The equations of a scenario."""
    depth = scenario.depth
    layers = [sp.Symbol(f"W_{layer}") for layer in range(1, depth + 1)]
    noisy = r" - \sigma^2 W" if scenario.input_noise else ""
    least = "L_0 + " if scenario.least_loss else ""
    return System(
        title=f"A linear network of {depth} layer{'s' * (depth > 1)}, widths {'-'.join(map(str, scenario.widths))}",
        time="t",
        update=(
            Line(r"\hat{y}", "W x"),
            Line("W", chain(*reversed(layers)) if depth > 1 else layers[0]),
            Line("E", rf"\Sigma_{{yx}} - W \Sigma_{{xx}}{noisy}"),
        ),
        equations=tuple(_equation(scenario, layers, place) for place in range(depth)),
        definitions=(),
        error=(Line("L", rf"{least}\frac{{1}}{{2}} \mathrm{{tr}} \left[ (W - W^*) \Sigma_{{xx}} (W - W^*)^T \right]"),),
        meanings=tuple(_meanings(scenario)),
        numbers=lambda start: _numbers(scenario, start),
        error_name="",
        remarks=("Time is learning rate times steps.",),
    )


def _equation(scenario: Any, layers: list[Any], place: int) -> Equation:
    """(W_D ... W_l+1)^T E (W_l-1 ... W_1)^T - lambda W_l."""
    above = [Transposed(layer) for layer in layers[place + 1 :]]
    below = [Transposed(layer) for layer in layers[:place]]
    factors = [*above, E, *below]
    with written():
        learned = chain(*factors) if len(factors) > 1 else E
        change = plus(learned, minus(times(decay, layers[place])) if scenario.weight_decay else None)
        right = change if scenario.time_scale == 1.0 else 1 / tau * change
    return Equation(f"W_{place + 1}", layers[place], (), (), right)


def _meanings(scenario: Any) -> list[Meaning]:
    found = [
        Meaning(
            r"\Sigma_{yx}", "E[y x^T], outputs times inputs", " x ".join(map(str, scenario.correlation.values.shape))
        ),
        Meaning(r"\Sigma_{xx}", "E[x x^T]"),
        Meaning("W^*", "the best linear map"),
    ]
    return found + options_on(scenario)


def _numbers(scenario: Any, start: Any) -> dict[str, Any]:
    matrices = unpack(scenario.widths, scenario.initial_state(start))
    found: dict[str, Any] = {f"W_{place}": matrix for place, matrix in enumerate(matrices, start=1)}

    @of_walker
    def error(walker: Any) -> Any:
        whole = matrices[0]
        for matrix in matrices[1:]:
            whole = matrix @ whole
        inputs = scenario.inputs.dense(scenario.n) + scenario.input_noise**2 * np.eye(scenario.n)
        return scenario.correlation.values - whole @ inputs

    return found | {"E": error, "lambda": scenario.weight_decay, "tau": scenario.time_scale}
