"""Page of one lead, printed for a person: sections of fields and tables that fit the terminal."""

from collections.abc import Mapping, Sequence
from typing import Any

from cli.commands.leads.access import value_of
from cli.commands.leads.lead_page import LeadPage
from cli.commands.leads.queries import LeadDetails, LeadHistoryEvent, StoredContact
from cli.shell.output import DataclassRow, make_table, new_console, print_fields, print_message

_CONTACT_COLUMNS = {"channel": "channel", "value": "value", "flags": "what is known", "source": "source",
                    "verified_at": "verified"}  # fmt: skip
_HISTORY_COLUMNS = {"occurred_at": "when", "event": "event", "outcome": "outcome", "source": "by", "why": "why"}
_FEED_COLUMNS = {"local_date": "day", "result": "slot", "reason": "why", "at": "when"}
_CAMPAIGN_COLUMNS = {"campaign": "campaign", "desired": "desired", "actual": "actual", "changed_at": "since",
                     "problem": "problem"}  # fmt: skip
_DECISION_COLUMNS = {"at": "when", "channel": "channel", "allowed": "allowed", "reason": "why", "decided_by": "by"}
_CONFLICT_COLUMNS = {"id": "id", "kind": "kind", "column_name": "about", "created_at": "since"}


def print_lead_page(page: LeadPage) -> None:
    """Print the page on stdout."""
    lead = page.lead
    _print_section("Lead", _lead_fields(lead) | {"next": page.next_step.text})
    _print_section("Property", _property_fields(lead))
    _print_section("Owner", _owner_fields(lead))
    _print_section("Score", {"total": lead.lead_score, **(lead.score_contributions or {})})
    contacts = [_describe_contact(contact, value_of(contact, page.values)) for contact in page.contacts]
    _print_table("Contacts", contacts, _CONTACT_COLUMNS, first=("channel", "value", "flags"))
    _print_table("History, the newest first", [_describe_event(event) for event in page.history], _HISTORY_COLUMNS)
    _print_table("Feed", page.feed_days, _FEED_COLUMNS)
    _print_table("Campaigns", page.campaigns, _CAMPAIGN_COLUMNS)
    _print_table("Decisions of the gate, the newest first", page.decisions, _DECISION_COLUMNS)
    _print_table("Open conflicts", page.conflicts, _CONFLICT_COLUMNS)
    if page.values is None and contacts:
        print_message(f"Contact values are hidden. To see them: equity leads show {lead.id} --reveal --purpose TEXT")


def _lead_fields(lead: LeadDetails) -> dict[str, Any]:
    status = f"{lead.status} (was {lead.paused_from})" if lead.paused_from else lead.status
    return {
        "id": lead.id,
        "status": status,
        "broker": lead.broker or "none",
        "source": lead.source,
        "created": lead.created_at,
        "changed": lead.updated_at,
        "version": lead.lead_version,
        "added to campaign": lead.added_to_campaign_at,
        "last reply": lead.last_reply_at,
        "consent": lead.consented_at if lead.consent else None,
        "erased": lead.erased_at,
    }


def _property_fields(lead: LeadDetails) -> dict[str, Any]:
    names = (
        "county", "apn", "mak", "property_type", "bedrooms", "bathrooms", "building_sqft", "lot_sqft", "owner_occupied",
        "vacant", "est_value", "est_equity", "est_ltv", "open_loans", "open_loan_balance", "last_sale_date", "last_sale_amount",
    )  # fmt: skip
    place = _join_address(
        lead.property_address, lead.property_unit, lead.property_city, lead.property_state, lead.property_zip
    )
    year = str(lead.year_built) if lead.year_built else None
    return {"address": place, **{name: getattr(lead, name) for name in names}, "year_built": year}


def _owner_fields(lead: LeadDetails) -> dict[str, Any]:
    flags = {
        "deceased": lead.deceased_owner,
        "do not mail": lead.do_not_mail,
        "litigator": lead.litigator,
    }
    return {
        "owner": _join(lead.owner_first_name, lead.owner_last_name),
        "second owner": _join(lead.owner2_first_name, lead.owner2_last_name),
        "company": lead.company_name,
        "mailing address": _join_address(
            lead.mailing_address, lead.mailing_unit, lead.mailing_city, lead.mailing_state, lead.mailing_zip
        ),
        "flags": [name for name, is_set in flags.items() if is_set],
    }


def _describe_contact(contact: StoredContact, value: str) -> dict[str, Any]:
    verified = {True: "verified", False: "ruled out", None: "not verified"}[contact.verified]
    flags = [
        verified,
        contact.line_type,
        "suppressed" if contact.suppressed else None,
        "do not call" if contact.dnc else None,
        "litigator" if contact.litigator else None,
        *contact.codes,
    ]
    return {
        "channel": contact.channel,
        "value": value,
        "flags": list(filter(None, flags)),
        "source": contact.source,
        "verified_at": contact.verified_at,
    }


def _describe_event(event: LeadHistoryEvent) -> dict[str, Any]:
    reasons = [*map(str, event.reasons or ()), event.purpose and f"{event.actor}: {event.purpose}"]
    return {
        "occurred_at": event.occurred_at,
        "event": event.event_type,
        "outcome": event.outcome,
        "source": event.source,
        "why": list(filter(None, reasons)),
    }


def _join(*parts: str | None) -> str:
    return " ".join(filter(None, parts))


def _join_address(
    street: str | None, unit: str | None, city: str | None, state: str | None, zip_code: str | None
) -> str:
    return ", ".join(filter(None, (_join(street, unit), city, _join(state, zip_code))))


def _print_section(title: str, fields: Mapping[str, Any]) -> None:
    if any(value not in (None, "", [], {}) for value in fields.values()):
        _print_title(title)
        print_fields(fields, as_json=False)


def _print_table(
    title: str,
    rows: Sequence[Mapping[str, Any] | DataclassRow],
    columns: Mapping[str, str],
    first: Sequence[str] = (),
) -> None:
    if rows:
        _print_title(title)
        new_console().print(make_table(rows, columns, first=first))


def _print_title(title: str) -> None:
    new_console().print(f"\n[bold underline]{title}[/]")
