"""Email operations of Instantly (docs/vendors/instantly.md, Emails): list, fetch, answer."""

from datetime import UTC, datetime
from typing import Any

from sandbox.call_limit import CallLimit
from sandbox.vendor_server import VendorCall, VendorOperation, VendorResponse
from sandbox.vendors.instantly.conversations import RECEIVED, SENT_BY_CAMPAIGN, SENT_BY_HAND, Conversations
from sandbox.vendors.instantly.request_reader import InstantlyRequestReader
from sandbox.vendors.instantly.requests import ReplyToEmailRequest
from sandbox.vendors.instantly.workspace import InstantlyWorkspace

_TYPES = {"sent": SENT_BY_CAMPAIGN, "received": RECEIVED, "manual": SENT_BY_HAND}


class EmailApi:
    """Operations on the emails of a workspace."""

    def __init__(
        self,
        workspace: InstantlyWorkspace,
        reader: InstantlyRequestReader,
        conversations: Conversations,
        list_limit: CallLimit,
    ) -> None:
        self._workspace = workspace
        self._reader = reader
        self._conversations = conversations
        self._list_limit = list_limit
        self.operations = (
            VendorOperation("list_emails", "GET", "/api/v2/emails", self._list, ("cursor_on_last_page",)),
            VendorOperation("reply_to_email", "POST", "/api/v2/emails/reply", self._reply),
            VendorOperation("get_email", "GET", "/api/v2/emails/{id}", self._get),
        )

    async def _list(self, call: VendorCall) -> VendorResponse:
        if not self._list_limit.acquire_units():
            raise self._reader.create_refusal(429, "Rate limit exceeded")
        query = call.request.query
        for name, allowed in (("email_type", {*_TYPES}), ("sort_order", {"asc", "desc"})):
            if query.get(name) not in {None, *allowed}:
                raise self._reader.create_refusal(400, f"querystring/{name} must be equal to one of the allowed values")
        since, until = (self._parse_time(query.get(f"{end}_timestamp_created")) for end in ("min", "max"))
        matches = [
            email
            for email in self._workspace.emails.values()
            if _is_between(email, since, until) and _is_listed(email, query)
        ]
        is_descending = query.get("sort_order", "desc") == "desc"
        return VendorResponse(self._reader.create_query_page(call, matches, is_descending=is_descending))

    def _parse_time(self, text: str | None) -> datetime | None:
        """Return a time of the query, UTC unless it says otherwise. Raise VendorRefusalError (400) if it is none."""
        if text is None:
            return None
        try:
            at = datetime.fromisoformat(text.replace(" ", "+"))  # a plus sign that was not quoted arrives as a space
        except ValueError as error:
            raise self._reader.create_refusal(400, "querystring: a timestamp is not in ISO format") from error
        return at if at.tzinfo else at.replace(tzinfo=UTC)

    async def _get(self, call: VendorCall) -> VendorResponse:
        return VendorResponse(self._reader.find_entry(self._workspace.emails, call))

    async def _reply(self, call: VendorCall) -> VendorResponse:
        request = self._reader.parse_body(ReplyToEmailRequest, call)
        if not (request.body.text or request.body.html):
            raise self._reader.create_refusal(400, "body/body must have html or text")
        if request.reply_to_uuid not in self._workspace.emails:
            raise self._reader.create_refusal(404, "Resource not found")
        if not self._conversations.is_account(request.eaccount):
            raise self._reader.create_refusal(400, "body/eaccount is not an account of this workspace")
        return VendorResponse(self._conversations.send_answer(request))


def _is_between(email: dict[str, Any], since: datetime | None, until: datetime | None) -> bool:
    """Return whether the email was created after *since* and before *until*."""
    at = datetime.fromisoformat(email["timestamp_created"])
    return (since is None or at > since) and (until is None or at < until)


def _is_listed(email: dict[str, Any], query: Any) -> bool:
    """Return whether the email meets every other filter of the query."""
    accounts = query["eaccount"].lower().split(",") if "eaccount" in query else None
    search = query.get("search", "")
    checks = (
        _TYPES.get(query.get("email_type")) in (None, email["ue_type"]),
        query.get("campaign_id") in (None, email["campaign_id"]),
        query.get("lead", "").lower() in ("", (email["lead"] or "").lower()),
        accounts is None or email["eaccount"].lower() in accounts,
        search in ("", email["lead"], f"thread:{email['thread_id']}"),
        query.get("is_unread") in (None, str(bool(email["is_unread"])).lower()),
    )
    return all(checks)
