"""The port to a provider of contact data, and how a paid call can end.

Every call of a provider is of class `once` (design §4.6): neither Melissa nor BatchData has an idempotency key or a way to
ask what became of a call. So an error tells whether the call can have been paid for.
"""

from codecs import BOM_UTF8
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from decimal import Decimal
from typing import Any, Protocol

import orjson
import structlog

from common.vendor_statuses import MAY_HAVE_BEEN_DONE
from skiptrace.lead import Finding, Question
from skiptrace.router import Offer

log = structlog.get_logger()

MOST_RECORDS = 100
"""Records of one request at the most: of Melissa, of BatchData, and of one crash."""
MOST_PHONES = 4
"""Phones of one lead that are checked at once at the most."""
MOST_CONTACTS = 50
"""Phones, and emails, that one answer adds to a lead at the most."""


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP POST with a JSON body. Holds keys and personal data: never logged."""

    url: str
    body: Any
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP answer, whatever it says."""

    status: int
    content_type: str
    body: bytes
    retry_after: timedelta | None = None

    @property
    def document(self) -> Any:
        """The body as JSON, with or without a byte order mark. Raises ValueError where it is none."""
        return orjson.loads(self.body.removeprefix(BOM_UTF8))


@dataclass(frozen=True, slots=True)
class Rate:
    """A provider's published limit."""

    per_window: int
    window_seconds: float
    counts_records: bool
    """True: records are counted; False: requests."""
    shared_with: str | None = None
    """The provider under whose limit, that of the same key, its requests count as well."""


class ProviderError(Exception):
    """A call did not bring an answer; *code* says why, in a word and without personal data."""

    def __init__(self, code: str, retry_after: timedelta | None = None) -> None:
        super().__init__(code)
        self.code = code
        self.retry_after = retry_after


class UnpaidError(ProviderError):
    """The provider did not do it: not reached, or it answered with an error. May be sent again."""


class ThrottledError(UnpaidError):
    """The provider asks for a pause: 429."""


class RefusedError(UnpaidError):
    """The provider does not take our key, or has no credit left: nothing helps until a person has looked."""


class BadQuestionError(UnpaidError):
    """The provider does not take this request: one of its records is not to its liking."""


class UnknownAnswerError(ProviderError):
    """Sent, and no answer that can be read came back: it may have been paid for."""


class Reader(Protocol):
    """What every vendor's contract has, whether it is called or gets a file."""

    @property
    def name(self) -> str:
        """Its name, in settings, tables and metrics."""

    @property
    def offer(self) -> Offer:
        """What it can do, and at what price."""

    def read(self, questions: Sequence[Question], reply: Reply) -> list[Finding]:
        """What a 2xx *reply* says about each question.

        Raises RefusedError, UnpaidError or BadQuestionError where it says so inside a 200, and UnknownAnswerError where
        it cannot be read.
        """

    def cost_cents(self, findings: Sequence[Finding]) -> Decimal:
        """What an answer costs, in US cents."""


class Provider(Reader, Protocol):
    """The contract of a vendor that is called: what it is asked, and at what pace."""

    @property
    def has_key(self) -> bool:
        """Whether the provider's own key is set; without it the provider is not called."""

    @property
    def rate(self) -> Rate:
        """Its published limit."""

    @property
    def max_records(self) -> int:
        """Records of one request, 1 to 100."""

    @property
    def asks_contacts(self) -> bool:
        """Whether it takes a phone and an email to verify."""

    @property
    def pause(self) -> timedelta:
        """The first pause after a 429 without Retry-After; it doubles."""

    def request(self, questions: Sequence[Question]) -> Request:
        """The request that asks *questions*."""


_TOO_MANY = 429
_BAD_QUESTIONS = {400, 413, 422}


def check_status(reply: Reply) -> None:
    """Raise what an HTTP status other than 2xx means."""
    if reply.status < 300:  # noqa: PLR2004 - HTTP's own classes
        return
    code = f"http_{reply.status}"
    if reply.status == _TOO_MANY:
        raise ThrottledError(code, reply.retry_after)
    if reply.status in _BAD_QUESTIONS:
        raise BadQuestionError(code, reply.retry_after)
    if reply.status in MAY_HAVE_BEEN_DONE:
        raise UnknownAnswerError(code, reply.retry_after)
    if reply.status < 500:  # noqa: PLR2004 - HTTP's own classes
        raise RefusedError(code, reply.retry_after)
    raise UnpaidError(code, reply.retry_after)


def read_answer(provider: Reader, questions: Sequence[Question], reply: Reply) -> list[Finding]:
    """What a 2xx *reply* says about each question, at most MOST_CONTACTS of a channel; whatever the provider sends.

    Raises ProviderError: UnknownAnswerError for what cannot be read, RefusedError for a page meant for people.
    """
    if "html" in reply.content_type:
        raise RefusedError("login_page")
    try:
        findings = provider.read(questions, reply)
    except (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise UnknownAnswerError("unreadable") from error
    return [_bounded(finding, provider.name) for finding in findings]


def _bounded(finding: Finding, provider: str) -> Finding:
    of_each = ([one for one in finding.contacts if one.channel == channel] for channel in ("phone", "email"))
    kept = tuple(one for found in of_each for one in found[:MOST_CONTACTS])
    if len(kept) == len(finding.contacts):
        return finding
    left_out = len(finding.contacts) - len(kept)
    log.warning("contacts_left_out", provider=provider, lead_id=str(finding.lead_id), left_out=left_out)
    return replace(finding, contacts=kept)
