"""Control API of Instantly's stand-in: emails, replies, events and simulated steps."""

from typing import Any

from aiohttp import web
from pydantic import BaseModel, ConfigDict, Field

from sandbox.control_http import json_response, parse_body, unprocessable_error
from sandbox.state import SandboxState
from sandbox.vendors.instantly.conversations import ConversationError, IncomingReply


class ScriptedEvent(BaseModel):
    """An event of a member of an Instantly campaign, such as a reply, that a test or demo triggers."""

    model_config = ConfigDict(extra="forbid")

    event_type: str
    email: str
    campaign: str | None = Field(None, description="The campaign, when the email is a member of several.")
    details: dict[str, Any] = Field(default_factory=dict, description="Fields of the webhook, such as reply_text.")


class CampaignEmail(BaseModel):
    """A step of a campaign that is sent to one member."""

    model_config = ConfigDict(extra="forbid")

    email: str
    campaign: str | None = Field(None, description="The campaign, when the email is a member of several.")
    step: int = Field(1, ge=1, le=100)


class InstantlyControl:
    """The handlers below `/_sandbox/instantly`."""

    def __init__(self, state: SandboxState) -> None:
        self._instantly = state.instantly
        self._deliveries = state.deliveries

    def list_routes(self) -> list[web.RouteDef]:
        """Return the routes."""
        return [
            web.get("/_sandbox/instantly", self._show_instantly),
            web.get("/_sandbox/instantly/emails", self._list_emails),
            web.post("/_sandbox/instantly/emails", self._send_email),
            web.post("/_sandbox/instantly/replies", self._receive_reply),
            web.post("/_sandbox/instantly/events", self._trigger_event),
            web.post("/_sandbox/instantly/steps/{step:[1-9]}", self._send_step),
        ]

    async def _show_instantly(self, _request: web.Request) -> web.Response:
        workspace = self._instantly.workspace
        campaigns = [
            {
                "id": campaign["id"],
                "name": campaign["name"],
                "status": campaign["status"],
                "members": [lead["email"] for lead in workspace.list_members(campaign["id"])],
            }
            for campaign in workspace.campaigns.values()
        ]
        blocked, webhooks = list(workspace.blocked), len(workspace.webhooks)
        return json_response({"campaigns": campaigns, "blocked": blocked, "webhooks": webhooks})

    async def _trigger_event(self, request: web.Request) -> web.Response:
        event = await parse_body(ScriptedEvent, request)
        lead = self._find_member(event.email, event.campaign)
        delivered = self._instantly.webhooks.apply_event(event.event_type, lead, event.details)
        await self._deliveries.wait_until_done()
        return json_response({"delivered": delivered})

    async def _send_step(self, request: web.Request) -> web.Response:
        events = self._instantly.step_simulator.send_step(int(request.match_info["step"]))
        await self._deliveries.wait_until_done()
        return json_response(events)

    async def _list_emails(self, request: web.Request) -> web.Response:
        """Show all emails, or those with the `lead`, `ue_type` and `thread_id` of the query, without a rate limit."""
        filters = {name: request.query[name] for name in ("lead", "ue_type", "thread_id") if name in request.query}
        emails = self._instantly.workspace.emails.values()
        return json_response([
            email for email in emails if all(str(email[name]) == value for name, value in filters.items())
        ])  # fmt: skip

    async def _send_email(self, request: web.Request) -> web.Response:
        wanted = await parse_body(CampaignEmail, request)
        lead = self._find_member(wanted.email, wanted.campaign)
        if not self._instantly.conversations.can_receive(lead):
            raise unprocessable_error("The campaign is not active, or it does not write to this member any more.")
        email = self._instantly.conversations.send_step(lead, wanted.step)
        if email is None:
            raise unprocessable_error("The campaign has no such step.")
        await self._deliveries.wait_until_done()
        return json_response(email, 201)

    async def _receive_reply(self, request: web.Request) -> web.Response:
        try:
            email = self._instantly.conversations.receive_reply(await parse_body(IncomingReply, request))
        except ConversationError as error:
            raise unprocessable_error(str(error)) from error
        await self._deliveries.wait_until_done()
        return json_response(email, 201)

    def _find_member(self, email: str, campaign: str | None) -> dict[str, Any]:
        """Return the member of a campaign. Raise HTTPNotFound if there is none."""
        for lead in self._instantly.workspace.leads.values():
            if lead["email"] == email and lead["campaign"] and campaign in (None, lead["campaign"]):
                return lead
        raise web.HTTPNotFound(text="No campaign has this email.")
