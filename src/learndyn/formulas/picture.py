"""The equations of a scenario as a picture, by matplotlib's own mathematics; no TeX is needed."""

from __future__ import annotations

import re
from typing import Any

from learndyn.formulas.equations import HEADS, broken

# Inches and points.
WIDTH, MARGIN, INDENT = 9.0, 0.35, 0.25
SIZE, SMALL, GAP, SECTION = 12.0, 9.5, 0.09, 0.16
# A formula wider than the page is drawn smaller, but not below this fraction of its size.
SMALLEST = 0.45
# About so many signs of a formula are as wide as the page.
SIGNS = 52
# Symbols in the words of the legend: J_i . B_n, z_q.
SYMBOL = re.compile(r"\b[A-Za-z]_[A-Za-z0-9]\b( \. [A-Z]_[a-z]\b)?")
PLACE = re.compile(r"\\begin\{cases\}(.*?)\\end\{cases\}")


def picture(equations: Any) -> Any:
    """A figure: title, sections, legend."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, 4.0), dpi=150)
    pieces = [(equations.title, "bold", SIZE)]
    for name, rows in equations.rows.items():
        pieces.append((HEADS[name], "head", SIZE))
        pieces += [(line, "formula", SIZE) for row in rows for line in _lines(row)]
    pieces.append((HEADS["symbols"], "head", SIZE))
    pieces += [(_legend(*one), "formula", SMALL) for one in equations.symbols]
    placed, height = _placed(figure, pieces)
    figure.set_size_inches(WIDTH, height)
    for text, top in placed:
        text.set_position((text.get_position()[0], 1.0 - top / height))
    return figure


def _lines(row: Any) -> list[str]:
    """The row as lines of mathtext."""
    first, *rest = broken(row, SIGNS)
    lines = [" ".join(filter(None, [row.left, row.relation, first])), *(r"\quad\quad " + text for text in rest)]
    if row.note:
        lines[-1] += rf" \quad \mathrm{{({_upright(row.note)})}}"
    return [f"${mathtext(line)}$" for line in lines]


def _legend(symbol: str, what: str, value: str) -> str:
    shown = f" = {value}" if value else ""
    words = SYMBOL.sub(lambda found: f"${found[0].replace('.', chr(92) + 'cdot')}$", what)
    words = words.replace("<", "⟨").replace(">", "⟩")
    return f"${mathtext(symbol)}$: {words}{shown}"


def _upright(text: str) -> str:
    """Words within a formula."""
    return (
        text.replace(" ", r"\ ")
        .replace("_", r"\_")
        .replace("^", r"\^{}")
        .replace("<", r"\langle ")
        .replace(">", r"\rangle ")
    )


def mathtext(latex: str) -> str:
    """LaTeX as matplotlib reads it: cases one after another, words upright."""
    found = PLACE.sub(_cases, latex)
    found = re.sub(r"\\text\{([^{}]*)\}", lambda m: rf"\mathrm{{{_upright(m[1])}}}", found)
    found = found.replace(r"\Big", "").replace(r"\frac", r"\dfrac").replace(r"\arcsin", r"\,\arcsin")
    return found.replace(r"\top", r"T").replace(r"\max \left", r"\mathrm{max} \left")


def _cases(match: Any) -> str:
    parts = [part.replace("&", r"\ \mathrm{for}\ ") for part in match[1].split(r"\\")]
    return ",\\quad ".join(parts).replace(r"\ \mathrm{for}\   \text{else}", r"\ \text{else}")


def _placed(figure: Any, pieces: list[tuple[str, str, float]]) -> tuple[list[tuple[Any, float]], float]:
    """Text objects with the distances of their tops from the top of the figure, and the height of all, in inches."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    renderer = FigureCanvasAgg(figure).get_renderer()
    top, placed = MARGIN, []
    for words, kind, size in pieces:
        left = MARGIN + (INDENT if kind == "formula" else 0.0)
        weight = "bold" if kind in ("bold", "head") else "normal"
        top += SECTION if kind == "head" else 0.0
        text = figure.text(left / WIDTH, 0.5, words, fontsize=size, weight=weight, va="top", math_fontfamily="cm")
        box = text.get_window_extent(renderer)
        room = (WIDTH - left - MARGIN) * figure.dpi
        if box.width > room:
            text.set_fontsize(size * max(SMALLEST, room / box.width))
            box = text.get_window_extent(renderer)
        placed.append((text, top))
        top += box.height / figure.dpi + GAP
    return placed, top + MARGIN
