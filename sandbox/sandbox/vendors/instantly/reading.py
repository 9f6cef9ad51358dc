"""How Instantly reads a request, refuses it, and cuts a list into pages (contracts §1.1)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sandbox.vendor import Call, RefusedError, Vendor, json_object
from sandbox.vendors.instantly.requests import complaint

M = TypeVar("M", bound=BaseModel)


class Reader:
    """Reads requests for the vendor."""

    def __init__(self, vendor: Vendor) -> None:
        self.vendor = vendor

    def read(self, model: type[M], call: Call) -> M:
        """The request's body. Raises RefusedError (400)."""
        try:
            return model.model_validate(json_object(self.vendor, call.body))
        except ValidationError as error:
            raise self.refusal(400, complaint(error)) from error

    def refusal(self, status: int, message: str) -> RefusedError:
        """To be raised."""
        return RefusedError(self.vendor.error(status, message))

    def found(self, table: Mapping[str, dict[str, Any]], call: Call) -> dict[str, Any]:
        """What the path's id names. Raises RefusedError (404)."""
        entry = table.get(call.request.match_info["id"])
        if entry is None:
            raise self.refusal(404, "Resource not found")
        return entry

    def query_page(self, call: Call, entries: Sequence[dict[str, Any]]) -> dict[str, Any]:
        """A page as the query's `limit` and `starting_after` ask for it. Raises RefusedError (400)."""
        limit = call.request.query.get("limit", "10")
        if not re.fullmatch("[1-9][0-9]?|100", limit):  # contracts §1.1
            raise self.refusal(400, "querystring/limit must be between 1 and 100")
        return self.page(call, entries, int(limit), call.request.query.get("starting_after"))

    def page(
        self, call: Call, entries: Sequence[dict[str, Any]], limit: int, starting_after: str | None
    ) -> dict[str, Any]:
        """A page of *entries*, which are in the order of their ids. A full page names a cursor, even when it is the last.

        A cursor is an id backwards: callers shall not take it for one, nor for something with an order.
        """
        rest = [entry for entry in entries if starting_after is None or entry["id"] > starting_after[::-1]]
        page = rest[:limit]
        if page and (len(page) == limit or call.fault("cursor_on_last_page")):
            return {"items": page, "next_starting_after": page[-1]["id"][::-1]}
        return {"items": page}
