"""A formula as LaTeX, its terms and factors in the order in which they were written."""

from __future__ import annotations

from typing import Any

import sympy as sp
from sympy.printing.latex import LatexPrinter

from learndyn.formulas.nodes import Total

# A term of more signs of LaTeX may be broken within its brackets.
WIDE = 170
# How names are written; {} is where superscripts of indices go. Others are left to SymPy (eta_w is \eta_{w}).
NAMES = {
    "delta": r"\delta", "theta": r"\theta", "phi": r"\phi", "xi": r"\xi", "dg": "g'", "ddg": "g''",
    "error": r"(\tau-\sigma)",
    "tau": r"\tau", "rho": r"\rho", "rho_bar": r"\bar{\rho}", "c_bar": r"\bar{c}", "nu": r"\nu", "Lambda": r"\Lambda",
    "lambda": r"\lambda", "Delta": r"\Delta", "mu": r"\mu", "Sigma": r"\Sigma", "RV": "R^V", "QJV": "Q^{JV}",
    "QV": "Q^V", "xs": "x", "ys": "y", "xf": r"\tilde{x}", "yf": r"\tilde{y}", "zf": r"\tilde{z}", "mf": r"\tilde{m}",
    "squared": r"\epsilon", "minor": r"\kappa", "a_inverse": "a^{-1}", "Q_inverse": "Q^{-1}", "Cu": r"\mathcal{C}",
    "pi_ab": r"\varpi", "step": r"\Theta", "beta": r"\beta", "weights": r"\mathbf{w}", "inputs": r"\mathbf{x}",
    "f": r"\mathbf{f}", "covariance": r"\mathbf{C}", "jacobian": r"\mathbf{A}", "Phi": r"\Phi", "OwenT": r"\mathrm{T}",
    "lambda_data": r"\lambda", "c_share": "f", "mean_update": r"\langle f \rangle", "normal_density": r"\phi",
    "mu_square": r"|\mu|^2",
    "A_slope": "A'", "prior": "p", "rows": "h",
}  # fmt: skip
# Names whose first index is written above: an eigenspace of the inputs, or the pair of units that tilts a covariance.
ABOVE = {
    "R_space": ("R", 1),
    "Q_space": ("Q", 1),
    "T_space": ("T", 1),
    "xs": ("x", 1),
    "ys": ("y", 1),
    "D": ("D", 2),
    "minor": ("minor", 2),
    "N": ("N", 1),
    "G_site": ("G", 1),
}


# Entries that are written in a way of their own, from their indices.
FORMS = {
    "gx": r"g(x_{{{}}})", "gy": r"g(y_{{{}}})", "dgx": r"g'(x_{{{}}})", "others": r"\prod_{{k \neq {}}} w_{{k {}}}",
    "product": r"\prod_{{l=1}}^{{D}} w_{{l {}}}", "sign": "y", "site_one": "{}",
}  # fmt: skip


class WrittenPrinter(LatexPrinter):
    """LaTeX in the written order; ``ordered`` instead in SymPy's own, for formulas that it has simplified."""

    def __init__(self, ordered: bool = False) -> None:
        super().__init__({"inv_trig_style": "full", "fold_short_frac": False})
        self._ordered = ordered

    def terms(self, expr: Any, wide: int = 10**9) -> list[str]:
        """The terms of a sum, each with its sign but for a leading plus; the brackets of a wide term are opened."""
        found = []
        # The terms of a formula by powers of the learning rate stand as they are.
        flat = list(expr.args) if self._ordered and _by_powers(expr) else self._flat(expr, sp.Add)
        for term in flat:
            text = self._print(term)
            parts = self._opened(term, wide) if len(text) > wide else [text]
            if found and not text.startswith("-"):
                parts[0] = "+ " + parts[0]
            found += parts
        return found

    def _opened(self, term: Any, wide: int) -> list[str]:
        """A product in which one factor is a sum: what stands before it, and its terms, between large brackets."""
        factors = self._flat(term, sp.Mul)
        sums = [factor for factor in factors if isinstance(factor, sp.Add)]
        if len(factors) < 2 or len(sums) != 1:
            return [self._print(term)]
        front = self._print(sp.Mul(*(factor for factor in factors if factor is not sums[0]), evaluate=False))
        first, *rest = self.terms(sums[0], wide)
        parts = [rf"{front} \Big( {first}", *rest]
        parts[-1] += r" \Big)"
        return parts

    def _flat(self, expr: Any, kind: Any) -> list[Any]:
        if not isinstance(expr, kind):
            return [expr]
        args = expr.args
        if self._ordered and not any(isinstance(arg, kind) for arg in args):
            args = expr.as_ordered_terms() if kind is sp.Add else expr.as_ordered_factors()
        return [part for arg in args for part in self._flat(arg, kind)]

    def _print_Add(self, expr: Any, order: Any = None) -> str:
        return " ".join(self.terms(expr))

    def _print_Mul(self, expr: Any) -> str:
        sign, number, above, below = 1, sp.Integer(1), [], []
        value, factors = _numbers_together(self._flat(expr, sp.Mul))
        if value is not None:
            sign = -1 if value < 0 else 1
            above.append(sp.Float(abs(value)))
        for factor in factors:
            if factor.is_Rational:
                sign, number = (-sign if factor < 0 else sign), number * abs(factor)
            elif isinstance(factor, sp.Pow) and factor.exp.is_Number and factor.exp < 0 and not factor.base.is_Rational:
                below.append(sp.Pow(factor.base, -factor.exp) if factor.exp != -1 else factor.base)
            else:
                if isinstance(factor, sp.Pow) and factor.base.is_Rational and factor.exp == -1:
                    number = number / factor.base
                else:
                    above.append(factor)
        return ("- " if sign < 0 else "") + self._fraction(number, above, below)

    def _fraction(self, number: Any, above: list[Any], below: list[Any]) -> str:
        large = any(factor.has(Total) or isinstance(factor, sp.Add) for factor in above)
        over = [] if number.p == 1 else [str(number.p)]
        under = [] if number.q == 1 else [str(number.q)]
        if not below and not under:
            return " ".join(over + self._factors(above)) or "1"
        if large:
            under = under + self._factors(below)
            if not under:
                return " ".join(over + self._factors(above))
            head = rf"\frac{{{' '.join(over) or '1'}}}{{{' '.join(under)}}}"
            return " ".join([head, *self._factors(above)])
        top = " ".join(over + self._factors(above, alone=not over)) or "1"
        bottom = " ".join(under + self._factors(below, alone=not under))
        return rf"\frac{{{top}}}{{{bottom}}}"

    def _factors(self, factors: list[Any], alone: bool = False) -> list[str]:
        """Each factor, in brackets where it is a sum and does not stand alone."""
        single = alone and len(factors) == 1
        return [
            self._print(factor) if single or not isinstance(factor, sp.Add) else self._in_brackets(factor)
            for factor in factors
        ]

    def _in_brackets(self, expr: Any) -> str:
        return rf"\left( {self._print(expr)} \right)"

    def _named(self, expr: Any) -> str:
        name, *indices = expr.args
        if name.name in FORMS:
            return FORMS[name.name].format(*map(self._print, indices))
        text, above = ABOVE.get(name.name, (name.name, 0))
        text = NAMES.get(text) or (text if len(text) == 1 else self._print(sp.Symbol(text)))
        upper, lower = indices[:above], indices[above:]
        text += rf"^{{({self._joined(upper)})}}" if upper else ""
        return text + (rf"_{{{self._joined(lower)}}}" if lower else "")

    def _joined(self, indices: list[Any]) -> str:
        texts = [self._print(index) for index in indices]
        apart = any(index.is_Add or (index.is_Integer and index > 9) for index in indices)
        return ("," if apart else " ").join(texts) if apart or any("\\" in t for t in texts) else "".join(texts)

    def _print_Entry(self, expr: Any, exp: Any = None) -> str:
        text = self._named(expr)
        if exp is None:
            return text
        return rf"\left({text}\right)^{{{exp}}}" if "^" in text or "'" in text else f"{text}^{{{exp}}}"

    def _print_Field(self, expr: Any, exp: Any = None) -> str:
        return self._print_Entry(expr, exp)

    def _print_Mean(self, expr: Any, exp: Any = None) -> str:
        parts: list[str] = []
        counted = [(a, expr.args.count(a)) for a in dict.fromkeys(expr.args)]
        for argument, count in counted:
            text = self._print(argument)
            parts.append(
                text
                if count == 1
                else rf"{text}^{{{count}}}"
                if "^" not in text and "'" not in text
                else rf"({text})^{{{count}}}"
            )
        text = rf"\langle {r' '.join(parts)} \rangle"
        return text if exp is None else f"{text}^{{{exp}}}"

    def _print_Total(self, expr: Any) -> str:
        term, index, upper = expr.args
        indices = [index]
        while isinstance(term, Total) and term.args[2] == upper:
            indices.append(term.args[1])
            term = term.args[0]
        body = self._in_brackets(term) if isinstance(term, sp.Add) else self._print(term)
        if index.name == "y":
            return rf"\sum_{{y=\pm 1}} {body}"
        return rf"\sum_{{{','.join(self._print(i) for i in indices)}=1}}^{{{self._print(upper)}}} {body}"

    def _print_Symbol(self, expr: Any, style: str = "plain") -> str:
        return NAMES.get(expr.name) or super()._print_Symbol(expr, style)

    def _print_Different(self, expr: Any) -> str:
        return rf"\nu_{{{self._joined(list(expr.args))}}}"

    def _print_Call(self, expr: Any, exp: Any = None) -> str:
        name, *arguments = expr.args
        text = NAMES.get(name.name) or self._print(name)
        text += rf"\left({', '.join(map(self._print, arguments))}\right)"
        return text if exp is None else f"{text}^{{{exp}}}"

    def _print_Chain(self, expr: Any) -> str:
        return r"\, ".join(self._factors(list(expr.args)))

    def _print_Transposed(self, expr: Any) -> str:
        (of,) = expr.args
        return (self._in_brackets(of) if isinstance(of, sp.Add) or len(of.args) > 2 else self._print(of)) + r"^{\top}"

    def _print_Piecewise(self, expr: Any) -> str:
        lines = []
        for value, condition in expr.args:
            held = r"\text{else}" if condition in (True, sp.true) else self._print(condition)
            lines.append(rf"{self._print(value)} & {held}")
        return r"\begin{cases} " + r" \\ ".join(lines) + r" \end{cases}"

    def _print_Float(self, expr: Any) -> str:
        return f"{float(expr):.10g}"


def _numbers_together(factors: list[Any]) -> tuple[float | None, list[Any]]:
    """The product of the decimal numbers among factors, None where there are none, and the other factors."""
    value, others = None, []
    for factor in factors:
        decimal = factor.is_Float or (factor.is_Pow and factor.base.is_Float and factor.exp.is_Number)
        if decimal:
            value = float(factor.doit()) * (1.0 if value is None else value)
        else:
            others.append(factor)
    return value, others


def _by_powers(expr: Any) -> bool:
    """Whether a sum has been gathered, as eta (...) + eta^2 (...)."""
    return isinstance(expr, sp.Add) and all(
        isinstance(arg, sp.Mul) and isinstance(arg.args[-1], sp.Add) for arg in expr.args
    )


def latex(expr: Any, ordered: bool = False) -> str:
    """The LaTeX of a formula."""
    return WrittenPrinter(ordered).doprint(expr)


def terms(expr: Any, ordered: bool = False) -> list[str]:
    """The LaTeX of the terms of a sum, which may stand on lines of their own."""
    return WrittenPrinter(ordered).terms(expr, WIDE)
