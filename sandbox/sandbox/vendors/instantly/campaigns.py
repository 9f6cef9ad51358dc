"""Instantly's campaign addresses (contracts §1.5)."""

from typing import Any

from sandbox.vendor import Answer, Call, Operation, json_object
from sandbox.vendors.instantly.reading import Reader
from sandbox.vendors.instantly.requests import CampaignFields, CreateCampaign
from sandbox.vendors.instantly.timezones import TIMEZONES
from sandbox.vendors.instantly.workspace import Workspace, now

ACTIVE, PAUSED = 1, 2
_ASSIGNED = {"id", "status", "timestamp_created", "timestamp_updated", "organization"}


class Campaigns:
    """Creates, changes, shows and switches campaigns."""

    def __init__(self, workspace: Workspace, reader: Reader) -> None:
        self._workspace = workspace
        self._reader = reader
        self.operations = (
            Operation("create_campaign", "POST", "/api/v2/campaigns", self._create),
            Operation("list_campaigns", "GET", "/api/v2/campaigns", self._list, ("cursor_on_last_page",)),
            Operation("get_campaign", "GET", "/api/v2/campaigns/{id}", self._get),
            Operation("update_campaign", "PATCH", "/api/v2/campaigns/{id}", self._update),
            Operation("delete_campaign", "DELETE", "/api/v2/campaigns/{id}", self._delete),
            Operation("activate_campaign", "POST", "/api/v2/campaigns/{id}/activate", self._activate),
            Operation("pause_campaign", "POST", "/api/v2/campaigns/{id}/pause", self._pause),
        )

    async def _create(self, call: Call) -> Answer:
        wanted = self._reader.read(CreateCampaign, call)
        self._check_zones(wanted)
        return Answer(self._workspace.add_campaign(_given(call, self._reader)))

    async def _list(self, call: Call) -> Answer:
        search = call.request.query.get("search", "").lower()
        found = [entry for entry in self._workspace.campaigns.values() if search in entry["name"].lower()]
        return Answer(self._reader.query_page(call, found))

    async def _get(self, call: Call) -> Answer:
        return Answer(self._campaign(call))

    async def _update(self, call: Call) -> Answer:
        wanted = self._reader.read(CampaignFields, call)
        self._check_zones(wanted)
        campaign = self._campaign(call)
        campaign.update(_given(call, self._reader), timestamp_updated=now())
        return Answer(campaign)

    async def _delete(self, call: Call) -> Answer:
        campaign = self._campaign(call)
        for lead in self._workspace.members(campaign["id"]):
            self._workspace.remove_lead(lead["id"])
        return Answer(self._workspace.campaigns.pop(campaign["id"]))

    async def _activate(self, call: Call) -> Answer:
        return self._switch(call, ACTIVE)

    async def _pause(self, call: Call) -> Answer:
        return self._switch(call, PAUSED)

    def _switch(self, call: Call, status: int) -> Answer:
        campaign = self._campaign(call)
        campaign.update(status=status, timestamp_updated=now())
        return Answer(campaign)

    def _campaign(self, call: Call) -> dict[str, Any]:
        return self._reader.found(self._workspace.campaigns, call)

    def _check_zones(self, wanted: CampaignFields) -> None:
        schedules = wanted.campaign_schedule.schedules if wanted.campaign_schedule else []
        for number, schedule in enumerate(schedules):
            if schedule.timezone not in TIMEZONES:
                place = f"body/campaign_schedule/schedules/{number}/timezone"
                raise self._reader.refusal(400, f"{place} must be equal to one of the allowed values")


def _given(call: Call, reader: Reader) -> dict[str, Any]:
    """What the request says, as it said it; what Instantly assigns cannot be set."""
    return {name: value for name, value in json_object(reader.vendor, call.body).items() if name not in _ASSIGNED}
