"""Sending a file and following it until every row has its verdict."""

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from uuid import UUID

import aiohttp

from cli import progress
from cli.errors import CliError, UnreachableError
from cli.http import Answer, Gateway
from cli.output import say
from cli.reports import Report

_FIRST_PAUSE, _LONGEST_PAUSE = 0.2, 2.0
_STALL_SECONDS = 20.0
_AWAY_SECONDS = 30.0


async def send(gateway: Gateway, file: Path, size: int, query: Mapping[str, str]) -> Answer:
    """Sign and send *file*, with bars; what the gateway answered. Raises RepeatError for a file that it has."""
    with progress.of_bytes("signing", size) as signed, progress.of_bytes("sending", size) as sent:
        return await gateway.upload(file, size, query, signed.advance, sent.advance)


async def follow(gateway: Gateway, upload_id: UUID | str) -> Report:
    """Wait until the upload is settled, with a bar of rows; its report. Raises CliError when it needs help."""
    pause, changed_at, last = _FIRST_PAUSE, time.monotonic(), -1
    with progress.of_rows("leads") as bar:
        while True:
            report = await _patiently(gateway, upload_id)
            bar.reach(report.judged, report.rows)
            if report.final:
                return settled(report)
            if report.judged != last:
                last, changed_at, pause = report.judged, time.monotonic(), _FIRST_PAUSE
            elif time.monotonic() - changed_at > _STALL_SECONDS:
                say("Still waiting: is ingest running? (`equity run ingest`). Ctrl-C stops only this display.")
                changed_at = time.monotonic()
            await asyncio.sleep(pause)
            pause = min(pause * 1.3, _LONGEST_PAUSE)


async def _patiently(gateway: Gateway, upload_id: UUID | str) -> Report:
    """The report, also from a gateway that is just being started anew; the upload itself does not mind."""
    deadline = time.monotonic() + _AWAY_SECONDS
    while True:
        try:
            return Report(await gateway.report(upload_id))
        except (aiohttp.ClientConnectionError, aiohttp.ClientPayloadError, TimeoutError, UnreachableError):
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(1)


def settled(report: Report) -> Report:
    """*report* of an upload that is done. Raises CliError for one that needs something."""
    match report.state:
        case "needs_resend":
            raise CliError(
                f"The gateway lost its copy of upload {report.upload_id} before all rows were sent on.",
                "Upload the same file again: it goes on where it stopped, no row counts twice.",
            )
        case "failed":
            raise CliError(f"Upload {report.upload_id} failed: {report.answer.get('problem') or 'no reason given'}")
        case _:
            return report
