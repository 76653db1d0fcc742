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


def with_section(report: str, section: str) -> str:
    """The report with this section (Markdown, from its heading on) in the place of the one with its title, or last."""
    parts = report.split("\n## ")
    title = section.removeprefix("## ").split("\n", 1)[0]
    places = [index for index, part in enumerate(parts) if index and part.split("\n", 1)[0] == title]
    new = section.removeprefix("## ")
    if places:
        parts[places[0]] = new
    else:
        parts[-1] = parts[-1].rstrip("\n") + "\n"
        parts.append(new)
    return "\n## ".join(parts)


def table(head: list[str], rows: list[list[str]]) -> str:
    """A table in Markdown."""
    return "\n".join("| " + " | ".join(line) + " |" for line in [head, ["---"] * len(head), *rows])


def z_of(p: float) -> float:
    """The deviation in standard errors that has a two-sided p-value."""
    return float(stats.norm.isf(p / 2))
