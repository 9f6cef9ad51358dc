"""Writer of the phones and emails of a batch: candidates of their leads, encrypted with the lead's data key."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from common.bus import Tx
from common.ids import LeadId
from common.pii.keyring import NORMALISATION_VERSION, DataKey, Keyring
from ingest.leads import queries
from ingest.leads.written_home import WrittenHome
from ingest.prepare import PreparedContact, PreparedRecord

ContactIdentity = tuple[LeadId, str, bytes]
"""Lead, channel and keyed hash: the key of `app.lead_contacts`."""


@dataclass(slots=True)
class ContactCandidate:
    """A contact of a lead, with everything that the records of the batch report about it."""

    contact: PreparedContact
    ciphertext: bytes
    source: str
    line_type: str | None
    dnc: bool | None
    reported_by: list[PreparedRecord]
    """The records that added anything to it."""

    def merge_report(self, record: PreparedRecord, contact: PreparedContact) -> None:
        """Merge what *record* reports about the same value. A phone that must not be called stays forbidden."""
        before = self.line_type, self.dnc
        self.line_type = self.line_type or contact.line_type
        self.dnc = contact.dnc or (contact.dnc if self.dnc is None else self.dnc)
        if before != (self.line_type, self.dnc):
            self.reported_by.append(record)


async def write_contacts(tx: Tx, homes: Sequence[WrittenHome], keyring: Keyring) -> set[PreparedRecord]:
    """Save the contacts of all homes; return the records that added a contact or a fact about one.

    Another broker's lead takes no contacts, as it takes no facts.
    """
    candidates: dict[ContactIdentity, ContactCandidate] = {}
    contributing = [home for home in homes if any(record.contacts for record in home.records) and not home.is_foreign]
    new_keys = await _create_missing_keys(tx, contributing, keyring)
    for home in contributing:
        _collect_candidates(candidates, home, _find_key(home, new_keys, keyring))
    new_leads = {home.lead_id for home in homes if home.is_new}
    known_lead_ids = [home.lead_id for home in homes if not home.is_new]
    changed = await _merge_candidates(tx, candidates, known_lead_ids, keyring)
    return {
        record
        for identity, candidate in candidates.items()
        if identity[0] in new_leads or identity in changed
        for record in candidate.reported_by
    }


async def _create_missing_keys(tx: Tx, homes: Sequence[WrittenHome], keyring: Keyring) -> dict[LeadId, DataKey]:
    """Create and save data keys for leads without one: legacy leads that had no contacts.

    The upsert locked these leads until the end of the transaction, so no other process creates a key for them.
    """
    lead_ids = {home.lead_id for home in homes if home.lead.data_key is None}
    if not lead_ids:
        return {}
    created = {lead_id: keyring.create_data_key(lead_id) for lead_id in lead_ids}
    wrapped = [wrapped for _, wrapped in created.values()]
    await queries.save_new_data_keys(tx.connection, lead_ids=list(created), data_keys=wrapped)
    return {lead_id: key for lead_id, (key, _) in created.items()}


def _find_key(home: WrittenHome, new_keys: Mapping[LeadId, DataKey], keyring: Keyring) -> DataKey:
    """Return the data key of the lead: that of the record that made it, one created now, or the stored one."""
    if _is_made_by(home.records[0], home):
        return home.records[0].key
    if home.lead.data_key is None:
        return new_keys[home.lead_id]
    return keyring.unwrap_data_key(home.lead_id, home.lead.data_key)


def _is_made_by(record: PreparedRecord, home: WrittenHome) -> bool:
    return home.lead_id == record.row.id


def _collect_candidates(candidates: dict[ContactIdentity, ContactCandidate], home: WrittenHome, key: DataKey) -> None:
    """Add the contacts of *home* to *candidates*. Those of the record that made the lead are encrypted already."""
    lead_id = home.lead_id
    for record in home.records:
        is_encrypted = _is_made_by(record, home)
        for contact in record.contacts:
            identity = (lead_id, contact.channel, contact.value_hash)
            candidate = candidates.get(identity)
            if candidate is not None:
                candidate.merge_report(record, contact)
                continue
            ciphertext = contact.ciphertext if is_encrypted else key.encrypt(contact.channel, contact.value)
            candidates[identity] = ContactCandidate(
                contact, ciphertext, home.row.source, contact.line_type, contact.dnc, [record]
            )


async def _merge_candidates(
    tx: Tx,
    candidates: dict[ContactIdentity, ContactCandidate],
    known_lead_ids: Sequence[LeadId],
    keyring: Keyring,
) -> set[ContactIdentity]:
    """Write the candidates; return those of *known_lead_ids* that are new or gained a fact."""
    if not candidates:
        return set()
    rows = [
        (*identity, one.ciphertext, one.source, one.line_type, one.contact.rank, one.dnc)
        for identity, one in candidates.items()
    ]
    changed = await queries.merge_contacts(
        tx.connection,
        candidates=rows,
        hash_key_id=keyring.hash_key_id,
        normalisation_version=NORMALISATION_VERSION,
        known_lead_ids=known_lead_ids,
    )
    return {(contact.lead_id, contact.channel, contact.value_hash) for contact in changed}
