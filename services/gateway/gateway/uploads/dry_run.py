"""Dry runs: a file is read as an upload would be, and nothing is stored."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from common.bus import Bus
from common.records.file_check import FileCheck, FileChecker, FileEstimate, HomeKeys, estimate_outcomes
from gateway.uploads import queries
from gateway.uploads.registry import UploadRegistry
from gateway.uploads.request import UploadRequest
from gateway.uploads.signature import PartnerKey

_HOMES_PER_LOOKUP = 1_000


class DryRuns:
    """Checks of files. One runs at a time, because reading a file takes a whole core for seconds."""

    def __init__(self, bus: Bus, registry: UploadRegistry) -> None:
        self._bus = bus
        self._registry = registry
        self._permit = asyncio.Semaphore(1)

    async def check_file(self, path: Path, key: PartnerKey, upload: UploadRequest) -> FileCheck:
        """Return what would become of the file. Raises ProblemError where an upload would be refused."""
        await self._registry.choose_broker(upload.broker_id, key)
        form = await self._registry.read_form(path, key, upload.columns)
        checker = FileChecker(form, datetime.now(UTC).date())
        async with self._permit:
            result = await asyncio.to_thread(checker.check, path)
        return result.model_copy(update={"estimate": await self._estimate(checker.homes)})

    async def _estimate(self, homes: Sequence[HomeKeys]) -> FileEstimate:
        is_known: list[bool] = []
        for start in range(0, len(homes), _HOMES_PER_LOOKUP):
            page = homes[start : start + _HOMES_PER_LOOKUP]
            maks, apn_keys, addr_hashes = map(list, zip(*page, strict=True))
            async with self._bus.database.connection() as connection:
                is_known += await queries.find_known_homes(
                    connection, maks=maks, apn_keys=apn_keys, addr_hashes=addr_hashes
                )
        return estimate_outcomes(homes, is_known)
