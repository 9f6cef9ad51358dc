"""Responses of BatchData's search tool: a page, or an error whose class says whether the page may have been charged."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from mcp_types import CallToolResult, TextContent

from common.vendors.errors import AccessDeniedError, OutcomeUnknownError, RateLimitedError, VendorCallError
from common.vendors.outcome_table import error_for_status
from pull.errors import SearchToolError

BATCHDATA_MCP = "batchdata_mcp"
"""BatchData's MCP server in the table of outcomes and in metrics."""

MAX_RESULTS_FOUND = 1_000_000_000
"""A larger number of results is ignored as an error: there are fewer homes."""
MAX_DETAIL_CHARACTERS = 300
"""Length to which the server's texts are cut for the operator."""
LOGIN_PAGE_DETAIL = "a page of HTML came instead of JSON: is BATCHDATA_TOKEN right?"
_TOO_MANY_REQUESTS = 429
_ACCESS_DENIED_STATUSES = {401, 402, 403}
_STATUS_PATTERN = re.compile(r"\b([45]\d\d)\b")
_TIMEOUT_PATTERN = re.compile(r"\btimed? ?-?out", re.IGNORECASE)
"""Text of a tool whose request to BatchData got no response. BatchData may have executed and charged it."""
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None)


@dataclass(frozen=True, slots=True)
class PageResponse:
    """Page as BatchData sent it: its entries, and the number of all results if the page has one."""

    entries: Sequence[Any]
    results_found: int | None


def parse_tool_result(result: CallToolResult) -> PageResponse:
    """Return the page in the result of a tool. Raises VendorCallError."""
    text = "".join(block.text for block in result.content if isinstance(block, TextContent))
    if result.is_error:
        raise _error_for_tool_text(text)
    structured = result.structured_content
    document = structured if isinstance(structured, dict) and "results" in structured else _parse_document(text)
    if "status" in document:
        _check_status(document["status"])
    try:
        results = document["results"]
        entries = results["properties"]
        counts = results.get("meta", {}).get("results", {})
        results_found = counts.get("resultsFound") if isinstance(counts, dict) else None
    except (KeyError, TypeError, AttributeError) as error:
        raise OutcomeUnknownError("unreadable") from error
    if not isinstance(entries, list):
        raise OutcomeUnknownError("unreadable")
    return PageResponse(entries, results_found if _is_plausible_count(results_found) else None)


def _is_plausible_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_RESULTS_FOUND


def _error_for_tool_text(text: str) -> VendorCallError:
    """Return the error for the text of a failed tool. The known servers put BatchData's status into it.

    A text may hold other numbers, so only the statuses that these servers are known to report deny access.
    """
    match = _STATUS_PATTERN.search(text)
    status = int(match[1]) if match else 0
    detail = text[:MAX_DETAIL_CHARACTERS]
    if status in _ACCESS_DENIED_STATUSES:
        return AccessDeniedError(f"tool_{status}", detail=detail)
    if status == _TOO_MANY_REQUESTS:
        return RateLimitedError("tool_429", detail=detail)
    is_unknown = bool(match) and isinstance(error_for_status(BATCHDATA_MCP, status), OutcomeUnknownError)
    if is_unknown or _TIMEOUT_PATTERN.search(text):
        return OutcomeUnknownError("tool_response_lost", detail=detail)
    return SearchToolError("tool_error", detail=detail)


def _parse_document(text: str) -> dict[str, Any]:
    """Return the JSON object in a tool's text, which other words may precede and follow."""
    start = text.find("{")
    if start < 0 and "<html" in text.lower():
        raise AccessDeniedError("login_page", detail=LOGIN_PAGE_DETAIL)
    try:
        # Not orjson, which rejects the whole page for one lone surrogate. Only the record with the surrogate is bad.
        document, _ = _DECODER.raw_decode(text, max(start, 0))
    except (ValueError, RecursionError) as error:
        raise OutcomeUnknownError("unreadable") from error
    if not isinstance(document, dict):
        raise OutcomeUnknownError("unreadable")
    return document


def _check_status(status: Any) -> None:
    """Raise VendorCallError if the document's own status is an error."""
    code = status.get("code") if isinstance(status, dict) else None
    if not isinstance(code, int):
        return
    detail = str(status.get("message", ""))[:MAX_DETAIL_CHARACTERS]
    error = error_for_status(BATCHDATA_MCP, code, code=f"status_{code}", detail=detail)
    if error is not None:
        raise error
