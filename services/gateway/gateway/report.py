"""What became of an upload: its report, and its rejected rows as CSV to be corrected and uploaded again."""

import csv
import io
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from common import columns
from common.contacts import Keyring
from common.database import Connection, Database, load_queries
from common.rejects import UNREAD_ROWS, open_row
from gateway.problems import ProblemError

queries = load_queries(__file__)

ADDED = ("reject_reason", "reject_detail", "row")
_PAGE = 500


class UnreadValues(BaseModel):
    """Values of a field that could not be read and were left out; their rows were taken all the same."""

    field: str
    columns: list[str] = Field(description="The file's columns that the field is read from.")
    values: int = Field(description="How many values.")
    rows: list[int] = Field(description="The first rows that have one, at most five.")


class UploadReport(BaseModel):
    """An upload and what became of its rows: done when every one was inserted, updated, duplicate or rejected."""

    upload_id: UUID
    state: str = Field(description="`received`, `publishing`, `accounted`, `done`, `needs_resend` or `failed`.")
    filename: str | None = None
    size: int = Field(description="Bytes of the file.")
    broker_id: UUID | None = None
    rows_total: int | None = Field(None, description="Rows of the file; known once all are sent on.")
    rows_published: int = Field(0, description="Rows sent on so far.")
    inserted: int = 0
    updated: int = 0
    duplicate: int = 0
    rejected: int = 0
    reasons: dict[str, int] = Field(default_factory=dict, description="Rejected rows by reason.")
    ignored_columns: list[str] = Field(
        default_factory=list, description="Columns of the file that nothing is read from."
    )
    unread_values: list[UnreadValues] = Field(
        default_factory=list, description="Values that could not be read, by field."
    )
    received_at: datetime
    published_at: datetime | None = None
    done_at: datetime | None = None
    problem: str | None = Field(None, description="What to do when the state is `needs_resend` or `failed`.")


class Reports:
    """Reads uploads, for their own partner only."""

    def __init__(self, database: Database, keyring: Keyring) -> None:
        self._database = database
        self._keyring = keyring

    async def report(self, upload_id: UUID, partner_id: UUID) -> UploadReport:
        """The report of an upload. Raises ProblemError when the partner has none of that id."""
        async with self._database.connection() as connection, connection.transaction(isolation="repeatable_read"):
            upload = dict(await _found(queries.upload_report(connection, id=upload_id, partner_id=partner_id)))
            totals = await queries.upload_totals(connection, id=upload_id)
            reasons = {row["reason"]: row["rows"] async for row in queries.upload_reasons(connection, id=upload_id)}
            unread = [
                {**row, "rows": (row["rows"] or [])[:UNREAD_ROWS]}
                async for row in queries.upload_unread(connection, id=upload_id)
            ]
        names = upload.pop("columns") or []
        return UploadReport(
            upload_id=upload.pop("id"),
            **upload,
            **dict(totals),
            reasons=reasons,
            ignored_columns=columns.ignored(names),
            unread_values=[UnreadValues(columns=columns.columns_of(row["field"], names), **row) for row in unread],
        )

    async def unread(self, upload_id: UUID, partner_id: UUID) -> bytes:
        """Return as CSV what was not read of the file: ignored columns, and values by column with a count and rows.

        Raises ProblemError when the partner has no upload of that id.
        """
        report = await self.report(upload_id, partner_id)
        lines = [["column", "what", "values", "rows"]]
        lines += [[columns.escape_cell(name), "ignored", "", ""] for name in report.ignored_columns]
        lines += [
            [
                columns.escape_cell(" / ".join(one.columns) or one.field),
                "unreadable values",
                str(one.values),
                " ".join(map(str, one.rows)),
            ]
            for one in report.unread_values
        ]
        return _csv(lines)

    async def rejects(self, upload_id: UUID, partner_id: UUID) -> AsyncIterator[bytes]:
        """The rejected rows as CSV, in pieces: the file's own columns, then why and which row it was.

        Raises ProblemError when the partner has no upload of that id, before the first piece.
        """
        async with self._database.connection() as connection:
            upload = await _found(queries.upload_columns(connection, id=upload_id, partner_id=partner_id))
        names = [name for name in upload["columns"] or [] if name.strip().lower() not in columns.OURS]
        return self._pages(upload_id, names)

    async def _pages(self, upload_id: UUID, names: Sequence[str]) -> AsyncIterator[bytes]:
        """Page by page, so that a slow reader holds no transaction open."""
        yield _csv([[columns.escape_cell(name) for name in (*names, *ADDED)]])
        after = 0
        while True:
            async with self._database.connection() as connection:
                page = await _page(connection, upload_id, after)
            if not page:
                return
            yield _csv(self._line(upload_id, names, reject) for reject in page)
            after = page[-1]["row"]

    def _line(self, upload_id: UUID, names: Sequence[str], reject: Mapping[str, Any]) -> list[str]:
        cells = open_row(self._keyring, upload_id, reject["row"], reject["row_sealed"])
        detail = reject["detail"]
        if beyond := cells.get(""):
            detail = f"{detail}; beyond the header: {beyond}"
        line = [*(cells.get(name, "") for name in names), " ".join(reject["reasons"]), detail, str(reject["row"])]
        return [columns.escape_cell(cell) for cell in line]


async def _found(query: Any) -> Mapping[str, Any]:
    row: Mapping[str, Any] | None = await query
    if row is None:
        raise ProblemError("not_found", "There is no upload of this id, or it is not yours.")
    return row


async def _page(connection: Connection, upload_id: UUID, after: int) -> list[Any]:
    return [row async for row in queries.rejects_after(connection, id=upload_id, after=after, many=_PAGE)]


def _csv(lines: Any) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(lines)
    return text.getvalue().encode("utf-8", "replace")
