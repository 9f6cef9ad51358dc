"""Errors of a page request. The class of an error says whether BatchData may have charged for the page."""

from datetime import timedelta


class PageRequestError(Exception):
    """Failure to get a page.

    *code* is a short reason for logs and metrics. *detail* is text for the operator and is never logged.
    """

    def __init__(self, code: str, detail: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


class PullNotExecutedError(PageRequestError):
    """BatchData did not execute the request, so the same request may be sent again. All searches are affected."""


class SearchToolError(PullNotExecutedError):
    """The MCP server's tool failed, perhaps for this search only."""


class PullAccessDeniedError(PageRequestError):
    """The token is invalid, the balance is used up, or the address is not that of the server. An operator has to act."""


class UnsupportedCriteriaError(PageRequestError):
    """The MCP server's tool cannot express these criteria."""


class PullOutcomeUnknownError(PageRequestError):
    """The request was sent and no readable response came back: the page may have been charged."""
