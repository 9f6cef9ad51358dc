"""One dialect of SQL in all `.sql` files of statements."""

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from typed_queries.sql_files import ROOT, find_sql_files

FILES = [pytest.param(path, id=str(path.relative_to(ROOT))) for path in find_sql_files()]
KEYWORDS = re.compile(
    r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|AND|OR|NOT|JOIN|LEFT|ON|SET|VALUES|RETURNING|ORDER|GROUP|BY|LIMIT|AS|IN|NULL|"
    r"CASE|WHEN|THEN|ELSE|END|EXISTS|WITH|UNION|DISTINCT|ANY|ALL|IS|TRUE|FALSE|FOR)\b"
)
QUOTED = re.compile(r"'[^']*'")
ALL_COLUMNS = re.compile(r"\b(select (\w+\.)?|returning (\w+\.)?)\*")
STEP = 2


def read_statements(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the header line and the text of each statement, without comments and quoted text."""
    for part in path.read_text().split("-- name:")[1:]:
        header, _, body = part.partition("\n")
        lines = [line.partition("--")[0].rstrip() for line in body.splitlines()]
        yield header.strip(), QUOTED.sub("''", "\n".join(line for line in lines if line))


@pytest.mark.parametrize("path", FILES)
def test_every_statement_is_used(path: Path) -> None:
    """By a module of its package other than the generated one."""
    package = ROOT.joinpath(*path.relative_to(ROOT).parts[:2])
    modules = [file.read_text() for file in package.rglob("*.py") if not file.name.endswith("queries.py")]
    used = set(re.findall(r"queries\.(\w+)", "\n".join(modules)))
    assert {header.rstrip("^$!") for header, _ in read_statements(path)} - used == set()


@pytest.mark.parametrize("path", FILES)
def test_names_have_no_argument_lists(path: Path) -> None:
    assert [header for header, _ in read_statements(path) if not re.fullmatch(r"\w+[\^$!]?", header)] == []


@pytest.mark.parametrize("path", FILES)
def test_keywords_are_lower_case(path: Path) -> None:
    assert [header for header, body in read_statements(path) if KEYWORDS.search(body)] == []


@pytest.mark.parametrize("path", FILES)
def test_no_line_is_indented_by_more_than_two_spaces_below_the_line_above(path: Path) -> None:
    found = []
    for header, body in read_statements(path):
        indents = [0, *(len(line) - len(line.lstrip()) for line in body.splitlines())]
        pairs = pairwise(indents)
        found += [header for above, indent in pairs if indent % STEP or indent > above + STEP]
    assert found == []


@pytest.mark.parametrize("path", FILES)
def test_columns_are_listed(path: Path) -> None:
    """A column that a later migration adds then changes no result, while services of both versions run."""
    assert [header for header, body in read_statements(path) if ALL_COLUMNS.search(body)] == []
