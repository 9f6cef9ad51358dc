"""The port to a provider of contact data, and the errors of a paid call.

Every provider call is of the class "once": neither Melissa nor BatchData has an idempotency key or a way to query a call.
So an error states whether the call can have been charged. See docs/delivery.md (Vendor operations).
"""

from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

import orjson
import structlog

from common.vendors.statuses import POSSIBLY_EXECUTED_STATUSES
from skiptrace.rules.lead import LeadResult, LookupRequest
from skiptrace.rules.waterfall import ProviderCapabilities

log = structlog.get_logger()

MAX_RECORDS_PER_REQUEST = 100
"""Records of one request: the limit of Melissa and of BatchData, and of the loss in one crash."""
MAX_PHONES_PER_LEAD = 4
"""Phones of one lead that one request checks."""
MAX_CONTACTS_PER_CHANNEL = 50
"""Phones, and emails, that one response adds to a lead."""


@dataclass(frozen=True, slots=True)
class ProviderRequest:
    """An HTTP POST with a JSON body. It holds keys and personal data and is never logged."""

    url: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class ProviderResponse:
    """An HTTP response of any status."""

    status: int
    content_type: str
    body: bytes
    retry_after: timedelta | None = None

    @property
    def document(self) -> Any:
        """The body as JSON, with or without a byte order mark. Raises ValueError if it is not JSON."""
        return orjson.loads(self.body.removeprefix(BOM_UTF8))


@dataclass(frozen=True, slots=True)
class PublishedRate:
    """A provider's published rate limit."""

    per_window: int
    window_seconds: float
    counts_records: bool
    """True: the limit counts records; False: requests."""
    shared_with: str | None = None
    """The provider with the same key, under whose limit these requests count as well."""


class ProviderError(Exception):
    """A call without a response that can be used; *code* is the cause in one word, without personal data."""

    def __init__(self, code: str, retry_after: timedelta | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class NotExecutedError(ProviderError):
    """The provider was not reached or answered with an error. The call is not charged and may be repeated."""


class RateLimitedError(NotExecutedError):
    """The provider asks for a pause: 429."""


class AccessDeniedError(NotExecutedError):
    """The provider rejects our key, or the credit is used up. Only a person can fix it."""


class InvalidLookupError(NotExecutedError):
    """The provider rejects this request because of one of its records."""


class OutcomeUnknownError(ProviderError):
    """The request was sent and no readable response came. It may have been charged."""


class ResponseReader(Protocol):
    """The contract of every vendor, called or by file: its capabilities and the reading of its responses."""

    @property
    def name(self) -> str:
        """Its name in settings, tables and metrics."""

    @property
    def capabilities(self) -> ProviderCapabilities:
        """The needs that it can satisfy, and its price."""

    def read_results(self, lookups: Sequence[LookupRequest], response: ProviderResponse) -> list[LeadResult]:
        """Return the result of each lookup from a 2xx *response*.

        Raises AccessDeniedError, NotExecutedError or InvalidLookupError if a 200 contains such an error, and
        OutcomeUnknownError if the response cannot be read.
        """

    def calculate_cents(self, results: Sequence[LeadResult]) -> Decimal:
        """Return the price of a response in US cents."""


class Provider(ResponseReader, Protocol):
    """The contract of a vendor that is called: its requests and its pace."""

    @property
    def has_key(self) -> bool:
        """Whether the provider's own key is set. A provider without it is not called."""

    @property
    def rate(self) -> PublishedRate:
        """Its published rate limit."""

    @property
    def max_records(self) -> int:
        """Records of one request, 1 to 100."""

    @property
    def takes_contacts(self) -> bool:
        """Whether it verifies a phone and an email that the request contains."""

    @property
    def first_backoff(self) -> timedelta:
        """The first backoff after a 429 without Retry-After; it doubles."""

    def build_request(self, lookups: Sequence[LookupRequest]) -> ProviderRequest:
        """Return the request for *lookups*."""


_TOO_MANY_REQUESTS = 429
_INVALID_REQUEST = {400, 413, 422}


def check_http_status(response: ProviderResponse) -> None:
    """Raise the error of an HTTP status other than 2xx."""
    if response.status < 300:  # noqa: PLR2004 - HTTP's own classes
        return
    code = f"http_{response.status}"
    if response.status == _TOO_MANY_REQUESTS:
        raise RateLimitedError(code, response.retry_after)
    if response.status in _INVALID_REQUEST:
        raise InvalidLookupError(code, response.retry_after)
    if response.status in POSSIBLY_EXECUTED_STATUSES:
        raise OutcomeUnknownError(code, response.retry_after)
    if response.status < 500:  # noqa: PLR2004 - HTTP's own classes
        raise AccessDeniedError(code, response.retry_after)
    raise NotExecutedError(code, response.retry_after)


def read_response(
    reader: ResponseReader, lookups: Sequence[LookupRequest], response: ProviderResponse
) -> list[LeadResult]:
    """Return the result of each lookup, with at most MAX_CONTACTS_PER_CHANNEL of a channel, for any *response*.

    Raises AccessDeniedError for an HTML page, which is a login page, and OutcomeUnknownError for an unreadable response.
    """
    if "html" in response.content_type:
        raise AccessDeniedError("login_page")
    try:
        results = reader.read_results(lookups, response)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise OutcomeUnknownError("unreadable") from error
    return [_limit_contacts(result, reader.name) for result in results]


def _limit_contacts(result: LeadResult, provider: str) -> LeadResult:
    by_channel = ([one for one in result.contacts if one.channel == channel] for channel in ("phone", "email"))
    kept = tuple(match for matches in by_channel for match in matches[:MAX_CONTACTS_PER_CHANNEL])
    if len(kept) == len(result.contacts):
        return result
    left_out = len(result.contacts) - len(kept)
    log.warning("contacts_truncated", provider=provider, lead_id=str(result.lead_id), left_out=left_out)
    return replace(result, contacts=kept)
