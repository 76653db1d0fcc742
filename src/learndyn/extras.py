"""Packages that not every user needs: said in one sentence when one is missing, with the command that brings it."""

from __future__ import annotations

from importlib.util import find_spec

from learndyn.errors import InputError

# What each extra of pyproject.toml brings, by the names under which its packages are imported.
EXTRAS = {
    "data": ("sklearn",),
    "sweep": ("zarr", "fsspec", "filelock", "distributed"),
    "explore": ("bokeh",),
}


def require(extra: str, use: str) -> None:
    """Refuse ``use`` (the beginning of a sentence) where a package of an extra is missing.

    Raises
    ------
    InputError
        "``use`` needs zarr, but it is not installed. Install it: pip install "learndyn[sweep]"."
    """
    missing = [name for name in EXTRAS[extra] if find_spec(name) is None]
    if missing:
        names, are = ", ".join(missing), "it is" if len(missing) == 1 else "they are"
        raise InputError(f'{use} needs {names}, but {are} not installed. Install: pip install "learndyn[{extra}]".')
