"""Errors of calls to vendors. The class says whether the vendor can have executed, and charged, the call.

`common/vendors/outcome_table.py` decides which failure raises which error.
"""

from datetime import timedelta
from typing import ClassVar


class VendorCallError(Exception):
    """Call without a response that can be used.

    *code* is the cause in one word, for logs, metrics and tables. It holds no personal data. *retry_after* is the wait that
    the vendor asks for. *detail* is a text for the operator that is never logged.
    """

    outcome: ClassVar[str]
    """Outcome of the call in words."""

    def __init__(self, code: str, *, retry_after: timedelta | None = None, detail: str = "") -> None:
        super().__init__(f"{self.outcome}: {code}")
        self.code = code
        self.retry_after = retry_after
        self.detail = detail


class NotExecutedError(VendorCallError):
    """The vendor did not execute the call and charges nothing. The same call may be made again."""

    outcome = "not executed"


class RateLimitedError(NotExecutedError):
    """The vendor asks for a backoff."""

    outcome = "rate limited"


class AccessDeniedError(NotExecutedError):
    """The vendor rejects our key, our account or the address of the call. Only a person can correct that."""

    outcome = "access denied"


class InvalidRequestError(NotExecutedError):
    """The vendor rejects this request. It works, and other requests may succeed."""

    outcome = "invalid request"


class BackingOffError(NotExecutedError):
    """No call was made, because the vendor is in a backoff or its rate limit is used up."""

    outcome = "backing off"

    def __init__(self) -> None:
        super().__init__("no_permit")


class OutcomeUnknownError(VendorCallError):
    """The vendor may have executed and charged the call. It is reconciled or counted as spent, and not repeated blindly."""

    outcome = "outcome unknown"
