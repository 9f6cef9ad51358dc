"""Stored texts that may name any person, such as rejected rows: searched when a person is erased, page by page.

Each service declares its own (entry point group `equity.personal_texts`), and they are read and emptied with its role.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import asyncpg

from cli import registry
from cli.shell.database import Connection, connect, service_dsn
from common.pii.keyring import DecryptionError, Keyring

_PAGE_ROWS = 1_000

R = TypeVar("R")


@dataclass(frozen=True)  # with slots, Python 3.11 cannot make a generic one
class PersonalTexts(Generic[R]):
    """Texts of one table, in rows of the type R."""

    label: str
    read_page: Callable[[Connection, R | None, int], Awaitable[list[R]]]
    """Locks the next rows: those after a row, up to a number."""
    read_text: Callable[[Keyring, R], str]
    """Returns a row's text. Raises DecryptionError."""
    empty: Callable[[Connection, Keyring, list[R]], Awaitable[object]]
    """Empties rows."""


@dataclass(slots=True)
class SearchedTexts:
    """Result of the search in one table."""

    searched: int = 0
    emptied: int = 0
    unreadable: int = 0


async def empty_texts(keyring: Keyring, names_person: Callable[[str], bool]) -> dict[str, SearchedTexts]:
    """Empty all stored texts for which *names_person* is true; return the numbers by label. It may be repeated."""
    found = {}
    for service, tables in registry.load_personal_texts().items():
        async with connect(service_dsn(service)) as connection:
            for texts in tables:
                found[texts.label] = await _empty_table(connection, texts, keyring, names_person)
    return found


async def _empty_table(
    connection: asyncpg.Connection, texts: PersonalTexts[Any], keyring: Keyring, names_person: Callable[[str], bool]
) -> SearchedTexts:
    result, last = SearchedTexts(), None
    while True:
        async with connection.transaction():
            rows = await texts.read_page(connection, last, _PAGE_ROWS)
            if not rows:
                return result
            named = _find_named(rows, texts, keyring, names_person, result)
            if named:
                await texts.empty(connection, keyring, named)
        result.searched += len(rows)
        result.emptied += len(named)
        last = rows[-1]


def _find_named(
    rows: Sequence[Any],
    texts: PersonalTexts[Any],
    keyring: Keyring,
    names_person: Callable[[str], bool],
    result: SearchedTexts,
) -> list[Any]:
    named = []
    for row in rows:
        try:
            if names_person(texts.read_text(keyring, row)):
                named.append(row)
        except DecryptionError:
            result.unreadable += 1
    return named
