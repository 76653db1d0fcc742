"""A notebook shows a small table in the place of a long line: what scenarios and starts have for it."""

from __future__ import annotations


class Shown:
    """Adds what notebooks ask for; there is no data in it."""

    def _repr_html_(self) -> str:
        from learndyn.scenarios.card import card

        return card(self)
