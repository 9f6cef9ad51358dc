"""How asking for a page can fail. What a failure can have cost is told by its class."""

from datetime import timedelta


class SearchError(Exception):
    """A page did not come; *code* says why in a word, *detail* in words for the operator, never for the log."""

    def __init__(self, code: str, detail: str = "", retry_after: timedelta | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.detail = detail
        self.retry_after = retry_after


class UnpaidError(SearchError):
    """BatchData did not do it, and all searches are concerned: may be asked again."""


class ToolError(UnpaidError):
    """The tool failed, perhaps for this search only."""


class RefusedError(SearchError):
    """It does not take our token, has no credit left, or is no such server: a person has to look."""


class UnfitError(SearchError):
    """This server cannot search by these criteria."""


class UnknownAnswerError(SearchError):
    """Sent, and nothing that can be read came back: it may have been paid for."""
