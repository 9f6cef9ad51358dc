"""Python types of parameters and columns."""

import re
from collections.abc import Mapping

from common import ids
from typed_queries.catalog import Column, SqlType
from typed_queries.sql_files import Statement, StatementError

_PYTHON_TYPES = {
    "bool": "bool",
    "bytea": "bytes",
    "date": "date",
    "float4": "float",
    "float8": "float",
    "int2": "int",
    "int4": "int",
    "int8": "int",
    "interval": "timedelta",
    "name": "str",
    "numeric": "Decimal",
    "record": "Mapping[str, object] | tuple[object, ...]",
    "text": "str",
    "time": "time",
    "timestamptz": "datetime",
    "uuid": "UUID",
    "varchar": "str",
}
_JSON_TYPES = {"json", "jsonb"}

_ID_TABLES = {
    "LeadId": ("app.leads", "app.contactable_leads", "app.mv_contactable_leads"),
    "BrokerId": ("app.brokers",),
    "CampaignId": ("app.campaigns",),
    "PartnerId": ("app.partners",),
    "UploadId": ("app.uploads",),
    "SearchId": ("pipeline.saved_searches",),
    "RoundId": ("pipeline.pull_rounds",),
    "RequestId": ("app.skip_trace_requests",),
    "BatchId": ("app.skip_trace_batches",),
    "DeadLetterId": ("pipeline.pipeline_dlq",),
}
"""Types of `common.ids`, and the tables and views whose `id` has the type."""
_ID_OF_TABLE = {table: name for name, tables in _ID_TABLES.items() for table in tables}
ID_TYPES = frozenset(_ID_TABLES)
_ID_OF_WORDS = {re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name).lower(): name for name in _ID_TABLES}
_ID_NAME = re.compile(rf"(?:\w+_)?({'|'.join(_ID_OF_WORDS)})s?")


class TypeNamer:
    """Names of the Python types in one statement, by its directives `nullable`, `not null` and `type`."""

    def __init__(self, statement: Statement, *, is_json_decoded: bool) -> None:
        self._json = "Any" if is_json_decoded else "str"
        self._types: Mapping[str, str] = dict(_read_type(text) for text in statement.directives.get("type", ()))
        self._nullable = set(statement.directives.get("nullable", ()))
        self._not_null = set(statement.directives.get("not null", ()))
        self._unused = self._nullable | self._not_null | set(self._types)

    def name_parameter(self, name: str, type_: SqlType) -> str:
        """Return the type of a parameter: without null, unless a directive allows it (`:name`, `:names[]`)."""
        key = f":{name}"
        base = self._name_base(key, type_, _find_id(None, None, name))
        if type_.is_array:
            base = f"Sequence[{self._with_null(f'{key}[]', base, by_default=False)}]"
        return self._with_null(key, base, by_default=False)

    def name_column(self, column: Column) -> str:
        """Return the type of a column: with null, unless the table or a directive forbids it (`name`, `names[]`)."""
        base = self._name_base(column.name, column.type, _find_id(column.table, column.column, column.name))
        if column.type.is_array:
            base = f"list[{self._with_null(f'{column.name}[]', base, by_default=True)}]"
        return self._with_null(column.name, base, by_default=not column.is_not_null)

    def check_all_used(self) -> None:
        """Raise StatementError if a directive names no parameter or column, or says what holds without it."""
        if self._unused:
            raise StatementError(f"directives without effect: {', '.join(sorted(self._unused))}")

    def _name_base(self, key: str, type_: SqlType, found_id: str | None) -> str:
        python = self._json if type_.name in _JSON_TYPES else _PYTHON_TYPES.get(type_.name)
        if python is None:
            raise StatementError(f"{key} has the type {type_.name}, which has no Python type here")
        if key in self._types:
            self._unused.discard(key)
            return self._types[key]
        return found_id if found_id and _is_based_on(found_id, python) else python

    def _with_null(self, key: str, name: str, *, by_default: bool) -> str:
        if key in (self._not_null if by_default else self._nullable):
            self._unused.discard(key)
            by_default = not by_default
        return f"{name} | None" if by_default else name


def _find_id(table: str | None, column: str | None, name: str) -> str | None:
    """Return the id type of a column of a table, or of a parameter or expression with this name."""
    if column == "id" and table in _ID_OF_TABLE:
        return _ID_OF_TABLE[table]
    found = _ID_NAME.fullmatch(column or name) or _ID_NAME.fullmatch(name)
    return _ID_OF_WORDS[found[1]] if found else None


def _is_based_on(id_type: str, python: str) -> bool:
    return bool(getattr(ids, id_type).__supertype__.__name__ == python)


def _read_type(text: str) -> tuple[str, str]:
    """Return the parameter or column and its type of a directive such as `:ids LeadId`."""
    key, _, name = text.partition(" ")
    if name not in ID_TYPES:
        raise StatementError(f"{name} is none of the id types")
    return key, name
