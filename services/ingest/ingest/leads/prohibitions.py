"""Enforcement of what records forbid: leads that must not be contacted, and emails that must not be used.

A record may not change another broker's lead, but what it forbids holds for that lead, too.
"""

from collections.abc import Mapping, Sequence

from common.bus import Tx
from common.compliance.decision_log import lock_contacts
from common.ids import LeadId
from common.pii.keyring import Keyring
from ingest.leads import queries
from ingest.leads.written_home import WrittenHome


async def enforce_prohibitions(tx: Tx, homes: Sequence[WrittenHome], keyring: Keyring) -> None:
    """Suppress the emails that records of *homes* forbid, and close the leads whose owners must not be contacted."""
    suppressed: dict[bytes, LeadId | None] = {}
    closed: set[LeadId] = set()
    for home in homes:
        for record in home.records:
            suppressed.update(dict.fromkeys(record.forbidden_emails, home.lead_id))
        if _is_contact_forbidden(home):
            closed.add(home.lead_id)
    await suppress_forbidden_emails(tx, suppressed, keyring)
    if closed:
        await queries.close_leads(tx.connection, lead_ids=sorted(closed))


async def suppress_forbidden_emails(tx: Tx, lead_ids: Mapping[bytes, LeadId | None], keyring: Keyring) -> None:
    """Suppress emails that sources forbid, given by their hash with the lead, if there is one."""
    if lead_ids:
        await lock_contacts(tx, lead_ids)
        await queries.suppress_emails(
            tx.connection, hashes=list(lead_ids), lead_ids=list(lead_ids.values()), hash_key_id=keyring.hash_key_id
        )


def _is_contact_forbidden(home: WrittenHome) -> bool:
    """Return whether any record forbids contact.

    The upsert stores the flags of a record with the lead. It stores nothing with another broker's lead, so that lead is closed.
    """
    is_foreign = home.is_foreign
    return any(
        record.do_not_contact
        or (is_foreign and (record.row.flags.get("litigator") or record.row.flags.get("deceased_owner")))
        for record in home.records
    )
