"""Cached reader of `verification_code_map`."""

import time
from collections.abc import Iterable

from common.database import Database
from skiptrace.rules.verification_codes import CodeFlags, CodeMap
from skiptrace.trace import queries
from skiptrace.trace.queries import VerificationCode

CACHE_SECONDS = 60.0


class CodeTable:
    """The codes of the database, read again every minute: a changed code needs no deployment."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._map: CodeMap | None = None
        self._valid_until = 0.0

    async def load_map(self) -> CodeMap:
        """Return the codes, at most CACHE_SECONDS old."""
        if self._map is None or time.monotonic() >= self._valid_until:
            async with self._database.connection() as connection:
                self._map = _build_code_map(await queries.list_codes(connection))
            self._valid_until = time.monotonic() + CACHE_SECONDS
        return self._map


def _build_code_map(codes: Iterable[VerificationCode]) -> CodeMap:
    return CodeMap(
        (
            code.provider,
            code.channel,
            code.code,
            CodeFlags(code.is_verified, code.line_type, code.dnc, code.litigator, code.deceased),
        )
        for code in codes
    )
