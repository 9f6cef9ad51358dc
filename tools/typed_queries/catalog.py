"""Parameters and columns of statements, as PostgreSQL describes them on a migrated database."""

import re
from dataclasses import dataclass
from functools import cache

import psycopg
from psycopg.pq import ExecStatus
from psycopg.rows import class_row

from typed_queries.sql_files import Statement, StatementError

_TYPES = """
select t.oid, t.typname as name, coalesce(e.oid, t.typbasetype) as base, t.typtype::text as kind, e.oid is not null as is_array
from pg_type t
left join pg_type e on e.oid = t.typelem and t.typcategory = 'A'
"""
_COLUMNS = """
select
  c.oid as table_oid, a.attnum as number, n.nspname || '.' || c.relname as table, a.attname as name,
  a.attnotnull as is_not_null
from pg_attribute a
join pg_class c on c.oid = a.attrelid
join pg_namespace n on n.oid = c.relnamespace
where a.attnum > 0 and not a.attisdropped and n.nspname not in ('pg_catalog', 'information_schema')
"""
_EMPTY_GROUPING = re.compile(r"\b(grouping sets|rollup|cube)\b")
_OTHER_OUTER_JOIN = re.compile(r"\b(right|full)( outer)? join\b")
_LEFT_JOIN = re.compile(r"\bleft( outer)? join (lateral )?")
_RELATION = re.compile(r"\w+\.\w+")
_UNQUALIFIED = re.compile(r"\b(from|join) \w+(?![\w.(])")
_DOMAIN = "d"
_NAMES_OF_KINDS = {"e": "text", "c": "record"}
"""Types that asyncpg represents like another one, by kind: enums and composite types."""


@dataclass(frozen=True, slots=True)
class _PgType:
    oid: int
    name: str
    base: int
    kind: str
    is_array: bool


@dataclass(frozen=True, slots=True)
class _StoredColumn:
    table_oid: int
    number: int
    table: str
    name: str
    is_not_null: bool


@dataclass(frozen=True, slots=True)
class SqlType:
    """Type of PostgreSQL: the name of the base type, and whether it is an array of it."""

    name: str
    is_array: bool


@dataclass(frozen=True, slots=True)
class Column:
    """Column of a result. *table* and *column* say which stored column it shows, if it is no expression."""

    name: str
    type: SqlType
    table: str | None
    column: str | None
    is_not_null: bool


@dataclass(frozen=True, slots=True)
class Description:
    """Types of the parameters in their order, and the columns of the result."""

    parameters: tuple[SqlType, ...]
    columns: tuple[Column, ...]


class Catalog:
    """Reader of descriptions from one migrated database."""

    def __init__(self, connection: "psycopg.Connection[tuple[object, ...]]") -> None:
        self._connection = connection
        connection.execute("set search_path = ''")  # names without a schema are refused
        self._types = {type_.oid: type_ for type_ in connection.cursor(row_factory=class_row(_PgType)).execute(_TYPES)}
        stored = connection.cursor(row_factory=class_row(_StoredColumn)).execute(_COLUMNS)
        self._columns = {(column.table_oid, column.number): column for column in stored}

    def describe(self, statement: Statement) -> Description:
        """Return the description of *statement*. Raises StatementError if PostgreSQL does not accept it."""
        raw = self._connection.pgconn
        prepared = raw.prepare(b"", statement.sql.encode())
        if prepared.status != ExecStatus.COMMAND_OK:
            raise StatementError(f"{statement.name}: {prepared.error_message.decode().strip()}")
        found = raw.describe_prepared(b"")
        nullable = find_outer_joined(statement.sql)
        return Description(
            tuple(self._resolve_type(found.param_type(number)) for number in range(found.nparams)),
            tuple(
                self._describe_column(
                    (found.fname(number) or b"").decode(),
                    found.ftype(number),
                    (found.ftable(number), found.ftablecol(number)),
                    nullable,
                )
                for number in range(found.nfields)
            ),
        )

    def _describe_column(
        self, name: str, type_oid: int, origin: tuple[int, int], outer_joined: frozenset[str] | None
    ) -> Column:
        type_ = self._resolve_type(type_oid)
        stored = self._columns.get(origin)
        if stored is None:
            return Column(name, type_, None, None, is_not_null=False)
        is_joined = outer_joined is None or stored.table in outer_joined
        return Column(name, type_, stored.table, stored.name, is_not_null=stored.is_not_null and not is_joined)

    def _resolve_type(self, oid: int) -> SqlType:
        type_ = self._types[oid]
        if type_.is_array:
            return SqlType(self._resolve_type(type_.base).name, is_array=True)
        if type_.kind == _DOMAIN:
            return self._resolve_type(type_.base)
        return SqlType(_NAMES_OF_KINDS.get(type_.kind, type_.name), is_array=False)


@cache
def find_outer_joined(sql: str) -> frozenset[str] | None:
    """Return the tables whose columns an outer join or a grouping may leave empty; None if any column may be empty.

    It errs on the safe side: a table counts as outer joined everywhere in the statement.
    """
    if _EMPTY_GROUPING.search(sql) or _OTHER_OUTER_JOIN.search(sql):
        return None
    found: set[str] = set()
    for join in _LEFT_JOIN.finditer(sql):
        joined = _read_from_item(sql[join.end() :])
        if _UNQUALIFIED.search(joined) or not (joined.startswith("(") or "." in joined):
            return None
        found.update(_RELATION.findall(joined))
    return frozenset(found)


def _read_from_item(text: str) -> str:
    """Return the relation, or the subquery in parentheses, at the beginning of *text*."""
    if not text.startswith("("):
        return text.split(maxsplit=1)[0]
    depth = 0
    for end, character in enumerate(text, start=1):
        depth += (character == "(") - (character == ")")
        if depth == 0:
            return text[:end]
    raise StatementError(f"unbalanced parentheses after a left join: {text[:40]}")
