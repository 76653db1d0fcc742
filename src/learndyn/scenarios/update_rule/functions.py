"""A user's functions of the weights: called once to see whether JAX can work with them.

They are functions of float64 JAX arrays. JAX follows them symbolically, so that an `if` on numbers, or NumPy instead of
jax.numpy, is found out here and told in a sentence.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from learndyn.arguments import shown, type_shown
from learndyn.errors import InputError, first_line


def shape_of(function: Any, arguments: tuple[Any, ...], name: str) -> Any:
    """Shapes and types of what the function gives for arguments like these, or one sentence why it cannot."""
    import jax

    if not callable(function):
        raise InputError(
            f"Argument `{name}` must be a function, but it is {shown(function)}. Write {name}=lambda w: -w, say."
        )
    with jax.enable_x64(True):
        try:
            return jax.eval_shape(function, *arguments)
        except Exception as error:
            reason = first_line(error) if str(error).strip() else "no reason given"
            shapes = ", ".join(str(np.shape(each)) for each in jax.tree.leaves(arguments))
            raise InputError(
                f"Argument `{name}` must be a function that JAX can follow, but for arrays of shape {shapes} it failed "
                f"with {type(error).__name__}: {reason}. Write it with jax.numpy instead of NumPy, and jnp.where "
                "instead of if."
            ) from error


def require_shape(found: Any, shape: tuple[int, ...], name: str) -> None:
    """Refuse anything but one array of real numbers of this shape."""
    if not hasattr(found, "shape") or not hasattr(found, "dtype"):
        raise InputError(
            f"Argument `{name}` must give one array of shape {shape}, but it gives {type_shown(found)}. Put its "
            "parts together with jnp.stack or jnp.concatenate."
        )
    if tuple(found.shape) != shape:
        raise InputError(
            f"Argument `{name}` must give an array of shape {shape}, but it gives one of shape {tuple(found.shape)}. "
            "Check the shapes inside."
        )
    if np.dtype(found.dtype).kind not in "iuf":
        raise InputError(
            f"Argument `{name}` must give real numbers, but it gives {found.dtype}. "
            "Take the real part, or convert it by .astype(float)."
        )


def weights_like(n: int) -> Any:
    """What stands for the weights (n,) in `shape_of`."""
    import jax

    return jax.ShapeDtypeStruct((n,), np.float64)
