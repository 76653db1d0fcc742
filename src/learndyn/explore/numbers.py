"""The numbers of a page as HTML: cards above the curve, the spectrum beside it, the line that says what goes on."""

from __future__ import annotations

import re
from html import escape

import numpy as np

from learndyn.explore.compute import Details, Spectrum, Theory
from learndyn.explore.replicas import Replicas
from learndyn.results import time_of

MOST_RATES = 6
TITLES = {"eps_g": "Final ε<sub>g</sub>", "alignment": "Final alignment", "loss": "Final loss"}
_NAME = re.compile(r"([A-Za-z]+)_([\d,]+)")


def number(value: float | None, digits: int = 4) -> str:
    """A number for a reader: 0.01472, 3.2 × 10⁻⁷."""
    if value is None or not np.isfinite(value):
        return "–"
    text = f"{value:.{digits}g}"
    if "e" not in text:
        return text.replace("-", "−")
    base, exponent = text.split("e")
    return f"{base.replace('-', '−')} × 10<sup>{str(int(exponent)).replace('-', '−')}</sup>"


def cards(theory: Theory, details: Details | None) -> str:
    """The numbers that sum up a run."""
    found = [_final(theory)]
    if theory.setup.family.has_plateaus():
        found += [_plateau(theory), _escape(theory, details)]
    else:
        found += _others(theory)
    if theory.setup.family.has_critical_rate(theory.setup.scenario):
        found.append(_critical(theory, details))
    each = (
        f'<div class="card" data-card="{name}"><h3>{title}</h3><b>{value}</b><span>{below}</span></div>'
        for name, title, value, below in found
    )
    return f'<div class="cards">{"".join(each)}</div>'


Card = tuple[str, str, str, str]


def _final(theory: Theory) -> Card:
    result, name = theory.result, theory.setup.family.main
    time = time_of(result)
    at = "α" if time == "alpha" else time
    value, floor = float(result[name][-1]), theory.drawn.floor
    below = np.flatnonzero(np.isnan(theory.drawn.main.y)) if floor > 0.0 else np.zeros(0)
    if len(below):
        since = float(result[time][int(below[0])])
        return name, TITLES[name], f"below {number(floor, 1)}", f"the accuracy of the run, from {at} = {number(since)}"
    return name, TITLES[name], number(value), f"at {at} = {number(float(result[time][-1]))}"


def _plateau(theory: Theory) -> Card:
    if not theory.plateaus:
        return "plateau", "Plateau", "none", "the error falls without a rest"
    longest = max(theory.plateaus, key=lambda plateau: plateau.exit - plateau.entry)
    span = f"{number(longest.entry, 3)} to {number(longest.exit, 4)}"
    if not longest.left:
        span = f"from {number(longest.entry, 3)} on"
    others = f", the longest of {len(theory.plateaus)}" if len(theory.plateaus) > 1 else ""
    return "plateau", "Plateau, α", span, f"at ε<sub>g</sub> = {number(longest.height)}{others}"


def _escape(theory: Theory, details: Details | None) -> Card:
    title = "Escape rate λ"
    if details is None or details.spectra is None:
        return "escape", title, "…" if theory.plateaus else "–", "of the plateau, per unit of α"
    leaving = [s for s in details.spectra if s.rates and s.rates[0] > 0.0] if theory.plateaus else []
    if not leaving:
        return "escape", title, "–", "of the plateau, per unit of α"
    rate = leaving[0].rates[0]
    if not any(plateau.left for plateau in theory.plateaus):
        values = theory.setup.values
        symmetric = values["start"] == "near_symmetric" and values["X"] == 0.0
        return "escape", title, number(rate), "never left: X = 0" if symmetric else "not left before the end"
    return "escape", title, number(rate), f"grows by e in Δα = {number(1.0 / rate, 3)}"


def _critical(theory: Theory, details: Details | None) -> Card:
    title = "Critical learning rate"
    if details is None or (details.critical_rate is None and not details.critical_rate_missing):
        return "critical", title, "…", "of the solution"
    if details.critical_rate is None:
        return "critical", title, "none", f'<i title="{escape(details.critical_rate_missing, quote=True)}">why</i>'
    eta = theory.setup.scenario.learning_rate
    share = f"η is {number(eta / details.critical_rate, 2)} of it" if isinstance(eta, float) else "of the solution"
    return "critical", title, number(details.critical_rate), share


def _others(theory: Theory) -> list[Card]:
    """The last values of what the panels show, of scenarios without eps_g."""
    found: list[Card] = []
    result = theory.result
    if "accuracy" in result:
        found.append(("accuracy", "Final accuracy", number(float(result["accuracy"][-1])), "of new inputs"))
        found.append(("w_norm", "Final length |w|", number(float(result["w_norm"][-1])), "of the weights"))
    if "u" in result:
        goal, last = theory.setup.scenario.best, result["u"].values[-1]
        learned = int((last > 0.5 * goal).sum())
        found.append(("modes", "Modes learned", f"{learned} of {len(goal)}", "beyond half their strength"))
    return found


# Spectrum.


def spectrum(theory: Theory, details: Details | None) -> str:
    """The rates of the linearised flow, largest first."""
    if "u" in theory.result:
        return _modes(theory)
    if details is None or not details.spectra:
        words = "Looking for where learning stands still …" if not theory.ended_early else "The run ended early."
        return f"<h2>Spectrum</h2><p>{words}</p>"
    return "".join(_table(each) for each in details.spectra)


def dimmed(text: str) -> str:
    """The spectrum of the curve before, until the new one is there; dimmed, so that dragging does not flicker."""
    return text if not text or text.startswith('<div class="old">') else f'<div class="old">{text}</div>'


def _table(found: Spectrum) -> str:
    title = f"<h2>Spectrum {escape(found.where)}</h2>"
    if found.missing:
        return f"{title}<p>{escape(found.missing)}</p>"
    head = "<tr><th>rate λ</th><th>time 1/|λ|</th><th>direction</th></tr>"
    rows = []
    for rate, frequency, direction in list(zip(found.rates, found.frequencies, found.directions, strict=True))[
        :MOST_RATES
    ]:
        turning = f" ± {number(abs(frequency), 3)} i" if frequency else ""
        kind = ' class="unstable"' if rate > 0.0 else ""
        whole = escape(direction, quote=True)
        rows.append(
            f"<tr{kind}><td>{number(rate, 3)}{turning}</td><td>{number(1.0 / abs(rate), 3) if rate else '∞'}</td>"
            f'<td title="{whole}">{_direction(direction)}</td></tr>'
        )
    more = len(found.rates) - len(rows)
    rest = f"<p>and {more} more, down to {number(found.rates[-1], 3)}</p>" if more else ""
    return f"{title}<p>{escape(found.kind)}</p><table>{head}{''.join(rows)}</table>{rest}"


def _modes(theory: Theory) -> str:
    """The strengths of linear modes, and when half of the best one is reached."""
    result, scenario = theory.result, theory.setup.scenario
    u, time = result["u"].values, result[time_of(result)].values
    head = "<tr><th>strength s</th><th>final u</th><th>t to half of s/β</th></tr>"
    rows = []
    for s, best, path in list(zip(scenario.s.values, scenario.best, u.T, strict=True))[:MOST_RATES]:
        beyond = np.flatnonzero(path >= 0.5 * best)
        half = number(float(time[beyond[0]]), 3) if len(beyond) and best > 0.0 else "–"
        rows.append(f"<tr><td>{number(float(s))}</td><td>{number(float(path[-1]))}</td><td>{half}</td></tr>")
    more = len(scenario.s) - len(rows)
    rest = f"<p>and {more} more</p>" if more else ""
    return f"<h2>Modes</h2><table>{head}{''.join(rows)}</table>{rest}"


def _direction(words: str) -> str:
    """An eigenvector in symbols: R_11 becomes R with a subscript, and a factor 1 is left out."""
    text = escape(words.removeprefix("1 ")).replace("-", "−")
    return _NAME.sub(lambda match: f"<i>{match[1]}</i><sub>{match[2].replace(',', '')}</sub>", text)


# Lines of words.


def status(theory: Theory) -> tuple[str, str]:
    """How it stands: a class ("good", "warn") and a sentence."""
    if theory.draft:
        return "busy", f"Draft in {1e3 * theory.seconds:.0f} ms; the exact curve follows …"
    if theory.ended_early:
        return "warn", theory.ended_early
    compiled = ", compiled for the first time" if theory.first else ""
    return "good", f"Theory in {1e3 * theory.seconds:.0f} ms{compiled}"


def replicas_line(replicas: Replicas) -> str:
    """What a simulation came to."""
    result = replicas.result
    name = replicas.setup.family.main
    last = result[name].isel({time_of(result): -1}).values
    count = last.size
    if result.attrs["status"] != "ok":
        return escape(result.attrs["message"])
    size = f" at N = {replicas.options['N']}" if "N" in replicas.options else ""
    runs = f"{count} replicas" if count > 1 else "1 replica"
    spread = f" ± {number(last.std(ddof=1) / np.sqrt(count), 2)}" if count > 1 else ""
    label = {"eps_g": "ε<sub>g</sub>"}.get(name, name)
    return f"{runs}{size}: final {label} {number(last.mean())}{spread}"
