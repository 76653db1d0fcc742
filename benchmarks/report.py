"""Sections of the verification report, each with a verdict, and its tables."""

from __future__ import annotations

from dataclasses import dataclass

from scipy import stats


@dataclass(frozen=True)
class Section:
    """A part of the report: paragraphs and tables in Markdown, and its verdict."""

    title: str
    text: str
    holds: bool
    reason: str

    def markdown(self) -> str:
        """The section with its verdict."""
        verdict = "holds" if self.holds else "DOES NOT HOLD"
        return f"## {self.title}\n\n{self.text}\n\n**Verdict: {verdict}.** {self.reason}\n"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows])


def z_of(p: float) -> float:
    """The deviation in standard errors that has a two-sided p-value."""
    return float(stats.norm.isf(p / 2))
