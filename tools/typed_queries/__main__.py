"""Command that writes the typed module beside each `.sql` file, from a new database: `./dev queries`."""

import sys
from collections.abc import Sequence

import psycopg

from support.databases import create_database_of_new_run
from typed_queries.catalog import Catalog
from typed_queries.modules import ModuleWriter
from typed_queries.sql_files import StatementError, find_sql_files, read_sql_file


def write_modules(dsn: str) -> Sequence[str]:
    """Write the modules whose text changed, and return their paths. Raises StatementError."""
    written = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        catalog = Catalog(connection)
        for path in find_sql_files():
            file = read_sql_file(path)
            text = ModuleWriter(file, catalog).write()
            if not file.module.exists() or file.module.read_text() != text:
                file.module.write_text(text)
                written.append(str(file.module))
    return written


def main() -> None:
    """Migrate a new database, write the modules, and report them."""
    try:
        with create_database_of_new_run() as database:
            written = write_modules(database.superuser_dsn)
    except StatementError as error:
        sys.exit(f"Error: {error}")
    for path in written:
        sys.stdout.write(f"wrote {path}\n")


if __name__ == "__main__":
    main()
