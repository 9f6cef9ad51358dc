"""Access log: a committed row before contact values are read, leads are exported, or leads are changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from getpass import getuser
from typing import Any

from cli.commands.leads import queries
from cli.commands.leads.queries import StoredContact
from cli.shell.database import Connection
from cli.shell.settings import CliSettings
from common.ids import LeadId
from common.pii.keyring import DataKey, DecryptionError, Keyring

HIDDEN = "(hidden)"
"""Shown for a contact value that is not revealed."""
UNREADABLE = "(not readable)"
"""Shown for a contact value without a key: the lead was erased, or the key is not configured here."""


@dataclass(frozen=True, slots=True)
class LoggedAccess:
    """Row of the access log."""

    command: str
    purpose: str
    lead_count: int
    lead_ids: Sequence[LeadId] | None = None
    """Leads that were named; None where a filter chose them."""
    lead_filter: Mapping[str, Any] | None = None
    reveals: bool = False
    actor: str = field(default_factory=getuser)

    async def log(self, connection: Connection) -> int:
        """Write the row in a transaction that ends here, and return its number."""
        if connection.is_in_transaction():
            raise RuntimeError("the row must be committed before the access")
        return await queries.log_access(
            connection,
            actor=self.actor,
            command=self.command,
            purpose=self.purpose,
            lead_ids=self.lead_ids,
            lead_filter=self.lead_filter,
            lead_count=self.lead_count,
            reveals=self.reveals,
        )


def load_reveal_keys() -> Keyring:
    """Return the keys that open contact values. Raises MissingKeyError before anything is logged."""
    return Keyring.from_settings(CliSettings())


async def read_contact_values(
    connection: Connection, keyring: Keyring, access_id: int, lead_ids: Sequence[LeadId]
) -> dict[tuple[LeadId, str, bytes], str]:
    """Return the contact values of *lead_ids* by lead, channel and hash, for an access that is logged."""
    values, keys = {}, dict[LeadId, DataKey]()
    for row in await queries.open_contacts(connection, access_id=access_id, lead_ids=lead_ids):
        if row.data_key is None:
            continue
        if row.lead_id not in keys:
            keys[row.lead_id] = keyring.unwrap_data_key(row.lead_id, row.data_key)
        try:
            values[row.lead_id, row.channel, row.value_hash] = keys[row.lead_id].decrypt(
                row.channel, row.value_ciphertext
            )
        except DecryptionError:
            continue
    return values


def value_of(contact: StoredContact, values: Mapping[tuple[LeadId, str, bytes], str] | None) -> str:
    """Return the value of *contact* among the revealed *values*; HIDDEN where nothing is revealed."""
    if values is None:
        return HIDDEN
    return values.get((contact.lead_id, contact.channel, contact.value_hash), UNREADABLE)
