"""The equations of alike sites as formulas: four order parameters, averages over up to four sites.

With e_s = g(y_s) - g(x_s), and multiplicities of the sites, <delta_1 t> and <delta_1 delta_k> are sums over sites.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import sympy as sp

from learndyn.activations.formulas.choice import HEADS, Network
from learndyn.activations.registry import activation
from learndyn.formulas.nodes import Mean, entry, field, minus, plus, symbols, times, total, written
from learndyn.formulas.system import Definition, Equation, Line, Meaning, System
from learndyn.formulas.walker import of_walker
from learndyn.scenarios.student_teacher.equations.numbers import Averages
from learndyn.schedules import Schedule

b, k, s, t = symbols("b k s t")
K, eta, decay, noise = symbols("K eta lambda s_noise")
# The unit z_b on which each order parameter depends: R, S on y_1, y_2 and Q, C on x_1, x_2.
VARIABLES = {"R": ("y", 1), "S": ("y", 2), "Q": ("x", 1), "C": ("x", 2)}
# How many pairs of sites (s, t) there are of each kind, beside site 1, or sites 1 and 2.
with written():
    PAIRS = {
        (1, 1, 1): 1, (1, 1, 2): 2 * (K - 1), (1, 2, 2): K - 1, (1, 2, 3): (K - 1) * (K - 2),
        (2, 1, 1): 2, (2, 1, 2): 2, (2, 1, 3): 4 * (K - 2), (2, 3, 3): K - 2, (2, 3, 4): (K - 2) * (K - 3),
    }  # fmt: skip


def system_of(scenario: Any) -> System:
    """The equations of a scenario."""
    structure = scenario.structure
    sites = structure.sites
    units = (structure.activation,) * (2 * sites)
    network = Network(units, sites, False)
    law = SimpleNamespace(
        K=sites, M=sites, n=2 * sites, activations=units, has_means=False, biased=False, shifted=False,
        reach=structure.reach,
    )  # fmt: skip
    kinds = [
        "three",
        "outputs",
        *(["four"] if structure.dynamics == "sgd" else []),
        *(["both"] if structure.noisy else []),
    ]
    averages = network.definitions(kinds, field("z", b), lambda unit: entry("C", unit, b))
    if network.classical is None:
        averages = [one for one in averages if one.head != HEADS["both"]]
    definitions = [*_forces(structure, sites), *averages, *_laws()]
    return System(
        title=f"{scenario.units} {structure.activation} units learn from as many, all sites alike",
        time=r"\alpha",
        update=_update(scenario),
        equations=tuple(_equation(structure, name) for name in structure.names),
        definitions=tuple(definitions),
        error=(Line(r"\epsilon_g", _error(structure)),),
        meanings=tuple(_meanings(scenario)),
        numbers=lambda start: _numbers(scenario, start),
        numeric=Averages(law),
        units=sites,
        sizes={"sites": sites, "near": min(sites, 3), "M": sites},
    )


def _equation(structure: Any, name: str) -> Equation:
    layer, site = VARIABLES[name]
    symbol, twice = sp.Symbol(name), sp.Integer(2) if name in "QC" else None
    delta = field("delta", 1)
    with written():
        right = times(twice, eta, Mean(delta, field(layer, site)))
        shrink = minus(times(twice, eta, decay, symbol)) if structure.decays else None
        square = None
        if structure.dynamics == "sgd" and name in "QC":
            square = eta**2 * Mean(delta, field("delta", site))
        return Equation(name, symbol, (), (), plus(right, shrink, square))


def _forces(structure: Any, sites: int) -> list[Definition]:
    """<delta_1 z_b> and <delta_1 delta_k>."""
    variable, dg = field("z", b), field("dg", 1)
    with written():
        pair = Mean(dg, variable, field("gy", s)) + minus(Mean(dg, variable, field("gx", s)))
        found = [Definition(Mean(field("delta", 1), variable), total(s, min(sites, 3), entry("n", s) * pair))]
        if structure.dynamics != "sgd":
            return found
        summed = total(s, sites, total(t, sites, entry("N", k, s, t) * entry("G_site", k, s, t)))
        if structure.noisy:
            summed = summed + noise**2 * Mean(field("dg", 1), field("dg", k))
        found.append(Definition(Mean(field("delta", 1), field("delta", k)), summed))

        def four(first: str, second: str) -> Any:
            return Mean(field("dg", 1), field("dg", k), field(first, s), field(second, t))

        body = four("gy", "gy") + minus(four("gy", "gx")) + minus(four("gx", "gy")) + four("gx", "gx")
        found.append(Definition(entry("G_site", k, s, t), body))
    for place, count in PAIRS.items():
        if max(place) <= sites:
            alone = lambda indices, place=place: indices == place  # noqa: E731
            shown = sp.Integer(1) if sites == 1 else sp.sympify(count)
            found.append(Definition(entry("N", *place), shown, when=alone))
    found.append(Definition(entry("N", k, s, t), sp.Integer(0), shown=False))
    return found


def _laws() -> list[Definition]:
    """Covariances of the units of a site, and of two."""
    a, c = symbols("a c")

    def alike(places: tuple[int, ...]) -> bool:
        return places[0] == places[1]

    found = [Definition(entry("C", a, c), Mean(field("z", a), field("z", c)), shown=False)]
    for first, second, same, other in (("x", "x", "Q", "C"), ("x", "y", "R", "S")):
        head = Mean(field(first, s), field(second, t))
        found.append(Definition(head, sp.Symbol(same), "for s = t", alike))
        found.append(Definition(head, sp.Symbol(other), "for s and t that differ"))
    head = Mean(field("y", s), field("y", t))
    return [
        *found,
        Definition(head, sp.Integer(1), "for s = t, else 0", alike),
        Definition(head, sp.Integer(0), shown=False),
    ]


def _error(structure: Any) -> Any:
    def product(site: int) -> Any:
        both = [("gy", "gy"), ("gy", "gx"), ("gx", "gx")]
        one, crossed, other = (Mean(field(f, 1), field(g, site)) for f, g in both)
        return one + minus(times(sp.Integer(2), crossed)) + other

    with written():
        inside = product(1) + (K - 1) * product(2) if structure.near == 2 else product(1)
        return K / 2 * inside


def _update(scenario: Any) -> tuple[Line, ...]:
    structure = scenario.structure
    shrink = r"\left( 1 - \frac{\eta \lambda}{N} \right) J_i" if structure.decays else "J_i"
    noisy = r" + s_{noise} \zeta" if structure.noisy else ""
    lines = [
        Line(r"\tau - \sigma", rf"\sum_{{s=1}}^{{K}} \left( g(y_s) - g(x_s) \right){noisy}"),
        Line(r"\delta_i", r"g'(x_i) (\tau - \sigma)"),
        Line("J_i", rf"{shrink} + \frac{{\eta}}{{N}} \delta_i \, \xi", "", r"\leftarrow"),
        Line(r"J_i \cdot B_n", r"R \, \delta_{in} + S \, (1 - \delta_{in}), \quad B_n \cdot B_m = \delta_{nm}"),
        Line(r"J_i \cdot J_k", r"Q \, \delta_{ik} + C \, (1 - \delta_{ik})"),
    ]
    if isinstance(scenario.learning_rate, Schedule):
        from learndyn.schedules.formulas import formula

        lines.append(Line(r"\eta(\alpha)", formula(scenario.learning_rate, "eta")[0]))
    return tuple(lines)


def _meanings(scenario: Any) -> list[Meaning]:
    structure = scenario.structure
    found = [
        Meaning("K", "sites, units of student and of teacher", str(scenario.units), float(scenario.units), "K"),
        Meaning("g(x)", "activation", activation(structure.activation).formula),
        Meaning("R, S", "overlaps of a student unit with its own and with each other teacher unit"),
        Meaning("Q, C", "squared length of a student unit, overlap of two of them"),
        Meaning("z", "pre-activations of the first sites, (x_1, x_2, ..., y_1, y_2, ...)"),
        Meaning("C_{ab}", "covariances of z"),
        Meaning("n_s", "how many sites are like s, seen from sites 1 and 2", _sites(structure.sites)),
        Meaning(r"N^{(k)}_{st}", "how many pairs of sites are like (s, t), 0 where nothing is said"),
    ]
    rate = scenario.learning_rate
    if isinstance(rate, Schedule):
        from learndyn.schedules.formulas import formula

        found += formula(rate, "eta")[1]
    else:
        found.append(Meaning.of(r"\eta", "learning rate", rate, "eta"))
    if structure.noisy:
        found.append(Meaning.of("s_{noise}", "standard deviation of the label noise", scenario.label_noise, "s_noise"))
    if structure.decays:
        found.append(Meaning.of(r"\lambda", "weight decay", scenario.weight_decay, "lambda"))
    return found


def _sites(sites: int) -> str:
    return ["1", "1, 1", "1, 1, K - 2"][min(sites, 3) - 1]


def _numbers(scenario: Any, start: Any) -> dict[str, Any]:
    state = scenario.initial_state(start)
    found: dict[str, Any] = dict(zip(scenario.structure.names, state.tolist(), strict=True))
    rate = scenario.learning_rate
    if isinstance(rate, Schedule):
        from learndyn.schedules.formulas import formula

        body, _, own = formula(rate, "eta")
        found |= own | {"eta": of_walker(lambda walker: walker(body, {})), "alpha": start.at}
    else:
        found["eta"] = rate
    found |= {"K": float(scenario.units), "lambda": scenario.weight_decay, "s_noise": scenario.label_noise}
    return found | {"n": [1.0, 1.0, scenario.units - 2.0], "_reach": scenario.reach(state[None], start.at)}
