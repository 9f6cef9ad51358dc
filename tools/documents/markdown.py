"""Markdown tables."""

from collections.abc import Iterable, Sequence


def build_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table. Line breaks in cells become spaces, and bars are escaped."""
    lines = (_build_line([_escape(cell) for cell in row]) for row in rows)
    return "\n".join([_build_line(header), f"|{'---|' * len(header)}", *lines])


def list_names(names: Iterable[str]) -> str:
    """Return *names* as code, separated by commas."""
    return ", ".join(f"`{name}`" for name in names)


def _build_line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _escape(cell: str) -> str:
    return " ".join(cell.split()).replace("|", "\\|")
