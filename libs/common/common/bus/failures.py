"""What went wrong, sorted by kind and never guessed (design §4.5)."""

import asyncio
import hashlib
from collections import deque
from datetime import timedelta
from enum import StrEnum

import asyncpg
from aiokafka.errors import KafkaError
from pydantic import ValidationError


class Kind(StrEnum):
    """Whose fault it is, which decides what happens next."""

    OURS_DOWN = "ours_down"
    """PostgreSQL or Kafka cannot be reached: wait, keep polling, take the same records again."""
    REPEAT = "repeat"
    """Two transactions met: run this one again, at once."""
    BAD_RECORD = "bad_record"
    """This record cannot be handled, ever: a dead letter, and the rest of the batch goes on."""
    OUR_MISTAKE = "our_mistake"
    """A missing column or grant, or a broken deploy: stop this consumer, alert, dead-letter nothing."""
    THEIRS_DOWN = "theirs_down"
    """A vendor does not answer: consumption pauses, Kafka is the queue."""
    UNEXPECTED = "unexpected"
    """Anything else: tried a few times, then a dead letter, unless nearly everything fails."""


HOLDING = {Kind.OURS_DOWN, Kind.OUR_MISTAKE, Kind.THEIRS_DOWN, Kind.REPEAT}


class BadRecordError(Exception):
    """A record that breaks a rule of ours; *code* says which, *detail* what to do. Holds no personal data."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class TheirsDownError(Exception):
    """A vendor is down or told us to wait *retry_after*."""

    def __init__(self, vendor: str, retry_after: timedelta = timedelta(seconds=30)) -> None:
        super().__init__(f"{vendor} is not answering; trying again in {retry_after}")
        self.retry_after = retry_after


class HoldError(Exception):
    """This consumer cannot go on now; the same records are taken again later."""

    def __init__(self, kind: Kind, cause: BaseException) -> None:
        super().__init__(f"{kind}: {type(cause).__name__}")
        self.kind = kind
        self.cause = cause


_BY_SQLSTATE_CLASS = {
    "08": Kind.OURS_DOWN,
    "53": Kind.OURS_DOWN,
    "40": Kind.REPEAT,
    "22": Kind.BAD_RECORD,
    "23": Kind.BAD_RECORD,
    "42": Kind.OUR_MISTAKE,
    "28": Kind.OUR_MISTAKE,
    "3D": Kind.OUR_MISTAKE,
    "3F": Kind.OUR_MISTAKE,
}
_BY_SQLSTATE = {"25006": Kind.OURS_DOWN, "55P03": Kind.OURS_DOWN, "57014": Kind.OURS_DOWN, "25P03": Kind.OURS_DOWN}
OUR_RULE_CODES = ("EC001", "EC002", "EC003", "EC004")
"""SQLSTATEs that our own SQL functions raise about a record."""


def classify(error: BaseException) -> Kind:  # noqa: PLR0911 - a table in the form of returns
    """The kind of *error*, by its type and SQLSTATE."""
    if isinstance(error, HoldError):
        return error.kind
    if isinstance(error, BadRecordError | ValidationError | UnicodeError):
        return Kind.BAD_RECORD
    if isinstance(error, TheirsDownError):
        return Kind.THEIRS_DOWN
    if isinstance(error, asyncpg.PostgresError):
        return _by_sqlstate(getattr(error, "sqlstate", None) or "")
    if isinstance(error, asyncpg.DataError):
        return Kind.BAD_RECORD
    if isinstance(error, asyncpg.InterfaceError):
        return Kind.OURS_DOWN if "clos" in str(error) or "connection" in str(error) else Kind.UNEXPECTED
    if isinstance(error, KafkaError | OSError | TimeoutError | asyncio.IncompleteReadError):
        return Kind.OURS_DOWN
    return Kind.UNEXPECTED


def _by_sqlstate(state: str) -> Kind:
    if state in OUR_RULE_CODES:
        return Kind.BAD_RECORD
    if state.startswith("57P"):
        return Kind.OURS_DOWN
    return _BY_SQLSTATE.get(state) or _BY_SQLSTATE_CLASS.get(state[:2], Kind.UNEXPECTED)


def code_of(error: BaseException) -> str:
    """A short code for logs and dead letters."""
    if isinstance(error, BadRecordError):
        return error.code
    if isinstance(error, ValidationError):
        return "invalid_message"
    if isinstance(error, asyncpg.PostgresError):
        return f"sqlstate_{getattr(error, 'sqlstate', None) or 'unknown'}"
    return type(error).__name__


def detail_of(error: BaseException) -> str:
    """What was wrong, without any of the data: an error's own words may hold a person's details."""
    if isinstance(error, BadRecordError):
        return error.detail[:500]
    if isinstance(error, ValidationError):
        parts = [
            f"{'.'.join(str(step) for step in problem['loc'][:1]) or 'message'}: {problem['type']}"
            for problem in error.errors(include_url=False, include_context=False, include_input=False)[:5]
        ]
        return "; ".join(parts)[:500]
    if isinstance(error, asyncpg.PostgresError):
        places = (
            getattr(error, "table_name", None),
            getattr(error, "column_name", None),
            getattr(error, "constraint_name", None),
        )
        return " ".join(filter(None, (type(error).__name__, *places)))[:500]
    return type(error).__name__


def body_hash(value: bytes | None) -> int:
    """Sixty-four bits of a body's hash: enough to see that two bodies under one id differ."""
    return int.from_bytes(hashlib.blake2b(value or b"", digest_size=8).digest(), "big", signed=True)


class Outcomes:
    """How the last records of a consumer ended, to tell a bad record from a bad deploy."""

    def __init__(self, window: int = 50, least: int = 10, share: float = 0.9) -> None:
        self._ended: deque[bool] = deque(maxlen=window)
        self._least = least
        self._share = share

    def succeeded(self, count: int) -> None:
        """*count* records were handled."""
        self._ended.extend([True] * min(count, self._ended.maxlen or count))

    def failed(self) -> None:
        """One record failed unexpectedly."""
        self._ended.append(False)

    @property
    def nearly_all_fail(self) -> bool:
        """True once at least ten records failed unexpectedly and hardly any went well."""
        failures = self._ended.count(False)
        return failures >= self._least and failures >= self._share * len(self._ended)
