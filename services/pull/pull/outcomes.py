"""Reasons for which the pull of a search ends; docs/batchdata-pull.md explains each to the operator."""

from dataclasses import dataclass
from enum import StrEnum


class PullOutcome(StrEnum):
    """Reason for which the pull of a search ended, as `pipeline.pull_rounds.outcome` stores it."""

    FINISHED = "finished"
    """All results were read."""
    BUDGET_USED = "budget_used"
    """A budget of the local day is used up. The next day continues at the same place."""
    EMPTY_PAGE = "empty_page"
    """An empty page came in the middle of the results. The next pull requests it again."""
    ENDED_EARLY = "ended_early"
    """Only empty pages came. The next round reads the remaining results."""
    PAGES_REPEAT = "pages_repeat"
    """The same page came twice: the server ignores `skip`, and every further page would be charged for the same records."""
    UNKNOWN_PAGE_LIMIT = "unknown_page_limit"
    """The search reached its daily limit of pages that may have been charged without a response."""
    TOOL_ERROR = "tool_error"
    """The MCP server's tool fails for this search."""
    CRITERIA_UNSUPPORTED = "criteria_unsupported"
    """The MCP server's tool cannot express the criteria."""
    CRITERIA_REFUSED = "criteria_refused"
    """The search selects owners by age, and no law sets that age for its product."""
    OUTCOME_UNKNOWN = "outcome_unknown"
    """No readable response came back, so the page may have been charged."""
    ACCESS_DENIED = "access_denied"
    """BatchData denies access, or the address is not that of its MCP server."""
    BATCHDATA_UNAVAILABLE = "batchdata_unavailable"
    """BatchData did not execute the request, also after all retries."""
    INTERRUPTED = "interrupted"
    """The process was stopped, or raised an error."""
    TAKEN_OVER = "taken_over"
    """The lease expired and another replica continues the round."""

    @property
    def is_failure(self) -> bool:
        """Return whether the daily job counts as failed."""
        return self not in _EXPECTED

    @property
    def affects_all_searches(self) -> bool:
        """Return whether the next search would end for the same reason."""
        return self in {PullOutcome.ACCESS_DENIED, PullOutcome.BATCHDATA_UNAVAILABLE}

    @property
    def ends_round(self) -> bool:
        """Return whether the round is over. A round that is not over continues with the next pull."""
        return self in {PullOutcome.FINISHED, PullOutcome.ENDED_EARLY, PullOutcome.PAGES_REPEAT}


_EXPECTED = {PullOutcome.FINISHED, PullOutcome.BUDGET_USED, PullOutcome.INTERRUPTED, PullOutcome.TAKEN_OVER}


@dataclass(frozen=True, slots=True)
class PullStop:
    """End of the pull of one search, with a detail for the operator."""

    outcome: PullOutcome
    detail: str = ""
