"""Cached reader of `verification_code_map`."""

import time

from common.database import Database, load_queries
from skiptrace.rules.verification_codes import CodeMap, build_code_map

queries = load_queries(__file__)

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
                self._map = build_code_map([row async for row in queries.current_codes(connection)])
            self._valid_until = time.monotonic() + CACHE_SECONDS
        return self._map
