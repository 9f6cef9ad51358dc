"""Reading of `.sql` files: named statements, their comments and directives."""

import inspect
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import aiosql
from aiosql.types import SQLOperationType

ROOT = Path(__file__).parents[2]

DIRECTIVES = ("nullable", "not null", "row", "type", "role", "json")
_DIRECTIVE = re.compile(rf"({'|'.join(DIRECTIVES)}): (.+)")
_PROMISES = {SQLOperationType.SELECT_ONE: "always one row", SQLOperationType.SELECT_VALUE: "always a value"}
"""Comment lines that exclude None as the result, by operation."""
_OWNER = "owner"
_SUPPORTED_OPERATIONS = {
    SQLOperationType.SELECT,
    SQLOperationType.SELECT_ONE,
    SQLOperationType.SELECT_VALUE,
    SQLOperationType.INSERT_UPDATE_DELETE,
}


class StatementError(ValueError):
    """A statement whose comment or text the generator does not accept."""


@dataclass(frozen=True, slots=True)
class Statement:
    """Named statement of a `.sql` file, with `$1` for its parameters."""

    name: str
    operation: SQLOperationType
    sql: str
    parameters: tuple[str, ...]
    comment: str
    directives: Mapping[str, tuple[str, ...]]
    always_returns: bool
    """Whether the result is never None: a row for `^`, a value for `$`."""
    roles: tuple[str, ...]
    """Roles that run it: services, or `owner`."""


@dataclass(frozen=True, slots=True)
class SqlFile:
    """File of named statements. Its directives hold for all of them."""

    path: Path
    statements: tuple[Statement, ...]
    is_json_decoded: bool
    """Whether the connections of its callers decode jsonb."""

    @property
    def module(self) -> Path:
        """File of the generated module."""
        return self.path.with_suffix(".py")


def find_sql_files() -> list[Path]:
    """Return all `.sql` files of statements in the packages."""
    return sorted(file for folder in ("libs", "services") for file in (ROOT / folder).rglob("*queries.sql"))


def read_sql_file(path: Path) -> SqlFile:
    """Return the statements of *path*. Raises StatementError if one is not accepted."""
    header = path.read_text().partition("-- name:")[0]
    directives, _ = _read_comment([line.removeprefix("-- ") for line in header.splitlines()])
    roles = directives.get("role") or (_default_role(path),)
    queries = aiosql.from_path(path, "asyncpg", mandatory_parameters=False)
    functions = [getattr(queries, name) for name in queries.available_queries if not name.endswith("_cursor")]
    functions.sort(key=lambda function: function.__code__.co_firstlineno)
    return SqlFile(
        path,
        tuple(_read_statement(path, function, roles) for function in functions),
        is_json_decoded=directives.get("json") == ("decoded",),
    )


def _read_statement(path: Path, function: "aiosql.types.QueryFn", roles: tuple[str, ...]) -> Statement:
    name = function.__name__
    if function.operation not in _SUPPORTED_OPERATIONS:
        raise StatementError(f"{path}: {name}: use no operator but `^`, `$` and `!`")
    lines = (function.__doc__ or "").splitlines()
    promise = _PROMISES.get(function.operation)
    directives, prose = _read_comment([line for line in lines if line != promise])
    signature = function.__signature__ or inspect.Signature()
    return Statement(
        name,
        function.operation,
        function.sql.rstrip(";"),
        tuple(parameter for parameter in signature.parameters if parameter != "self"),
        prose,
        directives,
        promise in lines,
        directives.get("role", roles),
    )


def _read_comment(lines: list[str]) -> tuple[dict[str, tuple[str, ...]], str]:
    """Return the directives and the prose."""
    directives: dict[str, tuple[str, ...]] = {}
    prose = []
    for line in lines:
        if found := _DIRECTIVE.fullmatch(line):
            directives[found[1]] = directives.get(found[1], ()) + tuple(found[2].split(", "))
        else:
            prose.append(line)
    return directives, " ".join(prose)


def _default_role(path: Path) -> str:
    """Return the service of a package in `services/`, and the owner for all other packages."""
    folder, package, *_ = path.relative_to(ROOT).parts
    return package if folder == "services" else _OWNER
