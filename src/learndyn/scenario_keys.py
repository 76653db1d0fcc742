"""What the tables of a scenario file may hold: the keys of each, the kind of their values, and an example."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from learndyn.arguments import or_list
from learndyn.scenarios.classification.rules.registry import RULES
from learndyn.scenarios.classification.scenario import ACTIVATIONS, GaussianClassification
from learndyn.scenarios.deep_linear.scenario import DeepLinear
from learndyn.scenarios.deep_linear.start import LinearWeights
from learndyn.scenarios.finite_sample.scenario import FiniteSample
from learndyn.scenarios.finite_sample.start import RandomWeights
from learndyn.scenarios.gaussian_weights import GaussianWeights
from learndyn.scenarios.linear_modes.scenario import LinearModes
from learndyn.scenarios.linear_modes.start import ModeStart
from learndyn.scenarios.methods import DESCENTS, METHODS, THEORIES
from learndyn.scenarios.plain import KINDS
from learndyn.scenarios.site_symmetric.scenario import SiteSymmetric
from learndyn.scenarios.student_teacher.rules import NAMED
from learndyn.scenarios.student_teacher.scenario import CONNECTIVITIES, DYNAMICS, TIME_SCALES


@dataclass(frozen=True)
class Kind:
    """A kind of value: in words, as a test, and an example for who left it out."""

    allowed: str
    accepts: Callable[[Any], bool]
    example: str = ""
    words: tuple[str, ...] = ()
    is_whole: bool = False  # whole numbers, which may be written as 1e4


@dataclass(frozen=True)
class Key:
    """One key of a table."""

    kind: Kind
    required: bool = False


def _is_number(value: Any) -> bool:
    try:
        return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
    except OverflowError:
        return False


def _is_row(value: Any) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(_is_number(x) for x in value)


def _is_list(value: Any, of: type) -> bool:
    return isinstance(value, list) and len(value) > 0 and all(isinstance(x, of) for x in value)


def _is_matrix(value: Any) -> bool:
    return isinstance(value, list) and all(map(_is_row, value)) and len({len(row) for row in value}) == 1


def _number(*, above: float | None = None, minimum: float | None = None, example: str = "0.1") -> Kind:
    bound = f" above {above:g}" if above is not None else f" of at least {minimum:g}" if minimum is not None else ""

    def accepts(value: Any) -> bool:
        return _is_number(value) and (above is None or value > above) and (minimum is None or value >= minimum)

    return Kind(f"a number{bound}", accepts, example)


def _whole(minimum: int = 1, example: str = "1") -> Kind:
    def accepts(value: Any) -> bool:
        return _is_number(value) and value == int(value) and value >= minimum

    return Kind(f"a whole number of at least {minimum}", accepts, example, is_whole=True)


def _word(words: list[str]) -> Kind:
    return Kind(or_list(words), lambda value: isinstance(value, str) and value in words, f'"{words[0]}"', tuple(words))


def _is_save_at(value: Any) -> bool:
    return _is_row(value) or isinstance(value, dict) or _whole(2).accepts(value)


TEXT = Kind("text in quotes", lambda value: isinstance(value, str))
SWITCH = Kind("true or false", lambda value: isinstance(value, bool))
TABLE = Kind("a table", lambda value: isinstance(value, dict))
MATRIX = Kind(
    "a matrix [[...], [...]] with rows of equal length, or a number for one unit",
    lambda value: _is_number(value) or _is_matrix(value),
    "[[0.2, 0.0], [0.0, 0.3]]",
)
INTERVAL = Kind("an interval [low, high]", lambda value: _is_row(value) and len(value) == 2)
NUMBERS = Kind("a number, or a list of numbers, one for each unit", lambda v: _is_number(v) or _is_row(v))
SAVE_AT = Kind("a list of times, a number of points (2 or more) or {logspaced = 100}", _is_save_at)

ACTIVATION = Kind(
    "the name of an activation in quotes, or a list of them, one for each unit",
    lambda value: isinstance(value, str) or (isinstance(value, list) and all(isinstance(x, str) for x in value)),
    '"erf"',
)
ONE_ACTIVATION = Kind("the name of an activation in quotes", lambda value: isinstance(value, str), '"erf"')
RATE = Kind(
    "a number above 0, or a table of a schedule",
    lambda value: (_is_number(value) and value > 0) or isinstance(value, dict),
    "0.1",
)
RULE = Kind(
    f'{or_list(list(NAMED))}, the name of a rule of your own, or {{kind = "momentum", damping = 1}}',
    lambda value: isinstance(value, str | dict),
    f'"{NAMED[0]}"',
    tuple(NAMED),
)


def _is_stored(value: Any) -> bool:
    """Whether it is an array as a long one is written: its shape, and its numbers as text."""
    return isinstance(value, dict) and "shape" in value


def _is_array(value: Any) -> bool:
    return _is_row(value) or _is_matrix(value) or _is_stored(value)


def _is_covariance(value: Any) -> bool:
    forms = {"matrix", "diagonal", "factor"}
    return _is_number(value) or _is_array(value) or (isinstance(value, dict) and bool(value) and set(value) <= forms)


def _is_covariances(value: Any) -> bool:
    pair = isinstance(value, list) and 1 <= len(value) <= 2 and any(isinstance(each, dict) for each in value)
    return all(map(_is_covariance, value)) if pair else _is_covariance(value)


def _is_learning_rule(value: Any) -> bool:
    kind = value.get("kind") if isinstance(value, dict) else value
    return isinstance(kind, str) and kind in RULES


MEANS = Kind(
    "two rows [[...], [...]] with the means of class +1 and -1, or one row mu for means +-mu", _is_array, "[1.0, 0.0]"
)
WEIGHTS = Kind("a list of n weights", lambda value: _is_row(value) or _is_stored(value), "[0.0, 1.0]")
EIGENVALUES = Kind("a list of n eigenvalues", WEIGHTS.accepts, "[0.5, 1.5]")
_COVARIANCE = "a variance, a list of n variances, a matrix, or a table {diagonal = ..., factor = ...} or {matrix = ...}"
COVARIANCE = Kind(_COVARIANCE, _is_covariance, "0.1")
COVARIANCES = Kind(f"{_COVARIANCE}, or a list of two such tables, one a class", _is_covariances, "0.25")
MODE_NUMBERS = Kind("a number, or a list of numbers, one for each mode", lambda v: _is_number(v) or _is_array(v), "1.0")
ANY_MATRIX = Kind("a matrix [[...], [...]]", lambda v: _is_matrix(v) or _is_stored(v), "[[1.0, 0.0], [0.0, 0.5]]")
LAYERS = Kind(
    "a list of matrices, that of the first layer first",
    lambda v: isinstance(v, list) and len(v) > 0 and all(map(ANY_MATRIX.accepts, v)),
    "[[[0.1, 0.2]], [[0.3]]]",
)
HIDDEN = Kind(
    "a whole number of at least 1, or a list of them",
    lambda v: all(map(_whole().accepts, v)) if isinstance(v, list) else _whole().accepts(v),
    "4",
)
LEARNING_RULE = Kind(
    f'{or_list(list(RULES))}, or a table such as {{kind = "reinforce", baseline = false}}',
    _is_learning_rule,
    '"supervised"',
    tuple(RULES),
)

SIZES = Kind(
    "a whole number of at least 1, or a list of them",
    lambda value: (
        all(map(_whole().accepts, value)) and len(value) > 0 if isinstance(value, list) else _whole().accepts(value)
    ),
    "1000",
    is_whole=True,
)
VALUES = Kind(
    "a list of numbers, of words in quotes or of switches, or a range {from = 0.1, to = 3.0, points = 50}",
    lambda value: _is_row(value) or _is_list(value, str) or _is_list(value, bool) or isinstance(value, dict),
)
NAMES = Kind("a list of names in quotes", lambda value: _is_list(value, str), '["eps_g"]')
GROUPS = Kind(
    "a list of lists of names in quotes",
    lambda value: _is_list(value, list) and all(_is_list(group, str) for group in value),
    '[["learning_rate", "start.seed"]]',
)
ENGINES = ["solve", "simulate"]

_until = _number(example="300")
_seed = _whole(0)
_at = Key(_number())

TABLES: dict[str, dict[str, Key]] = {
    "": {
        "title": Key(TEXT),
        "scenario": Key(TABLE, required=True),
        "start": Key(TABLE),
        "solve": Key(TABLE),
        "simulate": Key(TABLE),
        "sweep": Key(TABLE),
    },
    "scenario": {
        "kind": Key(_word(sorted(KINDS))),
        "student": Key(TABLE, required=True),
        "teacher": Key(TABLE, required=True),
        "learning_rate": Key(RATE, required=True),
        "dynamics": Key(_word(DYNAMICS)),
        "rule": Key(RULE),
        "output_learning_rate": Key(RATE),
        "output_time_scale": Key(_word(TIME_SCALES)),
        "bias_learning_rate": Key(RATE),
        "label_noise": Key(_number(minimum=0)),
        "weight_decay": Key(_number(minimum=0)),
        "output_weight_decay": Key(_number(minimum=0)),
        "dropout_keep": Key(_number(above=0, example="0.9")),
        "batch_size": Key(_whole()),
        "teacher_drift": Key(TABLE),
        "inputs": Key(TABLE),
        "connectivity": Key(_word(CONNECTIVITIES)),
    },
    "scenario.student": {
        "units": Key(_whole(example="2"), required=True),
        "activation": Key(ACTIVATION),
    },
    "scenario.teacher": {
        "units": Key(_whole(example="2"), required=True),
        "activation": Key(ACTIVATION),
        "T": Key(MATRIX),
        "output_weights": Key(NUMBERS),
        "biases": Key(NUMBERS),
    },
    "solve": {
        "until": Key(_until, required=True),
        "save_at": Key(SAVE_AT),
        "rtol": Key(_number(minimum=1e-13)),
        "atol": Key(_number(above=0)),
        "max_steps": Key(_whole()),
        "samples": Key(_whole(2, example="16384")),
        "method": Key(_word(THEORIES)),
    },
    "simulate": {
        "N": Key(SIZES, required=True),
        "replicas": Key(_whole()),
        "method": Key(_word(METHODS)),
        "until": Key(_until),
        "save_at": Key(SAVE_AT),
        "seed": Key(_seed),
        "threads": Key(_whole()),
        "tolerance": Key(_number(above=0, example="0.001")),
        "record_weights": Key(SWITCH),
        "checkpoint": Key(TEXT),
        "checkpoint_every": Key(_number(minimum=0, example="60")),
    },
    "sweep": {
        "engine": Key(_word(ENGINES)),
        "observables": Key(NAMES),
        "chunk": Key(SIZES),
        "together": Key(GROUPS),
        "over": Key(TABLE, required=True),
    },
    "save_at": {
        "logspaced": Key(_whole(2, example="100"), required=True),
        "first": Key(_number(above=0)),
    },
}
# The values of a swept parameter as a range.
RANGE: dict[str, Key] = {
    "from": Key(_number(), required=True),
    "to": Key(_number(example="3.0"), required=True),
    "points": Key(_whole(2, example="50")),
    "spacing": Key(_word(["linear", "log"])),
}
# A random start in a file has a seed: the same file is the same start.
STARTS: dict[str, dict[str, Key]] = {
    "overlaps": {
        "Q": Key(MATRIX, required=True),
        "R": Key(MATRIX, required=True),
        "w": Key(NUMBERS),
        "theta": Key(NUMBERS),
        "at": _at,
        "more": Key(TABLE),
    },
    "random": {
        "Q": Key(INTERVAL),
        "X": Key(_number(minimum=0)),
        "seed": Key(_seed, required=True),
        "at": _at,
    },
    "near_symmetric": {"Q": Key(NUMBERS), "X": Key(_number()), "at": _at},
    "random_weights": {
        "N": Key(_whole(), required=True),
        "Q": Key(_number(above=0)),
        "seed": Key(_seed, required=True),
        "at": _at,
    },
}
START_KIND = Key(_word(list(STARTS)))
# What the scenarios of linear networks share.
LINEAR: dict[str, Key] = {
    "weight_decay": Key(_number(minimum=0)),
    "input_noise": Key(_number(minimum=0)),
    "least_loss": Key(_number(minimum=0)),
    "time_scale": Key(_number(above=0, example="1.0")),
    "learning_rate": Key(_number(above=0, example="0.001")),
}
# The tables [scenario] and [start] of the kinds of scenario that have their own.
SCENARIOS: dict[str, dict[str, Key]] = {
    SiteSymmetric.kind: {
        "kind": Key(_word(sorted(KINDS))),
        "units": Key(_whole(example="1000"), required=True),
        "activation": Key(ONE_ACTIVATION),
        "learning_rate": Key(RATE, required=True),
        "dynamics": Key(_word(DYNAMICS)),
        "label_noise": Key(_number(minimum=0)),
        "weight_decay": Key(_number(minimum=0)),
    },
    GaussianClassification.kind: {
        "kind": Key(_word(sorted(KINDS))),
        "means": Key(MEANS, required=True),
        "covariances": Key(COVARIANCES, required=True),
        "rule": Key(LEARNING_RULE, required=True),
        "weight_decay": Key(_number(minimum=0)),
        "activation": Key(_word(ACTIVATIONS)),
        "learning_rate": Key(_number(above=0, example="0.001")),
        "prior": Key(_number(above=0, example="0.5")),
    },
    FiniteSample.kind: {
        "kind": Key(_word(sorted(KINDS))),
        "aspect": Key(_number(above=0, example="0.5"), required=True),
        "signal": Key(_number(minimum=0)),
        "label_noise": Key(_number(minimum=0)),
        "weight_decay": Key(_number(minimum=0)),
        "depth": Key(_whole()),
        "learning_rate": Key(_number(above=0, example="0.01")),
        "eigenvalues": Key(EIGENVALUES),
    },
    LinearModes.kind: {
        "kind": Key(_word(sorted(KINDS))),
        "s": Key(MODE_NUMBERS, required=True),
        "beta": Key(MODE_NUMBERS),
        "depth": Key(_whole()),
        "dropout_keep": Key(_number(above=0, example="0.9")),
        **LINEAR,
    },
    DeepLinear.kind: {
        "kind": Key(_word(sorted(KINDS))),
        "correlation": Key(ANY_MATRIX, required=True),
        "inputs": Key(COVARIANCE),
        "hidden": Key(HIDDEN),
        "batch_size": Key(_whole()),
        **LINEAR,
    },
}
# The first word that `kind` may have names the start.
STARTS_OF: dict[str, dict[str, Key]] = {
    SiteSymmetric.kind: {
        "kind": Key(_word([SiteSymmetric.kind])),
        "R": Key(_number(example="0.001"), required=True),
        "S": Key(_number(example="0.0"), required=True),
        "Q": Key(_number(minimum=0, example="0.25"), required=True),
        "C": Key(_number(example="0.0"), required=True),
        "at": _at,
    },
    GaussianClassification.kind: {
        "kind": Key(_word([GaussianWeights.kind])),
        "mean": Key(WEIGHTS, required=True),
        "cov": Key(COVARIANCE),
        "at": _at,
    },
    FiniteSample.kind: {
        "kind": Key(_word([RandomWeights.kind])),
        "length": Key(_number(minimum=0, example="0.0"), required=True),
        "at": _at,
    },
    LinearModes.kind: {
        "kind": Key(_word([ModeStart.kind])),
        "u": Key(MODE_NUMBERS),
        "imbalance": Key(MODE_NUMBERS),
        "strengths": Key(ANY_MATRIX),
        "at": _at,
    },
    DeepLinear.kind: {
        "kind": Key(_word([LinearWeights.kind])),
        "weights": Key(LAYERS, required=True),
        "at": _at,
    },
}
# Of scenarios whose number of inputs is their own.
_of_others = ("N", "tolerance", "record_weights")
_without_size = {name: key for name, key in TABLES["simulate"].items() if name not in _of_others}
SIMULATIONS_OF: dict[str, dict[str, Key]] = {
    GaussianClassification.kind: {**TABLES["simulate"], "N": Key(SIZES)},
    LinearModes.kind: {**_without_size, "method": Key(_word(DESCENTS[LinearModes.kind]))},
    DeepLinear.kind: {**_without_size, "method": Key(_word(DESCENTS[DeepLinear.kind]))},
}
