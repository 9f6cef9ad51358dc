"""An upload, sent and followed until every row has its outcome."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from uuid import UUID

import aiohttp

from cli.client.http import GatewayClient, JsonObject
from cli.client.report import UploadStatusReport
from cli.shell import progress
from cli.shell.errors import CliError, UnreachableError
from cli.shell.output import print_message

_FIRST_POLL_SECONDS, _MAX_POLL_SECONDS = 0.2, 2.0
_STALLED_SECONDS = 20.0
_GATEWAY_AWAY_SECONDS = 30.0


async def send_file(gateway: GatewayClient, file: Path, size: int, query: Sequence[tuple[str, str]]) -> JsonObject:
    """Sign and send *file*, with progress bars; return the gateway's report. Raises RepeatedUploadError."""
    with progress.show_byte_progress("signing", size) as signed, progress.show_byte_progress("sending", size) as sent:
        return await gateway.upload_file(file, size, query, signed.advance_by, sent.advance_by)


async def follow_upload(gateway: GatewayClient, upload_id: UUID | str) -> UploadStatusReport:
    """Wait until the upload ends, with a bar of its rows; return its report. Raises CliError for one that cannot end."""
    poll_seconds, changed_at, last = _FIRST_POLL_SECONDS, time.monotonic(), -1
    with progress.show_row_progress("leads") as bar:
        while True:
            report = await _fetch_report(gateway, upload_id)
            bar.advance_to(report.decided_rows, report.rows)
            if report.is_final:
                return _require_done(report)
            if report.decided_rows != last:
                last, changed_at, poll_seconds = report.decided_rows, time.monotonic(), _FIRST_POLL_SECONDS
            elif time.monotonic() - changed_at > _STALLED_SECONDS:
                print_message(
                    "Still waiting: is ingest running? (`equity run ingest`). Ctrl-C stops only this display."
                )
                changed_at = time.monotonic()
            await asyncio.sleep(poll_seconds)
            poll_seconds = min(poll_seconds * 1.3, _MAX_POLL_SECONDS)


async def _fetch_report(gateway: GatewayClient, upload_id: UUID | str) -> UploadStatusReport:
    """Return the report, also from a gateway that restarts at the moment; the upload goes on meanwhile."""
    deadline = time.monotonic() + _GATEWAY_AWAY_SECONDS
    while True:
        try:
            return UploadStatusReport(await gateway.fetch_report(upload_id))
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError, UnreachableError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(1)


def _require_done(report: UploadStatusReport) -> UploadStatusReport:
    """Return *report* of an upload that is done. Raises CliError for one that needs a person."""
    match report.state:
        case "needs_resend":
            raise CliError(
                f"The gateway lost its copy of upload {report.upload_id} before all rows were sent on.",
                "Upload the same file again: it goes on where it stopped, no row counts twice.",
            )
        case "failed":
            raise CliError(f"Upload {report.upload_id} failed: {report.fields.get('problem') or 'no reason given'}")
        case _:
            return report
