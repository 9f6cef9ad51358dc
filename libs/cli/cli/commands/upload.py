"""The command that uploads a CSV file."""

import asyncio
from pathlib import Path
from typing import Annotated
from uuid import UUID

import typer

from cli.client import upload
from cli.client.access import GatewayAccess, KeyIdOption, SchemeOption, SecretFileOption, UrlOption
from cli.client.file_check import ColumnOptions, check_file, print_file_check, require_csv_file, require_small_loss
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
            help="An export of a property tool, or any CSV with accepted headers.",
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
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The file's profile, see `equity profiles list`; default: recognised."),
    ] = None,
    renamed: Annotated[
        list[str] | None,
        typer.Option(
            "--map",
            metavar="MAPPING",
            help="COLUMN=HEADER: read this column as if it had that accepted header, or `ignore` it; repeat it.",
        ),
    ] = None,
    save_profile: Annotated[
        str | None, typer.Option(metavar="NAME", help="Save this mapping for your later uploads of such files.")
    ] = None,
    strict: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=100,
            metavar="PERCENT",
            help="Send nothing if more of the rows than this would be rejected or lose a value.",
        ),
    ] = None,
    url: UrlOption = None,
    key_id: KeyIdOption = None,
    secret_file: SecretFileOption = None,
    scheme: SchemeOption = None,
    *,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would become of the file, and store nothing.")
    ] = False,
    wait: Annotated[bool, typer.Option("--wait/--no-wait", help="Follow it until every row has its outcome.")] = True,
    as_json: AsJson = False,
) -> None:
    """Sign a CSV file, upload it, and follow it until every row has its outcome.

    Ends with the report: received, inserted, updated, duplicate, rejected and why. A file that was uploaded before is
    refused with exit code 3. `--dry-run` shows beforehand what becomes of each column, and which rows would be rejected.
    """
    size = require_csv_file(file)
    access = GatewayAccess.from_options(url, key_id, secret_file, scheme)
    options = ColumnOptions(profile, renamed or (), save_profile)
    query = [*_broker_parameter(broker), *options.to_query()]
    if dry_run or strict is not None:
        check = asyncio.run(check_file(access, file, size, query, options))
        if dry_run:
            print_file_check(check, as_json=as_json)
        if strict is not None:
            require_small_loss(check, strict)
        if dry_run:
            return
    try:
        asyncio.run(_upload(access, file, size, query, wait=wait)).print(as_json=as_json)
    except RepeatedUploadError as repeat:
        if as_json:
            print_json({"outcome": "repeat", "upload_id": repeat.upload_id})
        raise


def _broker_parameter(broker: str | None) -> list[tuple[str, str]]:
    """Return the query parameter for *broker*. An id goes unchecked: a partner knows it without access to the database."""
    if broker is None:
        return []
    try:
        return [("broker_id", str(UUID(broker)))]
    except ValueError:
        pass

    async def find(connection: Connection) -> UUID | None:
        return await find_broker_id(connection, broker)

    return [("broker_id", str(run_in_transaction(find)))]


async def _upload(
    access: GatewayAccess, file: Path, size: int, query: list[tuple[str, str]], *, wait: bool
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
