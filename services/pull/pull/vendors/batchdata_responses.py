"""Responses of BatchData's search tool: a page, or an error whose class says whether the page may have been charged."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mcp_types import CallToolResult, TextContent

from common.vendors.statuses import POSSIBLY_EXECUTED_STATUSES
from pull.errors import (
    PageRequestError,
    PullAccessDeniedError,
    PullNotExecutedError,
    PullOutcomeUnknownError,
    SearchToolError,
)

MAX_RESULTS_FOUND = 1_000_000_000
"""A larger number of results is ignored as an error: there are fewer homes."""
MAX_DETAIL_CHARACTERS = 300
"""Length to which the server's texts are cut for the operator."""
LOGIN_PAGE_DETAIL = "a page of HTML came instead of JSON: is BATCHDATA_TOKEN right?"
_OK, _TOO_MANY_REQUESTS, _SERVER_ERROR = 200, 429, 500
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
    """Return the page in the result of a tool. Raises PageRequestError."""
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
        raise PullOutcomeUnknownError("unreadable") from error
    if not isinstance(entries, list):
        raise PullOutcomeUnknownError("unreadable")
    return PageResponse(entries, results_found if _is_plausible_count(results_found) else None)


def _is_plausible_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= MAX_RESULTS_FOUND


def _error_for_tool_text(text: str) -> PageRequestError:
    """Return the error for the text of a failed tool. The known servers put BatchData's status into it."""
    match = _STATUS_PATTERN.search(text)
    status = int(match[1]) if match else 0
    detail = text[:MAX_DETAIL_CHARACTERS]
    if status in _ACCESS_DENIED_STATUSES:
        return PullAccessDeniedError(f"tool_{status}", detail)
    if status == _TOO_MANY_REQUESTS:
        return PullNotExecutedError("tool_429", detail)
    if status in POSSIBLY_EXECUTED_STATUSES or _TIMEOUT_PATTERN.search(text):
        return PullOutcomeUnknownError("tool_response_lost", detail)
    return SearchToolError("tool_error", detail)


def _parse_document(text: str) -> dict[str, Any]:
    """Return the JSON object in a tool's text, which other words may precede and follow."""
    start = text.find("{")
    if start < 0 and "<html" in text.lower():
        raise PullAccessDeniedError("login_page", LOGIN_PAGE_DETAIL)
    try:
        # Not orjson, which rejects the whole page for one lone surrogate. Only the record with the surrogate is bad.
        document, _ = _DECODER.raw_decode(text, max(start, 0))
    except (ValueError, RecursionError) as error:
        raise PullOutcomeUnknownError("unreadable") from error
    if not isinstance(document, dict):
        raise PullOutcomeUnknownError("unreadable")
    return document


def _check_status(status: Any) -> None:
    """Raise PageRequestError if the document's own status is an error."""
    code = status.get("code") if isinstance(status, dict) else None
    if not isinstance(code, int) or code == _OK:
        return
    detail = str(status.get("message", ""))[:MAX_DETAIL_CHARACTERS]
    if code in POSSIBLY_EXECUTED_STATUSES:
        raise PullOutcomeUnknownError(f"status_{code}", detail)
    raise error_for_unexecuted_status(code, f"status_{code}", detail)


def error_for_unexecuted_status(
    status: int, code: str, detail: str, retry_after: timedelta | None = None
) -> PageRequestError:
    """Return the error for a status that says that the request was not executed."""
    if status == _TOO_MANY_REQUESTS or status >= _SERVER_ERROR:
        return PullNotExecutedError(code, detail, retry_after)
    return PullAccessDeniedError(code, detail)
