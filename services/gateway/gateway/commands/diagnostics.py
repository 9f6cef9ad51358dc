"""The gateway's part of `equity status` and `equity doctor`."""

import os
import shutil
from collections.abc import Sequence
from datetime import datetime, timedelta

from cli.diagnostics import Finding, Matter, ServiceDiagnostics, StatusSection
from cli.shell.output import format_bytes
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


def check_settings(settings: GatewaySettings) -> list[Finding]:
    """Return whether the spool can take uploads, as far as this machine shows it."""
    directory, check = settings.spool_directory.absolute(), "spool"
    if "spool_directory" not in settings.model_fields_set and not directory.exists():
        return [
            Finding.ok(check, "not checked: SPOOL_DIRECTORY is not set here, and the gateway seems to run elsewhere")
        ]
    existing = next(path for path in (directory, *directory.parents) if path.exists())
    if not existing.is_dir() or not os.access(existing, os.W_OK | os.X_OK):
        advice = "Correct SPOOL_DIRECTORY, or give the gateway's user the right to write there."
        return [Finding.problem(check, f"{existing} is no directory that this user can write to", advice)]
    free = shutil.disk_usage(existing).free
    if free < settings.gateway_min_free_bytes:
        advice = "Free space on the disk: the gateway refuses uploads until there is more than GATEWAY_MIN_FREE_BYTES."
        return [Finding.problem(check, f"only {format_bytes(free)} are free for {directory}", advice)]
    return [Finding.ok(check, f"{directory} can be written to, free: {format_bytes(free)}")]


DIAGNOSTICS = ServiceDiagnostics(GatewaySettings, report_status, check_settings)
