"""Client of Instantly for campaigns and their members (docs/vendors/instantly.md)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from common.vendors.errors import OutcomeUnknownError
from common.vendors.instantly import (
    INSTANTLY_PAGE_SIZE,
    InstantlyApi,
    InstantlyNotFoundError,
    PageCursor,
    read_items,
)
from feeder.vendors.instantly_responses import AddResult, Member, Scalar, read_add_result, read_members


@dataclass(frozen=True, slots=True)
class NewMember:
    """A lead to add. *variables* are scalars: Instantly answers 400 to anything else."""

    email: str
    first_name: str | None
    last_name: str | None
    variables: Mapping[str, Scalar]

    def to_json(self) -> dict[str, Any]:
        """Return the item of `leads` in POST /leads/add."""
        return {
            "email": self.email,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "custom_variables": dict(self.variables),
        }


class InstantlyClient:
    """Client of one workspace."""

    def __init__(self, api: InstantlyApi) -> None:
        self._api = api

    async def add_members(self, campaign_id: str, members: Sequence[NewMember]) -> AddResult:
        """Add up to 1,000 members. A member that the response does not name was not created."""
        body = {
            "campaign_id": campaign_id,
            "skip_if_in_campaign": True,
            "leads": [member.to_json() for member in members],
        }
        return read_add_result(await self._api.call("POST", "/leads/add", body), [member.email for member in members])

    async def find_members(self, campaign_id: str, emails: Sequence[str]) -> list[Member]:
        """Return the members with one of *emails* (up to 100) in the campaign. Read as many pages as there are."""
        found, after, cursor = list[Member](), None, PageCursor()
        while True:
            request = {"campaign": campaign_id, "contacts": list(emails), "limit": INSTANTLY_PAGE_SIZE}
            body = await self._api.call("POST", "/leads/list", request | ({"starting_after": after} if after else {}))
            items = read_items(body)
            found += read_members(items, campaign_id)
            after = cursor.read_next(body, items)
            if after is None or len(found) >= len(emails):
                return found

    async def list_members_page(self, campaign_id: str, after: str | None) -> tuple[list[Member], str | None]:
        """Return a page of the campaign's members in the order of their ids, and the cursor of the next page, if any.

        Raises OutcomeUnknownError for a cursor that does not advance.
        """
        request = {"campaign": campaign_id, "limit": INSTANTLY_PAGE_SIZE} | ({"starting_after": after} if after else {})
        body = await self._api.call("POST", "/leads/list", request)
        items = read_items(body)
        cursor = PageCursor({after} if after else set())
        return read_members(items, campaign_id), cursor.read_next(body, items)

    async def remove_member(self, member_id: str) -> None:
        """Remove a member from its campaign. A member that does not exist counts as removed."""
        try:
            await self._api.call("DELETE", f"/leads/{quote(member_id, safe='')}")
        except InstantlyNotFoundError:
            return

    async def list_campaigns(self) -> dict[str, str]:
        """Return the ids of all campaigns by name."""
        found: dict[str, str] = {}
        after, cursor = None, PageCursor()
        while True:
            query = f"?limit={INSTANTLY_PAGE_SIZE}" + (f"&starting_after={quote(after, safe='')}" if after else "")
            body = await self._api.call("GET", f"/campaigns{query}")
            items = read_items(body)
            found |= {str(item["name"]): str(item["id"]) for item in items if item.get("name") and item.get("id")}
            after = cursor.read_next(body, items)
            if after is None:
                return found

    async def create_campaign(self, campaign: Mapping[str, Any]) -> str:
        """Create a campaign and return its id. It is a draft and sends nothing yet."""
        body = await self._api.call("POST", "/campaigns", campaign)
        if not body.get("id"):
            raise OutcomeUnknownError("no_id")
        return str(body["id"])

    async def update_campaign(self, campaign_id: str, campaign: Mapping[str, Any]) -> None:
        """Update a campaign. Instantly does not repeat steps that it has sent."""
        await self._api.call("PATCH", f"/campaigns/{campaign_id}", campaign)

    async def set_campaign_active(self, campaign_id: str, *, active: bool) -> None:
        """Activate or pause a campaign."""
        await self._api.call("POST", f"/campaigns/{campaign_id}/{'activate' if active else 'pause'}", {})
