"""The command that uploads a CSV file."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.client import upload
from cli.client.access import GatewayAccess, KeyIdOption, SchemeOption, SecretFileOption, UrlOption
from cli.client.csv_check import check_upload_file
from cli.client.http import RepeatedUploadError
from cli.client.report import UploadStatusReport
from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import Connection, find_broker_id, run_in_transaction
from cli.shell.output import AsJson, print_json, print_message

app = new_app(
    panel="Leads in",
    summary="Sign a CSV file, upload it, and follow it until every row has its outcome.",
    order=20,
)


@app.command()
def upload_csv(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE.csv",
            parser=inputs.parse_readable_file,
            help="A PropStream export, or any CSV with its columns.",
        ),
    ],
    broker: Annotated[
        str | None,
        typer.Option(
            metavar="BROKER",
            parser=inputs.parse_name_or_id,
            help="The broker the leads are for: id or name; default: the partner's, or by territory.",
        ),
    ] = None,
    url: UrlOption = None,
    key_id: KeyIdOption = None,
    secret_file: SecretFileOption = None,
    scheme: SchemeOption = None,
    *,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it until every row has its outcome.")] = True,
    as_json: AsJson = False,
) -> None:
    """Sign a CSV file, upload it, and follow it until every row has its outcome.

    Ends with the report: received, inserted, updated, duplicate, rejected and why. A file that was uploaded before is
    refused with exit code 3.
    """
    size = check_upload_file(file)
    access = GatewayAccess.from_options(url, key_id, secret_file, scheme)
    try:
        asyncio.run(_upload(access, file, size, _broker_parameter(broker), wait=wait)).print(as_json=as_json)
    except RepeatedUploadError as repeat:
        if as_json:
            print_json({"outcome": "repeat", "upload_id": repeat.upload_id})
        raise


def _broker_parameter(broker: str | None) -> dict[str, str]:
    """Return the query parameter for *broker*. An id goes unchecked: a partner knows it without access to the database."""
    if broker is None:
        return {}
    try:
        return {"broker_id": str(UUID(broker))}
    except ValueError:
        pass

    async def find(connection: Connection) -> UUID | None:
        return await find_broker_id(connection, broker)

    return {"broker_id": str(run_in_transaction(find))}


async def _upload(
    access: GatewayAccess, file: Path, size: int, query: dict[str, str], *, wait: bool
) -> UploadStatusReport:
    async with access.open_client() as gateway:
        report = UploadStatusReport(await upload.send_file(gateway, file, size, query))
        if not wait:
            print_message(f"See what becomes of it: equity uploads show {report.upload_id}")
            return report
        try:
            return await upload.follow_upload(gateway, report.upload_id)
        except asyncio.CancelledError:
            print_message(f"The upload goes on. See what becomes of it: equity uploads show {report.upload_id}")
            raise
