"""Verification of partners' request signatures (docs/hmac-guide.md). Pure: no clock, no database, no network.

`sha256=` covers the body only. `v2=` covers `<timestamp>.<body>`. A key is for one scheme only. Otherwise a `v2` signature
would also be valid as the `sha256=` signature of a file whose content is `timestamp.body`.
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

from common.ids import BrokerId, PartnerId
from common.web.problems import ProblemError
from gateway.problems import BAD_HEADER, MISSING_HEADER, TIMESTAMP_OUT_OF_RANGE

TIMESTAMP_TOLERANCE = timedelta(minutes=5)
"""The largest accepted difference between a signature's timestamp and our clock, in either direction."""


class SignatureScheme(StrEnum):
    """The text that a key signs: the body alone, or timestamp and body."""

    BODY = "body"
    V2 = "v2"


_SCHEME_BY_PREFIX = {"sha256": SignatureScheme.BODY, "v2": SignatureScheme.V2}
_SIGNATURE = re.compile(r"(sha256|v2)=([0-9a-fA-F]{64})")
_SHA256 = re.compile(r"[0-9a-fA-F]{64}")
_KEY_ID = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_RFC3339 = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)")


@dataclass(frozen=True, slots=True)
class PartnerKey:
    """An active signing key of a partner, with the partner's rights."""

    key_id: str
    partner_id: PartnerId
    scheme: SignatureScheme
    secret: bytes = field(repr=False)
    broker_ids: tuple[BrokerId, ...] | None = None
    """Brokers whose leads this partner may write; None: all brokers."""
    default_broker_id: BrokerId | None = None
    default_profile: str | None = None
    """Profile of files for which the partner names none; None: it is recognised."""


@dataclass(frozen=True, slots=True)
class SignatureClaim:
    """The signature that a request's headers claim, before it is verified."""

    scheme: SignatureScheme
    digest: bytes
    timestamp: str
    key_id: str | None

    @classmethod
    def from_headers(cls, headers: Mapping[str, str], now: datetime) -> "SignatureClaim":
        """Return the claim in *headers*. Raises ProblemError if a header is missing, unreadable or too far from *now*."""
        text = _required_header(headers, "X-Signature")
        found = _SIGNATURE.fullmatch(text)
        if found is None:
            raise ProblemError(BAD_HEADER, "X-Signature reads `v2=` or `sha256=`, followed by 64 hex digits.")
        key_id = headers.get("X-Key-Id")
        if key_id is not None and not _KEY_ID.fullmatch(key_id):
            raise ProblemError(BAD_HEADER, "X-Key-Id is a key's id: letters, digits and `_.-`, at most 64.")
        timestamp = _required_header(headers, "X-Signature-Timestamp")
        check_timestamp(_parse_rfc3339(timestamp), now)
        return cls(_SCHEME_BY_PREFIX[found[1]], bytes.fromhex(found[2]), timestamp, key_id)


def read_content_sha256(headers: Mapping[str, str]) -> bytes:
    """Return the digest in X-Content-SHA256. Raises ProblemError if it is missing or unreadable."""
    text = _required_header(headers, "X-Content-SHA256")
    if not _SHA256.fullmatch(text):
        raise ProblemError(BAD_HEADER, "X-Content-SHA256 is the SHA-256 of the body in 64 hex digits.")
    return bytes.fromhex(text)


def check_timestamp(moment: datetime, now: datetime) -> None:
    """Raise ProblemError, with the offset, unless *moment* is within five minutes of *now*."""
    offset = moment - now
    if abs(offset) <= TIMESTAMP_TOLERANCE:
        return
    seconds = round(offset.total_seconds())
    server_time = f"{now:%Y-%m-%dT%H:%M:%SZ}"
    raise ProblemError(
        TIMESTAMP_OUT_OF_RANGE,
        f"The server's time is {server_time}; X-Signature-Timestamp is {_format_duration(abs(seconds))} "
        f"{'ahead' if seconds > 0 else 'behind'}, and five minutes are allowed. "
        "Sign just before sending. If you did, set the sender's clock; if that is right, tell us: ours may be wrong.",
        {"server_time": server_time, "offset_seconds": seconds},
    )


def _format_duration(seconds: int) -> str:
    days, rest = divmod(seconds, 86_400)
    hours, rest = divmod(rest, 3_600)
    units = ((days, "d"), (hours, "h"), (rest // 60, "min"), (rest % 60, "s"))
    return " ".join(f"{count} {unit}" for count, unit in units if count)


class BodyVerifier:
    """Verifier of an upload's signature. It hashes the body as it streams, once for every candidate key.

    Without a candidate it hashes with a random decoy key. An unknown key then takes as much time as a wrong signature.
    """

    def __init__(self, claim: SignatureClaim, candidates: Sequence[PartnerKey]) -> None:
        self._claim = claim
        self._keys = [key for key in candidates if key.scheme is claim.scheme] or [_decoy_key(claim.scheme)]
        prefix = f"{claim.timestamp}.".encode() if claim.scheme is SignatureScheme.V2 else b""
        self._signatures = [hmac.new(key.secret, prefix, hashlib.sha256) for key in self._keys]
        self._content = hashlib.sha256()

    def update(self, block: bytes) -> None:
        """Add the next bytes of the body."""
        self._content.update(block)
        for signature in self._signatures:
            signature.update(block)

    @property
    def content_sha256(self) -> bytes:
        """The SHA-256 of the body."""
        return self._content.digest()

    def find_signer(self) -> PartnerKey | None:
        """Return the key that signed the body, or None. Compares with every candidate, in constant time."""
        digests = (signature.digest() for signature in self._signatures)
        return _find_matching_key(zip(self._keys, digests, strict=True), self._claim.digest)


def find_read_signer(claim: SignatureClaim, path: str, candidates: Sequence[PartnerKey]) -> PartnerKey | None:
    """Return the key that signed a read of *path*, or None. The text is `<timestamp>.GET <path>`, for either scheme.

    A report is the partner's business and its rejects are people's addresses, so an id alone must not give access. A
    bearer token would be a second secret to rotate (docs/adr/0004-reads-are-signed-too.md). An intercepted read signature
    of a `body` key is worthless as an upload: its text is no CSV with an address column.
    """
    text = f"{claim.timestamp}.GET {path}".encode("utf-8", "surrogateescape")
    keys = list(candidates) or [_decoy_key(SignatureScheme.V2)]
    return _find_matching_key(((key, hmac.digest(key.secret, text, "sha256")) for key in keys), claim.digest)


def _find_matching_key(digests: Iterable[tuple[PartnerKey, bytes]], claimed: bytes) -> PartnerKey | None:
    """Return the key whose digest is *claimed*. Does not stop at the first match, so that the time tells nothing."""
    found = None
    for key, digest in digests:
        if hmac.compare_digest(digest, claimed) and key.key_id:
            found = key
    return found


def _decoy_key(scheme: SignatureScheme) -> PartnerKey:
    """Return a key with a random secret and an empty id, which never counts as a match."""
    return PartnerKey("", PartnerId(UUID(int=0)), scheme, secrets.token_bytes(32))


def _required_header(headers: Mapping[str, str], name: str) -> str:
    value = headers.get(name)
    if not value:
        raise ProblemError(
            MISSING_HEADER, f"{name} is missing. The HMAC guide shows how to compute it.", {"header": name}
        )
    return value


def _parse_rfc3339(text: str) -> datetime:
    if _RFC3339.fullmatch(text):
        try:
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            pass
    raise ProblemError(BAD_HEADER, "X-Signature-Timestamp is an RFC 3339 time such as 2026-03-01T17:05:00Z.")
