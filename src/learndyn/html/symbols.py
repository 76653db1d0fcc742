"""Names and numbers as a page sets them: pieces of text, each upright, italic, lowered or raised.

The pictures of `learndyn.plot` have the symbols of the field in matplotlib's notation, ``$R_{12}$``. Here they become
``[["R", "i"], ["12", "sub"]]``, which the script writes as HTML and as SVG.
"""

from __future__ import annotations

import re
from typing import Any

Rich = list[list[str]]

_LETTERS = {
    "alpha": "α", "epsilon": "ε", "eta": "η", "lambda": "λ", "theta": "θ", "phi": "φ", "sigma": "σ", "gamma": "γ",
    "beta": "β", "mu": "μ", "tau": "τ", "kappa": "κ", "rho": "ρ", "delta": "δ", "Delta": "Δ",
}  # fmt: skip
_UPRIGHT = {"cos": "cos ", "times": " × ", "to": " → ", "infty": "∞", ",": "\u2009", ";": "\u2009", "cdot": " · "}
# A word of mathematics: upright text, a command, an index or a power, one letter, or whatever else.
_TOKEN = re.compile(
    r"\\mathrm\{(?P<roman>[^}]*)\}|\\(?P<command>[A-Za-z]+|.)|(?P<index>[_^])(?:\{(?P<many>[^}]*)\}|(?P<one>.))"
    r"|(?P<letter>[A-Za-z])|(?P<other>.)"
)


def rich(text: str) -> Rich:
    """Text with mathematics between dollars in pieces: "" upright, "i" italic, "sub" and "sup"."""
    pieces: Rich = []
    for place, part in enumerate(text.split("$")):
        if place % 2:
            for token in _TOKEN.finditer(part):
                _append(pieces, *_piece(token))
        else:
            _append(pieces, part, "")
    return pieces


def _piece(token: re.Match[str]) -> tuple[str, str]:
    if token["roman"] is not None:
        return _plain(token["roman"]), ""
    if token["command"] is not None:
        letter = _LETTERS.get(token["command"])
        return (letter, "i") if letter else (_UPRIGHT.get(token["command"], token["command"]), "")
    if token["index"] is not None:
        inner = token["many"] if token["many"] is not None else token["one"]
        return _plain(inner), "sub" if token["index"] == "_" else "sup"
    if token["letter"] is not None:
        return token["letter"], "i"
    return token["other"].replace("-", "−").replace("=", " = "), ""


def _plain(text: str) -> str:
    """What stands within braces, without looks of its own."""
    text = re.sub(r"\\([A-Za-z]+|.)", lambda match: _LETTERS.get(match[1]) or _UPRIGHT.get(match[1], match[1]), text)
    return text.replace("-", "−")


def _append(pieces: Rich, text: str, look: str) -> None:
    if pieces and pieces[-1][1] == look:
        pieces[-1][0] += text
    elif text:
        pieces.append([text, look])


def plain(pieces: Rich) -> str:
    """The pieces as plain text, for what is read aloud and for the title of a window."""
    signs = {"sub": "_", "sup": "^"}
    return "".join(f"{signs.get(look, '')}{text}" for text, look in pieces)


def value(number: Any) -> Rich:
    """A value of a parameter: a word as it is, a number with up to four digits."""
    if isinstance(number, str | bool | int):
        return [[str(number).replace("-", "−") if isinstance(number, int) else str(number), ""]]
    mantissa, _, exponent = f"{number:.4g}".partition("e")
    if not exponent:
        return [[mantissa.replace("-", "−"), ""]]
    factor = {"1": "10", "-1": "−10"}.get(mantissa, f"{mantissa} × 10".replace("-", "−"))
    return [[factor, ""], [str(int(exponent)).replace("-", "−"), "sup"]]


def words(text: str) -> Rich:
    """The words of a direction in which a fixed point is left, ``0.5 R_11 - 0.5 R_12``, with their indices lowered."""
    pieces: Rich = []
    for token in re.finditer(r"(?P<name>[A-Za-z]+)_(?P<index>\w+)|(?P<other>[^A-Za-z]+|[A-Za-z]+)", text):
        if token["name"]:
            _append(pieces, token["name"], "i")
            _append(pieces, token["index"], "sub")
        else:
            _append(pieces, token["other"].replace("-", "−"), "")
    return pieces
