"""The one table that decides, for every vendor, what a failed call may have cost (ADR 38).

docs/delivery.md shows the table in words; a test holds both equal. The safe default is an unknown outcome. A rule that says
"not executed" needs a reason, because the same call may then be made and paid again.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from common.vendors.errors import (
    AccessDeniedError,
    InvalidRequestError,
    NotExecutedError,
    OutcomeUnknownError,
    RateLimitedError,
    VendorCallError,
)

_INVALID_REQUEST = frozenset({400, 409, 413, 422})
_ACCESS_DENIED = frozenset({401, 402, 403})
_RATE_LIMITED = frozenset({429})
_RESPONSE_LOST = frozenset({408, 502, 504, 520, 522, 524, 598, 599})
_NO_SERVER = frozenset({503, 521, 523, 525, 526})
_SUCCESSES, _REDIRECTS, _CLIENT_ERRORS, _SERVER_ERRORS = (range(first, first + 100) for first in (200, 300, 400, 500))


@dataclass(frozen=True, slots=True)
class StatusRule:
    """Error after one of some HTTP statuses, and the reason."""

    statuses: Collection[int]
    error: type[VendorCallError] | None
    """None: the vendor answered, and its module reads the body."""
    reason: str
    is_html: bool | None = None
    """True: only for an HTML page. False: only for any other body. None: for any body."""
    code: str | None = None
    """Code of the error; by default `http_` and the status."""

    def applies(self, status: int, *, is_html: bool) -> bool:
        """Return whether the rule decides about a response."""
        return status in self.statuses and self.is_html in (None, is_html)


STATUS_RULES = (
    StatusRule(_SUCCESSES, None, "the vendor answered; a body that cannot be read makes the outcome unknown"),
    StatusRule(_INVALID_REQUEST, InvalidRequestError, "the vendor rejects this request"),
    StatusRule(_ACCESS_DENIED, AccessDeniedError, "wrong key, no credit or plan, missing scope"),
    StatusRule(_RATE_LIMITED, RateLimitedError, "the vendor asks for a backoff"),
    StatusRule(_RESPONSE_LOST, OutcomeUnknownError, "a proxy stopped waiting for the vendor, or lost its response"),
    StatusRule(_NO_SERVER, NotExecutedError, "no server took the request: overload, maintenance, no connection to it"),
    StatusRule(
        _REDIRECTS,
        AccessDeniedError,
        "a redirect could carry the key to another server, so it is not followed: the URL is wrong",
    ),
    StatusRule(_CLIENT_ERRORS, AccessDeniedError, "the URL or the API version is wrong, which only a person corrects"),
    StatusRule(_SERVER_ERRORS, OutcomeUnknownError, "safe default: the failure may have come after the work"),
)
"""Rules for every vendor. The first one that applies decides. A status in none of them has an unknown outcome."""

_CHARGES_FOR_RESULTS = (
    StatusRule(
        _SUCCESSES,
        AccessDeniedError,
        "BatchData answers a rejected key with 200 and a login page; an API page in HTML is never a result",
        is_html=True,
        code="login_page",
    ),
    StatusRule(
        frozenset(_SERVER_ERRORS) - _RESPONSE_LOST,
        NotExecutedError,
        "these vendors charge for the records that they return, and an error of their own server returns none",
        is_html=False,
    ),
)
_LOOKUP_IS_FREE = (
    StatusRule(
        _SERVER_ERRORS,
        OutcomeUnknownError,
        "a lead can be looked up free of charge, and a second add cannot be undone",
    ),
    StatusRule(
        frozenset((*_REDIRECTS, *_CLIENT_ERRORS)) - _INVALID_REQUEST - _ACCESS_DENIED - _RATE_LIMITED - _RESPONSE_LOST,
        NotExecutedError,
        "such a page is a proxy's, and passes; Instantly itself answers 404 only about a missing lead or campaign",
    ),
)
OVERRIDES: Mapping[str, tuple[StatusRule, ...]] = {
    "melissa": _CHARGES_FOR_RESULTS,
    "batchdata": _CHARGES_FOR_RESULTS,
    "batchdata_dnc": _CHARGES_FOR_RESULTS,
    "batchdata_tcpa": _CHARGES_FOR_RESULTS,
    "batchdata_mcp": _CHARGES_FOR_RESULTS,
    "instantly": _LOOKUP_IS_FREE,
}
"""Rules of one vendor, which come before STATUS_RULES. A vendor without an entry has none."""


class TransportFault(StrEnum):
    """Failure of a call before a whole response came. The value is the code of its error."""

    INVALID_URL = "invalid_url"
    NAME_NOT_RESOLVED = "name_not_resolved"
    CONNECT_FAILED = "connect_failed"
    TLS_FAILED = "tls_failed"
    CONNECT_TIMEOUT = "connect_timeout"
    CONNECTION_LOST = "connection_lost"
    TIMEOUT = "timeout"
    NOT_HTTP = "not_http"
    TOO_LARGE = "too_large"
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class TransportRule:
    """Error after a transport fault, and the reason."""

    error: type[VendorCallError]
    reason: str


TRANSPORT_RULES: Mapping[TransportFault, TransportRule] = {
    TransportFault.INVALID_URL: TransportRule(NotExecutedError, "the address is no URL: no connection was opened"),
    TransportFault.NAME_NOT_RESOLVED: TransportRule(NotExecutedError, "no connection was opened"),
    TransportFault.CONNECT_FAILED: TransportRule(NotExecutedError, "refused, unreachable, or closed in the handshake"),
    TransportFault.TLS_FAILED: TransportRule(NotExecutedError, "nothing is sent before the certificate is accepted"),
    TransportFault.CONNECT_TIMEOUT: TransportRule(NotExecutedError, "nothing is sent before the connection is open"),
    TransportFault.CONNECTION_LOST: TransportRule(
        OutcomeUnknownError, "while writing or waiting: the client cannot know how much arrived"
    ),
    TransportFault.TIMEOUT: TransportRule(OutcomeUnknownError, "the response did not come before the deadline"),
    TransportFault.NOT_HTTP: TransportRule(OutcomeUnknownError, "the request was sent, and the response is not HTTP"),
    TransportFault.TOO_LARGE: TransportRule(OutcomeUnknownError, "the response exceeds 16 MB, also when decompressed"),
    TransportFault.UNREADABLE: TransportRule(
        OutcomeUnknownError, "the body is not JSON, or not of the documented form"
    ),
}


def error_for_status(
    vendor: str,
    status: int,
    *,
    is_html: bool = False,
    retry_after: timedelta | None = None,
    code: str | None = None,
    detail: str = "",
) -> VendorCallError | None:
    """Return the error of a response of *vendor* with *status*; None if the vendor answered.

    *code* replaces the code of the error.
    """
    for rule in (*OVERRIDES.get(vendor, ()), *STATUS_RULES):
        if rule.applies(status, is_html=is_html):
            if rule.error is None:
                return None
            return rule.error(code or rule.code or f"http_{status}", retry_after=retry_after, detail=detail)
    return OutcomeUnknownError(code or f"http_{status}", retry_after=retry_after, detail=detail)


def error_for_fault(fault: TransportFault) -> VendorCallError:
    """Return the error of a transport fault."""
    return TRANSPORT_RULES[fault].error(fault)
