"""One update of a two-layer student, compiled: the error signal that each hidden unit receives.

    sigma = sum_i w_i m_i g(x_i + theta_i),   tau = sum_n v_n g(y_n + phi_n) + s zeta,   e = tau - sigma
    delta_i = w_i m_i g'(x_i + theta_i) e                                     [Straat 2018, p. 28; Straat & Biehl 2019]

and, where they learn, w_i in the direction e m_i g(x_i + theta_i) - lambda_w w_i, theta_i in the direction delta_i.
With dropout m_i is 1 or 0 at random, else 1; zeta is the label noise. A soft committee machine has w = v = 1 and no
biases, and its program holds none. Another rule has F(x_i + theta_i, sigma, tau) in place of delta_i. A learning rate
that adapts is the last of the own numbers, with the direction h(e^2 / 2, eta).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from numba import njit, types
from numba.extending import overload, typeof_impl
from scipy.special import ndtri

from learndyn.activations import Activation
from learndyn.activations.compiled import ActivationTag, dg, g
from learndyn.lanes.types import get, put, select
from learndyn.scenarios.microscopic import error_signal
from learndyn.scenarios.student_teacher.adaptive_rate import AdaptiveRate
from learndyn.scenarios.student_teacher.compiled_rules import RuleTag, adapt, modulate, rate_tag

__all__ = ["CommitteeStep", "error_signal", "luck_count", "make_step"]


class CommitteeStep(NamedTuple):
    """The data of one update; a field that is None is an option that the compiled program does not contain.

    ``student`` and ``teacher`` are the activations of a layer, as pairs of a tag and the units that have it (None: all
    units): the program depends on which activations there are, not on who has them.
    """

    student: tuple[tuple[ActivationTag, np.ndarray | None], ...]
    teacher: tuple[tuple[ActivationTag, np.ndarray | None], ...]
    learning_rate: float
    w: np.ndarray | None = None  # fixed output weights
    v: np.ndarray | None = None
    theta: np.ndarray | None = None  # fixed biases
    phi: np.ndarray | None = None
    adaptive_w: bool | None = None  # True or None
    adaptive_theta: bool | None = None  # True or None
    label_noise: float | None = None  # standard deviation s
    keep: float | None = None  # a unit is kept when a standard normal is below this
    output_weight_decay: float | None = None  # lambda_w
    rule: RuleTag | None = None  # None: gradient descent
    rate_rule: RuleTag | None = None  # h of a learning rate that adapts, and its numbers
    rate_numbers: np.ndarray | None = None


def make_step(
    student: Activation | Sequence[Activation],
    learning_rate: float,
    *,
    teacher: Activation | Sequence[Activation] | None = None,
    w: Any = None,
    v: Any = None,
    theta: Any = None,
    phi: Any = None,
    adaptive_w: bool = False,
    adaptive_theta: bool = False,
    label_noise: float | None = None,
    keep: float | None = None,
    output_weight_decay: float | None = None,
    rule: RuleTag | None = None,
    adaptive_rate: AdaptiveRate | None = None,
) -> CommitteeStep:
    """The update of a two-layer student.

    Parameters
    ----------
    student
        The activation of the student's hidden units, or one for each unit.
    learning_rate
        eta in J_i <- J_i + (eta / N) delta_i xi, as long as it is constant.
    teacher
        As ``student``; None: the student's, which is then one activation.
    w, v
        Output weights of student (K,) and teacher (M,); None: ones. Student weights that learn are not given here.
    theta, phi
        Biases of student (K,) and teacher (M,), likewise; None: zeros.
    adaptive_w, adaptive_theta
        Whether w or theta are among the own numbers that learn, in this order.
    label_noise
        Standard deviation of the noise on the teacher's output; None: no noise.
    keep
        Probability with which a hidden unit of the student takes part in an update; None: all do.
    output_weight_decay
        lambda_w of output weights that learn; None: no decay.
    rule
        The rule by which the first layer learns, alone and without dropout; None: gradient descent.
    adaptive_rate
        The rule of a learning rate that is the last of the own numbers; None: it is none of them.

    Returns
    -------
    CommitteeStep
        For a `learndyn.scenarios.process.Process`.
    """
    return CommitteeStep(
        student=_layer(student, with_slope=rule is None),
        teacher=_layer(student if teacher is None else teacher, with_slope=False),
        learning_rate=float(learning_rate),
        w=_numbers(w),
        v=_numbers(v),
        theta=_numbers(theta),
        phi=_numbers(phi),
        adaptive_w=adaptive_w or None,
        adaptive_theta=adaptive_theta or None,
        label_noise=None if label_noise is None else float(label_noise),
        keep=None if keep is None else float(ndtri(keep)),
        output_weight_decay=None if output_weight_decay is None else float(output_weight_decay),
        rule=rule,
        rate_rule=None if adaptive_rate is None else rate_tag(adaptive_rate),
        rate_numbers=None if adaptive_rate is None else _numbers(adaptive_rate.numbers()),
    )


def luck_count(step: CommitteeStep, K: int) -> int:
    """Standard normals that an input needs beside itself: one for label noise, then K for dropout."""
    return (step.label_noise is not None) + (0 if step.keep is None else K)


def _layer(
    activations: Activation | Sequence[Activation], with_slope: bool
) -> tuple[tuple[ActivationTag, np.ndarray | None], ...]:
    """Each activation of a layer once, in the order of their names, with the units that have it."""
    if isinstance(activations, Activation):
        return ((ActivationTag(activations, __file__, with_slope=with_slope), None),)
    kinds = sorted(set(activations), key=lambda one: one.name)
    if len(kinds) == 1:
        return _layer(kinds[0], with_slope)
    names = [kinds.index(one) for one in activations]
    tags = [ActivationTag(one, __file__, with_slope=with_slope) for one in kinds]
    return tuple((tag, np.flatnonzero(np.equal(names, index))) for index, tag in enumerate(tags))


def _numbers(values: Any) -> np.ndarray | None:
    """A contiguous, writable copy: an array of another kind would compile another program."""
    return None if values is None else np.array(values, dtype=float)


# The parts are small and have many arguments: calls would take half of the time.
_INLINED: Any = {"forceinline": True}
_inlined = njit(forceinline=True)

# ---- The type of a step: numba looks at every call, and would go through all fields each time

_TYPES: dict[Any, Any] = {}
_typeof_tuple = typeof_impl.dispatch(tuple)


@typeof_impl.register(CommitteeStep)
def _type_of_step(step: CommitteeStep, context: Any) -> Any:
    key = tuple(_kind(field) for field in step)
    if key not in _TYPES:
        _TYPES[key] = _typeof_tuple(step, context)
    return _TYPES[key]


def _kind(field: Any) -> Any:
    """What of a field's value its type depends on, as `make_step` makes them."""
    if isinstance(field, tuple):
        return tuple((tag.name, tag.digest, units is None) for tag, units in field)
    return (field.name, field.digest) if isinstance(field, RuleTag) else type(field)


# ---- Options: what each function does is chosen by the types, when a kernel is compiled; nothing, where the option is
# off. (numba wants the same annotations on a template and on its implementation; a lambda has none, hence none here.)


def _chosen(choose: Callable[..., Any]) -> Callable[..., Any]:
    """A function of kernels whose implementation ``choose`` gives for the types of its arguments."""

    def function(*arguments: Any) -> Any:
        raise NotImplementedError("only inside numba kernels")

    overload(function, jit_options=_INLINED)(choose)
    return function


def _on(step: Any, name: str) -> bool:
    """Whether the option `name` of a step's type is there."""
    return not isinstance(step.types[step.fields.index(name)], types.NoneType)


@_chosen
def _with_theta(step, own, K, i, x):
    """x_i + theta_i."""
    if _on(step, "adaptive_theta"):
        if _on(step, "adaptive_w"):
            return lambda step, own, K, i, x: x + get(own, K + i)
        return lambda step, own, K, i, x: x + get(own, i)
    if _on(step, "theta"):
        return lambda step, own, K, i, x: x + step.theta[i]
    return lambda step, own, K, i, x: x


@_chosen
def _times_w(step, own, i, value):
    """w_i times a value."""
    if _on(step, "adaptive_w"):
        return lambda step, own, i, value: get(own, i) * value
    if _on(step, "w"):
        return lambda step, own, i, value: step.w[i] * value
    return lambda step, own, i, value: value


@_chosen
def _if_kept(step, luck, place, i, value):
    """m_i times a value."""
    if not _on(step, "keep"):
        return lambda step, luck, place, i, value: value
    if _on(step, "label_noise"):
        return lambda step, luck, place, i, value: select(get(luck, place + 1 + i) < step.keep, value, 0.0)
    return lambda step, luck, place, i, value: select(get(luck, place + i) < step.keep, value, 0.0)


@_chosen
def _with_phi(step, n, y):
    """y_n + phi_n."""
    if _on(step, "phi"):
        return lambda step, n, y: y + step.phi[n]
    return lambda step, n, y: y


@_chosen
def _times_v(step, n, value):
    """v_n times a value."""
    if _on(step, "v"):
        return lambda step, n, value: step.v[n] * value
    return lambda step, n, value: value


@_chosen
def _with_noise(step, luck, place, tau):
    """The label: the teacher's output with noise."""
    if _on(step, "label_noise"):
        return lambda step, luck, place, tau: tau + step.label_noise * get(luck, place)
    return lambda step, luck, place, tau: tau


@_chosen
def _keep_output(step, change, i, output):
    """Put m_i g(x_i + theta_i) where the direction of w_i will be."""
    if _on(step, "adaptive_w"):
        return lambda step, change, i, output: put(change, i, output)
    return lambda step, change, i, output: None


@_chosen
def _decayed(step, own, i, direction):
    """The direction of w_i less lambda_w w_i."""
    if _on(step, "output_weight_decay"):
        return lambda step, own, i, direction: direction - step.output_weight_decay * get(own, i)
    return lambda step, own, i, direction: direction


@_chosen
def _direct_unit(step, own, K, i, error, change, delta):
    """Write the directions of the own numbers of a unit; that of w begins with what `_keep_output` has put there."""
    w, theta = _on(step, "adaptive_w"), _on(step, "adaptive_theta")
    if w and theta:
        return _direct_both
    if w:
        return _direct_w
    if theta:
        return lambda step, own, K, i, error, change, delta: put(change, i, delta)
    return lambda step, own, K, i, error, change, delta: None


def _direct_w(step, own, K, i, error, change, delta):
    put(change, i, _decayed(step, own, i, error * get(change, i)))


def _direct_both(step, own, K, i, error, change, delta):
    put(change, i, _decayed(step, own, i, error * get(change, i)))
    put(change, K + i, delta)


@_chosen
def _direct_rate(step, own, K, error, change):
    """Write h(error^2 / 2, eta)."""
    if not _on(step, "rate_rule"):
        return lambda step, own, K, error, change: None
    parts = _on(step, "adaptive_w") + _on(step, "adaptive_theta")

    def direct(step, own, K, error, change):
        place = parts * K
        put(change, place, adapt(step.rate_rule, 0.5 * error * error, get(own, place), step.rate_numbers))

    return direct


# ---- Layers: one activation after another


@_chosen
def _count(units, z):
    """How many units of a layer have an activation."""
    if isinstance(units, types.NoneType):
        return lambda units, z: z.shape[0]
    return lambda units, z: units.shape[0]


@_chosen
def _unit(units, index):
    """The units that have an activation, by their index among them."""
    if isinstance(units, types.NoneType):
        return lambda units, index: index
    return lambda units, index: units[index]


@_inlined
def _teacher_unit(tag, step, n, y):
    """v_n g(y_n + phi_n)."""
    return _times_v(step, n, g(tag, _with_phi(step, n, get(y, n))))


@_chosen
def _add_teacher(layer, step, y, tau):
    """tau with the outputs of these units of the teacher."""
    if len(layer) == 0:
        return lambda layer, step, y, tau: tau

    def add(layer, step, y, tau):
        tag, units = layer[0]
        for index in range(_count(units, y)):
            tau += _teacher_unit(tag, step, _unit(units, index), y)
        return _add_teacher(layer[1:], step, y, tau)

    return add


@_inlined
def _teacher_output(layer, step, y):
    """tau without noise. It begins with a unit: whether it is a number or lanes shows there."""
    tag, units = layer[0]
    tau = _teacher_unit(tag, step, _unit(units, 0), y)
    for index in range(1, _count(units, y)):
        tau += _teacher_unit(tag, step, _unit(units, index), y)
    return _add_teacher(layer[1:], step, y, tau)


@_chosen
def _less_student(layer, step, x, own, luck, place, change, error):
    """The error less the outputs of these units of the student."""
    if len(layer) == 0:
        return lambda layer, step, x, own, luck, place, change, error: error

    def subtract(layer, step, x, own, luck, place, change, error):
        tag, units = layer[0]
        for index in range(_count(units, x)):
            i = _unit(units, index)
            output = _if_kept(step, luck, place, i, g(tag, _with_theta(step, own, x.shape[0], i, get(x, i))))
            _keep_output(step, change, i, output)
            error -= _times_w(step, own, i, output)
        return _less_student(layer[1:], step, x, own, luck, place, change, error)

    return subtract


@_chosen
def _write_deltas(layer, step, x, own, luck, place, error, delta, change):
    """delta_i of these units of the student."""
    if len(layer) == 0:
        return lambda layer, step, x, own, luck, place, error, delta, change: None

    def write(layer, step, x, own, luck, place, error, delta, change):
        tag, units = layer[0]
        for index in range(_count(units, x)):
            i = _unit(units, index)
            slope = _if_kept(step, luck, place, i, dg(tag, _with_theta(step, own, x.shape[0], i, get(x, i))))
            delta_i = _times_w(step, own, i, slope * error)
            put(delta, i, delta_i)
            _direct_unit(step, own, x.shape[0], i, error, change, delta_i)
        _write_deltas(layer[1:], step, x, own, luck, place, error, delta, change)

    return write


@overload(error_signal, jit_options=_INLINED)
def _committee_error_signal(step, x, y, own, luck, place, delta, change):
    if not (isinstance(step, types.NamedTuple) and step.instance_class is CommitteeStep):
        return None

    def by_rule(step, x, y, own, luck, place, delta, change):
        tau = _with_noise(step, luck, place, _teacher_output(step.teacher, step, y))
        sigma = -_less_student(step.student, step, x, own, luck, place, change, 0.0 * tau)
        for i in range(x.shape[0]):
            put(delta, i, modulate(step.rule, _with_theta(step, own, x.shape[0], i, get(x, i)), sigma, tau))
        _direct_rate(step, own, x.shape[0], tau - sigma, change)

    def by_gradient(step, x, y, own, luck, place, delta, change):
        error = _with_noise(step, luck, place, _teacher_output(step.teacher, step, y))
        error = _less_student(step.student, step, x, own, luck, place, change, error)
        _write_deltas(step.student, step, x, own, luck, place, error, delta, change)
        _direct_rate(step, own, x.shape[0], error, change)

    return by_rule if _on(step, "rule") else by_gradient
