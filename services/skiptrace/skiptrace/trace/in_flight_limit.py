"""Limit of the records in flight in this process: all that its crash can leave unknown."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class InFlightLimit:
    """A counter of free places for records in flight."""

    def __init__(self, records: int) -> None:
        self._free = records
        self._changed = asyncio.Condition()

    @asynccontextmanager
    async def reserve_records(self, records: int) -> AsyncIterator[None]:
        """Wait until *records* more may be in flight, and reserve their places for the context."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._free >= records)
            self._free -= records
        try:
            yield
        finally:
            async with self._changed:
                self._free += records
                self._changed.notify_all()
