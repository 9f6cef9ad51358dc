"""Named SQL statements for the generated modules beside `.sql` files; see docs/guides/adding-a-statement.md."""

from pathlib import Path
from typing import TypeVar

import aiosql

T = TypeVar("T")


def load_statements(module_file: str) -> dict[str, str]:
    """Return the text of each statement by name, with `$1` for parameters, from the `.sql` file beside *module_file*."""
    queries = aiosql.from_path(Path(module_file).with_suffix(".sql"), "asyncpg", mandatory_parameters=False)
    names = (name for name in queries.available_queries if not name.endswith("_cursor"))
    return {name: getattr(queries, name).sql for name in names}


def require_row(row: T | None) -> T:
    """Return *row*. Raises LookupError for None: the statement declares that it always returns one row."""
    if row is None:
        raise LookupError("a statement that always returns one row returned none")
    return row


def count_rows(status: str) -> int:
    """Return the number of rows that a statement changed, from the status with which PostgreSQL ends it: `UPDATE 3`."""
    return int(status.rpartition(" ")[2])
