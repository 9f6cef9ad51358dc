"""Commands of the consent service: the proof of consents, shown and verified."""

from collections import defaultdict
from typing import Annotated
from uuid import UUID

import typer

from cli.shell import inputs
from cli.shell.app import new_app
from cli.shell.database import OPERATOR, Connection, run_in_transaction
from cli.shell.errors import UsageError
from cli.shell.output import AsJson, print_json, print_message, print_rows
from common.ids import LeadId
from consent import command_queries as queries
from consent.chain import ChainFault, find_faults
from consent.command_queries import ProofRow

app = new_app(
    "Consents: what a person signed and withdrew, and whether the proof is intact.",
    panel="Leads",
    summary="Proof of consents: show and verify.",
    order=60,
)

LEADS_PER_PAGE = 500
LeadArgument = Annotated[UUID, typer.Argument(metavar="LEAD", parser=inputs.parse_uuid, help="The lead's id.")]

_COLUMNS = {"seq": "no.", "at": "at", "action": "action", "reason": "reason", "seller": "seller", "covers": "covers",
            "text_version": "text", "number": "number", "row_hash": "hash"}  # fmt: skip


@app.command("show")
def show_proof(lead: LeadArgument, *, as_json: AsJson = False) -> None:
    """Show the proof of a lead: each signature, withdrawal, void and lift. Numbers are shown as the start of their keyed hash."""

    async def read(connection: Connection) -> tuple[list[ProofRow], dict[UUID, str]]:
        rows = await queries.list_proofs(connection, lead_ids=[LeadId(lead)])
        ids = [row.broker_id for row in rows if row.broker_id]
        return rows, {broker.id: broker.name for broker in await queries.find_broker_names(connection, broker_ids=ids)}

    rows, brokers = run_in_transaction(read, service=OPERATOR)
    shown = [
        {
            "seq": row.seq,
            "at": row.at,
            "action": row.action,
            "reason": row.reason,
            "seller": brokers.get(row.broker_id) if row.broker_id else None,
            "covers": row.covers,
            "text_version": row.text_version,
            "number": row.value_hash.hex()[:12] if row.value_hash else None,
            "row_hash": row.row_hash.hex() if as_json else row.row_hash.hex()[:12],
        }
        for row in rows
    ]
    empty = "This lead signed nothing and withdrew nothing."
    print_rows(shown, _COLUMNS, as_json=as_json, empty=empty, first=("seq", "at", "action", "reason"))


@app.command("verify")
def verify_proofs(
    lead: Annotated[
        UUID | None, typer.Argument(metavar="LEAD", parser=inputs.parse_uuid, help="The lead's id.")
    ] = None,
    *,
    verify_all: Annotated[bool, typer.Option("--all", help="All leads with a proof.")] = False,
    as_json: AsJson = False,
) -> None:
    """Verify that no row of the proof was changed or removed: each row against the next one, and against its event.

    The exit code is 1 if a fault is found.
    """
    if (lead is None) != verify_all:
        raise UsageError("Which proof is to be verified?", "Give a lead's id, or --all.")

    async def verify(connection: Connection) -> tuple[int, list[ChainFault]]:
        if lead is not None:
            return 1, await _verify_page(connection, [LeadId(lead)])
        verified, faults, after = 0, list[ChainFault](), None
        while page := await queries.list_proved_leads(connection, after=after, page_size=LEADS_PER_PAGE):
            faults += await _verify_page(connection, page)
            verified, after = verified + len(page), page[-1]
        return verified, faults

    verified, faults = run_in_transaction(verify, service=OPERATOR)
    found = [{"lead_id": fault.lead_id, "seq": fault.seq, "fault": fault.fault} for fault in faults]
    if as_json:
        print_json({"leads": verified, "faults": found})
    elif found:
        columns = {"lead_id": "lead", "seq": "row", "fault": "fault"}
        print_rows(found, columns, as_json=False, empty="", first=("lead_id", "seq", "fault"))
        print_message(
            "The proof of these leads is damaged. Stop their calls, and compare with a backup: docs/consent.md"
        )
    else:
        print_message(f"The proof of {verified:,} lead{'' if verified == 1 else 's'} is intact.")
    raise typer.Exit(1 if faults else 0)


async def _verify_page(connection: Connection, lead_ids: list[LeadId]) -> list[ChainFault]:
    rows: dict[UUID, list[ProofRow]] = defaultdict(list)
    published: dict[UUID, dict[int, bytes]] = defaultdict(dict)
    for row in await queries.list_proofs(connection, lead_ids=lead_ids):
        rows[row.lead_id].append(row)
    for event in await queries.list_published_hashes(connection, lead_ids=lead_ids):
        published[event.lead_id][event.seq] = event.row_hash
    return [fault for lead_id in lead_ids for fault in find_faults(lead_id, rows[lead_id], published[lead_id])]
