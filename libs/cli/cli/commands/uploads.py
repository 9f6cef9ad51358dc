"""Uploads taken so far."""

import asyncio
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO
from uuid import UUID

import typer

from cli import inputs, reports
from cli.database import Connection, Row, in_transaction, partner_id, queries
from cli.errors import RefusedError, UsageError
from cli.lazy import new_app
from cli.output import AsJson, say, show_rows
from cli.partner import Access, KeyIdOption, SchemeOption, SecretFile, Url

app = new_app("Uploads taken so far: list, report, rejected rows, resend.")

_COLUMNS = {"id": "upload", "received_at": "received", "state": "state", "partner": "partner", "filename": "file",
            "rows_total": "rows", "inserted": "inserted", "updated": "updated", "duplicate": "duplicate",
            "rejected": "rejected"}  # fmt: skip


_FIRST = ("id", "state", "rows_total", "rejected", "received_at", "filename", "inserted")


class State(StrEnum):
    """How far an upload has come."""

    RECEIVED = "received"
    PUBLISHING = "publishing"
    ACCOUNTED = "accounted"
    DONE = "done"
    NEEDS_RESEND = "needs_resend"
    FAILED = "failed"


UploadId = Annotated[UUID, typer.Argument(metavar="ID", parser=inputs.uuid, help="The upload's id.")]


@app.command("list")
def list_uploads(
    partner: Annotated[
        str | None, typer.Option(metavar="PARTNER", parser=inputs.named, help="Only this partner's: id or name.")
    ] = None,
    state: Annotated[State | None, typer.Option(help="Only in this state.")] = None,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="The newest so many.")] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """List the newest uploads of all partners, from the database."""

    async def work(connection: Connection) -> list[Row]:
        owner = await partner_id(connection, partner) if partner else None
        found = queries.list_uploads(connection, partner_id=owner, state=state, limit=limit)
        return [dict(row) async for row in found]

    nothing = "No upload matches." if partner or state else "No uploads yet. Start with: equity upload FILE.csv"
    show_rows(in_transaction(work), _COLUMNS, as_json=as_json, empty=nothing, first=_FIRST)


@app.command()
def show(
    upload: UploadId,
    url: Url = None,
    key_id: KeyIdOption = None,
    secret_file: SecretFile = None,
    scheme: SchemeOption = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Show an upload's report: received, inserted, updated, duplicate, rejected and why."""
    access = Access.of_upload(upload, url, key_id, secret_file, scheme)

    async def ask() -> reports.Report:
        async with access.gateway() as gateway:
            return reports.Report(await gateway.report(upload))

    asyncio.run(ask()).show(as_json=as_json)


@app.command()
def rejects(
    upload: UploadId,
    out: Annotated[
        Path | None,
        typer.Option(metavar="FILE", parser=inputs.file_to_write, help="Write into this new file; default: stdout."),
    ] = None,
    url: Url = None,
    key_id: KeyIdOption = None,
    secret_file: SecretFile = None,
    scheme: SchemeOption = None,
) -> None:
    """Write the rejected rows as CSV, with the reasons, to be corrected and uploaded again."""
    access = Access.of_upload(upload, url, key_id, secret_file, scheme)

    lines = asyncio.run(_write(access, upload, out))
    if lines <= 1:
        say("No row was rejected.")
    elif out:
        say(f"Correct the rows in {out} and upload it: equity upload {out}")


async def _write(access: Access, upload: UUID, out: Path | None) -> int:
    """Write the rejected rows into the new file *out*, or to stdout; how many lines there were."""
    lines = 0
    async with access.gateway() as gateway:
        pieces = gateway.rejects(upload)
        with _opened(out) as stream:
            async for piece in pieces:
                stream.write(piece)
                lines += piece.count(b"\n")
    return lines


class Resend(StrEnum):
    """What `resend` does with an upload."""

    RESENT = "resent"
    UNDER_WAY = "under_way"
    NEEDS_FILE = "needs_file"
    DONE = "done"
    TOO_OLD = "too_old"


def resend_action(state: str, *, is_too_old: bool) -> Resend:
    """Decide what to do with an upload in *state*; *is_too_old*: its file counts as a new one when it comes again."""
    if state == State.DONE:
        return Resend.DONE
    if state in (State.RECEIVED, State.PUBLISHING):
        return Resend.UNDER_WAY
    if is_too_old:
        return Resend.TOO_OLD
    return Resend.NEEDS_FILE if state == State.NEEDS_RESEND else Resend.RESENT


_ADVICE = {
    Resend.RESENT: "its rows are published again",
    Resend.UNDER_WAY: "its rows are being published already",
    Resend.NEEDS_FILE: "the gateway has no file: {partner} has to send {filename} again, the very same bytes",
    Resend.DONE: "every row has its verdict already: nothing to do",
    Resend.TOO_OLD: "it is over seven days old: {partner} has to send {filename} again, which counts as a new upload",
}


@app.command()
def resend(
    uploads: Annotated[list[UUID] | None, typer.Argument(metavar="[ID]...", help="The uploads' ids.")] = None,
    minutes: Annotated[int, typer.Option(min=1, help="With --all-stuck: without progress for so many minutes.")] = 15,
    *,
    all_stuck: Annotated[bool, typer.Option("--all-stuck", help="All uploads that do not move on.")] = False,
    as_json: AsJson = False,
) -> None:
    """Publish all rows of uploads again from the gateway's spool, after Kafka lost them.

    Rows that were handled are dropped, so it may be repeated. Exit code 3: an upload is unknown, or a partner has to send
    its file again; each is named.
    """
    if bool(uploads) == all_stuck:
        raise UsageError("Name uploads, or --all-stuck, and not both.", "`equity uploads list` shows the ids.")
    rows = in_transaction(lambda connection: _resend(connection, uploads or None, timedelta(minutes=minutes)))
    columns = {"id": "upload", "action": "action", "partner": "partner", "filename": "file", "advice": "what it means"}
    show_rows(rows, columns, as_json=as_json, empty="No upload is stuck.")
    if asked := [row for row in rows if row["action"] in (Resend.NEEDS_FILE, Resend.TOO_OLD)]:
        raise RefusedError(
            f"The gateway cannot resend {len(asked)} uploads.", "Ask the partners named for the files named."
        )


async def _resend(connection: Connection, ids: list[UUID] | None, stuck_for: timedelta) -> list[Row]:
    rows = [dict(row) async for row in queries.uploads_to_resend(connection, ids=ids, stuck_for=stuck_for)]
    if unknown := sorted(map(str, set(ids or ()) - {row["id"] for row in rows})):
        raise RefusedError(f"There is no upload {', '.join(unknown)}.", "`equity uploads list` shows the ids.")
    for row in rows:
        row["action"] = resend_action(row["state"], is_too_old=row.pop("is_too_old"))
        names = {"partner": row["partner"], "filename": row["filename"] or "the file"}
        row["advice"] = _ADVICE[row["action"]].format(**names)
    chosen = {action: [row["id"] for row in rows if row["action"] is action] for action in Resend}
    await queries.resend_uploads(connection, ids=chosen[Resend.RESENT])
    await queries.restart_uploads(connection, ids=chosen[Resend.NEEDS_FILE])
    return rows


@contextmanager
def _opened(out: Path | None) -> Iterator[BinaryIO]:
    """Where the rows go: stdout, or the new file *out*, which is there only when it is whole."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    if out.exists():
        raise RefusedError(f"{out} exists already.", "Name another file; nothing is overwritten.")
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
