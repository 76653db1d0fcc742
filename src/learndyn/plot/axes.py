"""A new Axes in the look of `paper`, where the caller gave none."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import matplotlib.pyplot as plt

from learndyn.plot.style import paper


def makes_axes(draw: Callable[..., Any]) -> Callable[..., Any]:
    """Let a function that draws on ``ax`` make its own Axes, in the look of `paper`, when it is given none."""

    @wraps(draw)
    def on_given_or_new_axes(*args: Any, ax: Any = None, **options: Any) -> Any:
        if ax is not None:
            return draw(*args, ax=ax, **options)
        with paper():
            figure, ax = plt.subplots()
            try:
                return draw(*args, ax=ax, **options)
            except BaseException:
                plt.close(figure)
                raise

    return on_given_or_new_axes
