"""Project rule on the database: each table, view and row type has a comment, which `docs/schema.md` shows."""

import re
from pathlib import Path

PAGE = Path(__file__).resolve().parents[3] / "docs" / "schema.md"
RELATION = re.compile(r"^### (`\w+\.\w+`.*)\n\n(.*)", re.MULTILINE)


def test_each_relation_has_a_comment() -> None:
    """An integration test compares the page with the database."""
    first_lines = dict(RELATION.findall(PAGE.read_text()))
    assert len(first_lines) > 40
    assert [name for name, line in first_lines.items() if line.startswith("|")] == []
