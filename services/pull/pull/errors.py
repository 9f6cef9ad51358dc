"""Errors of one page request beside those of every vendor (`common/vendors/errors.py`)."""

from common.vendors.errors import InvalidRequestError, NotExecutedError


class SearchToolError(NotExecutedError):
    """The MCP server's tool failed, perhaps for this search only."""

    outcome = "tool failed"


class UnsupportedCriteriaError(InvalidRequestError):
    """The MCP server's tool cannot express these criteria, so no call was made."""

    outcome = "criteria unsupported"
