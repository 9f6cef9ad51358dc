"""Campaign operations of Instantly (docs/vendors/instantly.md, Campaigns)."""

from typing import Any

from sandbox.vendor_server import VendorCall, VendorOperation, VendorResponse, parse_json_object
from sandbox.vendors.instantly.request_reader import InstantlyRequestReader
from sandbox.vendors.instantly.requests import CreateCampaignRequest, UpdateCampaignRequest
from sandbox.vendors.instantly.timezones import TIMEZONES
from sandbox.vendors.instantly.workspace import InstantlyWorkspace, current_time

ACTIVE, PAUSED = 1, 2
_READ_ONLY_FIELDS = {"id", "status", "timestamp_created", "timestamp_updated", "organization"}


class CampaignApi:
    """Operations that create, change, show, activate and pause campaigns."""

    def __init__(self, workspace: InstantlyWorkspace, reader: InstantlyRequestReader) -> None:
        self._workspace = workspace
        self._reader = reader
        self.operations = (
            VendorOperation("create_campaign", "POST", "/api/v2/campaigns", self._create),
            VendorOperation("list_campaigns", "GET", "/api/v2/campaigns", self._list, ("cursor_on_last_page",)),
            VendorOperation("get_campaign", "GET", "/api/v2/campaigns/{id}", self._get),
            VendorOperation("update_campaign", "PATCH", "/api/v2/campaigns/{id}", self._update),
            VendorOperation("delete_campaign", "DELETE", "/api/v2/campaigns/{id}", self._delete),
            VendorOperation("activate_campaign", "POST", "/api/v2/campaigns/{id}/activate", self._activate),
            VendorOperation("pause_campaign", "POST", "/api/v2/campaigns/{id}/pause", self._pause),
        )

    async def _create(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(CreateCampaignRequest, call)
        self._check_timezones(request)
        return VendorResponse(self._workspace.add_campaign(self._writable_fields(call)))

    async def _list(self, call: VendorCall) -> VendorResponse:
        search = call.request.query.get("search", "").lower()
        campaigns = [entry for entry in self._workspace.campaigns.values() if search in entry["name"].lower()]
        return VendorResponse(self._reader.create_query_page(call, campaigns))

    async def _get(self, call: VendorCall) -> VendorResponse:
        return VendorResponse(self._find_campaign(call))

    async def _update(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(UpdateCampaignRequest, call)
        self._check_timezones(request)
        campaign = self._find_campaign(call)
        campaign.update(self._writable_fields(call), timestamp_updated=current_time())
        return VendorResponse(campaign)

    async def _delete(self, call: VendorCall) -> VendorResponse:
        campaign = self._find_campaign(call)
        for lead in self._workspace.list_members(campaign["id"]):
            self._workspace.remove_lead(lead["id"])
        return VendorResponse(self._workspace.campaigns.pop(campaign["id"]))

    async def _activate(self, call: VendorCall) -> VendorResponse:
        return self._set_status(call, ACTIVE)

    async def _pause(self, call: VendorCall) -> VendorResponse:
        return self._set_status(call, PAUSED)

    def _set_status(self, call: VendorCall, status: int) -> VendorResponse:
        campaign = self._find_campaign(call)
        campaign.update(status=status, timestamp_updated=current_time())
        return VendorResponse(campaign)

    def _find_campaign(self, call: VendorCall) -> dict[str, Any]:
        return self._reader.find_entry(self._workspace.campaigns, call)

    def _check_timezones(self, request: UpdateCampaignRequest) -> None:
        """Raise VendorRefusalError (400) for a time zone that Instantly does not list."""
        schedules = request.campaign_schedule.schedules if request.campaign_schedule else []
        for number, schedule in enumerate(schedules):
            if schedule.timezone not in TIMEZONES:
                path = f"body/campaign_schedule/schedules/{number}/timezone"
                raise self._reader.create_refusal(400, f"{path} must be equal to one of the allowed values")

    def _writable_fields(self, call: VendorCall) -> dict[str, Any]:
        """Return the fields of the body unchanged, without those that only Instantly sets."""
        body = parse_json_object(self._reader.vendor, call.body)
        return {name: value for name, value in body.items() if name not in _READ_ONLY_FIELDS}
