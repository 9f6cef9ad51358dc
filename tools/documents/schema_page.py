"""Page of the database: tables, columns, functions and privileges, read from a migrated database."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import aiosql
import psycopg
from psycopg.rows import class_row

from documents.markdown import build_table, list_names
from schema.privileges import list_privileges

queries = aiosql.from_path(Path(__file__).with_name("schema.sql"), "psycopg")

ALL_COLUMNS = "all columns"
WRITING = {"INSERT", "UPDATE", "DELETE", "TRUNCATE"}
SERVICE_PREFIX = "svc_"

Privileges = Mapping[str, Mapping[str, str]]
"""Columns (or ALL_COLUMNS) by role and privilege."""


@dataclass(frozen=True, slots=True)
class RelationRow:
    """A table, a view or a row type."""

    schema: str
    name: str
    kind: str
    meaning: str | None
    keys: Sequence[str]

    @property
    def full_name(self) -> str:
        """The name with its schema."""
        return f"{self.schema}.{self.name}"


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """A column of a relation."""

    schema: str
    relation: str
    name: str
    type: str
    is_required: bool
    default_value: str | None
    meaning: str | None


@dataclass(frozen=True, slots=True)
class FunctionRow:
    """A function that is not a trigger."""

    schema: str
    signature: str
    name: str
    result: str
    meaning: str | None


@dataclass(frozen=True, slots=True)
class EnumerationRow:
    """An enumerated type."""

    schema: str
    name: str
    labels: Sequence[str]
    meaning: str | None


@dataclass(slots=True)
class DatabaseDescription:
    """Everything that the page shows."""

    relations: list[RelationRow]
    columns: dict[str, list[ColumnRow]]
    functions: list[FunctionRow]
    enumerations: list[EnumerationRow]
    privileges: dict[str, Privileges] = field(default_factory=dict)

    def privileges_of(self, name: str) -> Privileges:
        """Return the privileges on the object *name*."""
        return self.privileges.get(name, {})

    def writers_of(self, name: str) -> list[str]:
        """Return the services that may write to the relation *name*."""
        return sorted(
            role.removeprefix(SERVICE_PREFIX)
            for role, granted in self.privileges_of(name).items()
            if role.startswith(SERVICE_PREFIX) and WRITING & granted.keys()
        )


def build_schema_page(dsn: str) -> str:
    """Return the description of the database at *dsn*."""
    database = read_database(dsn)
    schemas = {relation.schema for relation in database.relations}
    shared = sorted(name for name in schemas if not name.startswith(SERVICE_PREFIX))
    sections = [_describe_writers(database), *(_describe_schema(database, name) for name in shared)]
    own = sorted(schemas.difference(shared))
    return "\n\n".join([*sections, *_describe_service_schemas(database, own)])


def read_database(dsn: str) -> DatabaseDescription:
    """Read the catalogue of the database at *dsn*."""
    with psycopg.connect(dsn, options="-c search_path=pg_catalog") as connection:
        columns: dict[str, list[ColumnRow]] = defaultdict(list)
        for column in connection.cursor(row_factory=class_row(ColumnRow)).execute(queries.list_columns.sql):
            columns[f"{column.schema}.{column.relation}"].append(column)
        return DatabaseDescription(
            connection.cursor(row_factory=class_row(RelationRow)).execute(queries.list_relations.sql).fetchall(),
            columns,
            connection.cursor(row_factory=class_row(FunctionRow)).execute(queries.list_functions.sql).fetchall(),
            connection.cursor(row_factory=class_row(EnumerationRow)).execute(queries.list_enumerations.sql).fetchall(),
            _group_privileges(list_privileges(dsn)),
        )


def _group_privileges(lines: Iterable[str]) -> dict[str, Privileges]:
    grouped: dict[str, dict[str, dict[str, str]]] = defaultdict(lambda: defaultdict(dict))
    for line in lines:
        role, name, privilege = line.split(" | ")
        kind, _, columns = privilege.partition(" (")
        grouped[name][role][kind] = columns.removesuffix(")") or ALL_COLUMNS
    return dict(grouped)


def _describe_writers(database: DatabaseDescription) -> str:
    """Return the table of services and the tables that they may write to. Their own outbox and inbox are left out."""
    written: dict[str, list[str]] = defaultdict(list)
    for relation in database.relations:
        if not relation.schema.startswith(SERVICE_PREFIX):
            for service in database.writers_of(relation.full_name):
                written[service].append(f"[`{relation.full_name}`](#{_anchor(relation)})")
    rows = ((service, ", ".join(names)) for service, names in sorted(written.items()))
    return f"## Tables by service\n\n{build_table(('service', 'may write to'), rows)}"


def _describe_schema(database: DatabaseDescription, schema: str) -> str:
    parts = [f"## Schema `{schema}`"]
    parts += [_describe_relation(database, found) for found in database.relations if found.schema == schema]
    if enumerations := [found for found in database.enumerations if found.schema == schema]:
        values = ((f"`{found.name}`", list_names(found.labels), found.meaning or "") for found in enumerations)
        parts.append(f"### Values of types in `{schema}`\n\n{build_table(('type', 'values', 'meaning'), values)}")
    if functions := [found for found in database.functions if found.schema == schema]:
        rows = (_describe_function(database, found) for found in functions)
        header = ("function", "result", "callers", "meaning")
        parts.append(f"### Functions of `{schema}`\n\n{build_table(header, rows)}")
    return "\n\n".join(parts)


def _describe_service_schemas(database: DatabaseDescription, schemas: Sequence[str]) -> Iterator[str]:
    """Yield one section for each group of service schemas that differ only in the service's name."""
    alike: dict[str, list[str]] = defaultdict(list)
    for schema in schemas:
        alike[_describe_schema(database, schema).replace(schema, "svc_SERVICE")].append(schema)
    for text, names in alike.items():
        heading, _, rest = text.partition("\n\n")
        yield f"{heading}\n\nThe same in {list_names(names)}.\n\n{rest}"


def _describe_relation(database: DatabaseDescription, relation: RelationRow) -> str:
    columns = database.columns[relation.full_name]
    kind = "" if relation.kind == "table" else f" ({relation.kind})"
    parts = [f"### `{relation.full_name}`{kind}"]
    if relation.meaning:
        parts.append(_as_sentence(relation.meaning))
    parts.append(build_table(("column", "type", "default", "meaning"), map(_describe_column, columns)))
    if relation.keys:
        parts.append("\n".join(f"- `{key}`" for key in relation.keys))
    if privileges := database.privileges_of(relation.full_name):
        names = [column.name for column in columns]
        rows = ((f"`{role}`", _describe_privileges(granted, names)) for role, granted in privileges.items())
        parts.append(build_table(("role", "may"), rows))
    return "\n\n".join(parts)


def _describe_column(column: ColumnRow) -> tuple[str, str, str, str]:
    required = " not null" if column.is_required else ""
    default = f"`{column.default_value}`" if column.default_value else ""
    return f"`{column.name}`", f"{column.type}{required}", default, column.meaning or ""


def _describe_privileges(granted: Mapping[str, str], columns: Sequence[str]) -> str:
    return "; ".join(
        kind.lower() if named == ALL_COLUMNS else f"{kind.lower()} {_describe_columns(named.split(', '), columns)}"
        for kind, named in granted.items()
    )


def _describe_columns(named: Sequence[str], columns: Sequence[str]) -> str:
    others = [name for name in columns if name not in named]
    if not others:
        return "all columns by name"
    return f"all but {list_names(others)}" if len(others) < len(named) else list_names(named)


def _describe_function(database: DatabaseDescription, function: FunctionRow) -> tuple[str, str, str, str]:
    callers = sorted(database.privileges_of(function.signature))
    services = {relation.schema for relation in database.relations if relation.schema.startswith(SERVICE_PREFIX)}
    if services <= set(callers):
        callers = ["every service", *sorted(set(callers) - services)]
    return f"`{function.name}`", f"`{function.result}`", ", ".join(callers), function.meaning or ""


def _anchor(relation: RelationRow) -> str:
    kind = "" if relation.kind == "table" else f"-{relation.kind.replace(' ', '-')}"
    return relation.full_name.replace(".", "") + kind


def _as_sentence(text: str) -> str:
    return text[0].upper() + text[1:] + ("" if text.endswith(".") else ".")
