"""`equity consent show` and `verify`: the chain of proof of leads."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated
from uuid import UUID

import typer

from cli.commands.leads.access import LoggedAccess, load_reveal_keys
from cli.shell import inputs
from cli.shell.database import OPERATOR, Connection, connect, run_in_transaction, service_dsn
from cli.shell.errors import UsageError
from cli.shell.output import AsJson, print_json, print_message, print_rows
from common.ids import LeadId
from common.pii.keyring import Keyring, MissingKeyError
from consent import command_queries as queries
from consent.chain import ChainFault, find_faults
from consent.command_queries import ProofRow
from consent.proof import CopyReader

LEADS_PER_PAGE = 500
Chains = dict[LeadId, list[ProofRow]]
"""Chain of proof by lead."""
LeadArgument = Annotated[UUID, typer.Argument(metavar="LEAD", parser=inputs.parse_uuid, help="The lead's id.")]

_COLUMNS = {"seq": "no.", "at": "at", "action": "action", "reason": "reason", "seller": "seller", "covers": "covers",
            "text_version": "text", "number": "number", "row_hash": "hash"}  # fmt: skip


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


def verify_proofs(
    lead: Annotated[
        UUID | None, typer.Argument(metavar="LEAD", parser=inputs.parse_uuid, help="The lead's id.")
    ] = None,
    *,
    verify_all: Annotated[bool, typer.Option("--all", help="All leads with a proof.")] = False,
    as_json: AsJson = False,
) -> None:
    """Verify that nothing of the proof was changed or removed: each row against the next one, its event and its kept copy.

    Copies of pages, signers and statements are opened with the keys of this environment, and shown to no one; the access is
    logged. Without keys the rows alone are verified. The exit code is 1 if a fault is found.
    """
    if (lead is None) != verify_all:
        raise UsageError("Which proof is to be verified?", "Give a lead's id, or --all.")

    verified = asyncio.run(_verify(LeadId(lead) if lead else None))
    faults = verified.faults
    found = [{"lead_id": fault.lead_id, "seq": fault.seq, "fault": fault.fault} for fault in faults]
    if as_json:
        print_json({"leads": verified.leads, "copies": verified.copies, "faults": found})
    elif found:
        columns = {"lead_id": "lead", "seq": "row", "fault": "fault"}
        print_rows(found, columns, as_json=False, empty="", first=("lead_id", "seq", "fault"))
        print_message(
            "The proof of these leads is damaged. Stop their calls, and compare with a backup: docs/consent.md"
        )
    else:
        print_message(f"The proof of {verified.leads:,} lead{'' if verified.leads == 1 else 's'} is intact.")
    if verified.copies is None and not as_json:
        print_message("The kept copies were not compared: set ENCRYPTION_KEY.")
    raise typer.Exit(1 if faults else 0)


@dataclass(slots=True)
class _Verified:
    """Leads that were verified, copies that agree with their rows, and faults. *copies* is None without keys."""

    leads: int = 0
    copies: int | None = None
    faults: list[ChainFault] = field(default_factory=list)


async def _verify(lead_id: LeadId | None) -> _Verified:
    """Verify the proof of one lead, or of all, a page at a time."""
    try:
        keyring = load_reveal_keys()
    except MissingKeyError:
        keyring = None
    verified = _Verified(copies=None if keyring is None else 0)
    async with connect(service_dsn(OPERATOR)) as connection:
        async for page in _list_pages(connection, lead_id):
            rows = await read_chains(connection, page)
            verified.leads += len(page)
            verified.faults += await verify_chains(connection, rows)
            if keyring:
                await _verify_copies(connection, keyring, rows, verified)
    return verified


async def _list_pages(connection: Connection, lead_id: LeadId | None) -> AsyncIterator[list[LeadId]]:
    """Yield the lead, or pages of all leads with a proof."""
    if lead_id is not None:
        yield [lead_id]
        return
    after = None
    while page := await queries.list_proved_leads(connection, after=after, page_size=LEADS_PER_PAGE):
        yield page
        after = page[-1]


async def _verify_copies(connection: Connection, keyring: Keyring, chains: Chains, verified: _Verified) -> None:
    """Compare the kept copies of leads with the hashes of their rows."""
    leads = list(chains)
    access = LoggedAccess("consent verify", "verification of proofs", len(leads), lead_ids=leads, reveals=True)
    access_id = await access.log(connection)
    for lead_id, rows in chains.items():
        encrypted = await queries.open_proof(connection, access_id=access_id, lead_id=lead_id)
        reader = CopyReader(lead_id, encrypted, keyring)
        for row in rows:
            copies = reader.open_row(row)
            verified.copies = (verified.copies or 0) + len(copies.texts)
            verified.faults += copies.faults


async def read_chains(connection: Connection, lead_ids: Sequence[LeadId]) -> Chains:
    """Return the chain of each lead; it is empty where the lead has none, or none any more."""
    chains: Chains = {lead_id: [] for lead_id in lead_ids}
    for row in await queries.list_proofs(connection, lead_ids=lead_ids):
        chains[row.lead_id].append(row)
    return chains


async def verify_chains(connection: Connection, chains: Chains) -> list[ChainFault]:
    """Return the faults of the chains."""
    published: dict[UUID, dict[int, bytes]] = defaultdict(dict)
    for event in await queries.list_published_hashes(connection, lead_ids=list(chains)):
        published[event.lead_id][event.seq] = event.row_hash
    return [fault for lead_id, rows in chains.items() for fault in find_faults(lead_id, rows, published[lead_id])]
