"""Index of the decisions in docs/adr, generated from the header of each page."""

import re
from pathlib import Path

from documents.markdown import build_table

DECISIONS = Path(__file__).parents[2] / "docs" / "adr"
_HEADER = re.compile(r"# (\d+)\. (.+)\n\nStatus: (\w+)\. Date: (\d{4}-\d\d-\d\d)\.(?: \S.*)?\n\n\*\*Decision: ")


class DecisionHeaderError(ValueError):
    """A page of docs/adr that does not begin as every decision does."""


def build_decision_index() -> str:
    """Return the table of all decisions. Raises DecisionHeaderError if a page has another header."""
    pages = sorted(DECISIONS.glob("[0-9]*.md"))
    return build_table(("no.", "decision", "status", "date"), (_build_row(page) for page in pages))


def _build_row(page: Path) -> tuple[str, str, str, str]:
    found = _HEADER.match(page.read_text())
    if found is None or int(found[1]) != int(page.name[:4]):
        raise DecisionHeaderError(
            f"docs/adr/{page.name} must begin with `# NUMBER. TITLE`, `Status: WORD. Date: YYYY-MM-DD.` "
            "and `**Decision: `, with an empty line after each of the first two"
        )
    number, title, status, date = found.groups()
    return number, f"[{title}]({page.name})", status, date
