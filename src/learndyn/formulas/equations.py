"""The equations of a scenario as people use them: LaTeX, a notebook, a picture, a file, numbers."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

import sympy as sp

from learndyn.arguments import shown
from learndyn.errors import InputError
from learndyn.formulas import printer
from learndyn.formulas.nodes import Call, Entry, Field, written
from learndyn.formulas.system import Line, System
from learndyn.formulas.walker import Walker

# About so many signs of a formula stand on a line of a paper.
WIDTH = 78
FORMATS = (".tex", ".pdf", ".png", ".svg")
HEADS = {
    "update": "Update rule", "equations": "Order parameters", "averages": "Averages", "error": "Error",
    "symbols": "Symbols",
}  # fmt: skip


class Row(NamedTuple):
    """A printed line: left side, relation, the terms of the right side, a remark in words."""

    left: str
    relation: str
    terms: list[str]
    note: str


class Equations:
    """The system of ordinary differential equations of one scenario, as formulas that are printed and evaluated.

    `ld.equations` makes it. A notebook shows it; ``print`` gives the LaTeX.

    Attributes
    ----------
    latex
        An ``align`` environment (amsmath) with the update rule, the equations, the averages and the error.
    sections
        The same as lists of LaTeX lines: "update", "equations", "averages", "error".
    symbols
        The legend: (symbol, what it is, its value) for all that the formulas have.

    Examples
    --------
    >>> import learndyn as ld
    >>> perceptron = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.1)
    >>> ld.equations(perceptron, explicit=True).sections["equations"][0]
    '\\\\frac{dR}{d\\\\alpha} = \\\\eta \\\\left( 1 - R \\\\right)'
    """

    def __init__(self, scenario: Any, system: System, *, explicit: bool = False, insert: bool = False) -> None:
        self.scenario, self._system = scenario, system
        self._explicit, self._insert = explicit, insert

    @property
    def title(self) -> str:
        """What learns what, in words."""
        return self._system.title

    @cached_property
    def rows(self) -> dict[str, list[Row]]:
        """The printed lines by section."""
        system = self._system
        equations = self._written_out() if self._explicit else self._by_index()
        averages = [] if self._explicit else self._averages()
        found = {
            "update": [self._row(line) for line in system.update],
            "equations": equations,
            "averages": averages,
            "error": [self._error_row(line) for line in system.error],
        }
        return {name: rows for name, rows in found.items() if rows}

    @cached_property
    def sections(self) -> dict[str, list[str]]:
        """The printed lines by section, as LaTeX without an environment."""
        return {name: [_line(row) for row in rows] for name, rows in self.rows.items()}

    @cached_property
    def symbols(self) -> list[tuple[str, str, str]]:
        """(symbol in LaTeX, what it is, value) of what the formulas have."""
        return [(one.symbol, one.what, one.value) for one in self._system.meanings]

    @cached_property
    def latex(self) -> str:
        """A complete ``align`` environment for a paper; needs amsmath, and the legend stands above it as comments."""
        lines = [f"% {self.title}"]
        lines += [f"% {symbol}: {what}{f' = {value}' if value else ''}" for symbol, what, value in self.symbols]
        lines += [f"% {remark}" for remark in self._system.remarks]
        body: list[str] = []
        for name, rows in self.rows.items():
            # After a line break alone: the first one stands above.
            body.append(rf"  \intertext{{{HEADS[name]}}}" if body else f"  % {HEADS[name]}")
            wrapped = [text for row in rows for text in wrap(row)]
            body += [f"  {text} \\\\" for text in wrapped]
        body[-1] = body[-1].removesuffix(" \\\\")
        return "\n".join([*lines, r"\begin{align}", *body, r"\end{align}"])

    def __str__(self) -> str:
        return self.latex

    def __repr__(self) -> str:
        heads = ", ".join(f"d {e.block}/d {self.scenario.time_name}" for e in self._system.equations)
        return f"<Equations: {self.title}; {heads}>"

    def _repr_latex_(self) -> str:
        """What a notebook shows."""
        parts = [rf"\textbf{{{self.title}}}"]
        for name, rows in self.rows.items():
            wrapped = " \\\\\n".join(text for row in rows for text in wrap(row))
            parts.append(f"\\text{{{HEADS[name]}}}\n\\begin{{aligned}}\n{wrapped}\n\\end{{aligned}}")
        legend = " \\\\\n".join(
            rf"{symbol} &{f'= {_value(value)}' if value else ''} && \text{{{_words(what)}}}"
            for symbol, what, value in self.symbols
        )
        parts.append(f"\\begin{{aligned}}\n{legend}\n\\end{{aligned}}")
        return "\n\n".join(f"$$\n{part}\n$$" for part in parts)

    def evaluate(self, start: Any) -> dict[str, Any]:
        """The right sides of the printed formulas at a start: an array for each order parameter, in full.

        Parameters
        ----------
        start
            As for `ld.drift`.

        Returns
        -------
        dict
            The derivative of each order parameter by its name in a result, and the error ("eps_g" or "loss").

        Raises
        ------
        InputError
            When the start is not possible for the scenario.

        Examples
        --------
        >>> import learndyn as ld
        >>> perceptron = ld.StudentTeacher(ld.Student(1, "linear"), ld.Teacher(1, "linear"), learning_rate=0.1)
        >>> round(float(ld.equations(perceptron).evaluate(ld.Start(Q=0.25, R=0.0))["R"].item()), 12)
        0.1
        """
        system = self._system
        walker = Walker(system, system.numbers(self.scenario.as_start(start)))
        found = {equation.block: walker.block(equation) for equation in system.equations}
        for line in system.error[:1]:
            if not isinstance(line.right, str):
                found[system.error_name] = walker(line.right, {})
        return found

    def save(self, path: Any) -> Path:
        r"""Write the equations: ``.tex`` (the environment, to be read by ``\\input``), ``.pdf``, ``.png`` or ``.svg``.

        Raises
        ------
        InputError
            When the file name ends otherwise.
        """
        path = Path(path)
        if path.suffix not in FORMATS:
            raise InputError(
                f"Argument `path` must end in {', '.join(FORMATS[:-1])} or {FORMATS[-1]}, but it is "
                f"{shown(str(path))}. "
                'Write equations.save("equations.pdf").'
            )
        if path.suffix == ".tex":
            path.write_text(self.latex + "\n", encoding="utf-8")
        else:
            self.picture().savefig(path)
        return path

    def picture(self) -> Any:
        """The equations and their legend as a matplotlib figure."""
        from learndyn.formulas.picture import picture

        return picture(self)

    # How lines come about.

    @property
    def _numbers(self) -> dict[str, Any]:
        """Symbols that are replaced by their values, by name."""
        if not self._insert:
            return {}
        return {m.name: sp.Float(m.number) for m in self._system.meanings if m.number is not None}

    def _inserted(self, expr: Any) -> Any:
        return _replaced(expr, self._numbers) if self._numbers else expr

    def _row(self, line: Line, ordered: bool = False) -> Row:
        if isinstance(line.right, str):
            return Row(line.left, line.relation, [line.right], line.note)
        return Row(line.left, line.relation, printer.terms(self._inserted(line.right), ordered), line.note)

    def _by_index(self) -> list[Row]:
        time = self._system.time
        return [
            Row(slope(equation.left, time), "=", printer.terms(self._inserted(equation.right)), equation.note)
            for equation in self._system.equations
        ]

    def _averages(self) -> list[Row]:
        found = []
        for definition in self._system.definitions:
            if not definition.shown:
                continue
            left = printer.latex(definition.head)
            if definition.body is None:
                found.append(Row(left, "", [], definition.note))
            else:
                right = printer.terms(self._inserted(definition.body), definition.ordered)
                found.append(Row(left, "=", right, definition.note))
        return found

    def _written_out(self) -> list[Row]:
        """Every component by itself, with all averages inserted."""
        from learndyn.formulas.explicit import components

        system, found = self._system, []
        for left, body in components(system):
            found.append(Row(slope(left, system.time), "=", printer.terms(self._inserted(body), ordered=True), ""))
        return found

    def _error_row(self, line: Line) -> Row:
        if not self._explicit or isinstance(line.right, str):
            return self._row(line)
        from learndyn.formulas.explicit import written_out

        return self._row(Line(line.left, written_out(self._system, line.right), line.note), ordered=True)


def slope(left: Any, time: str) -> str:
    """d left / d time."""
    return rf"\frac{{d{printer.latex(left)}}}{{d{time}}}"


def _line(row: Row) -> str:
    note = rf" \quad \text{{({_words(row.note)})}}" if row.note else ""
    return " ".join(filter(None, [row.left, row.relation, *row.terms])) + note


def _words(text: str) -> str:
    return text.replace("_", r"\_").replace("^", r"\^{}")


def _value(text: str) -> str:
    return text if text.replace(".", "").replace("-", "").replace("e", "").isdigit() else rf"\text{{{_words(text)}}}"


def length(text: str) -> int:
    """About how many signs a formula is wide."""
    import re

    shorter = re.sub(r"\\(left|right|quad|,|mathrm|mathbf|text|bar|tilde)|[{}^_\s]", "", text)
    over = re.sub(r"\\frac", "", shorter)
    return len(re.sub(r"\\[A-Za-z]+", "x", over)) - 2 * text.count(r"\frac")


def broken(row: Row, width: int = WIDTH) -> list[str]:
    """The right side on as many lines as it needs, broken before a sign."""
    lines, used = [""], length(row.left)
    for term in row.terms:
        if lines[-1] and used + length(term) > width:
            lines.append("")
            used = 8
        lines[-1] += (" " if lines[-1] else "") + term
        used += length(term) + 2
    return lines


def wrap(row: Row) -> list[str]:
    """The line as lines of an ``align`` environment."""
    first, *rest = broken(row)
    note = rf" \quad \text{{({_words(row.note)})}}" if row.note else ""
    relation = row.relation or r"\quad"
    lines = [f"{row.left} &{relation} {first}".rstrip(), *(rf"&\quad {text}" for text in rest)]
    lines[-1] += note
    return lines


def _replaced(expr: Any, values: dict[str, Any]) -> Any:
    """The formula with numbers in the place of symbols, and the order of its terms kept."""
    if isinstance(expr, sp.Symbol) and expr.name in values:
        return values[expr.name]
    if not expr.args or isinstance(expr, sp.Piecewise):
        return expr
    fixed = 1 if isinstance(expr, Entry | Field | Call) else 0
    arguments = [*expr.args[:fixed], *(_replaced(arg, values) for arg in expr.args[fixed:])]
    with written():
        return expr.func(*arguments)


def equations_of(scenario: Any, system: System, explicit: bool, insert: bool) -> Equations:
    """The equations of a scenario from its system."""
    return Equations(scenario, system, explicit=explicit, insert=insert)
