"""What has to be done about uploads now and then.

Those whose rows all have their verdict are settled, the spool is cleared, files of lost disks are asked for again.
"""

import asyncio
from datetime import timedelta

import structlog

from common import telemetry
from common.database import Database, load_queries
from gateway.publish import Publisher
from gateway.spool import Spool

log = structlog.get_logger()
queries = load_queries(__file__)

_HELD_IN = frozenset({"received", "publishing", "accounted"})
_LOST = "the disk that held the file is gone: send the same file again, it goes on where it stopped"


class Tender:
    """Tends uploads; every replica may, at any moment."""

    def __init__(self, database: Database, spool: Spool, publisher: Publisher, lost_disk_seconds: float) -> None:
        self._database = database
        self._spool = spool
        self._publisher = publisher
        self._patience = timedelta(seconds=lost_disk_seconds)

    async def settle(self) -> None:
        """Call those uploads done of which every published row has its verdict."""
        async with self._database.connection() as connection:
            settled = [row["id"] async for row in queries.settle_uploads(connection)]
        for upload_id in settled:
            self._spool.remove(upload_id)
            log.info("upload_done", upload_id=str(upload_id))

    async def clear_spool(self) -> None:
        """Delete files nobody needs any more: they hold personal data. Take up again what was given up too soon."""
        self._spool.sweep_arriving()
        held = self._spool.held()
        async with self._database.connection() as connection:
            known = {row["id"]: row async for row in queries.states_of(connection, ids=held)}
            again = [
                upload_id
                for upload_id, row in known.items()
                if row["state"] == "needs_resend" and row["spool_host"] == self._spool.disk
            ]
            if again:
                await queries.take_up_again(connection, ids=again, spool_host=self._spool.disk)
                self._publisher.wake()
        for upload_id in held:
            row = known.get(upload_id)
            if row is None:
                needed = not self._spool.is_old(upload_id)
            else:
                needed = upload_id in again or (row["state"] in _HELD_IN and row["spool_host"] == self._spool.disk)
            if not needed:
                await asyncio.to_thread(self._spool.remove, upload_id)
        telemetry.gauge("equity_spool_files", "Uploads whose files wait in the spool").set(len(self._spool.held()))

    async def give_up_lost_disks(self) -> None:
        """Ask for the files again of uploads whose disk has shown no sign of life for long."""
        async with self._database.connection() as connection:
            lost = [
                row["id"]
                async for row in queries.give_up_lost_disks(
                    connection, spool_host=self._spool.disk, patience=self._patience, problem=_LOST
                )
            ]
        for upload_id in lost:
            log.error("upload_lost_its_disk", upload_id=str(upload_id))

    async def clean_up(self) -> None:
        """Let files be uploaded again that were first uploaded more than seven days ago."""
        async with self._database.connection() as connection:
            gone = await queries.forget_old_content(connection)
        log.info("cleaned_up", service="gateway", replay_guards=gone)
