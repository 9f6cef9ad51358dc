"""Readers of the rows of uploads, by the mapping that is stored with each upload."""

from common.database import Database
from common.ids import UploadId
from common.records.file_mapping import FileMapping
from common.records.row_reader import RowReader
from ingest import queries

_MAX_CACHED_UPLOADS = 256


class RowReaderCache:
    """Cache of the readers of the uploads that were read last. The mapping of an upload never changes."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._readers: dict[UploadId, RowReader | None] = {}

    async def load(self, upload_ids: set[UploadId]) -> dict[UploadId, RowReader | None]:
        """Return the reader of each upload; None for one without a mapping, whose rows are read by their headers."""
        if upload_ids - self._readers.keys():
            if len(self._readers) > _MAX_CACHED_UPLOADS:
                self._readers.clear()
            missing = upload_ids - self._readers.keys()
            async with self._database.connection() as connection:
                rows = await queries.list_mappings(connection, upload_ids=list(missing))
            self._readers |= dict.fromkeys(missing)
            self._readers |= {row.id: _build_reader(row.mapping) for row in rows}
        return {upload_id: self._readers[upload_id] for upload_id in upload_ids}


def _build_reader(mapping: str | None) -> RowReader | None:
    return RowReader(FileMapping.model_validate_json(mapping)) if mapping else None
