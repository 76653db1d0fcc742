"""The mean error on examples as the learner sees them, which a learning rate may follow.

    <e> = <(tau + s zeta - sum_i m_i w_i g_i)^2> / 2 = sum_pq c_p c_q p^(different students among p, q) <g_p g_q> / 2
          + s^2 / 2

with c = (-w, v), label noise of standard deviation s, and under dropout m_i = 1 with probability p, else 0. Without
dropout it is eps_g + s^2 / 2.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.scenarios.student_teacher.geometry.base import Parts, Units
from learndyn.scenarios.student_teacher.gradient import biases, coefficients, network_averages
from learndyn.scenarios.student_teacher.structure import Structure


def training_error(structure: Structure, parts: Parts, units: Units, w: Any, values: Parts, xp: Any) -> Any:
    """<e> at one state; ``w`` are the output weights, None where all are one."""
    K, n = structure.K, structure.n
    c = coefficients(structure, w, values, xp)
    products = network_averages(structure).outputs(units.C, biases(structure, units, parts, values, xp), xp)
    if structure.dropout:
        student = (np.arange(n) < K).astype(int)
        different = student[:, None] + student - np.diag(student)
        products = products * values["dropout_keep"] ** different
    error = 0.5 * ((products * c).sum(-1) * c).sum(-1)
    return error + 0.5 * values["label_noise"] ** 2 if structure.noisy else error
