"""`equity leads export`: leads into a CSV file. Every export is logged with its purpose."""

import asyncio
import csv
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Annotated, TextIO

import typer

from cli.commands.leads import queries
from cli.commands.leads.access import LoggedAccess, load_reveal_keys, read_contact_values, value_of
from cli.commands.leads.filters import (
    BrokerOption,
    CountyOption,
    CreatedOption,
    LeadFilter,
    MaxScoreOption,
    MinScoreOption,
    SourceOption,
    StateOption,
    StatusOption,
    UpdatedOption,
    UploadOption,
    check_filter,
    iterate_lead_ids,
)
from cli.commands.leads.queries import ExportRow, StoredContact
from cli.commands.leads.show import PurposeOption, RevealOption
from cli.shell import inputs
from cli.shell.confirmation import require_text
from cli.shell.database import OPERATOR, Connection, connect, service_dsn
from cli.shell.errors import UsageError
from cli.shell.output import AsJson, print_done
from cli.shell.private_files import open_private_file
from cli.shell.progress import show_row_progress
from common.csv.escaping import escape_cell
from common.ids import LeadId
from common.pii.keyring import Keyring

EXPORT_PAGE_SIZE = 1_000
_FACT_COLUMNS = tuple(field.name for field in fields(ExportRow))
_COUNT_COLUMNS = ("emails", "phones")
_VALUE_COLUMNS = ("emails", "emails_not_to_use", "phones", "phones_not_to_call")

Values = Mapping[tuple[LeadId, str, bytes], str]


def export_leads(
    status: StatusOption = None,
    broker: BrokerOption = None,
    state: StateOption = None,
    county: CountyOption = None,
    min_score: MinScoreOption = None,
    max_score: MaxScoreOption = None,
    created_since: CreatedOption = None,
    updated_since: UpdatedOption = None,
    source: SourceOption = None,
    upload: UploadOption = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="FILE", parser=inputs.parse_new_file, help="Into this new file; default: stdout."
        ),
    ] = None,
    purpose: PurposeOption = None,
    *,
    reveal: RevealOption = False,
    as_json: AsJson = False,
) -> None:
    """Export leads as CSV, the newest first. Contact values are in it with --reveal only; without it their numbers."""
    if as_json and out is None:
        raise UsageError("CSV and JSON cannot both go to stdout.", "Give --out FILE.")
    wanted = check_filter(
        LeadFilter(
            tuple(status) if status else None, broker, state, county, min_score, max_score, created_since,
            updated_since, source, upload,
        )
    )  # fmt: skip
    why = require_text("Purpose", purpose, "--purpose")
    keyring = load_reveal_keys() if reveal else None
    with open_private_file(out) if out else _standard_output() as file:
        count, access_id = asyncio.run(_export(file, wanted, why, keyring))
    done = {"leads": count, "file": str(out) if out else None, "access_id": access_id, "revealed": reveal}
    print_done(f"{count:,} leads exported. Row of the access log: {access_id}.", done, as_json=as_json)


@contextmanager
def _standard_output() -> Iterator[TextIO]:
    yield sys.stdout


async def _export(file: TextIO, wanted: LeadFilter, purpose: str, keyring: Keyring | None) -> tuple[int, int]:
    """Count the leads, log the access, then write them. Return the number of written leads and that of the log's row."""
    async with connect(service_dsn(OPERATOR)) as connection:
        total = 0
        async for page in iterate_lead_ids(connection, wanted):
            total += len(page)
        access = LoggedAccess("leads export", purpose, total, lead_filter=wanted.to_json(), reveals=keyring is not None)
        access_id = await access.log(connection)
        writer = csv.writer(file)
        writer.writerow([*_FACT_COLUMNS, *(_COUNT_COLUMNS if keyring is None else _VALUE_COLUMNS)])
        written = 0
        with show_row_progress("exported") as bar:
            async for page in iterate_lead_ids(connection, wanted, page_size=EXPORT_PAGE_SIZE):
                writer.writerows(await _read_rows(connection, page, access_id, keyring))
                written += len(page)
                bar.advance_to(written, max(total, written))
        return written, access_id


async def _read_rows(
    connection: Connection, page: list[LeadId], access_id: int, keyring: Keyring | None
) -> Iterable[list[str]]:
    rows = await queries.list_export_rows(connection, lead_ids=page)
    contacts: dict[LeadId, list[StoredContact]] = {}
    for contact in await queries.list_contacts(connection, lead_ids=page):
        contacts.setdefault(contact.lead_id, []).append(contact)
    values = None if keyring is None else await read_contact_values(connection, keyring, access_id, page)
    return [
        [escape_cell(cell) for cell in (*_fact_cells(row), *_contact_cells(contacts.get(row.id, []), values))]
        for row in rows
    ]


def _fact_cells(row: ExportRow) -> Iterator[str]:
    for name in _FACT_COLUMNS:
        value = getattr(row, name)
        yield "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)


def _contact_cells(contacts: Iterable[StoredContact], values: Values | None) -> Iterator[str]:
    """Yield the cells about contacts: their number, or the values, those that must not be used apart."""
    for channel in ("email", "phone"):
        of_channel = [contact for contact in contacts if contact.channel == channel]
        if values is None:
            yield str(len(of_channel))
            continue
        for is_forbidden in (False, True):
            chosen = [contact for contact in of_channel if _is_forbidden(contact) is is_forbidden]
            yield "; ".join(value_of(contact, values) for contact in chosen)


def _is_forbidden(contact: StoredContact) -> bool:
    """Return whether the value must not be used: suppressed, on a do-not-call list, a litigator's, or ruled out."""
    return bool(contact.suppressed or contact.dnc or contact.litigator or contact.verified is False)
