"""Registration of a verified file: stored in the spool, and claimed once for each partner and content."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from common import ids
from common.bus import Bus, Tx
from common.events import UploadReceived
from common.ids import BrokerId, UploadId
from common.records.file_reading import FileForm, UnusableFileError, read_file_form
from common.web.problems import ProblemError
from gateway.problems import ALREADY_UPLOADED, BAD_SIGNATURE, BROKER_NOT_PERMITTED, PROBLEM_KINDS
from gateway.uploads import queries
from gateway.uploads.column_choice import ColumnChoice
from gateway.uploads.request import UploadRequest, clean_filename
from gateway.uploads.saved_profiles import choose_profile, save_profile
from gateway.uploads.signature import PartnerKey
from gateway.uploads.spool import Spool

RESUMABLE_STATES = frozenset({"needs_resend", "failed"})


@dataclass(frozen=True, slots=True)
class NewUpload:
    """A verified file that is about to be registered."""

    id: UploadId
    key: PartnerKey
    sha256: bytes
    size: int
    filename: str | None
    broker_id: BrokerId | None
    form: FileForm
    choice: ColumnChoice


class UploadRegistry:
    """Registry of uploads in the database."""

    def __init__(self, bus: Bus, spool: Spool) -> None:
        self._bus = bus
        self._spool = spool

    async def register_file(
        self, path: Path, key: PartnerKey, upload: UploadRequest, *, sha256: bytes, filename: str | None
    ) -> UploadId:
        """Check the header of the file at *path*, store the file and register it; return the upload's id.

        Raises ProblemError, and stores nothing, if the file cannot be used or was uploaded before.
        """
        new = NewUpload(
            id=UploadId(ids.new_id()),
            key=key,
            sha256=sha256,
            size=(await asyncio.to_thread(path.stat)).st_size,
            filename=clean_filename(filename),
            broker_id=await self.choose_broker(upload.broker_id, key),
            form=await self.read_form(path, key, upload.columns),
            choice=upload.columns,
        )
        await asyncio.to_thread(self._spool.store_incoming_file, path, new.id)
        try:
            return await self._bus.transact(lambda tx: self._claim_upload(tx, new))
        except ProblemError:
            self._spool.delete_file(new.id)
            raise

    async def read_form(self, path: Path, key: PartnerKey, choice: ColumnChoice) -> FileForm:
        """Return the form of the file, read with the profile and columns that were chosen. Raises ProblemError."""
        async with self._bus.database.connection() as connection:
            profile, candidates = await choose_profile(
                connection, key.partner_id, choice.profile or key.default_profile
            )
        try:
            return await asyncio.to_thread(read_file_form, path, profile, choice.meanings, candidates)
        except UnusableFileError as error:
            raise ProblemError(PROBLEM_KINDS[error.code], error.detail, error.about) from error

    async def choose_broker(self, requested: BrokerId | None, key: PartnerKey) -> BrokerId | None:
        """Return the requested broker, or the partner's default one. Raises ProblemError if it is not permitted."""
        if requested is None:
            return key.default_broker_id
        is_permitted = key.broker_ids is None or requested in key.broker_ids
        async with self._bus.database.connection() as connection:
            if not is_permitted or not await queries.is_broker_active(connection, broker_id=requested):
                raise ProblemError(BROKER_NOT_PERMITTED, "Name a broker that this key's partner may assign leads to.")
        return requested

    async def _claim_upload(self, tx: Tx, new: NewUpload) -> UploadId:
        """Register the upload, once for the same bytes of a partner in seven days. Raises ProblemError for a repeat."""
        connection, key = tx.connection, new.key
        if not await queries.is_key_active(connection, key_id=key.key_id):
            raise unsigned_problem()
        await queries.record_key_use(connection, key_id=key.key_id)
        if not await queries.claim_content(connection, partner_id=key.partner_id, sha256=new.sha256, upload_id=new.id):
            return await self._resume_upload(tx, new)
        dialect = new.form.dialect
        await queries.insert_upload(
            connection,
            upload_id=new.id,
            partner_id=key.partner_id,
            sha256=new.sha256,
            key_id=key.key_id,
            size=new.size,
            filename=new.filename,
            broker_id=new.broker_id,
            columns=dialect.columns,
            encoding=dialect.encoding,
            delimiter=dialect.delimiter,
            title_rows=dialect.title_rows,
            mapping=new.form.mapping.model_dump_json(),
            spool_disk_id=self._spool.disk_id,
        )
        received = UploadReceived(
            upload_id=new.id, partner_id=key.partner_id, key_id=key.key_id, size=new.size, broker_id=new.broker_id
        )
        tx.emit(received, correlation_id=new.id)
        if new.choice.save_as:
            profile = new.form.profile.extend(new.choice.save_as, new.choice.renamed)
            await save_profile(connection, key.partner_id, profile)
        return new.id

    async def _resume_upload(self, tx: Tx, new: NewUpload) -> UploadId:
        """Continue the earlier upload if it waits for its file; raise ProblemError otherwise.

        The row of the earlier upload is locked, so only one of two concurrent requests continues it.
        """
        earlier = await queries.lock_earlier_upload(tx.connection, partner_id=new.key.partner_id, sha256=new.sha256)
        if earlier.state not in RESUMABLE_STATES:
            raise ProblemError(
                ALREADY_UPLOADED,
                f"These bytes are already upload {earlier.id}. Read its report.",
                {"upload_id": str(earlier.id)},
            )
        # Before the commit: a process that sees the new state must find the file.
        self._spool.reassign_file(new.id, earlier.id)
        await queries.resume_upload(tx.connection, upload_id=earlier.id, spool_disk_id=self._spool.disk_id)
        return earlier.id


def unsigned_problem() -> ProblemError:
    """Return the refusal of a body that no active key signed."""
    return ProblemError(BAD_SIGNATURE, "No active key signed this body. Check the key's id, secret and scheme.")
