"""What makes single runs of a soft committee machine differ: the increments of one update, and their covariance.

    D = Cov(b) = <b b^T> - <b> <b>^T

is known in closed form where the activation knows it, by quadrature for every other perceptron; else only b is given.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from learndyn.activations import Activation
from learndyn.activations.kinks import find_kinks
from learndyn.gaussian.namespaces import jax_namespace
from learndyn.scenarios.base import Noise
from learndyn.scenarios.student_teacher import state
from learndyn.scenarios.student_teacher.increments import make_increments
from learndyn.scenarios.student_teacher.perceptron_quadrature import make_perceptron_diffusion
from learndyn.scenarios.student_teacher.singularities import make_closeness
from learndyn.scenarios.student_teacher.size_correction import make_length_term


@cache
def make_noise(K: int, M: int, activation: Activation) -> Noise:
    """The noise of K student and M teacher units."""
    covariance, source = _diffusion(K, M, activation)
    return Noise(
        key=("student_teacher", K, M, activation.name, activation.digest),
        increments=make_increments(K, M, activation, jax_namespace()),
        normals=K + M,
        quadratic=activation.homogeneous,
        covariance=covariance,
        source=source,
        length_term=make_length_term(K, M, activation),
        closeness=make_closeness(K, M, activation),
    )


def _diffusion(K: int, M: int, activation: Activation) -> tuple[Any, str]:
    xp = jax_namespace()
    closed_form = activation.functions.get("diffusion")
    if closed_form is not None and _is_known(closed_form, K, M, xp):
        places = state.covariance_places(K, M)

        def diffusion(flat: Any, values: dict[str, Any]) -> Any:
            C = xp.concatenate([flat, values["T"].reshape(-1)])[places]
            return closed_form(C, K, values["learning_rate"], xp)

        return diffusion, "closed form"
    if K == M == 1:
        return make_perceptron_diffusion(activation, xp, find_kinks(activation)), "quadrature"
    return None, "quasi-random averages"


def _is_known(closed_form: Any, K: int, M: int, xp: Any) -> bool:
    """Whether the closed form is one for so many units; nothing is computed."""
    import jax

    with jax.enable_x64(True):
        return jax.eval_shape(lambda C: closed_form(C, K, 0.5, xp), np.eye(K + M)) is not None
