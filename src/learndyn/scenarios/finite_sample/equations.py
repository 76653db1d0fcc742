"""The equations of a student that fits a finite sample as formulas, direction by direction of the data."""

from __future__ import annotations

from typing import Any

import numpy as np
import sympy as sp

from learndyn.formulas.nodes import entry, minus, plus, symbols, times, total, written
from learndyn.formulas.system import Definition, Equation, Line, Meaning, System
from learndyn.formulas.walker import of_walker

# Stands for an eigenvalue of 0.
UNSEEN = 1e-200
WEIGHT = r"A_j + C_j (\bar{w}_j + e_j)"
j = sp.Symbol("j")
S, sigma, a, gamma, d, D = symbols("S sigma a gamma d D")
A, C, rate, weight = entry("A", j), entry("C", j), entry("lambda", j), entry("omega", j)


def system_of(scenario: Any) -> System:
    """The equations of a scenario."""
    deep, depth, count = scenario.depth > 1, scenario.depth, sp.Symbol("n_j")
    with written():
        variance = S**2 + sigma**2 * a / rate if scenario.label_noise else S**2
        factor = d ** (depth - 1) if depth > 2 else d if deep else None
        square = d ** (2 * depth - 2) if deep else None
        speed = plus(times(rate, square), gamma if scenario.weight_decay else None)
        dA = minus(times(speed, A))
        dC = plus(times(rate, factor), minus(times(speed, C)))
        left, moved = times(factor, A), times(factor, C)
        terms = plus(S**2 * (1 - moved) ** 2, left**2, sigma**2 * a / rate * moved**2 if scenario.label_noise else None)
        eps_g = sp.Rational(1, 2) * total(j, count, weight * terms)
        length = sp.sqrt(total(j, count, weight * (A**2 + variance * C**2)))
    definitions = (Definition(entry("strength"), length, shown=False),)
    return System(
        title=f"A linear student of {depth} layer{'s' * deep} fits a noisy sample",
        time="t",
        update=(
            Line("y", r"\bar{w} \cdot x + \sigma \zeta" if scenario.label_noise else r"\bar{w} \cdot x"),
            Line("w_j", rf"d^{{D-1}} \left( {WEIGHT} \right)" if deep else WEIGHT, "in the eigenbasis of X X^T / p"),
            *((Line("d", length, "the strength of a layer"),) if deep else ()),
        ),
        equations=(
            Equation("A", A, (j,), (scenario.state_length // 2,), dA),
            Equation("C", C, (j,), (scenario.state_length // 2,), dC),
        ),
        definitions=definitions,
        error=(Line(r"\epsilon_g", eps_g),),
        meanings=tuple(_meanings(scenario)),
        numbers=lambda start: _numbers(scenario, start),
        sizes={"n_j": scenario.state_length // 2},
        remarks=("Time is learning rate times steps.",),
    )  # fmt: skip


def _meanings(scenario: Any) -> list[Meaning]:
    law = f"{scenario.state_length // 2} eigenvalues"
    law += " that stand for Marchenko and Pastur's law" if scenario.eigenvalues is None else " of the data"
    found = [
        Meaning("A_j", "what a layer holds of its start"),
        Meaning("C_j", "how far it has moved to the least-squares solution"),
        Meaning(r"\lambda_j, \omega_j", "eigenvalues of X X^T / p and their weights", law),
        Meaning.of("a", "inputs for each example, n / p", scenario.aspect, "a"),
        Meaning.of("S", "length of the rule", scenario.signal, "S"),
    ]  # fmt: skip
    scalars = ((r"\sigma", "standard deviation of the label noise", scenario.label_noise, "sigma"),
               (r"\gamma", "weight decay", scenario.weight_decay, "gamma"))  # fmt: skip
    found += [Meaning.of(*scalar) for scalar in scalars if scalar[2]]
    return found + ([Meaning("D", "layers", str(scenario.depth))] if scenario.depth > 1 else [])


def _numbers(scenario: Any, start: Any) -> dict[str, Any]:
    state, values = scenario.initial_state(start), scenario.values()
    k = len(state) // 2
    # Where no example has seen a direction, C is 0: what it is divided by there does not matter.
    eigenvalues = np.maximum(values["eigenvalues"], UNSEEN)
    return {
        "A": state[:k], "C": state[k:], "lambda": eigenvalues, "omega": values["weights"],
        "S": scenario.signal, "sigma": scenario.label_noise, "a": scenario.aspect, "gamma": scenario.weight_decay,
        "d": of_walker(lambda walker: walker.entry("strength", ())), "D": float(scenario.depth),
    }  # fmt: skip
