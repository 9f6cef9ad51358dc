"""Page of one lead: everything about it, read from one snapshot of the database."""

from collections.abc import Mapping
from dataclasses import dataclass

from cli.commands.leads import queries
from cli.commands.leads.next_step import NextStep, find_next_step
from cli.commands.leads.queries import (
    LeadCampaign,
    LeadConflict,
    LeadDecision,
    LeadDetails,
    LeadFeedDay,
    LeadHistoryEvent,
    StoredContact,
)
from cli.shell.database import Connection
from cli.shell.errors import CommandRefusedError
from cli.shell.settings import CliSettings
from common.ids import LeadId

HISTORY_SIZE = 50
DECISIONS_SIZE = 20


@dataclass(frozen=True, slots=True)
class LeadPage:
    """Everything about one lead. *values* are its contact values, None where they are not revealed."""

    lead: LeadDetails
    contacts: list[StoredContact]
    values: Mapping[tuple[LeadId, str, bytes], str] | None
    history: list[LeadHistoryEvent]
    feed_days: list[LeadFeedDay]
    campaigns: list[LeadCampaign]
    decisions: list[LeadDecision]
    conflicts: list[LeadConflict]
    next_step: NextStep


async def require_lead(connection: Connection, lead_id: LeadId) -> LeadDetails:
    """Return the lead. Raises CommandRefusedError where there is none."""
    lead = await queries.show_lead(connection, lead_id=lead_id)
    if lead is None:
        raise CommandRefusedError(f"There is no lead {lead_id}.", "`equity leads find` searches for one.")
    return lead


async def read_lead_page(
    connection: Connection, lead_id: LeadId, values: Mapping[tuple[LeadId, str, bytes], str] | None = None
) -> LeadPage:
    """Read everything about a lead, from one snapshot of the database. Raises CommandRefusedError where there is no lead."""
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        lead = await require_lead(connection, lead_id)
        history = await queries.list_history(connection, lead_id=lead_id, page_size=HISTORY_SIZE)
        campaigns = await queries.list_lead_campaigns(connection, lead_id=lead_id)
        conflicts = await queries.list_open_conflicts(connection, lead_id=lead_id)
        next_step = await find_next_step(
            connection, lead, history=history, campaigns=campaigns, conflicts=conflicts, now=CliSettings().now
        )
        return LeadPage(
            lead=lead,
            contacts=await queries.list_contacts(connection, lead_ids=[lead_id]),
            values=values,
            history=history,
            feed_days=await queries.list_feed_days(connection, lead_id=lead_id),
            campaigns=campaigns,
            decisions=await queries.list_decisions(connection, lead_id=lead_id, page_size=DECISIONS_SIZE),
            conflicts=conflicts,
            next_step=next_step,
        )
