"""Checks of keys: present, well-formed, different from each other, and able to open what is stored."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from cli import registry
from cli.diagnostics import Finding, ServiceDiagnostics
from cli.shell.database import connect, service_dsn
from cli.shell.reencryption import EncryptedColumn
from cli.shell.settings import CliSettings
from common.pii.keyring import DecryptionError, Keyring, MalformedKeyError, MissingKeyError

CHECK = "keys"
_ROTATION_PAGE = "docs/runbooks/key-rotation.md"
_KEY_ID_OF_NO_VALUE = ""
"""With this id every stored value counts as one under another key."""


def load_keyring(settings: CliSettings) -> tuple[Keyring | None, list[Finding]]:
    """Return the keyring, if it can be made, and findings about the keys themselves."""
    try:
        keyring = Keyring.from_settings(settings)
    except (MissingKeyError, MalformedKeyError) as error:
        return None, [Finding.problem(CHECK, f"{error}", f"Never replace a key that was in use: {_ROTATION_PAGE}.")]
    return keyring, list(_check_keys(settings))


def _check_keys(settings: CliSettings) -> Iterator[Finding]:
    master, pepper = settings.encryption_key, settings.contact_hash_key
    if pepper is None:
        advice = "Set it to 64 hex digits, as `openssl rand -hex 32` prints them. Never change it later."
        yield Finding.problem(CHECK, "CONTACT_HASH_KEY is not set, so no contact can be stored or found", advice)
    elif master and pepper.get_secret_value().lower() == master.get_secret_value().lower():
        advice = "Keys must differ. Change ENCRYPTION_KEY: stored hashes depend on the other one. " + _ROTATION_PAGE
        yield Finding.problem(CHECK, "CONTACT_HASH_KEY and ENCRYPTION_KEY are equal", advice)
    else:
        yield Finding.ok(CHECK, f"ENCRYPTION_KEY ({settings.encryption_key_id}) and CONTACT_HASH_KEY are keys")


async def check_stored_values(settings: CliSettings, keyring: Keyring) -> list[Finding]:
    """Return whether the keys open the first stored value of each encrypted column. No value is changed or shown."""
    findings = []
    for service, columns in registry.load_encrypted_columns().items():
        for column in columns:
            dsn = settings.owner_dsn if column.needs_owner else service_dsn(service)
            findings.append(await _check_column(dsn, column, keyring))
    return findings


async def _check_column(dsn: str, column: EncryptedColumn[Any], keyring: Keyring) -> Finding:
    async with connect(dsn) as connection, connection.transaction():
        rows = await column.find_outdated(connection, _KEY_ID_OF_NO_VALUE, None, 1)
    try:
        for row in rows:
            column.reencrypt(keyring, row)
    except DecryptionError as error:
        advice = f"Restore the key with which it was stored, or name it in ENCRYPTION_KEYS_RETIRED: {_ROTATION_PAGE}."
        return Finding.problem(CHECK, f"stored {column.label} cannot be opened: {error}", advice)
    return Finding.ok(CHECK, f"stored {column.label}: {'opened' if rows else 'none yet'}")


async def check_service_data(diagnostics: Mapping[str, ServiceDiagnostics[Any]], keyring: Keyring) -> Sequence[Finding]:
    """Return the findings of the services that compare the keys with their own data."""
    findings = list[Finding]()
    for service, parts in diagnostics.items():
        if parts.check_data:
            async with connect(service_dsn(service)) as connection, connection.transaction(readonly=True):
                findings += await parts.check_data(connection, keyring)
    return findings
