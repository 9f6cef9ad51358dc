"""Chain of proof of a lead: verified row by row, and against the events that carried the hashes (docs/consent.md). Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from consent.command_queries import ProofRow


@dataclass(frozen=True, slots=True)
class ChainFault:
    """Fault of a chain at the row *seq*."""

    lead_id: UUID
    seq: int
    fault: str


def hash_row(row: ProofRow) -> bytes:
    """Return the hash of a row as docs/consent.md defines it."""
    values = {
        "lead_id": row.lead_id,
        "seq": row.seq,
        "action": row.action,
        "value_hash": _hex(row.value_hash),
        "hash_key_id": row.hash_key_id,
        "broker_id": row.broker_id,
        "text_version": row.text_version,
        "covers": ",".join(row.covers),
        "reason": row.reason,
        "token_id": row.token_id,
        "text_hash": _hex(row.text_hash),
        "page_hash": _hex(row.page_hash),
        "signer_hash": _hex(row.signer_hash),
        "evidence_hash": _hex(row.evidence_hash),
        "at": _time(row.at),
        "recorded_at": _time(row.recorded_at),
        "previous_hash": _hex(row.previous_hash),
    }
    lines = ["consent-audit-1", *(f"{name}={'' if value is None else value}" for name, value in values.items())]
    return hashlib.sha256("\n".join(lines).encode()).digest()


def find_faults(lead_id: UUID, rows: Sequence[ProofRow], published: Mapping[int, bytes]) -> list[ChainFault]:
    """Return the faults of a lead's chain; empty if it is intact.

    *rows* are in the order of `seq`. *published* has the hash of each row that an event carried, by `seq`: it shows a row that
    was removed at the end, and a chain that was computed again.
    """
    faults = []
    previous: bytes | None = None
    for place, row in enumerate(rows, 1):
        if row.seq != place:
            faults.append(ChainFault(lead_id, place, "removed"))
            break
        if hash_row(row) != row.row_hash:
            faults.append(ChainFault(lead_id, row.seq, "changed"))
        elif row.previous_hash != previous:
            faults.append(ChainFault(lead_id, row.seq, "not chained to the row before it"))
        elif row.seq in published and published[row.seq] != row.row_hash:
            faults.append(ChainFault(lead_id, row.seq, "differs from the event that announced it"))
        previous = row.row_hash
    else:
        faults += [ChainFault(lead_id, seq, "removed") for seq in sorted(published) if seq > len(rows)]
    return faults


def _hex(value: bytes | None) -> str | None:
    return None if value is None else value.hex()


def _time(value: datetime) -> str:
    return f"{value.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
