"""Failure kinds of the bus: every error is sorted by its type and SQLSTATE, never by guessing from its text.

docs/delivery.md#failure-kinds has the table of kinds and consequences.
"""

import asyncio
import hashlib
from collections import deque
from datetime import timedelta
from enum import StrEnum

import asyncpg
from aiokafka.errors import KafkaError
from pydantic import ValidationError

MAX_DETAIL_CHARACTERS = 500
"""Longest detail of a failure; the model of dead letters has the same limit."""


class FailureKind(StrEnum):
    """Kind of a failure. It decides what the consumer does next."""

    INFRASTRUCTURE_UNAVAILABLE = "infrastructure_unavailable"
    """PostgreSQL or Kafka cannot be reached: the consumer pauses, keeps polling, and takes the same records again."""
    TRANSIENT_CONFLICT = "transient_conflict"
    """Two transactions conflicted: the same transaction runs again at once."""
    BAD_RECORD = "bad_record"
    """This record can never be handled: it becomes a dead letter, and the rest of the batch continues."""
    DEPLOYMENT_ERROR = "deployment_error"
    """A column or a grant is missing, or the deployment is broken: the consumer pauses and writes no dead letters."""
    VENDOR_UNAVAILABLE = "vendor_unavailable"
    """A vendor does not answer: the consumer pauses, and the messages stay in Kafka."""
    UNEXPECTED = "unexpected"
    """Any other error: a few attempts, then a dead letter, unless nearly all records fail."""


PAUSING_KINDS = {
    FailureKind.INFRASTRUCTURE_UNAVAILABLE,
    FailureKind.DEPLOYMENT_ERROR,
    FailureKind.VENDOR_UNAVAILABLE,
    FailureKind.TRANSIENT_CONFLICT,
}
"""Kinds after which the consumer pauses and takes the same records again."""


class BadRecordError(Exception):
    """Record that breaks a rule of ours. *code* names the rule, *detail* says what to do. Holds no personal data."""

    def __init__(self, code: str, detail: str = "") -> None:
        super().__init__(f"{code}: {detail}" if detail else code)
        self.code = code
        self.detail = detail


class VendorUnavailableError(Exception):
    """Vendor that does not answer, or asked us to wait for *retry_after*."""

    def __init__(self, vendor: str, retry_after: timedelta = timedelta(seconds=30)) -> None:
        super().__init__(f"{vendor} does not answer; the next attempt is in {retry_after}")
        self.retry_after = retry_after


class ConsumerPausedError(Exception):
    """Reason for a consumer to pause. It takes the same records again afterwards."""

    def __init__(self, kind: FailureKind, cause: BaseException) -> None:
        super().__init__(f"{kind}: {type(cause).__name__}")
        self.kind = kind
        self.cause = cause


_KIND_BY_SQLSTATE_CLASS = {
    "08": FailureKind.INFRASTRUCTURE_UNAVAILABLE,
    "53": FailureKind.INFRASTRUCTURE_UNAVAILABLE,
    "40": FailureKind.TRANSIENT_CONFLICT,
    "22": FailureKind.BAD_RECORD,
    "23": FailureKind.BAD_RECORD,
    "42": FailureKind.DEPLOYMENT_ERROR,
    "28": FailureKind.DEPLOYMENT_ERROR,
    "3D": FailureKind.DEPLOYMENT_ERROR,
    "3F": FailureKind.DEPLOYMENT_ERROR,
}
_KIND_BY_SQLSTATE = {
    "25006": FailureKind.INFRASTRUCTURE_UNAVAILABLE,
    "55P03": FailureKind.INFRASTRUCTURE_UNAVAILABLE,
    "57014": FailureKind.INFRASTRUCTURE_UNAVAILABLE,
    "25P03": FailureKind.INFRASTRUCTURE_UNAVAILABLE,
}
RECORD_RULE_SQLSTATES = ("EC001", "EC002", "EC003", "EC004")
"""SQLSTATEs that our SQL functions raise about a record."""


def classify_error(error: BaseException) -> FailureKind:  # noqa: PLR0911 - a table in the form of returns
    """Return the kind of *error*, by its type and SQLSTATE."""
    if isinstance(error, ConsumerPausedError):
        return error.kind
    if isinstance(error, BadRecordError | ValidationError | UnicodeError):
        return FailureKind.BAD_RECORD
    if isinstance(error, VendorUnavailableError):
        return FailureKind.VENDOR_UNAVAILABLE
    if isinstance(error, asyncpg.PostgresError):
        return _kind_of_sqlstate(getattr(error, "sqlstate", None) or "")
    if isinstance(error, asyncpg.DataError):
        return FailureKind.BAD_RECORD
    if isinstance(error, asyncpg.InterfaceError):
        return (
            FailureKind.INFRASTRUCTURE_UNAVAILABLE
            if "clos" in str(error) or "connection" in str(error)
            else FailureKind.UNEXPECTED
        )
    if isinstance(error, KafkaError | OSError | TimeoutError | asyncio.IncompleteReadError):
        return FailureKind.INFRASTRUCTURE_UNAVAILABLE
    return FailureKind.UNEXPECTED


def _kind_of_sqlstate(state: str) -> FailureKind:
    if state in RECORD_RULE_SQLSTATES:
        return FailureKind.BAD_RECORD
    if state.startswith("57P"):
        return FailureKind.INFRASTRUCTURE_UNAVAILABLE
    return _KIND_BY_SQLSTATE.get(state) or _KIND_BY_SQLSTATE_CLASS.get(state[:2], FailureKind.UNEXPECTED)


def error_code(error: BaseException) -> str:
    """Return a short code of *error* for logs and dead letters."""
    if isinstance(error, BadRecordError):
        return error.code
    if isinstance(error, ValidationError):
        return "invalid_message"
    if isinstance(error, asyncpg.PostgresError):
        return f"sqlstate_{getattr(error, 'sqlstate', None) or 'unknown'}"
    return type(error).__name__


def error_detail(error: BaseException) -> str:
    """Describe *error* without any of the data. The text of an error may hold a person's details."""
    if isinstance(error, BadRecordError):
        return error.detail[:MAX_DETAIL_CHARACTERS]
    if isinstance(error, ValidationError):
        parts = [
            f"{'.'.join(str(step) for step in problem['loc'][:1]) or 'message'}: {problem['type']}"
            for problem in error.errors(include_url=False, include_context=False, include_input=False)[:5]
        ]
        return "; ".join(parts)[:MAX_DETAIL_CHARACTERS]
    if isinstance(error, asyncpg.PostgresError):
        names = (
            getattr(error, "table_name", None),
            getattr(error, "column_name", None),
            getattr(error, "constraint_name", None),
        )
        return " ".join(filter(None, (type(error).__name__, *names)))[:MAX_DETAIL_CHARACTERS]
    return type(error).__name__


def body_hash(value: bytes | None) -> int:
    """Return 64 bits of the hash of a body: enough to see that two bodies under one id differ."""
    return int.from_bytes(hashlib.blake2b(value or b"", digest_size=8).digest(), "big", signed=True)


class RecentOutcomes:
    """Outcomes of a consumer's last records. They tell a bad record from a bad deployment."""

    def __init__(self, window: int = 50, least: int = 10, share: float = 0.9) -> None:
        self._successes: deque[bool] = deque(maxlen=window)
        self._least = least
        self._share = share

    def record_successes(self, count: int) -> None:
        """Add *count* records that were handled."""
        self._successes.extend([True] * min(count, self._successes.maxlen or count))

    def record_failure(self) -> None:
        """Add one record that failed unexpectedly."""
        self._successes.append(False)

    @property
    def nearly_all_fail(self) -> bool:
        """Whether at least ten records failed unexpectedly, and at most a tenth of the last 50 succeeded."""
        failures = self._successes.count(False)
        return failures >= self._least and failures >= self._share * len(self._successes)
