"""Sign a CSV file, upload it, and follow it."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli import checks, uploading
from cli.http import RepeatError
from cli.lazy import new_app
from cli.output import AsJson, print_json, say
from cli.partner import Access, KeyIdOption, SchemeOption, SecretFile, Url
from cli.reports import Report

app = new_app()


@app.command()
def upload(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="A PropStream export, or any CSV with its columns.")],
    broker: Annotated[
        str | None, typer.Option(help="Id of the broker the leads are for; default: the partner's, or by territory.")
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
        asyncio.run(_upload(access, file, size, {"broker_id": broker} if broker else {}, wait=wait)).show(
            as_json=as_json
        )
    except RepeatError as repeat:
        if as_json:
            print_json({"outcome": "repeat", "upload_id": repeat.upload_id})
        raise


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
