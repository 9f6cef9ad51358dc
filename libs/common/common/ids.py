"""Identifiers: UUIDv7 for what is new, UUIDv5 where a repeat must give the same id (design §3)."""

from functools import lru_cache
from hashlib import sha1
from typing import Any
from uuid import UUID

from uuid_utils.compat import uuid7

__all__ = ["NAMESPACE", "dead_letter_id", "message_id", "named_id", "new_id", "upload_row_id"]

NAMESPACE = UUID("6f1d8a0e-7c54-5b3e-9d7a-2b1f0c9e4a61").bytes


def new_id() -> UUID:
    """A new UUIDv7: sorts by time, so that indexes grow at one end."""
    return uuid7()


def named_id(*names: object) -> UUID:
    """The UUIDv5 of *names* in our namespace: the same names give the same id, on every machine."""
    text = "\x1f".join(map(str, names))
    return UUID(
        bytes=sha1(NAMESPACE + text.encode("utf-8", "surrogatepass"), usedforsecurity=False).digest()[:16], version=5
    )


def upload_row_id(upload_id: UUID, row: int) -> UUID:
    """The event id of row *row* (1 is the first data row) of an upload: sending a row again repeats its id."""
    digest = _upload_digest(upload_id).copy()
    digest.update(b"%d" % row)
    return UUID(bytes=digest.digest()[:16], version=5)


@lru_cache(maxsize=256)
def _upload_digest(upload_id: UUID) -> Any:
    """What the ids of an upload's rows have in common: `named_id("upload", upload_id, row)`, but for the row."""
    return sha1(NAMESPACE + f"upload\x1f{upload_id}\x1f".encode(), usedforsecurity=False)


def message_id(cluster: str, topic: str, partition: int, offset: int, timestamp: int) -> UUID:
    """The id of a message that came without one.

    The timestamp is part of it because a topic that is made anew counts its offsets from zero again.
    """
    return named_id("message", cluster, topic, partition, offset, timestamp)


def dead_letter_id(consumer: str, event_id: UUID, redrive: int) -> UUID:
    """The id of the dead letter that *consumer* writes about one delivery of an event (hazards S1)."""
    return named_id("dead-letter", consumer, event_id, redrive)
