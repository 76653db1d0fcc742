"""A parameter as the axis of a picture: its symbol, its scale, and the places of its values.

label       the symbol of a parameter in the field's notation
Axis        places, borders of cells around them, ticks; words are places 0, 1, 2, ...
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from learndyn.plot.curves import label_of
from learndyn.results import logarithmic

# Parameters that have a letter in the papers.
SYMBOLS = {
    "alpha": r"$\alpha$", "t": "$t$",
    "learning_rate": r"$\eta$", "output_learning_rate": r"$\eta_w$", "bias_learning_rate": r"$\eta_\theta$",
    "label_noise": "$s$", "weight_decay": r"$\lambda$", "output_weight_decay": r"$\lambda_w$", "dropout_keep": "$p$",
    "batch_size": "$b$", "units": "$K=M$", "student.units": "$K$", "teacher.units": "$M$",
    "student": "student unit $i$", "student2": "student unit $k$", "teacher": "teacher unit $n$",
    "teacher2": "teacher unit $m$", "theta": r"$\theta$", "phi": r"$\phi$",
    "student.activation": "student's activation", "teacher.activation": "teacher's activation",
}  # fmt: skip
# With fewer whole numbers than this each has its tick.
TICKS = 12


def label(name: str) -> str:
    """A parameter's symbol, ``$\\eta$``; its name where it has none, with ``start.`` left out."""
    if name in SYMBOLS:
        return SYMBOLS[name]
    name, _, entry = name.removeprefix("start.").rstrip("]").partition("[")
    if entry:
        indices = entry.replace(" ", "")
        return label_of(name, indices if len(indices) > 3 else indices.replace(",", ""))
    return SYMBOLS.get(name, f"${name}$" if len(name) == 1 else name.replace("_", " "))


def valued(name: str, values: list[Any]) -> list[str]:
    """A parameter with each of its values, for a legend: ``$\\eta=0.5$``; of words the words alone.

    Where one of the numbers needs a power of ten, all have one.
    """
    powers = any("e" in f"{value:.3g}" for value in values if isinstance(value, float))
    return [_valued(label(name), value, powers) for value in values]


def _valued(symbol: str, value: Any, powers: bool) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, bool) or not symbol.startswith("$"):
        return f"{symbol} {f'{value:.3g}' if isinstance(value, float) else value}"
    text = decimal(value, 3, powers) if isinstance(value, float) else str(value)
    return f"{symbol[:-1]}={text}$"


def decimal(value: float, digits: int, powers: bool = False) -> str:
    """A number as mathematics, in which 1e-06 would be a difference: 10^{-6}; with ``powers`` 0.5 is 5 x 10^{-1}."""
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    if powers and not exponent and value != 0.0:
        mantissa, _, exponent = f"{value:.{digits - 1}e}".partition("e")
        mantissa = f"{float(mantissa):g}"
    if not exponent:
        return mantissa
    times = {"1": "", "-1": "-"}.get(mantissa, rf"{mantissa}\times ")
    return f"{times}10^{{{int(exponent)}}}"


@dataclass(frozen=True)
class Axis:
    """A parameter with its values; ``places`` are where they are drawn, in the order in which they came."""

    name: str
    values: np.ndarray
    places: np.ndarray
    scale: str
    words: tuple[str, ...] = ()

    @property
    def order(self) -> np.ndarray:
        """Indices of the values from left to right."""
        return np.argsort(self.places, kind="stable")

    @property
    def edges(self) -> np.ndarray:
        """The borders of the cells around the places, from left to right."""
        at = self.places[self.order].astype(float)
        if len(at) == 1:
            return at[0] + np.array([-0.5, 0.5])
        at = np.log(at) if self.scale == "log" else at
        inner = (at[1:] + at[:-1]) / 2
        edges = np.concatenate([[2 * at[0] - inner[0]], inner, [2 * at[-1] - inner[-1]]])
        return np.exp(edges) if self.scale == "log" else edges

    def prepare(self, ax: Any, which: str) -> None:
        """Give the x or the y axis of a picture this scale, these ticks and this name."""
        from matplotlib.ticker import FixedLocator, MaxNLocator, NullLocator

        axis = getattr(ax, f"{which}axis")
        getattr(ax, f"set_{which}scale")(self.scale)
        getattr(ax, f"set_{which}label")(label(self.name))
        distinct = np.unique(self.values)
        if self.words:
            getattr(ax, f"set_{which}ticks")(range(len(self.words)), self.words)
            axis.set_tick_params(length=0)
        elif self.values.dtype.kind in "iu" and len(distinct) <= TICKS:
            axis.set_major_locator(FixedLocator(distinct.tolist()))
            axis.set_minor_locator(NullLocator())
            axis.set_major_formatter("{x:g}")
        elif self.values.dtype.kind in "iu" and self.scale == "linear":
            axis.set_major_locator(MaxNLocator(integer=True))


def axis_of(name: str, values: np.ndarray) -> Axis:
    """The axis of a parameter with these values: numbers in any order, or words (also numbers that come twice)."""
    if values.dtype.kind in "iuf":
        distinct = np.unique(values)
        return Axis(name, values, values, "log" if logarithmic(distinct) else "linear")
    words, places = np.unique(values.astype(str), return_inverse=True)
    # Words keep the order in which they first come.
    first = np.argsort([int(np.argmax(places == place)) for place in range(len(words))])
    rank = np.empty_like(first)
    rank[first] = np.arange(len(words))
    return Axis(name, values, rank[places], "linear", tuple(words[first].tolist()))
