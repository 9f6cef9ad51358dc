"""Lead operations of Instantly (docs/vendors/instantly.md, Operations)."""

from collections.abc import Iterable
from typing import Any

from sandbox.call_statistics import CallStatistics
from sandbox.vendor_server import VendorCall, VendorOperation, VendorResponse
from sandbox.vendors.instantly.bulk_add import add_leads, is_skipped
from sandbox.vendors.instantly.request_reader import InstantlyRequestReader
from sandbox.vendors.instantly.requests import (
    AddLeadRequest,
    AddLeadsRequest,
    DeleteLeadsRequest,
    LeadFields,
    ListLeadsRequest,
    SetInterestRequest,
)
from sandbox.vendors.instantly.workspace import InstantlyWorkspace, current_time, update_lead

_STATUS_OF_FILTER = {
    "FILTER_VAL_ACTIVE": 1, "FILTER_VAL_COMPLETED": 3, "FILTER_VAL_BOUNCED": -1, "FILTER_VAL_UNSUBSCRIBED": -2,
    "FILTER_VAL_SKIPPED": -3,
}  # fmt: skip
_COUNT_OF_FILTER = {"FILTER_VAL_REPLIED": "email_reply_count", "FILTER_VAL_LINK_CLICKED": "email_click_count"}


class LeadApi:
    """Operations that add, list, change and remove leads."""

    def __init__(
        self, workspace: InstantlyWorkspace, reader: InstantlyRequestReader, statistics: CallStatistics
    ) -> None:
        self._workspace = workspace
        self._reader = reader
        self._statistics = statistics
        self.operations = (
            VendorOperation("add_lead", "POST", "/api/v2/leads", self._add_one),
            VendorOperation("add_leads", "POST", "/api/v2/leads/add", self._add_many, ("partial", "blocklisted")),
            VendorOperation("list_leads", "POST", "/api/v2/leads/list", self._list, ("cursor_on_last_page",)),
            VendorOperation("set_interest", "POST", "/api/v2/leads/update-interest-status", self._set_interest),
            VendorOperation("delete_leads", "DELETE", "/api/v2/leads", self._delete_many),
            VendorOperation("get_lead", "GET", "/api/v2/leads/{id}", self._get),
            VendorOperation("update_lead", "PATCH", "/api/v2/leads/{id}", self._update),
            VendorOperation("delete_lead", "DELETE", "/api/v2/leads/{id}", self._delete),
        )

    async def _add_one(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(AddLeadRequest, call)
        self._check_place(request.campaign, request.list_id)
        if request.campaign and not request.email:
            raise self._reader.create_refusal(400, "email is required when using campaign")
        email = request.email or ""
        place = request.campaign or request.list_id or ""
        existing = self._workspace.find_lead(email, place)
        if existing is None and email and is_skipped(self._workspace, request, email):
            leads = self._workspace.leads.values()
            existing = next(lead for lead in leads if (lead["email"] or "").lower() == email.lower())
        if existing is not None:
            return VendorResponse(existing)
        lead = self._workspace.add_lead(request, campaign=request.campaign, list_id=request.list_id)
        self._charge([lead])
        return VendorResponse(lead)

    async def _add_many(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(AddLeadsRequest, call)
        if bool(request.campaign_id) == bool(request.list_id):
            raise self._reader.create_refusal(400, "You must provide either campaign_id or list_id, but not both")
        self._check_place(request.campaign_id, request.list_id)
        summary = add_leads(call, self._workspace, request)
        self._charge(self._workspace.leads[entry["id"]] for entry in summary["created_leads"])
        return VendorResponse(summary)

    async def _list(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(ListLeadsRequest, call)
        matches = [lead for lead in self._workspace.leads.values() if _is_match(lead, request)]
        return VendorResponse(self._reader.create_page(call, matches, request.limit, request.starting_after))

    async def _set_interest(self, call: VendorCall) -> VendorResponse:
        """Set the interest immediately. Instantly answers that a background job does it."""
        request = self._reader.parse_body(SetInterestRequest, call)
        for lead in self._workspace.leads.values():
            has_email = (lead["email"] or "").lower() == request.lead_email.lower()
            is_in_places = (request.campaign_id in (None, lead["campaign"]), request.list_id in (None, lead["list_id"]))
            if has_email and all(is_in_places):
                at = current_time()
                lead.update(
                    lt_interest_status=request.interest_value, timestamp_updated=at, timestamp_last_interest_change=at
                )
        return VendorResponse({"message": "Lead interest status update background job submitted"}, 202)

    async def _delete_many(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(DeleteLeadsRequest, call)
        place = request.campaign_id or request.list_id
        if place is None:
            raise self._reader.create_refusal(400, "body must have required property 'campaign_id'")
        ids = None if request.ids is None else set(request.ids)
        lead_ids = [
            lead_id
            for lead_id, lead in self._workspace.leads.items()
            if place in (lead["campaign"], lead["list_id"])
            and (ids is None or lead_id in ids)
            and (request.status is None or lead["status"] == request.status)
        ][: request.limit]
        for lead_id in lead_ids:
            self._workspace.remove_lead(lead_id)
        return VendorResponse({"count": len(lead_ids)})

    async def _get(self, call: VendorCall) -> VendorResponse:
        return VendorResponse(self._find_lead(call))

    async def _update(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(LeadFields, call)
        lead = self._find_lead(call)
        update_lead(lead, request)
        return VendorResponse(lead)

    async def _delete(self, call: VendorCall) -> VendorResponse:
        lead = self._find_lead(call)
        self._workspace.remove_lead(lead["id"])
        return VendorResponse(lead)

    def _find_lead(self, call: VendorCall) -> dict[str, Any]:
        return self._reader.find_entry(self._workspace.leads, call)

    def _check_place(self, campaign: str | None, list_id: str | None) -> None:
        """Raise VendorRefusalError: 404 for an unknown campaign, 400 without campaign and list. Any list id is accepted."""
        if campaign is not None and campaign not in self._workspace.campaigns:
            raise self._reader.create_refusal(404, "Campaign not found")
        if campaign is None and list_id is None:
            raise self._reader.create_refusal(400, "You must provide either campaign or list_id")

    def _charge(self, leads: Iterable[dict[str, Any]]) -> None:
        subjects = (f"{lead['campaign']} {lead['email']}" for lead in leads)
        self._statistics.record_charges("instantly", "upload", subjects)


def _is_match(lead: dict[str, Any], request: ListLeadsRequest) -> bool:
    """Return whether the lead meets every filter of the request."""
    words = " ".join(str(lead[name] or "") for name in ("first_name", "last_name", "email")).lower()
    emails = None if request.contacts is None else {contact.lower() for contact in request.contacts}
    checks = (
        request.campaign in (None, lead["campaign"]),
        request.list_id in (None, lead["list_id"]),
        request.in_campaign in (None, lead["campaign"] is not None),
        request.in_list in (None, lead["list_id"] is not None),
        request.ids is None or lead["id"] in request.ids,
        lead["id"] not in (request.excluded_ids or ()),
        emails is None or (lead["email"] or "").lower() in emails,
        request.search is None or request.search.lower() in words,
        _passes_filter(lead, request.filter),
    )
    return all(checks)


def _passes_filter(lead: dict[str, Any], name: str | None) -> bool:
    if name in _STATUS_OF_FILTER:
        return bool(lead["status"] == _STATUS_OF_FILTER[name])
    if name in _COUNT_OF_FILTER:
        return bool(lead[_COUNT_OF_FILTER[name]])
    if name in {"FILTER_VAL_CONTACTED", "FILTER_VAL_NOT_CONTACTED"}:
        return (lead["timestamp_last_contact"] is not None) == (name == "FILTER_VAL_CONTACTED")
    return True
