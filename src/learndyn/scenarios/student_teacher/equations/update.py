"""The update of a two-layer student as lines of LaTeX: what is on, and nothing else."""

from __future__ import annotations

from typing import Any

from learndyn.formulas.system import Line
from learndyn.scenarios.student_teacher.equations import letters

BATCH = r"\frac{1}{b} \sum_{\mu=1}^{b}"


def update_lines(scenario: Any) -> tuple[Line, ...]:
    """The outputs, the modulation, and what an example changes."""
    s = scenario.structure
    found = [
        Line("x_i", r"J_i \cdot \xi, \quad y_n = B_n \cdot \xi, \quad " + _inputs(s)),
        *_outputs(s),
        _modulation(s),
    ]
    force = r"\delta_i" if letters.descends(s) else "F_i"
    step = _averaged(s, rf"{force} \, \xi")
    if s.rule == "momentum":
        decay = r" - \lambda J_i" if s.decays else ""
        inner = rf"\left( {step}{decay} \right)" if decay else step
        found.append(
            Line("V_i", rf"\left( 1 - \frac{{\gamma}}{{N}} \right) V_i + \frac{{\eta}}{{N}} {inner}", "", r"\leftarrow")
        )
        found.append(Line("J_i", r"J_i + \frac{1}{N} V_i", "", r"\leftarrow"))
    else:
        if s.rule == "natural_gradient":
            step = r"\sum_{k=1}^{K} [\mathcal{A}^{-1}]_{ik} \, " + step.replace(r"\delta_i", r"\delta_k")
        shrink = r"\left( 1 - \frac{\eta \lambda}{N} \right) J_i" if s.decays else "J_i"
        found.append(Line("J_i", rf"{shrink} + \frac{{\eta}}{{N}} {step}", "", r"\leftarrow"))
    return (*found, *_own(s), *_motion(scenario))


def _averaged(s: Any, text: str) -> str:
    return f"{BATCH} {text}" if s.batched else text


def _inputs(s: Any) -> str:
    if s.spectrum:
        return r"\xi = \sum_{l=1}^{L} \sqrt{\lambda_l} \, \xi^{(l)}, \quad \xi^{(l)} \sim \mathcal{N}(0, 1_{f_l N})"
    if s.shifted:
        return r"\xi \sim \mathcal{N}(\mu, 1_N)"
    if s.tree:
        return r"\xi^{(i)} \sim \mathcal{N}(0, 1_N)".replace("{(i)}", r"{(i)}")
    return r"\xi \sim \mathcal{N}(0, 1_N)"


def _outputs(s: Any) -> list[Line]:
    """sigma and tau."""
    kinds = s.activations
    student = _unit(kinds[: s.K], "i", "x_i" + (r" + \theta_i" if s.biased else ""))
    teacher = _unit(kinds[s.K :], "n", "y_n" + (r" + \phi_n" if s.biased else ""))
    mask = "m_i " if s.dropout else ""
    sigma = rf"\sum_{{i=1}}^{{K}} {mask}{'w_i ' if s.weighted else ''}{student}"
    tau = rf"\sum_{{n=1}}^{{M}} {'v_n ' if s.weighted else ''}{teacher}"
    noise = r" + s \zeta, \quad \zeta \sim \mathcal{N}(0, 1)" if s.noisy else ""
    masked = r", \quad P(m_i = 1) = p = 1 - P(m_i = 0)" if s.dropout else ""
    return [Line(r"\sigma", sigma + masked), Line(r"\tau", tau + noise)]


def _unit(kinds: tuple[str, ...], index: str, argument: str) -> str:
    letter = f"g_{index}" if len(set(kinds)) > 1 else "g"
    return rf"{letter}({argument})"


def _modulation(s: Any) -> Line:
    if not letters.descends(s):
        text = {
            "hebb": r"\tau", "perceptron": r"\frac{1}{2} (\tau - \sigma)",
            "adatron": r"- x \, \Theta(-x y)",
        }.get(s.rule, r"f(x_i, \sigma, \tau)")  # fmt: skip
        return Line("F_i", text)
    kinds = s.activations[: s.K]
    argument = "x_i" + (r" + \theta_i" if s.biased else "")
    slope = (r"g_i'" if len(set(kinds)) > 1 else "g'") + rf"({argument})"
    front = ("m_i " if s.dropout else "") + ("w_i " if s.weighted else "")
    return Line(r"\delta_i", rf"{front}{slope} (\tau - \sigma)")


def _own(s: Any) -> list[Line]:
    """Output weights, biases, and a rate that adapts."""
    found = []
    if s.output_rule:
        rate = r"\frac{\eta_w}{N}" if s.output_rule == "N" else r"\eta_w"
        argument = "x_i" + (r" + \theta_i" if s.biased else "")
        mask = "m_i " if s.dropout else ""
        force = _averaged(s, rf"(\tau - \sigma) \, {mask}{_unit(s.activations[: s.K], 'i', argument)}")
        if s.output_decays:
            force = rf"\left( {force} - \lambda_w w_i \right)"
        note = "" if s.output_rule == "N" else "N to infinity first, then eta_w to 0"
        found.append(Line("w_i", rf"w_i + {rate} {force}", note, r"\leftarrow"))
    if s.learned_biases:
        force = _averaged(s, r"\delta_i")
        found.append(Line(r"\theta_i", rf"\theta_i + \frac{{\eta_\theta}}{{N}} {force}", "", r"\leftarrow"))
    if s.adaptive:
        found.append(Line(r"\epsilon", r"\frac{1}{2} (\tau - \sigma)^2"))
        found.append(
            Line(r"\eta", r"\max \left( \eta + \frac{1}{N} h(\epsilon, \eta), \, 0 \right)", "", r"\leftarrow")
        )
    return found


def _motion(scenario: Any) -> list[Line]:
    """How the teacher moves."""
    drift, kind = scenario.teacher_drift, getattr(scenario.teacher_drift, "kind", None)
    if kind == "random_walk":
        step = r"\left( 1 - \frac{d}{N} \right) B_n + \sqrt{\frac{2 d}{N}} |B_n| \, u, \quad |u| = 1"
        return [Line("B_n", step, "with random directions u", r"\leftarrow")]
    if kind == "rotation":
        return [Line(r"B_n(\alpha)", r"\cos(\omega \alpha) E_n + \sin(\omega \alpha) E_{n+M}")]
    if kind == "switch":
        times = ", ".join(f"{time:g}" for time in drift.times)
        step = r"\kappa B_n + \sqrt{1 - \kappa^2} B_n'"
        return [Line("B_n", step, f"at alpha = {times}; B' is new", r"\leftarrow")]
    if kind == "lessons":
        return [Line("B_n", "E_n", "the teacher of this task; those of the others are E_n+M, ...")]
    return []
