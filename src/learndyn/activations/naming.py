"""Names of activations with numbers in them: ``leaky_relu(0.2)``, ``polynomial(0, 1, 0.5)``."""

from __future__ import annotations


def named(family: str, *numbers: float) -> str:
    """The one name that stands for these numbers."""
    return f"{family}({', '.join(map(shortest, numbers))})"


def shortest(number: float) -> str:
    """The shortest text that is read as exactly this number; whole numbers without a point."""
    number = float(number)
    text = repr(number + 0.0)  # no -0
    return text[:-2] if text.endswith(".0") else text
