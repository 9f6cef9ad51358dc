"""The state of an Instantly workspace: campaigns, leads, block list, webhook subscriptions."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from sandbox.vendors.instantly.requests import LeadFields

ORGANIZATION = "0190ffff-1111-7222-8333-444455556666"
_NAMES = {
    "first_name": "firstName", "last_name": "lastName", "company_name": "companyName", "job_title": "jobTitle",
    "website": "website", "phone": "phone", "personalization": "personalization",
}  # fmt: skip
"""Lead fields as they are called in `payload` and in webhooks."""


@dataclass(slots=True)
class Workspace:
    """Everything that the workspace knows. Ids ascend in the order of creation, as UUIDv7 do, and so does each table."""

    plan_leads: int
    campaigns: dict[str, dict[str, Any]] = field(default_factory=dict)
    leads: dict[str, dict[str, Any]] = field(default_factory=dict)
    blocked: dict[str, dict[str, Any]] = field(default_factory=dict)
    webhooks: dict[str, dict[str, Any]] = field(default_factory=dict)
    uploaded: int = 0
    _made: int = 0
    _places: dict[str, dict[str, str]] = field(default_factory=dict)
    """Of each email, in lower case: the lead's id by campaign or list."""

    def new_id(self) -> str:
        """The next id."""
        self._made += 1
        return f"0198a1c3-{self._made >> 12:04x}-7{self._made & 0xFFF:03x}-8000-0242ac120002"

    def add_campaign(self, fields: dict[str, Any]) -> dict[str, Any]:
        """A new campaign, in draft: creating never sends."""
        at = now()
        campaign = {
            **fields, "id": self.new_id(), "status": 0, "timestamp_created": at, "timestamp_updated": at,
            "organization": ORGANIZATION,
        }  # fmt: skip
        self.campaigns[campaign["id"]] = campaign
        return campaign

    def add_lead(self, wanted: LeadFields, *, campaign: str | None, list_id: str | None) -> dict[str, Any]:
        """A new lead of a campaign or a list."""
        lead = new_lead(self.new_id(), wanted, campaign, list_id)
        self.leads[lead["id"]] = lead
        self.uploaded += campaign is not None
        if wanted.email:
            self._places.setdefault(wanted.email.lower(), {})[campaign or list_id or ""] = lead["id"]
        return lead

    def remove_lead(self, lead_id: str) -> dict[str, Any] | None:
        """The lead that is no more; None when there was none."""
        lead = self.leads.pop(lead_id, None)
        if lead is not None and lead["email"]:
            places = self._places[lead["email"].lower()]
            places.pop(lead["campaign"] or lead["list_id"] or "", None)
        return lead

    def lead_in(self, email: str, place: str) -> dict[str, Any] | None:
        """The lead with this email in one campaign or list."""
        lead_id = self._places.get(email.lower(), {}).get(place)
        return self.leads.get(lead_id) if lead_id else None

    def is_in_any(self, email: str, *, campaigns: bool, lists: bool) -> bool:
        """Whether the email is in any campaign, or any list, of the workspace."""
        found = (self.leads[lead_id] for lead_id in self._places.get(email.lower(), {}).values())
        return any((campaigns and lead["campaign"]) or (lists and lead["list_id"]) for lead in found)

    def is_blocked(self, email: str) -> bool:
        """Whether the email or its domain is on the block list."""
        return email.lower() in self.blocked or email.lower().rpartition("@")[2] in self.blocked

    def block(self, values: Iterable[str]) -> list[dict[str, Any]]:
        """Put values onto the block list; the entries."""
        entries = []
        for value in values:
            entry = {
                "id": self.new_id(), "timestamp_created": now(), "organization_id": ORGANIZATION, "bl_value": value,
                "is_domain": "@" not in value,
            }  # fmt: skip
            entries.append(self.blocked.setdefault(value.lower(), entry))
        return entries

    def members(self, campaign: str) -> list[dict[str, Any]]:
        """The leads of a campaign, oldest first."""
        return [lead for lead in self.leads.values() if lead["campaign"] == campaign]

    def dump(self) -> dict[str, Any]:
        """Everything that it knows, for `load`."""
        return asdict(self)

    def load(self, dumped: Mapping[str, Any]) -> None:
        """Know what another workspace knew; the plan stays its own."""
        for name, value in dumped.items():
            if name != "plan_leads":
                setattr(self, name, value)

    def clear(self) -> None:
        """Empty the workspace."""
        for table in (self.campaigns, self.leads, self.blocked, self.webhooks, self._places):
            table.clear()
        self.uploaded = self._made = 0


def new_lead(lead_id: str, wanted: LeadFields, campaign: str | None, list_id: str | None) -> dict[str, Any]:
    """A lead as Instantly shows it (schema `Lead`)."""
    at = now()
    fields = wanted.model_dump(include={"email", *_NAMES})
    never = ("contact", "open", "reply", "click", "interest_change", "touch")
    return {
        "id": lead_id, "timestamp_created": at, "timestamp_updated": at, "organization": ORGANIZATION,
        "campaign": campaign, "list_id": list_id, "status": 1, **fields,
        "email_open_count": 0, "email_reply_count": 0, "email_click_count": 0,
        "company_domain": (wanted.email or "").rpartition("@")[2], "status_summary": {},
        "payload": payload(wanted), "verification_status": 11, "upload_method": "api", "esp_code": 0, "esg_code": 0,
        "pl_value_lead": wanted.pl_value_lead, "assigned_to": wanted.assigned_to,
        **{f"timestamp_last_{what}": None for what in never},
    }  # fmt: skip


def payload(fields: LeadFields) -> dict[str, Any]:
    """Names and custom variables side by side."""
    named = {shown: getattr(fields, name) for name, shown in _NAMES.items() if getattr(fields, name) is not None}
    return {**named, **fields.custom_variables}


def update_lead(lead: dict[str, Any], wanted: LeadFields) -> None:
    """Set what *wanted* names; custom variables are merged."""
    given = wanted.model_dump(exclude_unset=True, exclude={"custom_variables", "email"})
    lead.update(given, timestamp_updated=now())
    lead["payload"] = {**lead["payload"], **payload(wanted)}


def now() -> str:
    """The time as Instantly writes it, in milliseconds."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
