"""Statuses after which a page may have been paid for: the same as for every other vendor."""

import pytest
from mcp_types import CallToolResult, TextContent

from common.vendor_statuses import MAY_HAVE_BEEN_DONE
from pull.faults import ToolError, UnknownAnswerError, UnpaidError
from pull.vendors.batchdata_answers import read_answer


def result(text: str, *, is_error: bool) -> CallToolResult:
    return CallToolResult(content=[TextContent(type="text", text=text)], is_error=is_error)


@pytest.mark.parametrize("status", sorted(MAY_HAVE_BEEN_DONE))
def test_a_status_in_a_page_or_in_a_tools_words_is_unknown_where_the_work_may_have_been_done(status: int) -> None:
    for text, is_error in ((f'{{"status": {{"code": {status}}}}}', False), (f"request failed with {status}", True)):
        with pytest.raises(UnknownAnswerError):
            read_answer(result(text, is_error=is_error))


def test_other_failures_of_the_server_are_unpaid() -> None:
    with pytest.raises(UnpaidError):
        read_answer(result('{"status": {"code": 503}}', is_error=False))
    with pytest.raises(ToolError):
        read_answer(result("request failed with 503", is_error=True))
