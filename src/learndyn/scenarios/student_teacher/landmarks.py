"""What a student and its teacher know of their own state space: symmetries, the solution, edges, and where to look.

Exchanging student units changes nothing but names; exchanging teacher units does not where T, v and phi allow it.
"""

from __future__ import annotations

from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

from learndyn.activations import activation
from learndyn.scenarios.base import Landmarks
from learndyn.scenarios.student_teacher.start import Start

if TYPE_CHECKING:
    from learndyn.scenarios.student_teacher.scenario import StudentTeacher

# Which of a block's axes count students and teachers.
AXES = {"R": "st", "Q": "ss", "w": "s", "theta": "s", "T": "tt", "RV": "st", "QJV": "ss", "QV": "ss"}
MOST = 50_000
# Relative to the trace: eigenvalues of the covariance of all units, and squared lengths, that count as zero. Roots of
# the drift are known to 1e-8, and those at the tip of a root only to the square of that.
SINGULAR = 1e-7
TIP = 1e-9


def landmarks_of(scenario: StudentTeacher) -> Landmarks:
    """The landmarks of a scenario."""
    return Landmarks(
        permutations=_permutations(scenario),
        solution=_solution(scenario),
        edge=lambda state: _edge(scenario, state),
        tip=lambda state: _tip(scenario, state),
        scattered=lambda count, seed: _scattered(scenario, count, seed),
    )


def _permutations(scenario: StudentTeacher) -> np.ndarray:
    """Where each number of the state comes from when units are exchanged, (permutations, n); the identity first."""
    K, s = scenario.K, scenario.structure
    identity = np.arange(scenario.state_length)[None]
    roles = [AXES.get(block.name, "") for block in scenario.layout.blocks]
    if any(len(block.shape) != len(role) for block, role in zip(scenario.layout.blocks, roles, strict=True)):
        return identity
    students = _orders(K, lambda order: all(s.activations[i] == s.activations[k] for i, k in enumerate(order)), MOST)
    teachers = _orders(scenario.M, lambda order: _same_teacher(scenario, order), MOST // len(students))
    found = []
    for sigma in teachers:
        for pi in students:
            chosen = {"s": np.array(pi), "t": np.array(sigma)}
            parts = []
            for block, role in zip(scenario.layout.blocks, roles, strict=True):
                moved = block.places[np.ix_(*(chosen[axis] for axis in role))]
                parts.append(scenario.layout.slices[block.name].start + moved.reshape(-1)[block.kept])
            found.append(np.concatenate(parts))
    return np.array(found)


def _orders(units: int, allowed: Any, most: int) -> list[tuple[int, ...]]:
    """The allowed orders of so many units; that in which they are alone where there would be too many."""
    if np.prod(np.arange(1.0, units + 1)) > most:
        return [tuple(range(units))]
    return [order for order in permutations(range(units)) if allowed(order)]


def _same_teacher(scenario: StudentTeacher, order: tuple[int, ...]) -> bool:
    K, chosen = scenario.K, list(order)
    teacher = [scenario.structure.activations[K:][n] for n in chosen]
    vectors = [value for name in ("v", "phi") if (value := scenario.values().get(name)) is not None]
    return (
        teacher == list(scenario.structure.activations[K:])
        and bool(np.array_equal(scenario.T[np.ix_(chosen, chosen)], scenario.T))
        and all(np.array_equal(vector[chosen], vector) for vector in vectors)
    )


def _solution(scenario: StudentTeacher) -> Start | None:
    """The student that equals its teacher, where there can be one."""
    K, s, values = scenario.K, scenario.structure, scenario.values()
    if scenario.M != K or s.activations[:K] != s.activations[K:]:
        return None
    own = {"w": "v", "theta": "phi"}
    more: dict[str, Any] = {name: tuple(values[of].tolist()) for name, of in own.items() if of in values}
    try:
        start = scenario.as_start(Start(scenario.T, scenario.T, **more))
    except ValueError:
        return None
    return start


def _edge(scenario: StudentTeacher, state: np.ndarray) -> str:
    """A sentence where the overlaps are on the edge of what is possible and a unit has a kink; else nothing."""
    kinked = _kinked(scenario.structure.activations)
    if not kinked:
        return ""
    C = scenario.covariance(_start_of(scenario, state))
    if np.linalg.eigvalsh(C)[0] > SINGULAR * np.trace(C):
        return ""
    return (
        f"Units with a kink ({', '.join(kinked)}) are linearly dependent here, at the edge of the possible overlaps: "
        "derivatives are those from the inside, and terms of order 3/2 come before the second order."
    )


def inward(scenario: StudentTeacher, state: np.ndarray) -> np.ndarray | None:
    """A direction from the edge into the possible states where derivatives are to be limits from there; else None.

    Student units get parts of their own, in which no other unit shares. Quadratures over units with kinks need it: at
    the edge itself they do not see by how much two kinks part.
    """
    lengths = [block for block in scenario.layout.blocks if block.name == "Q" and len(block.shape) == 2]
    if not scenario.structure.fours_by_quadrature or not lengths or not _edge(scenario, state):
        return None
    places = scenario.layout.slices["Q"].start + np.diag(lengths[0].places)
    direction = np.zeros_like(state)
    direction[places] = state[places]
    return direction


def _tip(scenario: StudentTeacher, state: np.ndarray) -> str:
    """A sentence where a unit with a kink has no length: the drift depends on the direction in which it vanishes."""
    Q = scenario.order_parameters(state[None])["Q"][0]
    short = np.flatnonzero(np.diag(Q) <= TIP * np.trace(scenario.T))
    names = _kinked(tuple(scenario.structure.activations[i] for i in short))
    return f"student unit {short[0] + 1} ({names[0]}) has no length, and the drift no derivative there" if names else ""


def _kinked(activations: tuple[str, ...]) -> list[str]:
    return [name for name in dict.fromkeys(activations) if activation(name).kinks]


def _start_of(scenario: StudentTeacher, state: np.ndarray) -> Start:
    rows = {name: row[0] for name, row in scenario.order_parameters(state[None]).items()}
    return scenario.as_start(Start(rows["Q"], rows["R"]))


def _scattered(scenario: StudentTeacher, count: int, seed: int) -> list[Start]:
    """The solution, then starts all over the possible overlaps.

    Every other from few inputs, with overlaps of order one and lengths over two decades; the others from a million
    inputs, with units nearly orthogonal to all others.
    """
    rng = np.random.default_rng(seed)
    solution = _solution(scenario)
    starts = [] if solution is None else [solution]
    for number in range(count - len(starts)):
        N = scenario.K + scenario.M + (1 if number % 2 == 0 else 10**6)
        Q = float(np.exp(rng.uniform(np.log(0.2), np.log(40.0)))) if number % 2 == 0 else float(rng.uniform(0.1, 2.0))
        starts.append(Start.random_weights(scenario, N, Q=Q, seed=int(rng.integers(2**31))))
    return starts
