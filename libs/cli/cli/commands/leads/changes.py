"""`equity leads pause`, `resume` and `reassign`: changes of one lead or many, each with its event in the same transaction."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Annotated, Any
from uuid import UUID

import typer

from cli.commands.leads import queries
from cli.commands.leads.access import LoggedAccess
from cli.commands.leads.filters import FILTER_NAMES, LeadFilter, iterate_lead_ids, parse_where
from cli.commands.leads.queries import ChangedLead, ChangeResult, ReassignResult
from cli.shell import inputs
from cli.shell.confirmation import YesOption, require_text, require_yes
from cli.shell.database import OPERATOR, Connection, connect, require_broker_id, run_in_transaction, service_dsn
from cli.shell.errors import CommandRefusedError, UsageError
from cli.shell.output import AsJson, print_done, print_message, print_rows
from cli.shell.progress import show_row_progress
from cli.shell.settings import CliSettings
from common.bus.tx import Tx
from common.events import FunnelEvent, LeadPaused, LeadReassigned, LeadResumed
from common.ids import LeadId

CHANGE_PAGE_SIZE = 500
"""Leads of one transaction. It locks each of them, so a larger page would delay intake and feed."""
SHOWN_REFUSALS = 20
TRANSITIONED, REASSIGNED = "transitioned", "reassigned"
"""Results of a change that was made."""
ALREADY, UNKNOWN = "already", "unknown"
"""Results of a change that was not needed, and of one without a lead. Further results say why it was refused."""
_REFUSALS = {
    "refused": "its status does not allow it",
    "owner_unresolved": "the change of its owner is not resolved: equity conflicts list",
    "deceased": "its owner is marked as deceased",
    "litigator": "its owner is marked as one who sues callers",
    "contacted": "its owner was contacted for the former broker",
    "not_allowed": "its sender does not let this broker have it",
    "inactive": "the broker is disabled",
    UNKNOWN: "there is no such lead",
}

LeadsArgument = Annotated[
    list[UUID] | None, typer.Argument(metavar="LEAD", parser=inputs.parse_uuid, help="Ids of leads.")
]
WhereOption = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="CONDITION",
        help=f"NAME=VALUE, instead of ids; may be repeated. Names: {', '.join(FILTER_NAMES)}.",
    ),
]
ReasonOption = Annotated[
    str | None,
    typer.Option("--reason", metavar="TEXT", parser=inputs.parse_note, help="Why; kept in the access log."),
]

Results = dict[LeadId, str]
Changed = ChangeResult | ReassignResult


@dataclass(frozen=True, slots=True)
class LeadChange:
    """A change of leads, and the event of each lead that it changed."""

    verb: str
    done: str
    event_owner: str
    """Service whose outbox has the event: the one that publishes events of this type."""
    apply: Callable[[Connection, list[LeadId]], Awaitable[Sequence[Changed]]]
    result: str
    """Result of a lead that *apply* changed."""
    make_event: Callable[[ChangedLead, Any, int, datetime], FunnelEvent]
    """Makes the event of a lead, of what *apply* returned for it, of the access's number and of the time."""


def pause_leads(
    leads: LeadsArgument = None,
    where: WhereOption = None,
    reason: ReasonOption = None,
    *,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Pause leads: they get no further email, and leave their campaigns at Instantly. `resume` ends the pause."""

    def make_event(lead: ChangedLead, _: ChangeResult, access_id: int, at: datetime) -> FunnelEvent:
        return LeadPaused(**_facts(lead, at), outcome=lead.paused_from, access_id=access_id)

    change = LeadChange(
        "pause",
        "paused",
        "feeder",
        lambda connection, page: queries.pause_leads(connection, lead_ids=page),
        TRANSITIONED,
        make_event,
    )
    _change_leads(change, leads, where, reason, yes, as_json)


def resume_leads(
    leads: LeadsArgument = None,
    where: WhereOption = None,
    reason: ReasonOption = None,
    *,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Resume paused leads in the status that they had. A lead that left its campaign is not added to it again."""

    def make_event(lead: ChangedLead, _: ChangeResult, access_id: int, at: datetime) -> FunnelEvent:
        return LeadResumed(**_facts(lead, at), outcome=lead.status, access_id=access_id)

    change = LeadChange(
        "resume",
        "resumed",
        "feeder",
        lambda connection, page: queries.resume_leads(connection, lead_ids=page),
        TRANSITIONED,
        make_event,
    )
    _change_leads(change, leads, where, reason, yes, as_json)


def reassign_leads(
    leads: LeadsArgument = None,
    to: Annotated[
        str | None, typer.Option("--to", metavar="BROKER", parser=inputs.parse_name_or_id, help="The new broker.")
    ] = None,
    where: WhereOption = None,
    reason: ReasonOption = None,
    *,
    yes: YesOption = False,
    as_json: AsJson = False,
) -> None:
    """Give leads to another broker. A lead whose owner was contacted for its broker stays with it."""
    if to is None:
        raise UsageError("Which broker gets the leads?", "Give --to BROKER; `equity brokers list` shows them.")
    broker_id = run_in_transaction(lambda connection: require_broker_id(connection, to), service=OPERATOR)

    def make_event(lead: ChangedLead, changed: ReassignResult, access_id: int, at: datetime) -> FunnelEvent:
        return LeadReassigned(
            **_facts(lead, at), outcome=REASSIGNED, former_broker_id=changed.from_broker, access_id=access_id
        )

    change = LeadChange(
        "reassign",
        f"given to {to}",
        "ingest",
        lambda connection, page: queries.reassign_leads(connection, lead_ids=page, broker_id=broker_id),
        REASSIGNED,
        make_event,
    )
    _change_leads(change, leads, where, reason, yes, as_json)


def _facts(lead: ChangedLead, at: datetime) -> dict[str, Any]:
    return {
        "lead_id": lead.id,
        "lead_version": lead.lead_version,
        "broker_id": lead.assigned_broker_id,
        "occurred_at": at,
    }


def _change_leads(
    change: LeadChange,
    named: Sequence[UUID] | None,
    where: Sequence[str] | None,
    reason: str | None,
    yes: bool,
    as_json: bool,
) -> None:
    """Choose the leads, ask, log, change them page by page, and report."""
    if bool(named) == bool(where):
        raise UsageError(f"Which leads? {change.verb} takes ids or a filter.", "Give LEAD... or --where NAME=VALUE.")
    wanted = parse_where(where) if where else None
    why = require_text("Reason", reason, "--reason")
    lead_ids = (
        asyncio.run(_collect_lead_ids(wanted)) if wanted else [LeadId(lead) for lead in dict.fromkeys(named or ())]
    )
    if not lead_ids:
        print_done("No lead matches.", {"counts": {}, "refused": {}}, as_json=as_json)
        return
    if len(lead_ids) > 1:
        require_yes(f"{change.verb.capitalize()} {len(lead_ids):,} leads?", yes=yes)
    access = LoggedAccess(
        f"leads {change.verb}",
        why,
        len(lead_ids),
        lead_ids=None if wanted else lead_ids,
        lead_filter=wanted.to_json() if wanted else None,
    )
    results = asyncio.run(_run_change(change, access, lead_ids))
    _report(change, results, by_name=wanted is None, as_json=as_json)


async def _collect_lead_ids(wanted: LeadFilter) -> list[LeadId]:
    """Return the leads that match now. Exactly these are changed, whatever matches later."""
    async with connect(service_dsn(OPERATOR)) as connection:
        return [lead_id async for page in iterate_lead_ids(connection, wanted) for lead_id in page]


async def _run_change(change: LeadChange, access: LoggedAccess, lead_ids: Sequence[LeadId]) -> Results:
    results: Results = {}
    remaining = iter(sorted(lead_ids))
    async with connect(service_dsn(OPERATOR)) as connection:
        access_id = await access.log(connection)
        with show_row_progress(change.verb) as bar:
            while page := list(islice(remaining, CHANGE_PAGE_SIZE)):
                results |= await _change_page(connection, change, access_id, page)
                if len(lead_ids) > CHANGE_PAGE_SIZE:
                    bar.advance_to(len(results), len(lead_ids))
    return results


async def _change_page(connection: Connection, change: LeadChange, access_id: int, page: list[LeadId]) -> Results:
    """Change the leads of *page* and emit their events, in one transaction."""
    async with connection.transaction():
        changed = {row.lead_id: row for row in await change.apply(connection, page)}
        leads = {lead.id: lead for lead in await queries.read_changed_leads(connection, lead_ids=page)}
        tx, now = Tx(connection, change.event_owner), CliSettings().now
        for lead_id, lead in leads.items():
            if changed[lead_id].result == change.result:
                tx.emit(change.make_event(lead, changed[lead_id], access_id, now))
        await tx.write_outbox()
    return {lead_id: changed[lead_id].result if lead_id in leads else UNKNOWN for lead_id in page}


def _report(change: LeadChange, results: Results, *, by_name: bool, as_json: bool) -> None:
    """Report counts by result, and the leads that were refused. Raises CommandRefusedError where one of them was named."""
    counts = Counter(results.values())
    refused = {lead_id: result for lead_id, result in results.items() if result not in (change.result, ALREADY)}
    message = f"{counts[change.result]:,} {change.done}"
    message += f", {counts[ALREADY]:,} were so already" if counts[ALREADY] else ""
    message += f", {len(refused):,} not" if refused else ""
    fields = {"counts": dict(counts), "refused": {str(lead_id): why for lead_id, why in refused.items()}}
    print_done(f"{message}.", fields, as_json=as_json)
    if refused and not as_json:
        rows = [
            {"lead_id": lead, "why": _REFUSALS.get(why, why)} for lead, why in islice(refused.items(), SHOWN_REFUSALS)
        ]
        print_rows(rows, {"lead_id": "lead", "why": "why not"}, as_json=False, empty="")
        if len(refused) > SHOWN_REFUSALS:
            print_message(f"and {len(refused) - SHOWN_REFUSALS:,} more: --json lists all")
    if refused and by_name:
        raise CommandRefusedError(
            f"{len(refused):,} of {len(results):,} leads could not be {change.done}.",
            "`equity leads show LEAD` says more.",
        )
