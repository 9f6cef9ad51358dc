"""Identifiers: UUIDv7 for new things, UUIDv5 where a repeat must give the same id (docs/delivery.md#messages).

Each table whose ids are passed around has a type, so that mypy refuses a broker's id where a lead's is expected. The ids
that this module makes are asyncpg's own subclass of `uuid.UUID`, in which the database's ids arrive, too. It is
written in C, and is built, hashed and compared ten times as fast. `orjson` does not take it; `str` and pydantic do.
"""

from functools import lru_cache
from hashlib import sha1
from typing import Any, NewType
from uuid import UUID

import uuid_utils
from asyncpg.pgproto import pgproto

__all__ = [
    "BatchId",
    "BrokerId",
    "CampaignId",
    "DeadLetterId",
    "LeadId",
    "PartnerId",
    "RequestId",
    "RoundId",
    "SearchId",
    "UploadId",
    "dead_letter_id",
    "message_id",
    "named_id",
    "new_id",
    "parse_id",
    "upload_row_id",
]

LeadId = NewType("LeadId", UUID)
"""`app.leads.id`."""
BrokerId = NewType("BrokerId", UUID)
"""`app.brokers.id`."""
PartnerId = NewType("PartnerId", UUID)
"""`app.partners.id`."""
CampaignId = NewType("CampaignId", UUID)
"""`app.campaigns.id`."""
UploadId = NewType("UploadId", UUID)
"""`app.uploads.id`."""
SearchId = NewType("SearchId", UUID)
"""`pipeline.saved_searches.id`."""
RoundId = NewType("RoundId", UUID)
"""`pipeline.pull_rounds.id`."""
RequestId = NewType("RequestId", UUID)
"""`app.skip_trace_requests.id`."""
BatchId = NewType("BatchId", UUID)
"""`app.skip_trace_batches.id`."""
DeadLetterId = NewType("DeadLetterId", int)
"""`pipeline.pipeline_dlq.id`."""

NAMESPACE = UUID("6f1d8a0e-7c54-5b3e-9d7a-2b1f0c9e4a61").bytes
_UUID_BYTES = 16
_VERSION_BYTE, _VARIANT_BYTE = 6, 8
"""Positions of the bytes that hold version and variant (RFC 9562, section 4)."""


def new_id() -> UUID:
    """Return a new UUIDv7. It sorts by time, so that indexes grow at one end."""
    return pgproto.UUID(uuid_utils.uuid7().bytes)


def parse_id(text: str) -> UUID:
    """Return the UUID that *text* writes in any form that `uuid.UUID` reads. Raises ValueError for any other text."""
    try:
        return pgproto.UUID(text)
    except ValueError:
        return UUID(text)


def named_id(*names: object) -> UUID:
    """Return the UUIDv5 of *names* in our namespace: the same names give the same id on every machine."""
    text = "\x1f".join(map(str, names))
    return _version_5(sha1(NAMESPACE + text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest())


def upload_row_id(upload_id: UUID, row: int) -> UUID:
    """Return the event id of row *row* of an upload (1 is the first data row). Sending a row again repeats its id."""
    digest = _upload_digest(upload_id).copy()
    digest.update(b"%d" % row)
    return _version_5(digest.digest())


def message_id(cluster: str, topic: str, partition: int, offset: int, timestamp: int) -> UUID:
    """Return the id of a message that came without one (ADR 6).

    The timestamp is part of it because a topic that is created again counts its offsets from zero.
    """
    return named_id("message", cluster, topic, partition, offset, timestamp)


def dead_letter_id(consumer: str, event_id: UUID, replay_number: int) -> UUID:
    """Return the id of the dead letter that *consumer* writes about one delivery of an event.

    The replay number is part of it, so that a crash cannot double a dead letter, and a replay that fails has a new one
    (docs/hazards.md#s1-a-replayed-dead-letter-is-dropped-or-a-crash-doubles-it).
    """
    return named_id("dead-letter", consumer, event_id, replay_number)


@lru_cache(maxsize=256)
def _upload_digest(upload_id: UUID) -> Any:
    """Return the common start of the digests of an upload's rows: `named_id("upload", upload_id, row)` without the row."""
    return sha1(NAMESPACE + f"upload\x1f{upload_id}\x1f".encode(), usedforsecurity=False)


def _version_5(digest: bytes) -> UUID:
    """Return the UUIDv5 of a digest by SHA-1."""
    number = bytearray(digest[:_UUID_BYTES])
    number[_VERSION_BYTE] = number[_VERSION_BYTE] & 0x0F | 0x50
    number[_VARIANT_BYTE] = number[_VARIANT_BYTE] & 0x3F | 0x80
    return pgproto.UUID(bytes(number))
