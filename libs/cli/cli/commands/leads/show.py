"""`equity leads show`: everything about one lead, on one page."""

import asyncio
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.commands.leads.access import LoggedAccess, load_reveal_keys, read_contact_values, value_of
from cli.commands.leads.lead_page import LeadPage, read_lead_page, require_lead
from cli.commands.leads.page_printer import print_lead_page
from cli.shell import inputs
from cli.shell.confirmation import require_text
from cli.shell.database import OPERATOR, connect, service_dsn
from cli.shell.output import AsJson, print_json, to_fields
from common.ids import LeadId

RevealOption = Annotated[
    bool, typer.Option("--reveal", help="Show the contact values too. The access is logged with its purpose.")
]
PurposeOption = Annotated[
    str | None,
    typer.Option("--purpose", metavar="TEXT", parser=inputs.parse_note, help="Why; kept in the access log."),
]


def show_lead(
    lead: Annotated[UUID, typer.Argument(metavar="LEAD", parser=inputs.parse_uuid, help="The lead's id.")],
    purpose: PurposeOption = None,
    *,
    reveal: RevealOption = False,
    as_json: AsJson = False,
) -> None:
    """Show a lead: property, owner, contacts, score, status, history, slots, campaigns, decisions, and what comes next."""
    why = require_text("Purpose", purpose, "--purpose") if reveal else None
    page = asyncio.run(_read_page_of(LeadId(lead), why))
    if as_json:
        print_json(_to_json(page))
    else:
        print_lead_page(page)


async def _read_page_of(lead_id: LeadId, purpose: str | None) -> LeadPage:
    async with connect(service_dsn(OPERATOR)) as connection:
        if purpose is None:
            return await read_lead_page(connection, lead_id)
        keyring = load_reveal_keys()
        await require_lead(connection, lead_id)
        access = LoggedAccess("leads show", purpose, 1, lead_ids=[lead_id], reveals=True)
        access_id = await access.log(connection)
        values = await read_contact_values(connection, keyring, access_id, [lead_id])
        return await read_lead_page(connection, lead_id, values)


def _to_json(page: LeadPage) -> dict[str, Any]:
    contacts = []
    for contact in page.contacts:
        fields = to_fields(contact)
        del fields["lead_id"], fields["value_hash"]
        contacts.append({"value": value_of(contact, page.values) if page.values is not None else None, **fields})
    return to_fields(page.lead) | {
        "contacts": contacts,
        "history": page.history,
        "feed_days": page.feed_days,
        "campaigns": page.campaigns,
        "decisions": page.decisions,
        "conflicts": page.conflicts,
        "next": page.next_step,
    }
