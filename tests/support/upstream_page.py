"""Reader of docs/upstream/README.md, whose tables and record are tested."""

import json
import re
from itertools import count
from pathlib import Path
from typing import Any

import jsonschema_rs

FOLDER = Path(__file__).parents[2] / "docs" / "upstream"
_PAGE = (FOLDER / "README.md").read_text()


def read_table(heading: str) -> dict[str, list[str]]:
    """Return the rows of the table below *heading*: the first cell, and the other cells without code marks."""
    section = _PAGE.split(f"\n### {heading}\n", 1)[1].split("\n#", 1)[0]
    _, _, *lines = [line for line in section.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return {first: [cell.strip("`") for cell in rest] for first, *rest in rows}


def read_record() -> dict[str, Any]:
    """Return the record that the page shows."""
    return dict(json.loads(_read_block("json")))


def read_query() -> str:
    """Return the statement that finds the events of a record, with `$1` for its correlation id and `$2` for its id."""
    numbers = count(1)
    return re.sub(r"'[^']*'", lambda _: f"${next(numbers)}", _read_block("sql"))


def read_schema() -> dict[str, Any]:
    """Return the JSON schema of a record."""
    return dict(json.loads((FOLDER / "lead-record.schema.json").read_text()))


def is_valid_record(body: Any) -> bool:
    """Return whether *body* is valid under the schema, with the formats of days and ids."""
    return jsonschema_rs.validator_for(read_schema(), validate_formats=True).is_valid(body)


def _read_block(language: str) -> str:
    (block,) = re.findall(rf"```{language}\n(.*?)```", _PAGE, re.DOTALL)
    return str(block)
