"""The gate's answer for each lead that is about to be fed, asked under the lock that suppressions take (design §6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from common.bus import Tx
from common.database import load_queries
from common.decisions import DecidedContact
from common.gate import Consent, Facts, decide
from common.owner_names import OwnerNames, read_owner_names
from common.refusals import Reason

queries = load_queries(__file__)


@dataclass(frozen=True, slots=True)
class Sender:
    """In whose name leads are written to, and how many more may be: *used* of *limit* today."""

    name: str
    limit: int
    used: int
    chosen: frozenset[bytes] = frozenset()
    """Addresses chosen before, where that is not in the database: in a preview."""


HOUSEHOLD = "duplicate_household"
"""Why a lead is held: the gate's `duplicate`, because of an open conflict with another lead of the same home."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the gate said of one lead."""

    contact: DecidedContact
    household: bool

    @property
    def held(self) -> str | None:
        """Why the lead is not fed now; None where it may be."""
        reasons = self.contact.decision.reasons
        if not reasons:
            return None
        return HOUSEHOLD if reasons[0] == Reason.DUPLICATE and self.household else str(reasons[0])


async def ask(
    tx: Tx, addresses: Mapping[UUID, bytes], sender: Sender, now: datetime, *, requires_consent: bool
) -> list[Answer]:
    """Ask about each lead and its address, in the order given, until the limit is used up. It only reads.

    The addresses (`common.decisions.lock_contacts`) and the leads' rows must be locked where the answers are acted on.
    """
    facts = queries.read_facts(tx.connection, lead_ids=list(addresses), hashes=list(addresses.values()))
    answers: list[Answer] = []
    used, chosen = sender.used, set(sender.chosen)
    for row in [row async for row in facts]:
        if used >= sender.limit:
            break
        duplicate = row["duplicate"] or row["household"] or row["value_hash"] in chosen
        decision = decide(_facts(row, sender, used, duplicate=duplicate), now, email_requires_consent=requires_consent)
        contact = DecidedContact(row["lead_id"], "email", row["value_hash"], decision)
        answers.append(Answer(contact, row["household"]))
        if decision.allowed:
            used += 1
            chosen.add(row["value_hash"])
    return answers


def _is_companys(row: Any, owner: OwnerNames) -> bool:
    """Whether the company was seen as the owner after the person was: the home was sold to it."""
    return bool(owner.names["company_name"]) and (row["company_seen"] or 0) > (row["person_seen"] or 0)


def _facts(row: Any, sender: Sender, used: int, *, duplicate: bool) -> Facts:
    """The facts of one row. `leads.consent` is a summary: a withdrawal or a change of owner has taken it away."""
    consents = (Consent(row["value_hash"], sender.name, row["consented_at"]),) if row["consent"] else ()
    owner = read_owner_names(row)
    return Facts(
        consents=consents,
        withdrawals=(),
        owner_changes=(),
        channel="email",
        value_hash=row["value_hash"],
        suppressed=row["suppressed"] or owner.do_not_contact,
        status=row["status"],
        deceased=row["deceased"] or owner.deceased,
        litigator=row["litigator"],
        legal_entity=owner.legal_entity or _is_companys(row, owner),
        verified=row["verified"],
        duplicate=duplicate,
        seller=sender.name,
        broker_limit=sender.limit,
        broker_used_today=used,
    )
