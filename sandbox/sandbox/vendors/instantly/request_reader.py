"""Parsing of requests, refusals and pages of Instantly (docs/vendors/instantly.md, Basics)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sandbox.vendor_server import VendorCall, VendorRefusalError, VendorServer, parse_json_object
from sandbox.vendors.instantly.requests import describe_invalid_request

M = TypeVar("M", bound=BaseModel)


class InstantlyRequestReader:
    """Parser of requests to Instantly."""

    def __init__(self, vendor: VendorServer) -> None:
        self.vendor = vendor

    def parse_body(self, model: type[M], call: VendorCall) -> M:
        """Return the body of the call as *model*. Raise VendorRefusalError (400) if it does not fit."""
        try:
            return model.model_validate(parse_json_object(self.vendor, call.body))
        except ValidationError as error:
            raise self.create_refusal(400, describe_invalid_request(error)) from error

    def create_refusal(self, status: int, message: str) -> VendorRefusalError:
        """Return the error to raise for a refusal in Instantly's format."""
        return VendorRefusalError(self.vendor.error_response(status, message))

    def find_entry(self, table: Mapping[str, dict[str, Any]], call: VendorCall) -> dict[str, Any]:
        """Return the entry with the id in the path. Raise VendorRefusalError (404) if there is none."""
        entry = table.get(call.request.match_info["id"])
        if entry is None:
            raise self.create_refusal(404, "Resource not found")
        return entry

    def create_query_page(
        self, call: VendorCall, entries: Sequence[dict[str, Any]], *, is_descending: bool = False
    ) -> dict[str, Any]:
        """Return the page for the query's `limit` and `starting_after`. Raise VendorRefusalError (400) for a bad limit."""
        limit = call.request.query.get("limit", "10")
        if not re.fullmatch("[1-9][0-9]?|100", limit):
            raise self.create_refusal(400, "querystring/limit must be between 1 and 100")
        starting_after = call.request.query.get("starting_after")
        return self.create_page(call, entries, int(limit), starting_after, is_descending=is_descending)

    def create_page(
        self,
        call: VendorCall,
        entries: Sequence[dict[str, Any]],
        limit: int,
        starting_after: str | None,
        *,
        is_descending: bool = False,
    ) -> dict[str, Any]:
        """Return a page of *entries*, which are sorted by id. A full page has a cursor, even if it is the last one.

        A cursor is a reversed id. Therefore a caller that takes a cursor for an id, or for something with an order, fails in a test.
        """
        if is_descending:
            entries = entries[::-1]
        if starting_after is None:
            rest = entries
        else:
            last = starting_after[::-1]
            rest = [entry for entry in entries if (entry["id"] < last if is_descending else entry["id"] > last)]
        page = rest[:limit]
        if page and (len(page) == limit or call.find_fault("cursor_on_last_page")):
            return {"items": page, "next_starting_after": page[-1]["id"][::-1]}
        return {"items": page}
