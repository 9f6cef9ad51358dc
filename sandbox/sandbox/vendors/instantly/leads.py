"""Instantly's lead addresses (contracts §1.2 to §1.4)."""

from collections.abc import Iterable
from typing import Any

from sandbox.ledger import Ledger
from sandbox.vendor import Answer, Call, Operation, RefusedError
from sandbox.vendors.instantly.adding import add_leads, is_skipped
from sandbox.vendors.instantly.reading import Reader
from sandbox.vendors.instantly.requests import AddLead, AddLeads, DeleteLeads, InterestStatus, LeadFields, ListLeads
from sandbox.vendors.instantly.workspace import Workspace, now, update_lead

_STATUS_OF_FILTER = {
    "FILTER_VAL_ACTIVE": 1, "FILTER_VAL_COMPLETED": 3, "FILTER_VAL_BOUNCED": -1, "FILTER_VAL_UNSUBSCRIBED": -2,
    "FILTER_VAL_SKIPPED": -3,
}  # fmt: skip
_COUNT_OF_FILTER = {"FILTER_VAL_REPLIED": "email_reply_count", "FILTER_VAL_LINK_CLICKED": "email_click_count"}


class Leads:
    """Adds, lists, changes and removes leads."""

    def __init__(self, workspace: Workspace, reader: Reader, ledger: Ledger) -> None:
        self._workspace = workspace
        self._reader = reader
        self._ledger = ledger
        self.operations = (
            Operation("add_lead", "POST", "/api/v2/leads", self._add_one),
            Operation("add_leads", "POST", "/api/v2/leads/add", self._add_many, ("partial", "blocklisted")),
            Operation("list_leads", "POST", "/api/v2/leads/list", self._list, ("cursor_on_last_page",)),
            Operation("set_interest", "POST", "/api/v2/leads/update-interest-status", self._set_interest),
            Operation("delete_leads", "DELETE", "/api/v2/leads", self._delete_many),
            Operation("get_lead", "GET", "/api/v2/leads/{id}", self._get),
            Operation("update_lead", "PATCH", "/api/v2/leads/{id}", self._update),
            Operation("delete_lead", "DELETE", "/api/v2/leads/{id}", self._delete),
        )

    async def _add_one(self, call: Call) -> Answer:
        wanted = self._reader.read(AddLead, call)
        self._check_place(wanted.campaign, wanted.list_id)
        if wanted.campaign and not wanted.email:
            raise self._reader.refusal(400, "email is required when using campaign")
        email = wanted.email or ""
        place = wanted.campaign or wanted.list_id or ""
        known = self._workspace.lead_in(email, place)
        if known is None and email and is_skipped(self._workspace, wanted, email):
            known = next(
                lead for lead in self._workspace.leads.values() if (lead["email"] or "").lower() == email.lower()
            )
        if known is not None:
            return Answer(known)
        lead = self._workspace.add_lead(wanted, campaign=wanted.campaign, list_id=wanted.list_id)
        self._charge([lead])
        return Answer(lead)

    async def _add_many(self, call: Call) -> Answer:
        wanted = self._reader.read(AddLeads, call)
        if bool(wanted.campaign_id) == bool(wanted.list_id):
            raise self._reader.refusal(400, "You must provide either campaign_id or list_id, but not both")
        self._check_place(wanted.campaign_id, wanted.list_id)
        summary = add_leads(call, self._workspace, wanted)
        self._charge(self._workspace.leads[entry["id"]] for entry in summary["created_leads"])
        return Answer(summary)

    async def _list(self, call: Call) -> Answer:
        wanted = self._reader.read(ListLeads, call)
        found = [lead for lead in self._workspace.leads.values() if _is_wanted(lead, wanted)]
        return Answer(self._reader.page(call, found, wanted.limit, wanted.starting_after))

    async def _set_interest(self, call: Call) -> Answer:
        """Set at once, though Instantly calls it a job."""
        wanted = self._reader.read(InterestStatus, call)
        for lead in self._workspace.leads.values():
            is_meant = (lead["email"] or "").lower() == wanted.lead_email.lower()
            places = (wanted.campaign_id in (None, lead["campaign"]), wanted.list_id in (None, lead["list_id"]))
            if is_meant and all(places):
                at = now()
                lead.update(
                    lt_interest_status=wanted.interest_value, timestamp_updated=at, timestamp_last_interest_change=at
                )
        return Answer({"message": "Lead interest status update background job submitted"}, 202)

    async def _delete_many(self, call: Call) -> Answer:
        wanted = self._reader.read(DeleteLeads, call)
        place = wanted.campaign_id or wanted.list_id
        if place is None:
            raise self._reader.refusal(400, "body must have required property 'campaign_id'")
        ids = None if wanted.ids is None else set(wanted.ids)
        found = [
            lead_id
            for lead_id, lead in self._workspace.leads.items()
            if place in (lead["campaign"], lead["list_id"])
            and (ids is None or lead_id in ids)
            and (wanted.status is None or lead["status"] == wanted.status)
        ][: wanted.limit]
        for lead_id in found:
            self._workspace.remove_lead(lead_id)
        return Answer({"count": len(found)})

    async def _get(self, call: Call) -> Answer:
        return Answer(self._lead(call))

    async def _update(self, call: Call) -> Answer:
        wanted = self._reader.read(LeadFields, call)
        lead = self._lead(call)
        update_lead(lead, wanted)
        return Answer(lead)

    async def _delete(self, call: Call) -> Answer:
        lead = self._lead(call)
        self._workspace.remove_lead(lead["id"])
        return Answer(lead)

    def _lead(self, call: Call) -> dict[str, Any]:
        return self._reader.found(self._workspace.leads, call)

    def _check_place(self, campaign: str | None, list_id: str | None) -> None:
        """Raise RefusedError (404) for a campaign that is not there; lists are taken on trust."""
        if campaign is not None and campaign not in self._workspace.campaigns:
            raise RefusedError(self._reader.vendor.error(404, "Campaign not found"))
        if campaign is None and list_id is None:
            raise self._reader.refusal(400, "You must provide either campaign or list_id")

    def _charge(self, leads: Iterable[dict[str, Any]]) -> None:
        self._ledger.pay("instantly", "upload", (f"{lead['campaign']} {lead['email']}" for lead in leads))


def _is_wanted(lead: dict[str, Any], wanted: ListLeads) -> bool:
    """Whether the lead meets every filter that is given."""
    words = " ".join(str(lead[name] or "") for name in ("first_name", "last_name", "email")).lower()
    emails = None if wanted.contacts is None else {contact.lower() for contact in wanted.contacts}
    checks = (
        wanted.campaign in (None, lead["campaign"]),
        wanted.list_id in (None, lead["list_id"]),
        wanted.in_campaign in (None, lead["campaign"] is not None),
        wanted.in_list in (None, lead["list_id"] is not None),
        wanted.ids is None or lead["id"] in wanted.ids,
        lead["id"] not in (wanted.excluded_ids or ()),
        emails is None or (lead["email"] or "").lower() in emails,
        wanted.search is None or wanted.search.lower() in words,
        _passes(lead, wanted.filter),
    )
    return all(checks)


def _passes(lead: dict[str, Any], name: str | None) -> bool:
    if name in _STATUS_OF_FILTER:
        return bool(lead["status"] == _STATUS_OF_FILTER[name])
    if name in _COUNT_OF_FILTER:
        return bool(lead[_COUNT_OF_FILTER[name]])
    if name in {"FILTER_VAL_CONTACTED", "FILTER_VAL_NOT_CONTACTED"}:
        return (lead["timestamp_last_contact"] is not None) == (name == "FILTER_VAL_CONTACTED")
    return True
