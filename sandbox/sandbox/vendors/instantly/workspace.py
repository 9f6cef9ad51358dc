"""State of an Instantly workspace: campaigns, leads, block list, webhook subscriptions."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.vendors.instantly.requests import LeadFields

ORGANIZATION_ID = "0190ffff-1111-7222-8333-444455556666"
MAX_WEBHOOK_EVENTS = 10_000
_PAYLOAD_NAMES = {
    "first_name": "firstName", "last_name": "lastName", "company_name": "companyName", "job_title": "jobTitle",
    "website": "website", "phone": "phone", "personalization": "personalization",
}  # fmt: skip
"""By lead field: its name in `payload` and in webhooks."""


@dataclass(slots=True)
class InstantlyWorkspace:
    """Tables of a workspace. Ids ascend in the order of creation, as UUIDv7 do, so each table is sorted by id."""

    plan_leads: int
    campaigns: dict[str, dict[str, Any]] = field(default_factory=dict)
    leads: dict[str, dict[str, Any]] = field(default_factory=dict)
    blocked: dict[str, dict[str, Any]] = field(default_factory=dict)
    webhooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    webhook_events: dict[str, dict[str, Any]] = field(default_factory=dict)
    webhook_failures: dict[str, int] = field(default_factory=dict)
    """By subscription: deliveries that failed since the last one that was accepted."""
    emails: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploaded: int = 0
    """Leads that were added to campaigns; they count against the plan."""
    _made: int = 0
    """Number of ids that were created."""
    _places: dict[str, dict[str, str]] = field(default_factory=dict)
    """By email in lower case: the lead's id by campaign or list."""
    _emails_by_address: dict[str, list[str]] = field(default_factory=dict)
    """By lead's address in lower case: the ids of the emails to and from it."""

    def create_id(self) -> str:
        """Return the next id."""
        self._made += 1
        return f"0198a1c3-{self._made >> 12:04x}-7{self._made & 0xFFF:03x}-8000-0242ac120002"

    def add_campaign(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Add a campaign as a draft, which sends nothing. Return it."""
        at = current_time()
        campaign = {
            **fields, "id": self.create_id(), "status": 0, "timestamp_created": at, "timestamp_updated": at,
            "organization": ORGANIZATION_ID,
        }  # fmt: skip
        self.campaigns[campaign["id"]] = campaign
        return campaign

    def add_lead(self, fields: LeadFields, *, campaign: str | None, list_id: str | None) -> dict[str, Any]:
        """Add a lead to a campaign or a list. Return it."""
        lead = _create_lead(self.create_id(), fields, campaign, list_id)
        self.leads[lead["id"]] = lead
        self.uploaded += campaign is not None
        if fields.email:
            self._places.setdefault(fields.email.lower(), {})[campaign or list_id or ""] = lead["id"]
        return lead

    def remove_lead(self, lead_id: str) -> dict[str, Any] | None:
        """Remove a lead. Return it, or None if there is none with this id."""
        lead = self.leads.pop(lead_id, None)
        if lead is not None and lead["email"]:
            places = self._places[lead["email"].lower()]
            places.pop(lead["campaign"] or lead["list_id"] or "", None)
        return lead

    def find_lead(self, email: str, place: str) -> dict[str, Any] | None:
        """Return the lead with this email in one campaign or list."""
        lead_id = self._places.get(email.lower(), {}).get(place)
        return self.leads.get(lead_id) if lead_id else None

    def is_member(self, email: str, *, campaigns: bool, lists: bool) -> bool:
        """Return whether the email is in any campaign, or any list, of the workspace."""
        leads = (self.leads[lead_id] for lead_id in self._places.get(email.lower(), {}).values())
        return any((campaigns and lead["campaign"]) or (lists and lead["list_id"]) for lead in leads)

    def is_blocked(self, email: str) -> bool:
        """Return whether the email or its domain is on the block list."""
        return email.lower() in self.blocked or email.lower().rpartition("@")[2] in self.blocked

    def block_values(self, values: Iterable[str]) -> list[dict[str, Any]]:
        """Add emails or domains to the block list. Return their entries."""
        entries = []
        for value in values:
            entry = {
                "id": self.create_id(), "timestamp_created": current_time(), "organization_id": ORGANIZATION_ID, "bl_value": value,
                "is_domain": "@" not in value,
            }  # fmt: skip
            entries.append(self.blocked.setdefault(value.lower(), entry))
        return entries

    def add_email(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Add an email to the thread of its lead and campaign. Return it."""
        same_campaign = [
            email for email in self.list_emails_of(fields["lead"]) if email["campaign_id"] == fields["campaign_id"]
        ]
        email_id = self.create_id()
        email = {
            **fields, "id": email_id, "thread_id": same_campaign[0]["thread_id"] if same_campaign else email_id,
            "message_id": f"<{email_id}@mail.outreach.example>", "organization_id": ORGANIZATION_ID,
        }  # fmt: skip
        self.emails[email_id] = email
        self._emails_by_address.setdefault(fields["lead"].lower(), []).append(email_id)
        return email

    def list_emails_of(self, address: str) -> list[dict[str, Any]]:
        """Return the emails to and from a lead's address, oldest first, also of leads that were removed."""
        return [self.emails[email_id] for email_id in self._emails_by_address.get(address.lower(), ())]

    def add_webhook_event(self, fields: dict[str, Any]) -> dict[str, Any]:
        """Add a delivery attempt to the audit, which keeps the newest ones. Return its entry."""
        at = current_time()
        event = {
            "id": self.create_id(), "timestamp_created": at, "timestamp_created_date": at[:10],
            "organization_id": ORGANIZATION_ID, **fields,
        }  # fmt: skip
        self.webhook_events[event["id"]] = event
        if len(self.webhook_events) > MAX_WEBHOOK_EVENTS:
            del self.webhook_events[next(iter(self.webhook_events))]
        return event

    def list_members(self, campaign: str) -> list[dict[str, Any]]:
        """Return the leads of a campaign, oldest first."""
        return [lead for lead in self.leads.values() if lead["campaign"] == campaign]

    def export_tables(self) -> dict[str, Any]:
        """Return all tables, for `import_tables`."""
        return asdict(self)

    def import_tables(self, exported: Mapping[str, Any]) -> None:
        """Replace all tables by those that `export_tables` returned. The size of the plan does not change."""
        for name, value in exported.items():
            if name != "plan_leads":
                setattr(self, name, value)

    def delete_everything(self) -> None:
        """Delete all entries. The next id is the first one again."""
        tables = (
            self.campaigns, self.leads, self.blocked, self.webhooks, self.webhook_events, self.webhook_failures, self.emails,
            self._places, self._emails_by_address,
        )  # fmt: skip
        for table in tables:
            table.clear()
        self.uploaded = self._made = 0


def _create_lead(lead_id: str, fields: LeadFields, campaign: str | None, list_id: str | None) -> dict[str, Any]:
    """Return a lead in Instantly's format (OpenAPI 2.0.0, schema `Lead`)."""
    at = current_time()
    columns = fields.model_dump(include={"email", *_PAYLOAD_NAMES})
    events = ("contact", "open", "reply", "click", "interest_change", "touch")
    return {
        "id": lead_id, "timestamp_created": at, "timestamp_updated": at, "organization": ORGANIZATION_ID,
        "campaign": campaign, "list_id": list_id, "status": 1, **columns,
        "email_open_count": 0, "email_reply_count": 0, "email_click_count": 0,
        "company_domain": (fields.email or "").rpartition("@")[2], "status_summary": {},
        "payload": _create_payload(fields), "verification_status": 11, "upload_method": "api", "esp_code": 0, "esg_code": 0,
        "pl_value_lead": fields.pl_value_lead, "assigned_to": fields.assigned_to,
        **{f"timestamp_last_{event}": None for event in events},
    }  # fmt: skip


def _create_payload(fields: LeadFields) -> dict[str, Any]:
    """Return names and custom variables in one object."""
    named = {
        shown: getattr(fields, name) for name, shown in _PAYLOAD_NAMES.items() if getattr(fields, name) is not None
    }
    return {**named, **fields.custom_variables}


def update_lead(lead: dict[str, Any], fields: LeadFields) -> None:
    """Set the given *fields*. Custom variables are merged."""
    given = fields.model_dump(exclude_unset=True, exclude={"custom_variables", "email"})
    lead.update(given, timestamp_updated=current_time())
    lead["payload"] = {**lead["payload"], **_create_payload(fields)}


def current_time() -> str:
    """Return the time in Instantly's format, with milliseconds."""
    return format_time(datetime.now(UTC))


def format_time(at: datetime) -> str:
    """Return a time of UTC in Instantly's format, with milliseconds."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
