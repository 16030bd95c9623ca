"""Pieces of Markdown that the pages of results share."""


def table(head: list[str], rows: list[list[str]], columns: int | None = None) -> str:
    """A table. columns: where cells of `head` hold several columns."""
    line = "|" + "---|" * (columns or len(head))
    return "\n".join(["| " + " | ".join(head) + " |", line, *("| " + " | ".join(row) + " |" for row in rows)])


def interval(found: dict[str, float | None]) -> str:
    """Percent and its 95 % interval; a dash where there is none."""
    if None in found.values():
        return "–"
    return f"{found['delta_pct']:+.1f} ({found['low_pct']:+.1f} to {found['high_pct']:+.1f})"
