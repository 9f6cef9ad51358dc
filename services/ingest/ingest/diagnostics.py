"""The part of ingest in `equity doctor`."""

from cli.diagnostics import Finding, ServiceDiagnostics
from common.database import Connection
from common.pii.keyring import DecryptionError, Keyring
from ingest import command_queries as queries
from ingest.settings import IngestSettings

CHECK = "keys"


async def check_data(connection: Connection, keyring: Keyring) -> list[Finding]:
    """Return whether the hash key is the one of the stored contacts: a stored value, opened, must have its stored hash."""
    sample = await queries.find_contact_sample(connection, hash_key_id=keyring.hash_key_id)
    if sample is None:
        return [Finding.ok(CHECK, "CONTACT_HASH_KEY: no contact is stored under it yet")]
    try:
        value = keyring.unwrap_data_key(sample.lead_id, sample.data_key).decrypt(
            sample.channel, sample.value_ciphertext
        )
    except DecryptionError:
        return []  # the check of stored values reports it
    if keyring.hash_contact(value) != sample.value_hash:
        advice = "Restore the former key. With another one no opt-out and no known contact is found."
        return [Finding.problem(CHECK, "CONTACT_HASH_KEY is not the key of the stored contacts", advice)]
    return [Finding.ok(CHECK, "CONTACT_HASH_KEY is the key of the stored contacts")]


DIAGNOSTICS = ServiceDiagnostics(IngestSettings, check_data=check_data)
