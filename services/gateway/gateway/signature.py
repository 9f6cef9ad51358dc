"""Whether a request was signed by a partner's key (docs/hmac-guide.md). Pure: no clock, no database, no network.

`sha256=` covers the body, as the documents have it; `v2=` covers `<timestamp>.<body>`. A key is for one scheme only,
else a `v2` signature would also pass as `sha256=` of the file `timestamp.body` (design §10).
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from uuid import UUID

from gateway.problems import ProblemError

WINDOW = timedelta(minutes=5)
"""How far a signature's timestamp may lie from our clock, either way (production plan §6)."""


class Scheme(StrEnum):
    """What a key signs."""

    BODY = "body"
    V2 = "v2"


_SCHEMES = {"sha256": Scheme.BODY, "v2": Scheme.V2}
_SIGNATURE = re.compile(r"(sha256|v2)=([0-9a-fA-F]{64})")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class Key:
    """A partner's active key, and what it may do."""

    key_id: str
    partner_id: UUID
    scheme: Scheme
    secret: bytes = field(repr=False)
    broker_ids: tuple[UUID, ...] | None = None
    """Brokers whose leads this partner may write; None: any."""
    default_broker_id: UUID | None = None


@dataclass(frozen=True, slots=True)
class Claim:
    """What a request's headers say about who signed it."""

    scheme: Scheme
    digest: bytes
    timestamp: str
    key_id: str | None

    @classmethod
    def read(cls, headers: Mapping[str, str], now: datetime) -> "Claim":
        """The claim in *headers*. Raises ProblemError when one is missing, unreadable or too far from *now*."""
        text = _required(headers, "X-Signature")
        found = _SIGNATURE.fullmatch(text)
        if found is None:
            raise ProblemError("bad_header", "X-Signature reads `v2=` or `sha256=`, followed by 64 hex digits.")
        key_id = headers.get("X-Key-Id")
        if key_id is not None and not _KEY_ID.fullmatch(key_id):
            raise ProblemError("bad_header", "X-Key-Id is a key's id: letters, digits and `_.-`, at most 64.")
        timestamp = _required(headers, "X-Signature-Timestamp")
        check_timestamp(_rfc3339(timestamp), now)
        return cls(_SCHEMES[found[1]], bytes.fromhex(found[2]), timestamp, key_id)


def content_sha256(headers: Mapping[str, str]) -> bytes:
    """What X-Content-SHA256 says. Raises ProblemError when it is missing or unreadable."""
    text = _required(headers, "X-Content-SHA256")
    if not _SHA256.fullmatch(text):
        raise ProblemError("bad_header", "X-Content-SHA256 is the SHA-256 of the body in 64 hex digits.")
    return bytes.fromhex(text)


def check_timestamp(moment: datetime, now: datetime) -> None:
    """Raise ProblemError unless *moment* is within five minutes of *now*. It says by how much it is off."""
    off = moment - now
    if abs(off) <= WINDOW:
        return
    seconds = round(off.total_seconds())
    server_time = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    raise ProblemError(
        "stale_timestamp",
        f"The server's time is {server_time}; X-Signature-Timestamp is {_span_of(abs(seconds))} "
        f"{'ahead' if seconds > 0 else 'behind'}, and five minutes are allowed. "
        "Sign just before sending. If you did, set the sender's clock; if that is right, tell us: ours may be wrong.",
        {"server_time": server_time, "offset_seconds": seconds},
    )


def _span_of(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    units = ((days, "d"), (hours, "h"), (rest // 60, "min"), (rest % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in units if count)


class BodyCheck:
    """Hashes a body as it streams by, for every key that may have signed it.

    Without a fitting key it works for one that nobody has, so that an unknown key costs what a wrong signature costs.
    """

    def __init__(self, claim: Claim, candidates: Sequence[Key]) -> None:
        self._claim = claim
        self._keys = [key for key in candidates if key.scheme is claim.scheme] or [_nobody(claim.scheme)]
        start = f"{claim.timestamp}.".encode() if claim.scheme is Scheme.V2 else b""
        self._signatures = [hmac.new(key.secret, start, hashlib.sha256) for key in self._keys]
        self._content = hashlib.sha256()

    def update(self, piece: bytes) -> None:
        """Take in the next bytes of the body."""
        self._content.update(piece)
        for signature in self._signatures:
            signature.update(piece)

    @property
    def content_sha256(self) -> bytes:
        """The body's SHA-256."""
        return self._content.digest()

    def signer(self) -> Key | None:
        """The key that signed the body; None when none of them did. Compares all, in constant time."""
        digests = (signature.digest() for signature in self._signatures)
        return _matching(zip(self._keys, digests, strict=True), self._claim.digest)


def reader(claim: Claim, path: str, candidates: Sequence[Key]) -> Key | None:
    """The key that signed a reading of *path*: `v2=` over `<timestamp>.GET <path>`, by keys of either scheme.

    A report is the partner's business and its rejects are people's addresses, so that knowing an id must not be enough;
    a bearer token would be a second secret to rotate (docs/adr/0004). A `body` key's reading cannot be abused as an
    upload: its text is no CSV with an address column.
    """
    text = f"{claim.timestamp}.GET {path}".encode("utf-8", "surrogateescape")
    keys = list(candidates) or [_nobody(Scheme.V2)]
    return _matching(((key, hmac.digest(key.secret, text, "sha256")) for key in keys), claim.digest)


def _matching(digests: Iterable[tuple[Key, bytes]], claimed: bytes) -> Key | None:
    found = None
    for key, digest in digests:
        if hmac.compare_digest(digest, claimed) and key.key_id:
            found = key
    return found


def _nobody(scheme: Scheme) -> Key:
    return Key("", UUID(int=0), scheme, secrets.token_bytes(32))


def _required(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise ProblemError("missing_header", f"{name} is needed; the HMAC guide shows how.", {"header": name})
    return value


def _rfc3339(text: str) -> datetime:
    if _RFC3339.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ProblemError("bad_header", "X-Signature-Timestamp is an RFC 3339 time such as 2026-03-01T17:05:00Z.")
