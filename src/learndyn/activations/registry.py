"""Find an activation by its name, or make it from the text of an expression."""

from __future__ import annotations

import re
from difflib import get_close_matches
from importlib import import_module
from typing import Any, NoReturn

from learndyn.activations.base import OPTIONAL, Activation
from learndyn.activations.digest import digest_of
from learndyn.arguments import shown
from learndyn.entry_points import load_extensions
from learndyn.errors import InputError

# Name -> module that defines ACTIVATION. A new activation adds one file and one line here.
_MODULES = {
    "erf": "learndyn.activations.erf",
    "gelu": "learndyn.activations.gelu",
    "linear": "learndyn.activations.linear",
    "logistic": "learndyn.activations.logistic",
    "relu": "learndyn.activations.relu",
    "sign": "learndyn.activations.sign",
    "silu": "learndyn.activations.silu",
    "sine": "learndyn.activations.sine",
    "softplus": "learndyn.activations.softplus",
    "step": "learndyn.activations.step",
    "tanh": "learndyn.activations.tanh",
}
# Families with numbers in their names: module that defines make(*numbers), and how many numbers there may be.
_FAMILIES = {
    "leaky_relu": ("learndyn.activations.leaky_relu", 0, 1),
    "polynomial": ("learndyn.activations.polynomial", 1, 50),
}
# What other codes call them.
_ELSEWHERE = {
    "sigmoid": "logistic",
    "expit": "logistic",
    "swish": "silu",
    "identity": "linear",
    "heaviside": "step",
    "signum": "sign",
    "sgn": "sign",
    "sin": "sine",
    "ramp": "relu",
    "rectifier": "relu",
    "hardtanh": "clip(x, -1, 1)",
    "softsign": "x / (1 + abs(x))",
}
# Registered by users, by name; and all that was made from a text, by each text that it was asked for.
_USERS: dict[str, Activation] = {}
_MADE: dict[str, Activation] = {}

_NAME = re.compile(r"[A-Za-z_]\w*")
_FAMILY = re.compile(rf"({'|'.join(_FAMILIES)})\s*(?:\((.*)\))?", re.DOTALL)


def activation_names() -> list[str]:
    """The names that `activation` knows, sorted; expressions and names with numbers come in addition.

    Returns
    -------
    list of str
        Those of `new_activation` included.

    Examples
    --------
    >>> import learndyn as ld
    >>> "gelu" in ld.activations.activation_names()
    True
    """
    alone = [name for name, (_, fewest, _) in _FAMILIES.items() if fewest == 0]
    return sorted([*_MODULES, *alone, *_USERS])


def activation(name: str | Activation) -> Activation:
    """The activation with this name, or of this expression; an `Activation` is handed back as it is.

    Parameters
    ----------
    name
        - A name: ``"erf"`` (g(x) = erf(x / sqrt 2)), ``"relu"``, ``"linear"``, ``"tanh"``, ``"logistic"``,
          ``"gelu"``, ``"silu"``, ``"softplus"``, ``"sine"``, ``"leaky_relu"`` (slope 0.01 for x < 0), and for
          teachers alone ``"step"`` (0 or 1) and ``"sign"`` (-1 or 1); or one that `new_activation` has registered.
        - A name with numbers: ``"leaky_relu(0.2)"``, ``"polynomial(0, 1, 0, -0.1)"`` (c_0, c_1, ..., degree at most 9).
        - An expression in x: ``"x / (1 + abs(x))"``. It has numbers, x, pi, + - * / ^, parentheses,
          ``where(a > b, c, d)`` and the functions abs, arctan, clip, cos, cosh, erf, exp, expm1, log, log1p, maximum,
          minimum, sign, sin, sinh, sqrt, tanh. The derivative is symbolic; kinks and jumps are found on [-30, 30].

    Returns
    -------
    Activation
        With ``.g``, ``.dg`` (elementwise) and ``.I2(C)``, ``.I3(C)``, ``.I4(C)`` (Gaussian averages); its ``.name``
        finds it again, also in another process unless it is one that `new_activation` registered.

    Raises
    ------
    InputError
        When no activation has this name, or the expression cannot be read or is not finite on [-30, 30].

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.activation("linear").g(2.0)
    array(2.)
    >>> softsign = ld.activation("x/(1+abs(x))")
    >>> softsign.name, softsign.kinks
    ('x / (1 + abs(x))', (0.0,))
    >>> float(softsign.dg(1.0))
    0.25
    """
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str):
        _refuse(name)
    text = name.strip()
    found = _USERS.get(text) or _MADE.get(text)
    if found is not None:
        return found
    if text in _MODULES:
        return import_module(_MODULES[text]).ACTIVATION
    made = _from_text(text)
    # One activation for all spellings of it.
    _MADE[text] = _MADE.setdefault(made.name, made)
    return _MADE[text]


def registered(act: Activation) -> Activation:
    """Register a user's activation; the same one again is the one that is there."""
    there = _USERS.setdefault(act.name, act)
    if _identity(there) != _identity(act):
        raise InputError(
            f"Argument `name` must be a name that is not taken, but {shown(act.name)} names another activation "
            f"already, {there.formula}. Choose another name."
        )
    return there


def _identity(act: Activation) -> tuple[Any, ...]:
    """What two activations of one name must have alike."""
    closed_forms = {part: digest_of(f) for part, f in act.functions.items() if part in OPTIONAL}
    return act.digest, act.kinks, act.jumps, closed_forms


def reserved_names() -> tuple[str, ...]:
    """The names that users cannot give."""
    return (*_MODULES, *_FAMILIES)


def _from_text(text: str) -> Activation:
    family = _FAMILY.fullmatch(text)
    if family:
        return _member(family[1], family[2], text)
    if text != "x" and (_NAME.fullmatch(text) or not text):
        load_extensions()
        return _USERS[text] if text in _USERS else _refuse(text)
    from learndyn.activations.expression import make

    return make(text)


def _member(family: str, numbers: str | None, text: str) -> Activation:
    module, fewest, most = _FAMILIES[family]
    entries = numbers.split(",") if numbers and numbers.strip() else []
    try:
        values = [float(entry) for entry in entries]
    except ValueError:
        values = None
    if values is None or not fewest <= len(values) <= most or not all(abs(v) < float("inf") for v in values):
        raise InputError(
            f"Argument `activation` must name a {family} by finite numbers, but it is {shown(text)}. "
            'Write, for example, "leaky_relu(0.2)" or "polynomial(0, 1, 0, -0.1)".'
        )
    return import_module(module).make(*values)


def _refuse(name: object) -> NoReturn:
    plain = str(name).lower()
    known = _ELSEWHERE.get(plain.replace("_", ""))
    close = [known] if known else get_close_matches(plain, activation_names(), n=1, cutoff=0.6)
    hint = f"Did you mean {close[0]!r}?" if close else 'Try "erf".'
    raise InputError(
        f"Argument `activation` must be one of {', '.join(activation_names())}, polynomial(c0, c1, ...), or an "
        f"expression in x, but it is {shown(name)}. {hint}"
    )


def is_registered(act: Activation) -> bool:
    """Whether its name finds this very activation."""
    try:
        return activation(act.name) is act
    except InputError:
        return False
