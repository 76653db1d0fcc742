"""The value of a formula: in numbers, or written out in symbols with all averages inserted."""

from __future__ import annotations

import math
from itertools import product
from typing import Any

import numpy as np
import sympy as sp

from learndyn.formulas.nodes import Call, Chain, Different, Entry, Field, Mean, Total, Transposed
from learndyn.formulas.system import Definition, System, whole

# Functions in numbers; in symbols they are SymPy's own.
FLOATS: dict[Any, Any] = {
    sp.asin: lambda x: math.asin(min(1.0, max(-1.0, x))),
    sp.acos: lambda x: math.acos(min(1.0, max(-1.0, x))),
    sp.sin: np.sin,
    sp.cos: np.cos,
    sp.exp: np.exp,
    sp.sinh: np.sinh,
    sp.cosh: np.cosh,
    sp.tanh: np.tanh,
    sp.Abs: np.abs,
    sp.Max: lambda *x: max(x),
    sp.Min: lambda *x: min(x),
    sp.log: np.log,
}
# The argument stands for any Gaussian variable in the heads of definitions.
ANY = "t"


class Walker:
    """Goes through formulas of a system; entries of ``numbers`` are numbers or symbols."""

    def __init__(self, system: System, numbers: dict[str, Any], symbolic: bool = False) -> None:
        self.system, self.numbers, self.symbolic = system, dict(numbers), symbolic
        self._memo: dict[Any, Any] = {}
        self._heads: dict[Any, list[Definition]] = {}
        for definition in system.definitions:
            self._heads.setdefault(_key(definition.head), []).append(definition)

    def block(self, equation: Any) -> Any:
        """The right side for all indices: an array, or a list of ((indices), formula)."""
        if not equation.indices:
            return self(equation.right, {})
        found: Any = np.zeros(equation.sizes, dtype=object if self.symbolic else float)
        for place in product(*map(range, equation.sizes)):
            if equation.symmetric and place[-1] < place[-2]:
                continue
            env = {symbol: index + 1 for symbol, index in zip(equation.indices, place, strict=True)}
            found[place] = self(equation.right, env)
        return whole(found, equation.symmetric)

    def __call__(self, expr: Any, env: dict[Any, Any]) -> Any:
        """The value of a formula with these indices."""
        name: Any = expr.args[0] if expr.args else None
        match expr:
            case sp.Symbol():
                return env[expr] if expr in env else self.number(expr.name)
            case sp.Add():
                return sum((self(arg, env) for arg in expr.args[1:]), self(expr.args[0], env))
            case sp.Mul():
                return _product(self(arg, env) for arg in expr.args)
            case sp.Pow():
                return self._power(expr, env)
            case Entry():
                return self.entry(name.name, self._indices(expr.args[1:], env))
            case Mean():
                return self.mean(tuple(self._field(arg, env) for arg in expr.args))
            case Total():
                return self._total(expr, env)
            case Different():
                return self._different(expr, env)
            case Call():
                return self.number(name.name)(*(self(arg, env) for arg in expr.args[1:]))
            case Chain():
                factors = [np.asarray(self(arg, env)) for arg in expr.args]
                return _chained(factors)
            case Transposed():
                return np.asarray(self(expr.args[0], env)).T
            case sp.Piecewise():
                return self._piecewise(expr, env)
        return self._leaf(expr, env)

    def number(self, name: str) -> Any:
        """A number, array or function by its name; one that follows from averages is computed once."""
        value = self.numbers[name]
        if callable(value) and getattr(value, "of_walker", False):
            value = self.numbers[name] = value(self)
        return value

    def entry(self, name: str, indices: tuple[int, ...]) -> Any:
        """An entry of an array, or what defines it."""
        return self._remembered((name, indices), lambda: self._entry(name, indices))

    def mean(self, fields: tuple[tuple[Any, ...], ...]) -> Any:
        """An average of fields (name, index, ...)."""
        return self._remembered(fields, lambda: self._mean(fields))

    def _remembered(self, key: Any, compute: Any) -> Any:
        if key not in self._memo:
            self._memo[key] = compute()
        return self._memo[key]

    def _leaf(self, expr: Any, env: dict[Any, Any]) -> Any:
        if expr.is_Number or expr.is_NumberSymbol or not expr.args:
            return expr if self.symbolic else float(expr)
        arguments = [self(arg, env) for arg in expr.args]
        return expr.func(*arguments) if self.symbolic else FLOATS[expr.func](*arguments)

    def _power(self, expr: Any, env: dict[Any, Any]) -> Any:
        base, exponent = self(expr.base, env), self(expr.exp, env)
        if self.symbolic:
            return sp.factor(base) ** exponent if exponent.is_Rational and exponent.q == 2 else base**exponent
        if isinstance(base, np.ndarray):
            return base**exponent
        if exponent == 0.5:
            return math.sqrt(max(base, 0.0))
        if exponent == 2:
            return base * base  # exactly what a product of two equal factors is
        return float(base) ** exponent

    def _indices(self, args: Any, env: dict[Any, Any]) -> tuple[int, ...]:
        return tuple(
            int(arg.xreplace({k: sp.Integer(v) for k, v in env.items() if isinstance(v, int)}).subs(self.system.sizes))
            for arg in args
        )

    def _field(self, expr: Any, env: dict[Any, Any]) -> tuple[Any, ...]:
        name = expr.args[0].name
        if name == ANY:
            return env[ANY]
        indices = self._indices(expr.args[1:], env)
        if name in ("gx", "gy"):
            return ("g", indices[0] + (self.system.units if name == "gy" else 0))
        return (name, *indices)

    def _total(self, expr: Any, env: dict[Any, Any]) -> Any:
        term, index, upper = expr.args
        last = int(upper.subs(self.system.sizes))
        values = [self(term, env | {index: place}) for place in range(1, last + 1)]
        return sum(values[1:], values[0])

    def _different(self, expr: Any, env: dict[Any, Any]) -> Any:
        units = self._indices(expr.args, env)
        return (
            sp.Integer(len({u for u in units if u <= self.system.units}))
            if self.symbolic
            else len({u for u in units if u <= self.system.units})
        )

    def _piecewise(self, expr: Any, env: dict[Any, Any]) -> Any:
        for value, condition in expr.args:
            if condition in (True, sp.true):
                return self(value, env)
            left, right = (self(side, env) for side in condition.args)
            if bool(condition.func(sp.Float(left), sp.Float(right))):
                return self(value, env)
        raise ValueError("no case of the formula holds")

    def _entry(self, name: str, indices: tuple[int, ...]) -> Any:
        for definition in self._heads.get(("Entry", name), []):
            if definition.body is not None and (definition.when is None or definition.when(indices)):
                found = self(definition.body, dict(zip(definition.head.args[1:], indices, strict=True)))
                return sp.factor(found) if self.symbolic and not found.has(sp.Function) else found
        value = self.number(name)
        for index in indices:
            value = value[index - 1]
        return value if self.symbolic or np.ndim(value) else float(value)

    def _mean(self, fields: tuple[tuple[Any, ...], ...]) -> Any:
        for candidate in self._candidates(fields):
            for definition, env in self._matches(candidate):
                if definition.body is None:
                    return self._numeric(fields)
                return self(definition.body, env)
        return self._numeric(fields)

    def _numeric(self, fields: tuple[tuple[Any, ...], ...]) -> Any:
        if self.symbolic:
            # The field x_2 as x_2; a unit is named as x or y.
            shown = (
                Field(sp.Symbol(name), *map(sp.Integer, indices)) for name, *indices in map(self._of_layer, fields)
            )
            return Mean(*shown)
        assert self.system.numeric is not None, fields
        return self.system.numeric(fields, self)

    def _of_layer(self, one: tuple[Any, ...]) -> tuple[Any, ...]:
        K, name = self.system.units, one[0]
        if name in ("g", "dg") and K and self.symbolic:
            return (f"{name}x", one[1]) if one[1] <= K else (f"{name}y", one[1] - K)
        if name != "z" or not K:
            return one
        x, y = self.system.layers
        return (x, one[1]) if one[1] <= K else (y, one[1] - K)

    def _candidates(self, fields: tuple[tuple[Any, ...], ...]) -> list[tuple[tuple[Any, ...], ...]]:
        """The fields as they are, with x and y as z and the other way round, and two of them exchanged."""
        K = self.system.units
        found = [fields]
        if K:
            x, y = self.system.layers
            as_z = tuple(("z", f[1]) if f[0] == x else ("z", f[1] + K) if f[0] == y else f for f in fields)
            found += [as_z, tuple(self._of_layer(f) for f in fields)]
        if len(fields) == 2:
            found += [candidate[::-1] for candidate in found]
        return found

    def _matches(self, fields: tuple[tuple[Any, ...], ...]) -> Any:
        names = tuple(f[0] for f in fields)
        for key in (("Mean", names), *(("Mean", (*names[:n], ANY, *names[n + 1 :])) for n in range(len(names)))):
            for definition in self._heads.get(key, []):
                env: dict[Any, Any] = {}
                for pattern, one in zip(definition.head.args, fields, strict=True):
                    if pattern.args[0].name == ANY:
                        env[ANY] = one
                    else:
                        env |= dict(zip(pattern.args[1:], one[1:], strict=True))
                places = tuple(env[symbol] for pattern in definition.head.args for symbol in pattern.args[1:])
                if definition.when is None or definition.when(places):
                    yield definition, env


def _key(head: Any) -> Any:
    if head.func is Entry:
        return "Entry", head.args[0].name
    return "Mean", tuple(one.args[0].name for one in head.args)


def _product(values: Any) -> Any:
    found = None
    for value in values:
        found = value if found is None else found * value
    return found


def _chained(factors: list[Any]) -> Any:
    found = factors[0]
    for factor in factors[1:]:
        found = found @ factor
    return found if np.ndim(found) else float(found)


def of_walker(function: Any) -> Any:
    """Mark a function as one that gives a number of the system from the walker."""
    function.of_walker = True
    return function
