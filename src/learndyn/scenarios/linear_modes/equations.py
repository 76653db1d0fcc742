"""The equations of decoupled modes of a linear network as formulas."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from learndyn.formulas.nodes import entry, minus, plus, symbols, times, total, written
from learndyn.formulas.system import Definition, Equation, Line, Meaning, System

a, l = symbols("a l")
keep, decay, noise, tau, least = symbols("p lambda sigma tau L_0")


def system_of(scenario: Any) -> System:
    """The equations of a scenario."""
    one = scenario.time_scale == 1.0
    with written():
        strength = entry("w", l, a)
        variance = entry("beta", a) + noise**2 if scenario.input_noise else entry("beta", a)
        push = entry("s", a) - variance * entry("u", a)
        learned = times(keep if scenario.dropout_keep < 1.0 else None, push, entry("others", l, a))
        change = plus(learned, minus(times(decay, strength)) if scenario.weight_decay else None)
        right = change if one else 1 / tau * change
        distance = entry("u", a) - entry("s", a) / entry("beta", a)
        half = sp.Rational(1, 2) * total(a, sp.Symbol("m"), entry("beta", a) * distance**2)
        loss = plus(least if scenario.least_loss else None, half)
    return System(
        title=f"{scenario.m} mode{'s' * (scenario.m > 1)} of a linear network of {scenario.depth} layers",
        time="t",
        update=(
            Line(
                r"\hat{y}", r"W_D \cdots W_1 x, \quad W_l = \sum_a w_{la} \, (\mathrm{singular\ vectors\ of\ mode\ a})"
            ),
            Line("E[y x^T]", "U S V^T"),
        ),
        equations=(Equation("w", strength, (l, a), (scenario.depth, scenario.m), right),),
        definitions=(Definition(entry("u", a), entry("product", a)),),
        error=(Line("L", loss),),
        meanings=tuple(_meanings(scenario)),
        numbers=lambda start: _numbers(scenario, start),
        sizes={"m": scenario.m},
        error_name="loss",
        remarks=("Time is learning rate times steps.",),
    )


def _meanings(scenario: Any) -> list[Meaning]:
    variances = np.broadcast_to(scenario.beta.values, scenario.m)
    found = [
        Meaning("w_{la}", "strength of layer l in mode a"), Meaning("u_a", "strength of mode a"),
        Meaning("s_a", "singular values of E[y x^T]", _list(scenario.s.values)),
        Meaning(r"\beta_a", "variances of the inputs along the modes", _list(variances)),
        Meaning("D", "layers", str(scenario.depth)), Meaning("m", "modes", str(scenario.m)),
    ]  # fmt: skip
    kept = Meaning.of("p", "share of steps in which a mode is kept", scenario.dropout_keep, "p")
    return found + [kept] * (scenario.dropout_keep != 1.0) + options_on(scenario)


def options_on(scenario: Any) -> list[Meaning]:
    """The numbers that all linear networks may have, where they are on."""
    options = (
        (r"\lambda", "weight decay", scenario.weight_decay, "lambda", 0.0),
        (r"\sigma", "standard deviation of the input noise", scenario.input_noise, "sigma", 0.0),
        ("L_0", "loss of the best linear map", scenario.least_loss, "L_0", 0.0),
        (r"\tau", "time scale", scenario.time_scale, "tau", 1.0),
    )
    return [Meaning.of(symbol, what, value, name) for symbol, what, value, name, off in options if value != off]


def _list(values: Any) -> str:
    shown = np.array2string(np.asarray(values)[:8], precision=6, separator=", ")
    return shown if len(values) <= 8 else f"{shown[:-1]}, ...] ({len(values)} numbers)"


def _numbers(scenario: Any, start: Any) -> dict[str, Any]:
    w = scenario.initial_state(start).reshape(scenario.depth, scenario.m)
    others = np.stack([np.delete(w, layer, axis=0).prod(0) for layer in range(scenario.depth)])
    return {
        "w": w, "others": others, "product": w.prod(0), "s": scenario.s.values, "p": scenario.dropout_keep,
        "beta": np.broadcast_to(scenario.beta.values, scenario.m), "lambda": scenario.weight_decay,
        "sigma": scenario.input_noise, "tau": scenario.time_scale, "L_0": scenario.least_loss,
    }  # fmt: skip
