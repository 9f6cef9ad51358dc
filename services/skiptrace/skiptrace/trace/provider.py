"""The port to a provider of contact data.

Every provider call is of the class "once": neither Melissa nor BatchData has an idempotency key or a way to query a call.
So an error states whether the call can have been charged. See docs/delivery.md (Vendor operations).
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Protocol

import structlog

from common.vendors.errors import OutcomeUnknownError
from common.vendors.http_client import VendorHttpRequest, VendorHttpResponse, check_status
from common.vendors.policy import RateLimit
from skiptrace.rules.lead import LeadResult, LookupRequest
from skiptrace.rules.waterfall import ProviderCapabilities

log = structlog.get_logger()

MAX_RECORDS_PER_REQUEST = 100
"""Records of one request: the limit of Melissa and of BatchData, and of the loss in one crash."""
MAX_PHONES_PER_LEAD = 4
"""Phones of one lead that one request checks."""
MAX_CONTACTS_PER_CHANNEL = 50
"""Phones, and emails, that one response adds to a lead."""


class ResponseReader(Protocol):
    """The contract of every vendor, called or by file: its capabilities and the reading of its responses."""

    @property
    def name(self) -> str:
        """Its name in settings, tables, metrics and the table of outcomes."""

    @property
    def capabilities(self) -> ProviderCapabilities:
        """The needs that it can satisfy, and its price."""

    def read_results(self, lookups: Sequence[LookupRequest], response: VendorHttpResponse) -> list[LeadResult]:
        """Return the result of each lookup from a 2xx *response*.

        Raises the error that a 200 contains: AccessDeniedError, NotExecutedError or InvalidRequestError. Raises ValueError,
        TypeError, LookupError, AttributeError or ArithmeticError for an unexpected form; `read_response` turns them into
        OutcomeUnknownError.
        """

    def calculate_cents(self, results: Sequence[LeadResult]) -> Decimal:
        """Return the price of a response in US cents."""


class Provider(ResponseReader, Protocol):
    """The contract of a vendor that is called: its requests and its pace."""

    @property
    def has_key(self) -> bool:
        """Whether the provider's own key is set. A provider without it is not called."""

    @property
    def rate(self) -> RateLimit:
        """Its published rate limit."""

    @property
    def max_records(self) -> int:
        """Records of one request, 1 to 100."""

    @property
    def takes_contacts(self) -> bool:
        """Whether it verifies a phone and an email that the request contains."""

    def build_request(self, lookups: Sequence[LookupRequest]) -> VendorHttpRequest:
        """Return the request for *lookups*."""


def read_response(
    reader: ResponseReader, lookups: Sequence[LookupRequest], response: VendorHttpResponse
) -> list[LeadResult]:
    """Return the result of each lookup, with at most MAX_CONTACTS_PER_CHANNEL of a channel, for any *response*.

    Raises AccessDeniedError for an HTML page, which is a login page, and OutcomeUnknownError for an unreadable response.
    """
    check_status(reader.name, response)
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
