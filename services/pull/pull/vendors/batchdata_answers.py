"""What BatchData's tool says: a page, or an error whose class tells what it can have cost."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from mcp_types import CallToolResult, TextContent

from common.vendor_statuses import MAY_HAVE_BEEN_DONE
from pull.faults import RefusedError, SearchError, ToolError, UnknownAnswerError, UnpaidError

MOST_RESULTS = 1_000_000_000
"""A count of results beyond this is taken for none: there are not so many homes."""
MOST_WORDS = 300
"""Of what a server says so much is kept for the operator."""
_OK, _TOO_MANY, _SERVER_ERROR = 200, 429, 500
_PERSON_NEEDED = {401, 402, 403}
_STATUS = re.compile(r"\b([45]\d\d)\b")
_TIMED_OUT = re.compile(r"\btimed? ?-?out", re.IGNORECASE)
"""Words of a tool whose own call may have been answered, and paid for."""
_DECODER = json.JSONDecoder(parse_constant=lambda _name: None)


@dataclass(frozen=True, slots=True)
class Answer:
    """A page: its entries as they came, and how many there are in all, where it says so."""

    entries: Sequence[Any]
    found: int | None


def read_answer(result: CallToolResult) -> Answer:
    """The page that a tool's result holds. Raises SearchError: what an error costs is told by its class."""
    text = "".join(block.text for block in result.content if isinstance(block, TextContent))
    if result.is_error:
        raise _tool_error(text)
    held = result.structured_content
    document = held if isinstance(held, dict) and "results" in held else _document(text)
    if "status" in document:
        _check_status(document["status"])
    try:
        results = document["results"]
        entries = results["properties"]
        counts = results.get("meta", {}).get("results", {})
        found = counts.get("resultsFound") if isinstance(counts, dict) else None
    except (KeyError, TypeError, AttributeError) as error:
        raise UnknownAnswerError("unreadable") from error
    if not isinstance(entries, list):
        raise UnknownAnswerError("unreadable")
    is_count = isinstance(found, int) and not isinstance(found, bool) and 0 <= found <= MOST_RESULTS
    return Answer(entries, found if is_count else None)


def _tool_error(text: str) -> SearchError:
    """What a tool's words mean: those of the servers name BatchData's status where there was one."""
    status = _STATUS.search(text)
    number = int(status[1]) if status else 0
    words = text[:MOST_WORDS]
    if number in _PERSON_NEEDED:
        return RefusedError(f"tool_{number}", words)
    if number == _TOO_MANY:
        return UnpaidError("tool_429", words)
    if number in MAY_HAVE_BEEN_DONE or _TIMED_OUT.search(text):
        return UnknownAnswerError("tool_lost_it", words)
    return ToolError("tool_error", words)


def _document(text: str) -> dict[str, Any]:
    """The JSON in a tool's words, which may lead up to it and follow it."""
    place = text.find("{")
    if place < 0 and "<html" in text.lower():
        raise RefusedError("login_page", "a page of HTML came instead of JSON: is BATCHDATA_TOKEN right?")
    try:
        # Not orjson: a single lone surrogate would cost the page, and the record alone is to blame.
        found, _ = _DECODER.raw_decode(text, max(place, 0))
    except (ValueError, RecursionError) as error:
        raise UnknownAnswerError("unreadable") from error
    if not isinstance(found, dict):
        raise UnknownAnswerError("unreadable")
    return found


def _check_status(status: Any) -> None:
    code = status.get("code") if isinstance(status, dict) else None
    if not isinstance(code, int) or code == _OK:
        return
    words = str(status.get("message", ""))[:MOST_WORDS]
    if code in MAY_HAVE_BEEN_DONE:
        raise UnknownAnswerError(f"status_{code}", words)
    raise by_status(code, f"status_{code}", words)


def by_status(status: int, code: str, detail: str, wait: timedelta | None = None) -> SearchError:
    """Return what a bad status means with which nothing was done."""
    if status == _TOO_MANY or status >= _SERVER_ERROR:
        return UnpaidError(code, detail, wait)
    return RefusedError(code, detail)
