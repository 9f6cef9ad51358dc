"""Report of an upload, and its rejected rows as CSV to be corrected and uploaded again."""

import csv
import io
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import datetime

from pydantic import BaseModel, Field

from common.csv.escaping import escape_cell
from common.csv.rejects import MAX_REPORTED_ROWS, decrypt_row
from common.database import Database
from common.ids import BrokerId, PartnerId, UploadId
from common.pii.keyring import Keyring
from common.records.file_mapping import FileMapping
from common.records.file_profile import is_column_of_rejects
from common.web.problems import NOT_FOUND, ProblemError
from gateway.reports import queries
from gateway.reports.queries import StoredReject, UnreadFieldRow, UploadRow

REJECT_COLUMNS = ("reject_reason", "reject_detail", "row")
"""Columns that are added after the file's own."""
REJECT_PAGE_SIZE = 500


class UnreadField(BaseModel):
    """A field with values that could not be read. The rows were accepted without these values."""

    field: str
    columns: list[str] = Field(description="The file's columns that the field is read from.")
    values: int = Field(description="Number of values.")
    rows: list[int] = Field(description="The first rows that have one, at most five.")


class MappedField(BaseModel):
    """Column of the file, and the field that was read from it."""

    column: str
    field: str | None = Field(description="Null: nothing was read.")


class UploadReport(BaseModel):
    """An upload and the outcomes of its rows. It is done when every row was inserted, updated, duplicate or rejected."""

    upload_id: UploadId
    state: str = Field(description="`received`, `publishing`, `accounted`, `done`, `needs_resend` or `failed`.")
    filename: str | None = None
    size: int = Field(description="Bytes of the file.")
    broker_id: BrokerId | None = None
    rows_total: int | None = Field(None, description="Rows of the file; known once all are published.")
    rows_published: int = Field(0, description="Rows published so far.")
    inserted: int = 0
    updated: int = 0
    duplicate: int = 0
    rejected: int = 0
    reasons: dict[str, int] = Field(default_factory=dict, description="Rejected rows by reason.")
    profile: str | None = Field(None, description="The profile by which the columns were read.")
    columns: list[MappedField] = Field(default_factory=list, description="The columns, and what was read from each.")
    rows_skipped: int = Field(0, description="Rows that are no records: the header again, and footers.")
    ignored_columns: list[str] = Field(
        default_factory=list, description="Columns of the file that nothing is read from."
    )
    unread_values: list[UnreadField] = Field(
        default_factory=list, description="Values that could not be read, by field."
    )
    received_at: datetime
    published_at: datetime | None = None
    done_at: datetime | None = None
    problem: str | None = Field(None, description="What to do when the state is `needs_resend` or `failed`.")


class UploadReports:
    """Reader of uploads. A partner gets its own uploads only."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def read_report(self, upload_id: UploadId, partner_id: PartnerId) -> UploadReport:
        """Return the report of an upload. Raises ProblemError if the partner has no upload of that id."""
        async with self._database.connection() as connection, connection.transaction(isolation="repeatable_read"):
            upload = _require_own(await queries.find_upload(connection, upload_id=upload_id, partner_id=partner_id))
            totals = await queries.sum_tallies(connection, upload_id=upload_id)
            reasons = await queries.count_reject_reasons(connection, upload_id=upload_id)
            unread = await queries.list_unread_fields(connection, upload_id=upload_id)
        mapping = FileMapping.from_stored(upload.mapping, upload.columns or [])
        return UploadReport(
            upload_id=upload.id,
            state=upload.state,
            filename=upload.filename,
            size=upload.size,
            broker_id=upload.broker_id,
            rows_total=upload.rows_total,
            rows_published=upload.rows_published,
            inserted=totals.inserted,
            updated=totals.updated,
            duplicate=totals.duplicate,
            rejected=totals.rejected,
            reasons={reason.reason: reason.rows for reason in reasons},
            profile=mapping.profile,
            columns=[MappedField(column=column.header, field=column.field) for column in mapping.columns],
            rows_skipped=upload.rows_skipped or 0,
            ignored_columns=mapping.ignored_columns(),
            unread_values=[_describe_unread_field(row, mapping) for row in unread],
            received_at=upload.received_at,
            published_at=upload.published_at,
            done_at=upload.done_at,
            problem=upload.problem,
        )

    async def build_unread_csv(self, upload_id: UploadId, partner_id: PartnerId) -> bytes:
        """Return as CSV the ignored columns, and the unreadable values by column with a count and rows.

        Raises ProblemError if the partner has no upload of that id.
        """
        report = await self.read_report(upload_id, partner_id)
        lines = [["column", "what", "values", "rows"]]
        lines += [[escape_cell(name), "ignored", "", ""] for name in report.ignored_columns]
        lines += [
            [
                escape_cell(" / ".join(unread.columns) or unread.field),
                "unreadable values",
                str(unread.values),
                " ".join(map(str, unread.rows)),
            ]
            for unread in report.unread_values
        ]
        return _format_csv(lines)

    async def stream_rejects_csv(self, upload_id: UploadId, partner_id: PartnerId) -> AsyncIterator[bytes]:
        """Return the rejected rows as CSV, in parts: the file's own columns, then reason, detail and row number.

        Raises ProblemError, before the first part, if the partner has no upload of that id.
        """
        async with self._database.connection() as connection:
            upload = _require_own(await queries.find_upload(connection, upload_id=upload_id, partner_id=partner_id))
        names = [name for name in upload.columns or [] if not is_column_of_rejects(name)]
        return self._format_pages(upload_id, names)

    async def _format_pages(self, upload_id: UploadId, names: Sequence[str]) -> AsyncIterator[bytes]:
        """Yield the header and then page by page, so that a slow client keeps no transaction open."""
        yield _format_csv([[escape_cell(name) for name in (*names, *REJECT_COLUMNS)]])
        after = 0
        while True:
            async with self._database.connection() as connection:
                page = await queries.read_rejects(
                    connection, upload_id=upload_id, after=after, page_size=REJECT_PAGE_SIZE
                )
            if not page:
                return
            yield _format_csv(self._format_reject(upload_id, names, reject) for reject in page)
            after = page[-1].row

    def _format_reject(self, upload_id: UploadId, names: Sequence[str], reject: StoredReject) -> list[str]:
        cells = decrypt_row(self._keyring, upload_id, reject.row, reject.row_encrypted)
        detail = reject.detail
        if extra_cells := cells.get(""):
            detail = f"{detail}; beyond the header: {extra_cells}"
        line = [*(cells.get(name, "") for name in names), " ".join(reject.reasons), detail, str(reject.row)]
        return [escape_cell(cell) for cell in line]


def _require_own(upload: UploadRow | None) -> UploadRow:
    """Return *upload*. Raises ProblemError if the partner has none of the id."""
    if upload is None:
        raise ProblemError(NOT_FOUND, "There is no upload of this id, or it is not yours.")
    return upload


def _describe_unread_field(row: UnreadFieldRow, mapping: FileMapping) -> UnreadField:
    rows = (row.rows or [])[:MAX_REPORTED_ROWS]
    return UnreadField(field=row.field, columns=mapping.columns_of(row.field), values=row.values, rows=rows)


def _format_csv(lines: Iterable[Sequence[str]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue().encode("utf-8", "replace")
