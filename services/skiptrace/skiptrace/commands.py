"""Commands of skiptrace's data: TLOxp by file, leads exported and results imported."""

import asyncio
import csv
from getpass import getuser
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
import yaml
from pydantic import ValidationError

from cli.shell import inputs, progress
from cli.shell.app import new_app
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_fields, print_json, print_message, print_rows
from cli.shell.private_files import open_private_file
from cli.shell.reencryption import LOWEST_ID, EncryptedColumn, reencrypt_value
from cli.shell.service_settings import load_service_settings
from common.csv.dialect import NotCsvError
from common.ids import BatchId
from skiptrace import command_queries as queries
from skiptrace.command_queries import OutdatedValue
from skiptrace.file_batches.import_rows import RowOutcome
from skiptrace.file_batches.queries import ListedBatch
from skiptrace.file_batches.tlo_exchange import WARNING, TloExchange, list_missing_permissions, open_exchange
from skiptrace.settings import SkiptraceSettings
from skiptrace.trace.request_codec import LOOKUPS_PURPOSE, RESPONSE_PURPOSE
from skiptrace.vendors.tlo import EXPORT_HEADER
from skiptrace.vendors.tlo_mapping import BadMappingError

tlo = new_app(
    """TLOxp by file: export persons, run them as a batch at TLO, import the results.

    Off until the firm has set its permissible purpose and a person has accepted the warning: docs/tlo.md.
    """,
    panel="Leads in",
    summary="TLOxp by file: leads out, results in. Off until the firm's permissible purpose is set.",
    order=50,
)

DEFAULT_MAPPING = Path(__file__).with_name("tlo_mapping.yaml")
_COLUMNS = {"id": "batch", "made_at": "exported", "made_by": "by", "written_at": "file complete", "lease_until": "out until",
            "out": "out", "answered": "answered", "to_merge": "to merge", "expired": "expired", "cents": "cents"}  # fmt: skip


@tlo.command("export")
def export_leads(
    out: Annotated[
        Path,
        typer.Option(
            "--out", metavar="FILE", parser=inputs.parse_new_file, help="Write the persons into this new file."
        ),
    ],
    most: Annotated[int, typer.Option(min=1, max=1_000_000, help="Number of leads at most.")] = 1_000,
    again: Annotated[
        UUID | None,
        typer.Option(
            metavar="ID", parser=inputs.parse_uuid, help="Write this batch's file again, for what is still out."
        ),
    ] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Write a CSV of the leads that no online provider could complete. They are out until imported, or until their lease ends.

    Which leads: SKIPTRACE_DATA_NEEDS, _MAX_ATTEMPTS, _MAX_CENTS and the providers' settings decide, as the service has them.
    """
    settings = _require_permission()
    if out.exists():
        raise CommandRefusedError(f"{out} exists already.", "Name another file; none is overwritten.")
    if not out.parent.is_dir():
        raise UsageError(f"There is no directory {out.parent}.", "No lead was exported. Make it, or name another file.")
    result = asyncio.run(_export(settings, out, most, BatchId(again) if again else None))
    if as_json:
        print_json(result)
    elif not result["leads"]:
        print_message("There is no lead to export.")
        print_fields(result["excluded"], as_json=False)
    else:
        print_fields(result, as_json=False)
        print_message(
            f"Run {out} at TLO, then: equity tlo import ITS_OUTPUT. The file holds personal data: delete it afterwards."
        )


@tlo.command("import")
def import_results(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", parser=inputs.parse_readable_file, help="What TLO gave: CSV.")
    ],
    mapping: Annotated[
        Path,
        typer.Option(metavar="FILE", parser=inputs.parse_readable_file, help="Which column holds what: docs/tlo.md."),
    ] = DEFAULT_MAPPING,
    *,
    yes: Annotated[bool, typer.Option("--yes", help="Store it; without, only report what is found.")] = False,
    as_json: AsJson = False,
) -> None:
    """Read TLO's output and store it as the result of each lead. The service merges it and has the values verified.

    The same file again changes nothing; a file with a part of the rows is fine.
    """
    settings = _require_permission()
    result = asyncio.run(_import(settings, file, _read_mapping(mapping), yes=yes))
    print_fields(result, as_json=as_json)
    if result["stored"] and not result["written"]:
        print_message("Nothing was changed. To store it: the same command with --yes.")
    elif result["stored"]:
        print_message(
            f"skiptrace merges it within a minute: `equity tlo batches`. {file} holds personal data: delete it."
        )
    else:
        print_message("There is nothing to store: no row belongs to a lead that is out.")


@tlo.command("batches")
def list_batches(
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="Number of files, the latest first.")] = 20,
    *,
    as_json: AsJson = False,
) -> None:
    """List the files exported so far, and the state of their leads."""
    settings = _require_permission()

    async def find() -> list[ListedBatch]:
        async with open_exchange(settings) as exchange:
            return await exchange.list_batches(limit)

    print_rows(asyncio.run(find()), _COLUMNS, as_json=as_json, empty="Nothing was exported yet.")


def _require_permission() -> SkiptraceSettings:
    """Return the service's settings. Prints the warning and raises CommandRefusedError unless they allow the use of TLO."""
    settings = load_service_settings(SkiptraceSettings, "skiptrace")
    if missing := list_missing_permissions(settings):
        print_message(WARNING)
        raise CommandRefusedError(
            "TLO is off: its permissible purpose is not set.",
            f"Set {', '.join(missing)}; docs/tlo.md says what they mean.",
        )
    return settings


async def _export(settings: SkiptraceSettings, out: Path, most: int, again: BatchId | None) -> dict[str, Any]:
    async with open_exchange(settings) as exchange:
        if again:
            leads = await _write_batch(exchange, again, out)
            return {"batch": again, "leads": leads, "file": out, "excluded": {}}
        if not exchange.online:
            raise UsageError(
                "No online provider has a key here.",
                "Run it with skiptrace's settings (MELISSA_LICENSE_KEY, ...): online providers are asked first, and verify.",
            )
        with progress.show_row_progress("leads") as bar:
            exported = await exchange.export_leads(most, getuser(), lambda done: bar.advance_to(done, most))
        result = {"excluded": dict(+exported.excluded), "leads": exported.leads}
        if not exported.leads:
            return result
        try:
            await _write_batch(exchange, exported.batch_id, out)
        except BaseException:
            print_message(f"{exported.leads:,} leads are out, but their file is not complete. Write it again:")
            print_message(f"  equity tlo export --again {exported.batch_id} --out ANOTHER_FILE")
            raise
        until = {"dollars_at_most": exported.cents_at_most / 100, "out_for_days": settings.tlo_lease_days}
        return {"batch": exported.batch_id, "file": out, **result, **until}


async def _write_batch(exchange: TloExchange, batch: BatchId, out: Path) -> int:
    """Write the file of *batch* and return its number of rows. Raises CommandRefusedError where no lead of it is out."""
    rows = 0
    with open_private_file(out) as text:
        writer = csv.writer(text)
        writer.writerow(EXPORT_HEADER)
        async for row in exchange.exporter.read_rows(batch):
            writer.writerow(row)
            rows += 1
        if not rows:
            raise CommandRefusedError(f"No lead of batch {batch} is out.", "`equity tlo batches` shows the batches.")
    await exchange.exporter.mark_written(batch)
    return rows


async def _import(settings: SkiptraceSettings, file: Path, mapping: dict[str, Any], *, yes: bool) -> dict[str, Any]:
    async with open_exchange(settings) as exchange:
        with progress.show_byte_progress("read", (await asyncio.to_thread(file.stat)).st_size) as bar:
            try:
                imported = await exchange.import_file(file, mapping, bar.advance_to, write=yes)
            except NotCsvError as error:
                raise UsageError(f"{file} cannot be read as CSV.", error.detail) from error
            except ValidationError as error:
                problems = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors()]
                raise UsageError(f"The mapping is not right: {'; '.join(problems[:3])}.", _MAPPING_ADVICE) from error
            except BadMappingError as error:
                raise UsageError(f"The mapping does not fit {file}: {error}.", _MAPPING_ADVICE) from error
    outcomes = {outcome.value: imported.rows[outcome] for outcome in RowOutcome}
    return {
        "written": yes, "encoding": imported.encoding, "phone_columns": imported.phone_columns,
        "email_columns": imported.email_columns, "columns_not_found": list(imported.missing_columns),
        "rows": sum(outcomes.values()), **outcomes, "with_an_answer": imported.matched, "bad_phones": imported.bad_phones,
        "bad_emails": imported.bad_emails,
    }  # fmt: skip


_MAPPING_ADVICE = "Say with --mapping which column holds what; docs/tlo.md has an example."


def _read_mapping(path: Path) -> dict[str, Any]:
    """Return the mapping file, every cell as text: YAML would take `Yes` for true and `1` for a number."""
    try:
        read = yaml.load(path.read_text(encoding="utf-8"), Loader=yaml.BaseLoader)  # noqa: S506 - makes nothing but text
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path} cannot be read.", _MAPPING_ADVICE) from error
    except yaml.YAMLError as error:
        raise UsageError(f"{path} is no YAML.", _MAPPING_ADVICE) from error
    if not isinstance(read, dict):
        raise UsageError(f"{path} is no mapping.", _MAPPING_ADVICE)
    return read


ENCRYPTED_COLUMNS = (
    EncryptedColumn[OutdatedValue](
        "lookups",
        find_outdated=lambda connection, key_id, last, page_size: queries.find_outdated_lookups(
            connection, key_id=key_id, after=last.id if last else LOWEST_ID, page_size=page_size
        ),
        reencrypt=lambda keyring, row: reencrypt_value(keyring, LOOKUPS_PURPOSE, row.id.bytes, row.encrypted),
        save=lambda connection, rows, values: queries.save_lookups(
            connection, request_ids=[row.id for row in rows], encrypted=values
        ),
    ),
    EncryptedColumn[OutdatedValue](
        "responses",
        find_outdated=lambda connection, key_id, last, page_size: queries.find_outdated_responses(
            connection, key_id=key_id, after=last.id if last else LOWEST_ID, page_size=page_size
        ),
        reencrypt=lambda keyring, row: reencrypt_value(keyring, RESPONSE_PURPOSE, row.id.bytes, row.encrypted),
        save=lambda connection, rows, values: queries.save_responses(
            connection, request_ids=[row.id for row in rows], encrypted=values
        ),
    ),
)
