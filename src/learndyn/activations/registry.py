"""Find an activation by its name."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

from learndyn.activations.base import Activation
from learndyn.errors import InputError

# Name -> module that defines ACTIVATION. A new activation adds one file and one line here.
_MODULES = {
    "erf": "learndyn.activations.erf",
    "linear": "learndyn.activations.linear",
    "relu": "learndyn.activations.relu",
}


def activation_names() -> list[str]:
    """The names that `activation` knows, sorted."""
    return sorted(_MODULES)


def activation(name: str | Activation) -> Activation:
    """The activation with this name; an `Activation` is handed back as it is.

    Parameters
    ----------
    name
        ``"erf"`` (g(x) = erf(x / sqrt 2)), ``"relu"`` or ``"linear"``.

    Returns
    -------
    Activation
        With ``.g``, ``.dg`` (elementwise) and ``.I2(C)``, ``.I3(C)``, ``.I4(C)`` (Gaussian averages).

    Raises
    ------
    InputError
        When no activation has this name.

    Examples
    --------
    >>> import learndyn as ld
    >>> ld.activation("linear").g(2.0)
    array(2.)
    """
    if isinstance(name, Activation):
        return name
    if not isinstance(name, str) or name not in _MODULES:
        close = get_close_matches(str(name).lower(), activation_names(), n=1, cutoff=0.6)
        hint = f"Did you mean {close[0]!r}?" if close else 'Try "erf".'
        raise InputError(
            f"Argument `activation` must be one of {', '.join(activation_names())}, but it is {name!r}. {hint}"
        )
    return import_module(_MODULES[name]).ACTIVATION
