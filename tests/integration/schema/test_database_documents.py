"""Documents that describe the migrated database. `./dev docs` writes them."""

import psycopg
import pytest

from documents.generated import database_documents
from documents.schema_page import build_schema_page
from support.databases import Database


@pytest.mark.parametrize("name", ["privileges", "schema"])
def test_the_document_describes_the_database(database: Database, name: str) -> None:
    document = database_documents(database.superuser_dsn)[name]
    assert document.path.read_text() == document.render(), "run ./dev docs, and review the difference"


def test_a_column_and_its_privileges_are_described(database: Database) -> None:
    with psycopg.connect(database.superuser_dsn) as connection:
        connection.execute(
            "create table app.ducks (name text not null default 'Donald', weight numeric(5, 2), age int)"
        )
        connection.execute("comment on table app.ducks is 'birds that swim'")
        connection.execute("comment on column app.ducks.weight is 'in grams | dry'")
        connection.execute("grant select, update (weight) on app.ducks to svc_pull")
        connection.execute("grant insert (name, weight) on app.ducks to svc_ingest")
    page = build_schema_page(database.superuser_dsn)
    assert (
        "### `app.ducks`\n\nBirds that swim.\n\n"
        "| column | type | default | meaning |\n|---|---|---|---|\n"
        "| `name` | text not null | `'Donald'::text` |  |\n"
        "| `weight` | numeric(5,2) |  | in grams \\| dry |\n"
        "| `age` | integer |  |  |\n\n"
        "| role | may |\n|---|---|\n"
        "| `svc_ingest` | insert all but `age` |\n"
        "| `svc_pull` | select; update `weight` |"
    ) in page
    assert "| pull | [`app.ducks`](#appducks), " in page
