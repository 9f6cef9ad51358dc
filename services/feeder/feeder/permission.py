"""The gate's answer for each lead that is about to be fed, asked under the lock that suppressions take (design §6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common.bus import Tx
from common.database import load_queries
from common.decisions import DecidedContact, log_decisions
from common.gate import Consent, Facts, decide

queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Sender:
    """In whose name leads are written to, and how many more may be: *used* of *limit* today."""

    name: str
    limit: int
    used: int


async def ask(
    tx: Tx, addresses: Mapping[UUID, bytes], sender: Sender, now: datetime, *, requires_consent: bool
) -> list[DecidedContact]:
    """Ask about each lead and its address, the best lead first, until the limit is used up; what was asked is logged.

    The addresses (`common.decisions.lock_contacts`) and the leads' rows must be locked.
    """
    facts = queries.read_facts(tx.connection, lead_ids=list(addresses), hashes=list(addresses.values()))
    answers: list[DecidedContact] = []
    used, chosen = sender.used, set[bytes]()
    for row in [row async for row in facts]:
        if used >= sender.limit:
            break
        decision = decide(
            _facts(row, sender, used, duplicate=row["duplicate"] or row["value_hash"] in chosen),
            now,
            email_requires_consent=requires_consent,
        )
        answers.append(DecidedContact(row["lead_id"], "email", row["value_hash"], decision))
        if decision.allowed:
            used += 1
            chosen.add(row["value_hash"])
    await log_decisions(tx, answers)
    return answers


def _facts(row: Any, sender: Sender, used: int, *, duplicate: bool) -> Facts:
    """The facts of one row. `leads.consent` is a summary: a withdrawal or a change of owner has taken it away."""
    consents = (Consent(row["value_hash"], sender.name, row["consented_at"]),) if row["consent"] else ()
    return Facts(
        consents=consents,
        withdrawals=(),
        owner_changes=(),
        channel="email",
        value_hash=row["value_hash"],
        suppressed=row["suppressed"],
        status=row["status"],
        deceased=row["deceased"],
        litigator=row["litigator"],
        verified=row["verified"],
        duplicate=duplicate,
        seller=sender.name,
        broker_limit=sender.limit,
        broker_used_today=used,
    )
