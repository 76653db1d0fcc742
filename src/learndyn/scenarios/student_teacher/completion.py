"""A start made complete for a scenario: what it leaves out is filled in, what is impossible is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.arguments import array, has_cholesky, nested, number, positive_semidefinite, shown
from learndyn.errors import InputError
from learndyn.scenarios.student_teacher.adaptive_rate import AdaptiveRate

if TYPE_CHECKING:
    from learndyn.scenarios.student_teacher.scenario import StudentTeacher
    from learndyn.scenarios.student_teacher.start import Start

# Rows of a result are starts: overlaps may be impossible by the error that a loosely solved run may have.
TOLERANCE = 1e-6


def completed(start: Start, scenario: StudentTeacher) -> Start:
    """See `Start.completed`."""
    K, M, s = scenario.K, scenario.M, scenario.structure
    Q, R = np.array(start.Q), np.array(start.R)
    for name, value, shape in (("Q", Q, (K, K)), ("R", R, (K, M))):
        if value.shape != shape:
            raise InputError(
                f"Argument `{name}` of the start must have shape {shape}, but it has shape {value.shape}. "
                f"Give as many as the scenario has units: {K} student and {M} teacher unit(s)."
            )
    if scenario.frame.bare and start.w is None and start.theta is None and not start.more:
        check_overlaps(Q, R, scenario.T)
        return start
    more = _further(scenario, Q, R, dict(start.more))
    T = np.array(more["T"]) if "T" in more else scenario.T
    for part in _covariances(scenario, Q, R, T, more):
        check_overlaps(*part)
    if s.tree and (np.count_nonzero(Q - np.diag(np.diag(Q))) or np.count_nonzero(R - np.diag(np.diag(R)))):
        raise InputError(
            "Arguments `Q` and `R` of the start must be diagonal for connectivity='tree', but they are not: "
            "units of different branches see different inputs and have no overlap. Write Q=np.diag([...]) and "
            "R=np.diag([...])."
        )
    own = {"w": _own(start, "w", s.weighted, 1.0, K), "theta": _own(start, "theta", s.biased, 0.0, K)}
    return replace(start, **own, more=more)


def _own(start: Start, name: str, wanted: bool, default: float, K: int) -> tuple[float, ...] | None:
    value = getattr(start, name)
    if not wanted and value is not None and set(value) != {default}:
        need, given = ("output weights", "output_weights (ones") if name == "w" else ("biases", "biases (zeros")
        rate = "an output_learning_rate" if name == "w" else "a bias_learning_rate"
        raise InputError(
            f"Argument `{name}` of the start needs a scenario with {need}, but it is {shown(value)}. Give the teacher "
            f"{given} will do), or the scenario {rate}."
        )
    if not wanted:
        return None
    return (default,) * K if value is None else value


def _further(scenario: StudentTeacher, Q: np.ndarray, R: np.ndarray, more: dict[str, Any]) -> dict[str, Any]:
    """The overlaps of the options: those given, and the natural ones where they are not."""
    K, M, s = scenario.K, scenario.M, scenario.structure
    natural: dict[str, np.ndarray] = {}
    if s.rule == "momentum":
        natural = {"RV": np.zeros((K, M)), "QJV": np.zeros((K, K)), "QV": np.zeros((K, K))}
    if s.shifted:
        natural["d"] = np.zeros(K)
    if s.spectrum:
        shares = scenario.values()["shares"][:, None, None]
        natural |= {"R_space": shares * R, "Q_space": shares * Q}
    if "R_reference" in scenario.quantities():
        references = len(scenario.values()["T"])
        natural["R_reference"] = np.concatenate([R, np.zeros((K, references - M))], axis=1)
    if any(block.name == "T" for block in scenario.layout.blocks):
        natural["T"] = scenario.T
    if isinstance(scenario.learning_rate, AdaptiveRate):
        natural["eta"] = np.array(scenario.learning_rate.initial)
        number(more.get("eta", 0.0), "eta", minimum=0.0)
    for name, value in more.items():
        if name not in natural:
            raise InputError(
                f"Argument `{name}` of the start belongs to an option that this scenario does not have. Leave it out."
            )
        natural[name] = array(value, name, natural[name].shape, "Give as many as the scenario needs.")
    return {name: nested(value) for name, value in natural.items()}


def _covariances(
    scenario: StudentTeacher, Q: np.ndarray, R: np.ndarray, T: np.ndarray, more: dict[str, Any]
) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """(Q, R, T) of all vectors that live in one space: each must be possible."""
    arrays = {name: np.array(value) for name, value in more.items()}
    if scenario.structure.spectrum:
        shares = scenario.values()["shares"]
        spaces = zip(arrays["Q_space"], arrays["R_space"], shares, strict=True)
        return [(q, r, share * T) for q, r, share in spaces]
    if "R_reference" in arrays:
        return [(Q, arrays["R_reference"], scenario.values()["T"])]
    if "QV" in arrays:
        J_V = np.block([[Q, arrays["QJV"]], [arrays["QJV"].T, arrays["QV"]]])
        return [(Q, R, T), (J_V, np.concatenate([R, arrays["RV"]]), T)]
    if "d" in arrays:
        values = scenario.values()
        mean = values["mean_overlap"][:, None]
        with_mean = np.block([[T, mean], [mean.T, np.array([[values["mean_square"]]])]])
        return [(Q, np.concatenate([R, arrays["d"][:, None]], axis=1), with_mean)]
    return [(Q, R, T)]


def check_overlaps(Q: np.ndarray, R: np.ndarray, T: np.ndarray) -> None:
    """Refuse overlaps that no vectors have."""
    if are_overlaps(Q, R, T):
        return
    limit = np.sqrt(np.outer(np.diag(Q), np.diag(T)))
    excess = np.abs(R) - limit
    if (excess > TOLERANCE * max(1e-300, float(limit.max()))).any():
        i, n = np.unravel_index(np.argmax(excess), excess.shape)
        fits = Q.shape == R.shape and np.array_equal(R, R.T) and are_overlaps(R, Q, T)
        hint = " Or are R and Q swapped? The other way round they are possible." if fits else ""
        raise InputError(
            f"Argument `R` of the start must satisfy |R_in| <= sqrt(Q_ii T_nn), but |{_entry('R', i, n)}| = "
            f"{abs(R[i, n]):.6g} (student {i + 1}, teacher {n + 1}) exceeds {limit[i, n]:.6g}. "
            f"Make {_entry('R', i, n)} smaller or {_entry('Q', i, i)} larger.{hint}"
        )
    positive_semidefinite(
        joint(Q, R, T),
        "R",
        "Check R against Q and T: the matrix [[Q, R], [R^T, T]] of all overlaps is meant.",
        TOLERANCE,
    )


def _entry(name: str, i: Any, k: Any) -> str:
    """An entry as papers, pictures and labels of results name it, counted from 1."""
    return f"{name}_{i + 1}{k + 1}" if max(i, k) < 9 else f"{name}_{i + 1},{k + 1}"


def are_overlaps(Q: np.ndarray, R: np.ndarray, T: np.ndarray) -> bool:
    """Whether these are overlaps of vectors for sure: no entry of R is above its limit then, but by rounding."""
    return has_cholesky(joint(Q, R, T))


def joint(Q: np.ndarray, R: np.ndarray, T: np.ndarray) -> np.ndarray:
    """[[Q, R], [R^T, T]]."""
    K, n = len(Q), len(Q) + len(T)
    found = np.empty((n, n))
    found[:K, :K], found[:K, K:], found[K:, :K], found[K:, K:] = Q, R, R.T, T
    return found


def parts(start: Start, scenario: StudentTeacher) -> dict[str, np.ndarray]:
    """See `Start.parts`."""
    found = {"R": np.array(start.R), "Q": np.array(start.Q)}
    if scenario.frame.bare:
        return found
    found |= {name: np.array(value) for name, value in start.more}
    if scenario.structure.tree:
        found |= {name: np.diag(found[name]).copy() for name in ("Q", "R")}
    if scenario.structure.spectrum:
        found |= {"R": found["R_space"], "Q": found["Q_space"]}
    if "R_reference" in found:
        found["R"] = found["R_reference"]
    if start.w is not None:
        found["w"] = np.array(start.w)
    if start.theta is not None:
        found["theta"] = np.array(start.theta)
    return {block.name: found[block.name] for block in scenario.layout.blocks}
