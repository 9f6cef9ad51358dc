"""Statuses after which a page may have been charged: the same as for every other vendor."""

import pytest
from mcp_types import CallToolResult, TextContent

from common.vendors.errors import InvalidRequestError, NotExecutedError, OutcomeUnknownError, RateLimitedError
from common.vendors.outcome_table import error_for_status
from pull.errors import SearchToolError
from pull.vendors.batchdata_responses import BATCHDATA_MCP, parse_tool_result


def tool_result(text: str, *, is_error: bool) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)


UNKNOWN_STATUSES = [
    status for status in range(400, 600) if isinstance(error_for_status(BATCHDATA_MCP, status), OutcomeUnknownError)
]


@pytest.mark.parametrize("status", UNKNOWN_STATUSES)
def test_the_outcome_is_unknown_for_a_status_after_which_the_work_may_have_been_done(status: int) -> None:
    for text, is_error in ((f'{{"status": {{"code": {status}}}}}', False), (f"request failed with {status}", True)):
        with pytest.raises(OutcomeUnknownError):
            parse_tool_result(tool_result(text, is_error=is_error))


def test_other_failures_of_the_server_cost_nothing() -> None:
    with pytest.raises(NotExecutedError):
        parse_tool_result(tool_result('{"status": {"code": 503}}', is_error=False))
    with pytest.raises(SearchToolError):
        parse_tool_result(tool_result("request failed with 503", is_error=True))


def test_a_status_of_the_request_concerns_this_search_only() -> None:
    with pytest.raises(InvalidRequestError, match="status_400"):
        parse_tool_result(tool_result('{"status": {"code": 400}}', is_error=False))
    with pytest.raises(RateLimitedError, match="tool_429"):
        parse_tool_result(tool_result("request failed with 429", is_error=True))
