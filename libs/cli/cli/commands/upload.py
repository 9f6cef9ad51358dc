"""Sign a CSV file, upload it, and follow it."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli import checks, inputs, uploading
from cli.database import Connection, broker_id, in_transaction
from cli.http import RepeatError
from cli.lazy import new_app
from cli.output import AsJson, print_json, say
from cli.partner import Access, KeyIdOption, SchemeOption, SecretFile, Url
from cli.reports import Report

app = new_app()


@app.command()
def upload(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv", parser=inputs.file_to_read, help="A PropStream export, or any CSV with its columns."
        ),
    ],
    broker: Annotated[
        str | None,
        typer.Option(
            metavar="BROKER",
            parser=inputs.named,
            help="The broker the leads are for: id or name; default: the partner's, or by territory.",
        ),
    ] = None,
    url: Url = None,
    key_id: KeyIdOption = None,
    secret_file: SecretFile = None,
    scheme: SchemeOption = None,
    *,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it until every row has its verdict.")] = True,
    as_json: AsJson = False,
) -> None:
    """Sign a CSV file, upload it, and follow it until every row has its verdict.

    Ends with the report: received, inserted, updated, duplicate, rejected and why. A file that was uploaded before is
    refused with exit code 3.
    """
    size = checks.sendable(file)
    access = Access.of(url, key_id, secret_file, scheme)
    try:
        asyncio.run(_upload(access, file, size, _query(broker), wait=wait)).show(as_json=as_json)
    except RepeatError as repeat:
        if as_json:
            print_json({"outcome": "repeat", "upload_id": repeat.upload_id})
        raise


def _query(broker: str | None) -> dict[str, str]:
    """What to ask the gateway for *broker*. An id goes as it is: a partner knows it without a way into the database."""
    if broker is None:
        return {}
    try:
        return {"broker_id": str(UUID(broker))}
    except ValueError:
        pass

    async def find(connection: Connection) -> UUID | None:
        return await broker_id(connection, broker)

    return {"broker_id": str(in_transaction(find))}


async def _upload(access: Access, file: Path, size: int, query: dict[str, str], *, wait: bool) -> Report:
    async with access.gateway() as gateway:
        taken = Report(await uploading.send(gateway, file, size, query))
        if not wait:
            say(f"See what becomes of it: equity uploads show {taken.upload_id}")
            return taken
        try:
            return await uploading.follow(gateway, taken.upload_id)
        except asyncio.CancelledError:
            say(f"The upload goes on. See what becomes of it: equity uploads show {taken.upload_id}")
            raise
