"""Repeated work on uploads: complete them, keep the spool tidy, and ask for files that are lost."""

import asyncio
from collections.abc import Collection
from datetime import timedelta

import structlog

from common import telemetry
from common.database import Database
from common.ids import UploadId
from gateway import queries
from gateway.queries import StoredUpload
from gateway.uploads.publisher import UploadPublisher
from gateway.uploads.spool import Spool

log = structlog.get_logger()

_STATES_THAT_NEED_THE_FILE = frozenset({"received", "publishing", "accounted"})
_LOST_FILE_PROBLEM = "the disk that held the file is gone: send the same file again, and it continues where it stopped"


class GatewayJobs:
    """Jobs of the gateway. Every replica may run each of them, at any moment."""

    def __init__(self, database: Database, spool: Spool, publisher: UploadPublisher, lost_disk_seconds: float) -> None:
        self._database = database
        self._spool = spool
        self._publisher = publisher
        self._lost_after = timedelta(seconds=lost_disk_seconds)

    async def complete_uploads(self) -> None:
        """Mark uploads as done if every published row has an outcome, and delete their files."""
        async with self._database.connection() as connection:
            completed = await queries.complete_uploads(connection)
        for upload_id in completed:
            self._spool.delete_file(upload_id)
            log.info("upload_completed", upload_id=str(upload_id))

    async def clear_spool(self) -> None:
        """Delete files that are no longer needed, because they hold personal data.

        Queue uploads again that wait for a file which is on this disk: their disk was taken for lost too early.
        """
        self._spool.delete_abandoned_files()
        stored = self._spool.list_upload_ids()
        async with self._database.connection() as connection:
            states = await queries.list_upload_states(connection, upload_ids=stored)
            rows = {row.id: row for row in states}
            requeued = [
                upload_id
                for upload_id, row in rows.items()
                if row.state == "needs_resend" and row.spool_disk_id == self._spool.disk_id
            ]
            if requeued:
                await queries.requeue_uploads(connection, upload_ids=requeued, spool_disk_id=self._spool.disk_id)
                self._publisher.wake()
        for upload_id in stored:
            if not self._is_file_needed(upload_id, rows.get(upload_id), requeued):
                await asyncio.to_thread(self._spool.delete_file, upload_id)
        files = telemetry.gauge("equity_spool_files", "Uploads whose files wait in the spool")
        files.set(len(self._spool.list_upload_ids()))

    def _is_file_needed(self, upload_id: UploadId, row: StoredUpload | None, requeued: Collection[UploadId]) -> bool:
        if row is None:  # the upload may be in registration: its file is stored before its row is committed
            return not self._spool.has_orphan_age(upload_id)
        if upload_id in requeued:
            return True
        return row.state in _STATES_THAT_NEED_THE_FILE and row.spool_disk_id == self._spool.disk_id

    async def request_lost_files(self) -> None:
        """Mark uploads as `needs_resend` if their disk has had no heartbeat for long."""
        async with self._database.connection() as connection:
            lost = await queries.request_lost_files(
                connection, spool_disk_id=self._spool.disk_id, lost_after=self._lost_after, problem=_LOST_FILE_PROBLEM
            )
        for upload_id in lost:
            log.error("upload_file_lost", upload_id=str(upload_id))

    async def delete_expired_replay_guards(self) -> None:
        """Delete the replay guards of files that were first uploaded more than seven days ago."""
        async with self._database.connection() as connection:
            deleted = await queries.delete_expired_replay_guards(connection)
        log.info("replay_guards_deleted", count=deleted)
