"""Uploads that the gateway has taken."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO, Self
from uuid import UUID

import typer

from cli.client.access import GatewayAccess, KeyIdOption, SchemeOption, SecretFileOption, UrlOption
from cli.client.report import UploadStatusReport
from cli.client.signing import SigningScheme
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import Connection, run_in_transaction
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_message, print_rows
from cli.shell.settings import DEFAULT_KEY_ID, CliSettings
from common.ids import UploadId
from gateway.commands import command_queries as queries
from gateway.commands import secrets
from gateway.commands.command_queries import ListedUpload, UploadToResend
from gateway.commands.partners import find_partner_id

app = new_app(
    "Uploads taken so far: list, report, rejected rows, resend.",
    panel="Leads in",
    summary="Uploads taken so far: list, report, rejected rows.",
    order=30,
)

_COLUMNS = {"id": "upload", "received_at": "received", "state": "state", "partner": "partner", "filename": "file",
            "rows_total": "rows", "inserted": "inserted", "updated": "updated", "duplicate": "duplicate",
            "rejected": "rejected"}  # fmt: skip


_FIRST_COLUMNS = ("id", "state", "rows_total", "rejected", "received_at", "filename", "inserted")


class UploadState(StrEnum):
    """Progress of an upload."""

    RECEIVED = "received"
    PUBLISHING = "publishing"
    ACCOUNTED = "accounted"
    DONE = "done"
    NEEDS_RESEND = "needs_resend"
    FAILED = "failed"


UploadArgument = Annotated[UUID, typer.Argument(metavar="ID", parser=inputs.parse_uuid, help="The upload's id.")]


@app.command("list")
def list_uploads(
    partner: Annotated[
        str | None,
        typer.Option(metavar="PARTNER", parser=inputs.parse_name_or_id, help="Only this partner's: id or name."),
    ] = None,
    state: Annotated[UploadState | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="Number of uploads, the newest first.")] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """List the newest uploads of all partners, from the database."""

    async def work(connection: Connection) -> list[ListedUpload]:
        owner = await find_partner_id(connection, partner) if partner else None
        return await queries.list_uploads(connection, partner_id=owner, state=state, page_size=limit)

    nothing = "No upload matches." if partner or state else "No uploads yet. Start with: equity upload FILE.csv"
    rows = run_in_transaction(work, service="gateway")
    print_rows(rows, _COLUMNS, as_json=as_json, empty=nothing, first=_FIRST_COLUMNS)


@app.command("show")
def show_upload(
    upload: UploadArgument,
    url: UrlOption = None,
    key_id: KeyIdOption = None,
    secret_file: SecretFileOption = None,
    scheme: SchemeOption = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show an upload's report: received, inserted, updated, duplicate, rejected and why."""
    access = _access_of_upload(upload, url, key_id, secret_file, scheme)

    async def fetch() -> UploadStatusReport:
        async with access.open_client() as gateway:
            return UploadStatusReport(await gateway.fetch_report(upload))

    asyncio.run(fetch()).print(as_json=as_json)


@app.command("rejects")
def write_rejected_rows(
    upload: UploadArgument,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=inputs.parse_new_file, help="Write into this new file; default: stdout."),
    ] = None,
    url: UrlOption = None,
    key_id: KeyIdOption = None,
    secret_file: SecretFileOption = None,
    scheme: SchemeOption = None,
) -> None:
    """Write the rejected rows as CSV, with the reasons, to be corrected and uploaded again."""
    access = _access_of_upload(upload, url, key_id, secret_file, scheme)

    lines = asyncio.run(_write_rejects(access, upload, out))
    if lines <= 1:
        print_message("No row was rejected.")
    elif out:
        print_message(
            f"Correct the rows in {out} and upload it, with the same --profile and --map if there were any: equity upload {out}"
        )


def _access_of_upload(
    upload: UUID, url: str | None, key_id: str | None, secret_file: Path | None, scheme: SigningScheme | None
) -> GatewayAccess:
    """Return the access for reading *upload*: by the options, else, where the database can be read, with its partner's key."""
    settings = CliSettings()
    named = key_id or secret_file or scheme or settings.hmac_key_id != DEFAULT_KEY_ID
    if not named and settings.database_direct_url and settings.encryption_key:
        stored = run_in_transaction(
            lambda connection: queries.list_keys_of_upload(connection, upload_id=UploadId(upload)), service="gateway"
        )
        if key := secrets.find_usable_key(stored, settings):
            return GatewayAccess((url or settings.gateway_address).rstrip("/"), key)
    return GatewayAccess.from_options(url, key_id, secret_file, scheme)


async def _write_rejects(access: GatewayAccess, upload: UUID, out: Path | None) -> int:
    """Write the rejected rows into the new file *out*, or to stdout; return the number of lines."""
    lines = 0
    async with access.open_client() as gateway:
        chunks = gateway.stream_rejects(upload)
        with _open_output(out) as stream:
            async for chunk in chunks:
                stream.write(chunk)
                lines += chunk.count(b"\n")
    return lines


class ResendAction(StrEnum):
    """Actions of `equity uploads resend` for one upload."""

    RESENT = "resent"
    UNDER_WAY = "under_way"
    NEEDS_FILE = "needs_file"
    DONE = "done"
    TOO_OLD = "too_old"


def choose_resend_action(state: str, *, is_too_old: bool) -> ResendAction:
    """Decide what to do with an upload in *state*; *is_too_old*: its file counts as a new upload."""
    if state == UploadState.DONE:
        return ResendAction.DONE
    if state in (UploadState.RECEIVED, UploadState.PUBLISHING):
        return ResendAction.UNDER_WAY
    if is_too_old:
        return ResendAction.TOO_OLD
    return ResendAction.NEEDS_FILE if state == UploadState.NEEDS_RESEND else ResendAction.RESENT


_ADVICE = {
    ResendAction.RESENT: "its rows are published again",
    ResendAction.UNDER_WAY: "its rows are being published already",
    ResendAction.NEEDS_FILE: "the gateway has no file: {partner} has to send {filename} again, the very same bytes",
    ResendAction.DONE: "every row has its outcome already: nothing to do",
    ResendAction.TOO_OLD: "it is over seven days old: {partner} has to send {filename} again, which counts as a new upload",
}


@app.command("resend")
def resend_uploads(
    uploads: Annotated[list[UUID] | None, typer.Argument(metavar="[ID]...", help="The uploads' ids.")] = None,
    minutes: Annotated[int, typer.Option(min=1, help="With --all-stuck: minutes without progress.")] = 15,
    *,
    all_stuck: Annotated[bool, typer.Option("--all-stuck", help="All uploads that make no progress.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish all rows of uploads again from the gateway's spool, after Kafka lost them.

    Rows that were handled are dropped, so it may be repeated. Exit code 3: an upload is unknown, or a partner has to send
    its file again; each is named.
    """
    if bool(uploads) == all_stuck:
        raise UsageError("Name uploads, or --all-stuck, and not both.", "`equity uploads list` shows the ids.")
    stuck_for = timedelta(minutes=minutes)
    named = [UploadId(upload) for upload in uploads] if uploads else None
    rows = run_in_transaction(lambda connection: _resend(connection, named, stuck_for), service="gateway")
    columns = {"id": "upload", "action": "action", "partner": "partner", "filename": "file", "advice": "what it means"}
    print_rows(rows, columns, as_json=as_json, empty="No upload is stuck.")
    if unsendable := [row for row in rows if row.action in (ResendAction.NEEDS_FILE, ResendAction.TOO_OLD)]:
        raise CommandRefusedError(
            f"The gateway cannot resend {len(unsendable)} uploads.", "Ask the partners named for the files named."
        )


@dataclass(frozen=True, slots=True)
class ResendResult:
    """An upload, and what `equity uploads resend` did with it."""

    id: UploadId
    state: str
    partner: str
    filename: str | None
    problem: str | None
    action: ResendAction
    advice: str

    @classmethod
    def of_upload(cls, upload: UploadToResend) -> Self:
        """Decide what to do with *upload*."""
        action = choose_resend_action(upload.state, is_too_old=upload.is_too_old)
        advice = _ADVICE[action].format(partner=upload.partner, filename=upload.filename or "the file")
        return cls(upload.id, upload.state, upload.partner, upload.filename, upload.problem, action, advice)


async def _resend(connection: Connection, ids: list[UploadId] | None, stuck_for: timedelta) -> list[ResendResult]:
    uploads = await queries.list_uploads_to_resend(connection, upload_ids=ids, stuck_for=stuck_for)
    if unknown := sorted(map(str, set(ids or ()) - {upload.id for upload in uploads})):
        raise CommandRefusedError(f"There is no upload {', '.join(unknown)}.", "`equity uploads list` shows the ids.")
    results = [ResendResult.of_upload(upload) for upload in uploads]
    chosen = {action: [result.id for result in results if result.action is action] for action in ResendAction}
    await queries.resend_uploads(connection, upload_ids=chosen[ResendAction.RESENT])
    await queries.restart_uploads(connection, upload_ids=chosen[ResendAction.NEEDS_FILE])
    return results


@contextmanager
def _open_output(out: Path | None) -> Iterator[BinaryIO]:
    """Open stdout, or the new file *out*, which has its name only once it is complete."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if out.exists():
        raise CommandRefusedError(f"{out} exists already.", "Name another file; nothing is overwritten.")
    part = out.with_name(out.name + ".part")
    try:
        stream = part.open("wb")
    except OSError as error:
        raise UsageError(f"{part} cannot be written: {error.strerror}.") from error
    try:
        with stream:
            yield stream
        part.rename(out)
    finally:
        part.unlink(missing_ok=True)
