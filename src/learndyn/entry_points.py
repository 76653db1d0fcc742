"""Extensions of other packages, found by their entry points and loaded when a name is asked for that is not known.

    [project.entry-points."learndyn.extensions"]
    robust_regression = "robust_regression"

names a module that registers an activation or a scenario when it is imported. `learndyn run` and `ld.load` then know
them.
"""

from __future__ import annotations

import warnings
from functools import cache
from importlib.metadata import entry_points

from learndyn.errors import LearndynWarning

GROUP = "learndyn.extensions"


@cache
def load_extensions() -> tuple[str, ...]:
    """Import every extension that is installed, once a process; the names of those that could be imported.

    One that cannot be imported gives a `LearndynWarning` and stops nobody else.

    Examples
    --------
    >>> from learndyn.entry_points import load_extensions
    >>> load_extensions()
    ()
    """
    loaded = []
    for entry in sorted(entry_points(group=GROUP), key=lambda entry: entry.name):
        try:
            entry.load()
        except Exception as error:
            warnings.warn(
                f"The extension {entry.name!r} ({entry.value}) cannot be loaded: {error}. Mend or uninstall its "
                "package.",
                LearndynWarning,
                stacklevel=2,
            )
        else:
            loaded.append(entry.name)
    return tuple(loaded)
