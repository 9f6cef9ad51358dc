"""Signing keys of the partners. They are read again every few seconds, so a new or revoked key needs no restart."""

import asyncio
import time
from collections import Counter

import structlog

from common import ids, telemetry
from common.database import Connection, Database
from common.ids import PartnerId
from common.pii.keyring import DecryptionError, Keyring
from gateway.settings import GatewaySettings
from gateway.uploads import queries
from gateway.uploads.queries import ActiveKey
from gateway.uploads.signature import PartnerKey, SignatureClaim, SignatureScheme

log = structlog.get_logger()

DEFAULT_NAME = "default"
"""Name of the partner, and id of the key, that HMAC_SECRET_KEY belongs to."""
SECRET_PURPOSE = "partner-key"  # noqa: S105 - a purpose, not a secret
"""Purpose under which a key's secret is encrypted. Together with the key's id it is the associated data."""


def count_signature(key: PartnerKey | None, times: int = 1) -> None:
    """Count a signature as valid, with the id of its key, or as invalid."""
    labels = {"key_id": key.key_id if key else "", "outcome": "valid" if key else "invalid"}
    telemetry.counter("equity_signatures", "Signatures of partners by key and outcome").add(times, labels)


class PartnerKeys:
    """Cache of all active keys."""

    def __init__(self, database: Database, keyring: Keyring, settings: GatewaySettings) -> None:
        self._database = database
        self._keyring = keyring
        self._cache_seconds = settings.gateway_key_cache_seconds
        configured = settings.hmac_secret_key
        self._default_secret = configured.get_secret_value().strip().encode() if configured else b""
        self._default_key_exists = not self._default_secret
        self._read_at = float("-inf")
        self._reading: asyncio.Task[None] | None = None
        self._decrypted_secrets: dict[bytes, bytes] = {}
        self._by_id: dict[str, PartnerKey] = {}
        self._sole_keys: list[PartnerKey] = []
        """Keys of the partners that have exactly one active key."""

    async def find_candidates(self, claim: SignatureClaim) -> list[PartnerKey]:
        """Return the keys that may have signed: the named key, or the keys of all partners with a single active key.

        Raises the database's errors if the cache is expired and the database does not answer.
        """
        await self._refresh()
        if claim.key_id is None:
            return self._sole_keys
        named = self._by_id.get(claim.key_id)
        return [named] if named else []

    async def _refresh(self) -> None:
        """Read the keys if the cache is expired. All waiting requests share one read, also while the database is down."""
        if time.monotonic() - self._read_at <= self._cache_seconds:
            return
        if self._reading is None or self._reading.done():
            self._reading = asyncio.create_task(self._read_keys())
        await asyncio.shield(self._reading)

    async def _read_keys(self) -> None:
        async with self._database.connection() as connection:
            if not self._default_key_exists:
                await self._insert_default_key(connection)
                self._default_key_exists = True
            rows = await queries.list_active_keys(connection)
        self._by_id = {key.key_id: key for key in map(self._key_from_row, rows) if key}
        partners = Counter(key.partner_id for key in self._by_id.values())
        self._sole_keys = [key for key in self._by_id.values() if partners[key.partner_id] == 1]
        self._read_at = time.monotonic()

    async def _insert_default_key(self, connection: Connection) -> None:
        """Insert partner and key for HMAC_SECRET_KEY. The row has no secret; the secret stays in the environment."""
        await queries.insert_default_partner(connection, partner_id=PartnerId(ids.new_id()), name=DEFAULT_NAME)
        encrypted = self._keyring.encrypt(SECRET_PURPOSE, DEFAULT_NAME.encode(), b"")
        await queries.insert_default_key(
            connection, key_id=DEFAULT_NAME, partner_name=DEFAULT_NAME, secret_encrypted=encrypted
        )

    def _key_from_row(self, row: ActiveKey) -> PartnerKey | None:
        """Return the key in *row*, or None if its secret is not available.

        The row of HMAC_SECRET_KEY exists so that the key can be listed, counted and revoked.
        """
        secret = self._default_secret if row.key_id == DEFAULT_NAME else b""
        secret = secret or self._decrypt_secret(row.key_id, row.secret_encrypted)
        if not secret:
            return None
        return PartnerKey(
            key_id=row.key_id,
            partner_id=row.partner_id,
            scheme=SignatureScheme(row.scheme),
            secret=secret,
            broker_ids=None if row.broker_ids is None else tuple(row.broker_ids),
            default_broker_id=row.default_broker_id,
            default_profile=row.default_profile,
        )

    def _decrypt_secret(self, key_id: str, encrypted: bytes) -> bytes:
        """Return the secret, or nothing if no master key opens it. Remembers it, because keys are read often."""
        if encrypted not in self._decrypted_secrets:
            try:
                self._decrypted_secrets[encrypted] = self._keyring.decrypt(SECRET_PURPOSE, key_id.encode(), encrypted)
            except DecryptionError as error:
                # No traceback: it could show secrets.
                log.error("partner_key_decryption_failed", key_id=key_id, reason=str(error))  # noqa: TRY400
                return b""
        return self._decrypted_secrets[encrypted]
