"""Statuses after which a page may have been charged: the same as for every other vendor."""

import pytest
from mcp_types import CallToolResult, TextContent

from common.vendors.statuses import POSSIBLY_EXECUTED_STATUSES
from pull.errors import PullNotExecutedError, PullOutcomeUnknownError, SearchToolError
from pull.vendors.batchdata_responses import parse_tool_result


def tool_result(text: str, *, is_error: bool) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)


@pytest.mark.parametrize("status", sorted(POSSIBLY_EXECUTED_STATUSES))
def test_the_outcome_is_unknown_for_a_status_after_which_the_work_may_have_been_done(status: int) -> None:
    for text, is_error in ((f'{{"status": {{"code": {status}}}}}', False), (f"request failed with {status}", True)):
        with pytest.raises(PullOutcomeUnknownError):
            parse_tool_result(tool_result(text, is_error=is_error))


def test_other_failures_of_the_server_cost_nothing() -> None:
    with pytest.raises(PullNotExecutedError):
        parse_tool_result(tool_result('{"status": {"code": 503}}', is_error=False))
    with pytest.raises(SearchToolError):
        parse_tool_result(tool_result("request failed with 503", is_error=True))
