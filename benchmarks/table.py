"""How the table of `make bench` is printed."""

from __future__ import annotations


def show(rows: list[dict]) -> None:
    """Print rows of name, value with unit, ratio to the peer in the same run, and target."""
    width = max(len(row["name"]) for row in rows)
    print(f"{'what':<{width}}  {'value':>12}  {'ratio':>8}  target")
    for row in rows:
        value = f"{row['value']:.3g} {row['unit']}".strip()
        ratio = f"{row['ratio']:.2f} x" if row.get("ratio") is not None else ""
        print(f"{row['name']:<{width}}  {value:>12}  {ratio:>8}  {row.get('target') or ''}")
