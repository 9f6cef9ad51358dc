"""The gateway's part of `equity status` and `equity doctor`."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from cli.diagnostics import Matter, ServiceDiagnostics, StatusSection
from common.database import Connection
from gateway.commands import command_queries
from gateway.settings import GatewaySettings
from gateway.uploads import queries
from gateway.uploads.queries import UnfinishedUploads

UPLOADS_SHOWN = 3
_COLUMNS = {"received_at": "received", "state": "state", "rows_total": "rows", "inserted": "inserted",
            "rejected": "rejected", "filename": "file", "partner": "partner"}  # fmt: skip
_PAGE = "docs/runbooks/failed-uploads.md"


async def report_status(connection: Connection, now: datetime) -> Sequence[StatusSection]:
    """Return the last uploads, and the uploads that do not finish by themselves."""
    del now  # uploads have the database's time
    stalled_for = timedelta(seconds=GatewaySettings().gateway_stalled_seconds)
    last = await command_queries.list_uploads(connection, partner_id=None, state=None, page_size=UPLOADS_SHOWN)
    unfinished = await queries.count_unfinished_uploads(connection, stalled_for=stalled_for)
    nothing = "none yet; start with: equity upload FILE.csv"
    return [StatusSection("uploads", last, _COLUMNS, nothing, _find_matters(unfinished))]


def _find_matters(unfinished: UnfinishedUploads) -> list[Matter]:
    facts = (
        (
            unfinished.needs_resend,
            "uploads that need their file again",
            f"`equity uploads list --state needs_resend`; {_PAGE}",
        ),
        (unfinished.failed, "uploads that failed in the last 7 days", f"`equity uploads list --state failed`; {_PAGE}"),
        (unfinished.stalled, "uploads without progress", "`equity uploads list`; docs/runbooks/kafka-lost.md"),
    )
    return [Matter(f"{text}: {count:,}", advice) for count, text, advice in facts if count]


DIAGNOSTICS = ServiceDiagnostics(GatewaySettings, report_status)
