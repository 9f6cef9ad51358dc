"""Contact details and parcel keys of the leads that a legacy database brought, in the form that the services use."""

from collections.abc import Callable, Sequence
from uuid import UUID

from cli.shell.settings import CliSettings
from common.geography.counties import find_county
from common.geography.parcels import build_parcel_key
from common.pii.contact_cells import read_emails, read_phones
from common.pii.keyring import DataKey, Keyring
from schema import backfill
from schema.backfill import Clear, Encrypted, Parcel, ParcelKey


def assign_parcel_keys(dsn: str) -> int:
    """Give the legacy leads the parcel keys that ingest computes. Return how many got one."""
    return backfill.assign_parcel_keys(dsn, find_parcel_key)


def find_parcel_key(parcel: Parcel) -> ParcelKey | None:
    """Return county and key of a parcel; None if the county is not known."""
    county = find_county(parcel.county, "", parcel.state).county
    return ParcelKey(build_parcel_key(parcel.apn, county.fips), county.fips, county.name) if county else None


def encrypt_contacts(dsn: str, progress: Callable[[int], None]) -> dict[str, int]:
    """Encrypt the values that are left; return how many were `encrypted`, and how many are `unusable`: no phone and no email."""
    encryption = _LegacyEncryption(Keyring.from_settings(CliSettings()))
    handled = backfill.encrypt_contacts(dsn, encryption, progress)
    return {"encrypted": handled - encryption.unusable, "unusable": encryption.unusable}


def trust_contacts(dsn: str) -> int:
    """Count every legacy contact as verified; return the number of leads that it changed."""
    return backfill.trust_contacts(dsn)


def normalise_contact(channel: str, value: str) -> str | None:
    """Return a phone as E.164, or an email in lower case.

    None for text that is neither, that holds several, or whose remark forbids contact.
    """
    cell = read_emails(value) if channel == "email" else read_phones(value)
    return cell.values[0].value if len(cell.values) == 1 and not cell.forbidden else None


class _LegacyEncryption:
    """Encryption of one batch after another, as `backfill.encrypt_contacts` calls it."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self.unusable = 0

    def __call__(self, values: Sequence[Clear], wrapped: dict[UUID, bytes]) -> list[Encrypted]:
        """Return the values encrypted with their leads' data keys. It makes a key where a lead has none."""
        keys: dict[UUID, DataKey] = {lead: self._keyring.unwrap_data_key(lead, key) for lead, key in wrapped.items()}
        made = []
        for clear in values:
            value = normalise_contact(clear.channel, clear.value)
            if value is None:
                self.unusable += 1
                continue
            new_key = None
            if clear.lead_id not in keys:
                keys[clear.lead_id], new_key = self._keyring.create_data_key(clear.lead_id)
            made.append(
                Encrypted(
                    clear.lead_id,
                    clear.channel,
                    self._keyring.hash_contact(value),
                    self._keyring.hash_key_id,
                    keys[clear.lead_id].encrypt(clear.channel, value),
                    new_key,
                )
            )
        return made
